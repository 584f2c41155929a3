import os

import numpy as np
import pytest
from PIL import Image

from support.user_error import UserError
from tests.video.files.videos import moving_square, write_video
from video.files.open_media import open_media
from video.files.pictures import GifFile, PictureFolder
from video.files.video_file import VideoFile


def test_the_extension_selects_the_type(tmp_path):
    image = Image.fromarray(np.zeros((8, 8, 3), np.uint8))
    (tmp_path / "a.mp4").mkdir()
    image.save(tmp_path / "a.mp4" / "a.png")
    image.save(tmp_path / "a.GIF")
    write_video(tmp_path / "b.mp4", moving_square(2)).rename(tmp_path / "b.MOV")
    for name, kind in (("a.mp4", PictureFolder), ("a.GIF", GifFile), ("b.MOV", VideoFile)):
        assert isinstance(open_media(str(tmp_path / name)), kind)


def test_unsupported_inputs_are_refused(tmp_path):
    for name, message in (("a.png", "is a single picture; put it in a folder"), ("a.txt", "ends in .gif, .avi")):
        (tmp_path / name).touch()
        with pytest.raises(UserError, match=message):
            open_media(str(tmp_path / name))
    if hasattr(os, "mkfifo"):
        for name in ("pipe.mp4", "pipe.gif"):
            os.mkfifo(tmp_path / name)
            with pytest.raises(UserError, match=f"{name} is a folder, a device, a pipe or a socket; give a file"):
                open_media(str(tmp_path / name))
    with pytest.raises(FileNotFoundError):
        open_media(str(tmp_path / "nothing.mp4"))
