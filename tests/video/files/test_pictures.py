import os
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from support.user_error import UserError
from tests.video.files.videos import full_disk, moving_square
from video.files.pictures import GifFile, PictureFolder

MILLISECONDS = [40, 70, 200, 0, 100]  # display times of a GIF's frames
GREY = np.arange(48 * 64, dtype=np.uint16).reshape(48, 64) * 21


def write_gif(path, pictures, **options):
    first, *others = [Image.fromarray(picture) for picture in pictures]
    first.save(path, save_all=True, append_images=others, **options)
    return str(path)


def test_gif_frames_are_complete_and_have_their_times(tmp_path):
    pictures = moving_square(5)
    gif = GifFile(write_gif(tmp_path / "a.gif", pictures, duration=MILLISECONDS))
    frames = list(gif.frames())
    assert len(frames) == gif.frame_count == 5
    assert [frame.milliseconds for frame in frames] == MILLISECONDS
    np.testing.assert_allclose([frame.seconds for frame in frames], [0, 0.04, 0.11, 0.31, 0.31])
    for frame, picture in zip(frames, pictures, strict=True):
        np.testing.assert_array_equal(frame.picture, picture)


def test_a_still_gif_has_one_frame(tmp_path):
    assert len(list(GifFile(write_gif(tmp_path / "a.gif", moving_square(1))).frames())) == 1


def test_transparent_pixels_of_a_gif_are_white(tmp_path):
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, 200, 0, 0])
    image.putpixel((0, 0), 0)
    image.save(tmp_path / "a.gif", transparency=0)
    [frame] = GifFile(str(tmp_path / "a.gif")).frames()
    assert frame.picture[0, 0].tolist() == [255, 255, 255] and frame.picture[1, 1].tolist() == [200, 0, 0]


@pytest.mark.parametrize("loop", [None, 0, 3])
def test_a_written_gif_keeps_display_times_and_repetitions(loop, tmp_path):
    options = {} if loop is None else {"loop": loop}
    source = GifFile(write_gif(tmp_path / "a.gif", moving_square(5), duration=MILLISECONDS, **options))
    # More colours than a palette has, and a different palette for each frame.
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


