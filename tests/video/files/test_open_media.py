import os

import numpy as np
import pytest
from PIL import Image

from support.user_error import UserError
from tests.video.files.videos import moving_square, write_video
from video.files.animated_picture import AnimatedPicture
from video.files.open_media import open_media
from video.files.pictures import PictureFolder
from video.files.video_file import VideoFile


def test_the_content_selects_the_type(tmp_path):
    image = Image.fromarray(np.zeros((8, 8, 3), np.uint8))
    (tmp_path / "a.mp4").mkdir()
    image.save(tmp_path / "a.mp4" / "a.png")
    image.save(tmp_path / "a.GIF")
    image.save(tmp_path / "b.mp4", "GIF")
    write_video(tmp_path / "c.mp4", moving_square(2)).rename(tmp_path / "c.MOV")
    write_video(tmp_path / "c.mp4", moving_square(2)).rename(tmp_path / "c")
    kinds = (("a.mp4", PictureFolder), ("a.GIF", AnimatedPicture), ("b.mp4", AnimatedPicture), ("c.MOV", VideoFile))
    for name, kind in (*kinds, ("c", VideoFile)):
        assert isinstance(open_media(str(tmp_path / name)), kind)


def test_unsupported_inputs_are_refused(tmp_path):
    for name in ("a.png", "a.jpg", "a.tif", "a.webp", "a.bmp"):
        Image.new("RGB", (8, 8)).save(tmp_path / name)
        with pytest.raises(UserError, match=f"{name} is a single picture; put it in a folder"):
            open_media(str(tmp_path / name))
    (tmp_path / "a.txt").write_text("a text")
    with pytest.raises(UserError, match="a.txt is not a readable video"):
        open_media(str(tmp_path / "a.txt"))
    if hasattr(os, "mkfifo"):
        for name in ("pipe.mp4", "pipe.gif"):
            os.mkfifo(tmp_path / name)
            with pytest.raises(UserError, match=f"{name} is a folder, a device, a pipe or a socket; give a file"):
                open_media(str(tmp_path / name))
    with pytest.raises(FileNotFoundError):
        open_media(str(tmp_path / "nothing.mp4"))
