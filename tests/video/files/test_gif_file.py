import os
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from support.user_error import UserError
from tests.video.files.videos import moving_square
from video.files.gif_file import GifFile

MILLISECONDS = [40, 70, 200, 0, 100]


def write_gif(path, pictures, **options):
    first, *others = [Image.fromarray(picture) for picture in pictures]
    first.save(path, save_all=True, append_images=others, **options)
    return str(path)


def test_frames_are_whole_and_at_their_times(tmp_path):
    pictures = moving_square(5)
    gif = GifFile(write_gif(tmp_path / "a.gif", pictures, duration=MILLISECONDS))
    frames = list(gif.frames())
    assert len(frames) == gif.frame_count == 5
    assert [frame.milliseconds for frame in frames] == MILLISECONDS
    np.testing.assert_allclose([frame.seconds for frame in frames], [0, 0.04, 0.11, 0.31, 0.31])
    for frame, picture in zip(frames, pictures, strict=True):
        np.testing.assert_array_equal(frame.picture, picture)


def test_a_still_is_a_frame(tmp_path):
    assert len(list(GifFile(write_gif(tmp_path / "a.gif", moving_square(1))).frames())) == 1


def test_what_is_transparent_is_white(tmp_path):
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, 200, 0, 0])
    image.putpixel((0, 0), 0)
    image.save(tmp_path / "a.gif", transparency=0)
    [frame] = GifFile(str(tmp_path / "a.gif")).frames()
    assert frame.picture[0, 0].tolist() == [255, 255, 255] and frame.picture[1, 1].tolist() == [200, 0, 0]


@pytest.mark.parametrize("loop", [None, 0, 3])
def test_what_is_written_is_shown_as_long_and_as_often(loop, tmp_path):
    options = {} if loop is None else {"loop": loop}
    source = GifFile(write_gif(tmp_path / "a.gif", moving_square(5), duration=MILLISECONDS, **options))
    # More colours than a palette holds, and another palette in each.
    gradient = np.stack(np.broadcast_arrays(np.arange(64) * 4, np.arange(48)[:, np.newaxis] * 5, 90), axis=-1)
    drawn = [np.roll(gradient.astype(np.uint8), number, axis=2) for number in range(5)]
    with source.written_to(str(tmp_path / "b.gif")) as write:
        for picture, frame in zip(drawn, source.frames(), strict=True):
            write(picture, frame)
    assert sorted(os.listdir(tmp_path)) == ["a.gif", "b.gif"]
    with Image.open(tmp_path / "b.gif") as image:
        assert (image.n_frames, image.size, image.info.get("loop")) == (5, (64, 48), loop)
        for number, picture in enumerate(drawn):
            image.seek(number)
            assert image.info.get("duration", 0) == MILLISECONDS[number]
            assert np.abs(np.asarray(image.convert("RGB")).astype(int) - picture).mean() < 10


def test_refuses_what_is_no_gif_and_what_is_cut(tmp_path):
    (tmp_path / "text.gif").write_text("no picture")
    Image.fromarray(moving_square(1)[0]).save(tmp_path / "a.png")
    (tmp_path / "png.gif").write_bytes((tmp_path / "a.png").read_bytes())
    contents = Path(write_gif(tmp_path / "a.gif", moving_square(5))).read_bytes()
    (tmp_path / "cut.gif").write_bytes(contents[: len(contents) // 3])
    for name in ("text.gif", "png.gif", "cut.gif"):
        with pytest.raises(UserError, match=name):
            list(GifFile(str(tmp_path / name)).frames())


@pytest.mark.filterwarnings("ignore:Image size")
def test_refuses_frames_that_grow_beyond_the_largest_picture(tmp_path, monkeypatch):
    path = Path(write_gif(tmp_path / "a.gif", [np.full((8, 8, 3), value, np.uint8) for value in (10, 200)]))
    contents, size = path.read_bytes(), struct.pack("<HH", 8, 8)
    assert contents.count(size) == 3  # of the whole picture and of each of the two that it consists of
    path.write_bytes(contents.replace(size, struct.pack("<HH", 8, 4), 2))
    assert [frame.picture.shape for frame in GifFile(str(path)).frames()] == [(4, 8, 3), (8, 8, 3)]
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 60)
    with pytest.raises(UserError, match="more than 0 million pixels; scale it down"):
        list(GifFile(str(path)).frames())


def test_refuses_destinations(tmp_path):
    gif = GifFile(write_gif(tmp_path / "a.gif", moving_square(2)))
    for name, message in (("a.gif", "is the source itself"), ("b.mp4", "does not end in .gif")):
        with pytest.raises(UserError, match=message):
            gif.check_destination(str(tmp_path / name), True)
    gif.check_destination(str(tmp_path / "B.GIF"), False)


def test_memory_does_not_grow_with_its_length(tmp_path):
    source = GifFile(write_gif(tmp_path / "a.gif", moving_square(2)))
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    frame = next(source.frames())
    with source.written_to(str(tmp_path / "b.gif")) as write:
        write(picture, frame)
        partial = next(tmp_path.glob("*.partial"))
        for number in range(2, 8):
            write(picture, frame)
            # What is not held is in the file, but for its buffer.
            assert partial.stat().st_size > (number - 3) * 64 * 64