def test_other_files_and_truncated_gifs_are_refused(tmp_path):
    (tmp_path / "text.gif").write_text("no picture")
    Image.fromarray(moving_square(1)[0]).save(tmp_path / "a.png")
    (tmp_path / "png.gif").write_bytes((tmp_path / "a.png").read_bytes())
    contents = Path(write_gif(tmp_path / "a.gif", moving_square(5))).read_bytes()
    (tmp_path / "cut.gif").write_bytes(contents[: len(contents) // 3])
    for name in ("text.gif", "png.gif", "cut.gif"):
        with pytest.raises(UserError, match=name):
            list(GifFile(str(tmp_path / name)).frames())


@pytest.mark.filterwarnings("ignore:Image size")
def test_a_gif_whose_later_frames_are_too_large_is_refused(tmp_path, monkeypatch):
    path = Path(write_gif(tmp_path / "a.gif", [np.full((8, 8, 3), value, np.uint8) for value in (10, 200)]))
    contents, size = path.read_bytes(), struct.pack("<HH", 8, 8)
    assert contents.count(size) == 3  # of the canvas and of both frames
    path.write_bytes(contents.replace(size, struct.pack("<HH", 8, 4), 2))
    assert [frame.picture.shape for frame in GifFile(str(path)).frames()] == [(4, 8, 3), (8, 8, 3)]
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 60)
    with pytest.raises(UserError, match="more than 0 million pixels; scale it down"):
        list(GifFile(str(path)).frames())


def test_unusable_gif_destinations_are_refused(tmp_path):
    gif = GifFile(write_gif(tmp_path / "a.gif", moving_square(2)))
    for name, message in (("a.gif", "is the source itself"), ("b.mp4", "does not end in .gif")):
        with pytest.raises(UserError, match=message):
            gif.check_destination(str(tmp_path / name), True)
    gif.check_destination(str(tmp_path / "B.GIF"), False)


def test_gif_frames_are_written_one_at_a_time(tmp_path):
    source = GifFile(write_gif(tmp_path / "a.gif", moving_square(2)))
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    frame = next(source.frames())
    with source.written_to(str(tmp_path / "b.gif")) as write:
        write(picture, frame)
        partial = next(tmp_path.glob("*.partial"))
        for number in range(2, 8):
            write(picture, frame)
            # Everything is in the file except for its buffer.
            assert partial.stat().st_size > (number - 3) * 64 * 64


@pytest.fixture
def folder(tmp_path):
    """An empty folder."""
    (tmp_path / "pictures").mkdir()
    return tmp_path / "pictures"


def save(image, path, **options):
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    image.save(path, **options)


def only_picture(folder):
    [frame] = PictureFolder(str(folder)).frames()
    assert frame.picture.dtype == np.uint8 and frame.picture.ndim == 3
    return frame.picture


def test_pictures_are_read_in_natural_order_and_other_files_ignored(folder):
    pictures = dict(zip(["f1.png", "f2.PNG", "f10.png", "f10b.webp", "g 0.tif"], moving_square(5), strict=True))
    for name in sorted(pictures):
        save(pictures[name], folder / name, **({"lossless": True} if name.endswith("webp") else {}))
    (folder / "notes.txt").write_text("notes")
    (folder / "._f1.png").write_bytes(b"metadata of macOS")
    (folder / "f3.png").mkdir()
    source = PictureFolder(str(folder))
    frames = list(source.frames())
    assert [frame.name for frame in frames] == list(pictures) and source.frame_count == 5
    for frame, picture in zip(frames, pictures.values(), strict=True):
        np.testing.assert_array_equal(frame.picture, picture)


def test_pictures_in_a_folder_may_have_different_sizes(folder):
    for name, shape in (("a.png", (5, 9, 3)), ("b.png", (40, 3, 3))):
        save(np.zeros(shape, np.uint8), folder / name)
    assert [frame.picture.shape for frame in PictureFolder(str(folder)).frames()] == [(5, 9, 3), (40, 3, 3)]


def test_palettes_and_transparency_are_converted(folder):
    picture = moving_square(1)[0]
    save(Image.fromarray(picture).quantize(8), folder / "a.png")
    np.testing.assert_array_equal(only_picture(folder), picture)
    save(np.dstack([picture, np.full(picture.shape[:2], 0, np.uint8)]), folder / "a.png")
    assert (only_picture(folder) == 255).all()
    save(np.dstack([picture, np.full(picture.shape[:2], 51, np.uint8)]), folder / "a.png")
    np.testing.assert_allclose(only_picture(folder), picture * 0.2 + 255 * 0.8, atol=1)


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_the_upper_8_of_16_bits_are_kept(ending, folder):
    save(GREY, folder / f"a.{ending}")
    np.testing.assert_array_equal(only_picture(folder), np.repeat((GREY // 256)[..., np.newaxis], 3, axis=2))


def test_grey_and_black_and_white_pictures_are_converted(folder):
    save((GREY // 256).astype(np.uint8), folder / "a.png")
    np.testing.assert_array_equal(only_picture(folder)[..., 2], GREY // 256)
    save(Image.fromarray(GREY > 20_000), folder / "a.png")
    np.testing.assert_array_equal(only_picture(folder)[..., 0], (GREY > 20_000) * 255)


def test_a_picture_is_rotated_according_to_its_exif_data(folder):
    picture = moving_square(1)[0]
    exif = Image.Exif()
    exif[0x0112] = 6  # the stored upper left corner is the shown upper right one
    save(picture, folder / "a.png", exif=exif)
    np.testing.assert_array_equal(only_picture(folder), np.rot90(picture, -1))


def test_a_written_folder_keeps_names_and_formats(folder, tmp_path):
    names = ["a.bmp", "b.JPG", "c.png", "d.tiff", "e.webp"]
    for name, picture in zip(names, moving_square(5), strict=True):
        save(picture, folder / name)
    source = PictureFolder(str(folder))
    with source.written_to(str(tmp_path / "out")) as write:
        for frame in source.frames():
            write(255 - frame.picture, frame)
        assert not (tmp_path / "out").exists()
    assert sorted(os.listdir(tmp_path / "out")) == names and len(os.listdir(tmp_path)) == 2
    for name, frame in zip(names, source.frames(), strict=True):
        with Image.open(tmp_path / "out" / name) as image:
            assert image.format == Image.registered_extensions()[os.path.splitext(name)[1].lower()]
            assert np.abs(np.asarray(image).astype(int) - (255 - frame.picture)).mean() < 5


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit for file sizes")
@pytest.mark.parametrize("ending", ["jpg", "png", "tif", "webp"])
def test_a_full_disk_raises_os_error_and_leaves_no_folder(ending, folder, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (100, 100, 3), dtype=np.uint8)
    save(noise, folder / f"a.{ending}")
    source = PictureFolder(str(folder))
    with full_disk(after_bytes=3000), source.written_to(str(tmp_path / "out")) as write:
        for frame in source.frames():
            write(frame.picture, frame)
    assert os.listdir(tmp_path) == ["pictures"]


def test_names_that_are_not_utf8_are_kept(folder, tmp_path):
    name = os.fsdecode(b"\xff.png")
    save(moving_square(1)[0], tmp_path / "a.png")
    os.rename(tmp_path / "a.png", folder / name)
    source = PictureFolder(str(folder))
    with source.written_to(str(tmp_path / "out")) as write:
        for frame in source.frames():
            write(frame.picture, frame)
    assert os.listdir(tmp_path / "out") == [name]


def test_a_folder_without_pictures_is_refused(folder):
    (folder / "notes.txt").write_text("notes")
    with pytest.raises(UserError, match="has no pictures; pass a folder of .bmp, .jpeg, .jpg, .png"):
        PictureFolder(str(folder))


def test_unreadable_pictures_are_refused(folder, monkeypatch):
    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)

    def refusal(match):
        with pytest.raises(UserError, match=match) as error:
            list(PictureFolder(str(folder)).frames())
        assert "a.png" in str(error.value) or "a.tif" in str(error.value)

    (folder / "a.png").write_text("no picture")
    refusal("is not a readable picture")
    for file_format in ("EPS", "DDS"):
        save(noise, folder / "a.png", format=file_format)
        refusal("is not a readable picture")
    save(noise, folder / "a.png")
    contents = (folder / "a.png").read_bytes()
    (folder / "a.png").write_bytes(contents[: len(contents) // 2])
    refusal("give a whole copy")
    (folder / "a.png").write_bytes(contents)
    # The picture has 3072 pixels: Pillow raises if that is over twice the limit, and warns if it is over the limit.
    for largest in (1000, 2000):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", largest)
        refusal("million pixels; scale it down")
    (folder / "a.png").unlink()
    monkeypatch.undo()
    for pixels in (GREY.astype(np.float32), GREY.astype(np.int32) * 1000):
        save(pixels, folder / "a.tif")
        refusal("pixels of 32 bits; save it again with 8 bits a channel")


def test_unusable_folder_destinations_are_refused(folder, tmp_path):
    save(moving_square(1)[0], folder / "a.png")
    source = PictureFolder(str(folder))
    (tmp_path / "file").touch()
    (tmp_path / "earlier").mkdir()
    (tmp_path / "earlier" / "a.png").touch()
    for name, overwrite, message in (
        ("pictures", True, "is the source itself"),
        (".", True, "which would be lost"),
        ("earlier", False, "--overwrite to replace it"),
        ("file", True, "is a file; give the name of a folder"),
        ("out.mp4", False, "would be a folder, because"),
        ("nowhere/out", False, "nowhere is not a folder"),
    ):
        with pytest.raises(UserError, match=message):
            source.check_destination(str(tmp_path / name), overwrite)
    source.check_destination(str(tmp_path / "earlier"), True)
    (tmp_path / "earlier" / "mine.txt").touch()
    with pytest.raises(UserError, match="contains mine.txt, which would be lost"):
        source.check_destination(str(tmp_path / "earlier"), True)
