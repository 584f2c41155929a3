import errno
import os
import sys

import numpy as np
import pytest
from PIL import Image

from support.user_error import UserError
from tests.video.files.videos import moving_square
from video.files.picture_folder import PictureFolder

GREY = np.arange(48 * 64, dtype=np.uint16).reshape(48, 64) * 21


@pytest.fixture
def folder(tmp_path):
    """A folder in which nothing is yet."""
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


def test_pictures_come_in_the_order_of_their_numbers_and_the_rest_is_left(folder):
    pictures = dict(zip(["f1.png", "f2.PNG", "f10.png", "f10b.webp", "g 0.tif"], moving_square(5), strict=True))
    for name in sorted(pictures):
        save(pictures[name], folder / name, **({"lossless": True} if name.endswith("webp") else {}))
    (folder / "notes.txt").write_text("notes")
    (folder / "._f1.png").write_bytes(b"what another system leaves")
    (folder / "f3.png").mkdir()
    source = PictureFolder(str(folder))
    frames = list(source.frames())
    assert [frame.name for frame in frames] == list(pictures) and source.frame_count == 5
    for frame, picture in zip(frames, pictures.values(), strict=True):
        np.testing.assert_array_equal(frame.picture, picture)


def test_sizes_may_differ(folder):
    for name, shape in (("a.png", (5, 9, 3)), ("b.png", (40, 3, 3))):
        save(np.zeros(shape, np.uint8), folder / name)
    assert [frame.picture.shape for frame in PictureFolder(str(folder)).frames()] == [(5, 9, 3), (40, 3, 3)]


def test_palettes_and_alpha(folder):
    picture = moving_square(1)[0]
    save(Image.fromarray(picture).quantize(8), folder / "a.png")
    np.testing.assert_array_equal(only_picture(folder), picture)
    save(np.dstack([picture, np.full(picture.shape[:2], 0, np.uint8)]), folder / "a.png")
    assert (only_picture(folder) == 255).all()
    save(np.dstack([picture, np.full(picture.shape[:2], 51, np.uint8)]), folder / "a.png")
    np.testing.assert_allclose(only_picture(folder), picture * 0.2 + 255 * 0.8, atol=1)


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_of_sixteen_bits_the_upper_eight_count(ending, folder):
    save(GREY, folder / f"a.{ending}")
    np.testing.assert_array_equal(only_picture(folder), np.repeat((GREY // 256)[..., np.newaxis], 3, axis=2))


def test_grey_and_black_and_white(folder):
    save((GREY // 256).astype(np.uint8), folder / "a.png")
    np.testing.assert_array_equal(only_picture(folder)[..., 2], GREY // 256)
    save(Image.fromarray(GREY > 20_000), folder / "a.png")
    np.testing.assert_array_equal(only_picture(folder)[..., 0], (GREY > 20_000) * 255)


def test_a_picture_is_turned_as_its_exif_says(folder):
    picture = moving_square(1)[0]
    exif = Image.Exif()
    exif[0x0112] = 6  # the stored picture's upper left corner is shown at the upper right
    save(picture, folder / "a.png", exif=exif)
    np.testing.assert_array_equal(only_picture(folder), np.rot90(picture, -1))


def test_what_is_written_has_the_same_names_and_formats(folder, tmp_path):
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


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of a file's size to set")
@pytest.mark.parametrize("ending", ["jpg", "png", "tif", "webp"])
def test_a_full_disk_is_an_os_error_and_leaves_nothing(ending, folder, tmp_path):
    import resource
    import signal

    noise = np.random.default_rng(0).integers(0, 256, (100, 100, 3), dtype=np.uint8)
    save(noise, folder / f"a.{ending}")
    source = PictureFolder(str(folder))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, limits[1]))
    try:
        with pytest.raises(OSError) as error, source.written_to(str(tmp_path / "out")) as write:
            for frame in source.frames():
                write(frame.picture, frame)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert error.value.errno == errno.EFBIG and os.listdir(tmp_path) == ["pictures"]


def test_names_that_are_no_text(folder, tmp_path):
    name = os.fsdecode(b"\xff.png")
    save(moving_square(1)[0], tmp_path / "a.png")
    os.rename(tmp_path / "a.png", folder / name)
    source = PictureFolder(str(folder))
    with source.written_to(str(tmp_path / "out")) as write:
        for frame in source.frames():
            write(frame.picture, frame)
    assert os.listdir(tmp_path / "out") == [name]


def test_refuses_a_folder_without_pictures(folder):
    (folder / "notes.txt").write_text("notes")
    with pytest.raises(UserError, match="holds no pictures; give a folder of .bmp, .jpeg, .jpg, .png"):
        PictureFolder(str(folder))


def test_refuses_pictures_that_cannot_be_read(folder, monkeypatch):
    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)

    def refusal(match):
        with pytest.raises(UserError, match=match) as error:
            list(PictureFolder(str(folder)).frames())
        assert "a.png" in str(error.value) or "a.tif" in str(error.value)

    (folder / "a.png").write_text("no picture")
    refusal("is no picture that can be read")
    for file_format in ("EPS", "DDS"):
        save(noise, folder / "a.png", format=file_format)
        refusal("is no picture that can be read")
    save(noise, folder / "a.png")
    contents = (folder / "a.png").read_bytes()
    (folder / "a.png").write_bytes(contents[: len(contents) // 2])
    refusal("give a whole copy")
    (folder / "a.png").write_bytes(contents)
    # The picture has 3072 pixels: Pillow raises where that is over twice the limit, and warns where it is over it.
    for largest in (1000, 2000):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", largest)
        refusal("million pixels; scale it down")
    (folder / "a.png").unlink()
    monkeypatch.undo()
    for pixels in (GREY.astype(np.float32), GREY.astype(np.int32) * 1000):
        save(pixels, folder / "a.tif")
        refusal("pixels of 32 bits; save it again with 8 bits a channel")


def test_refuses_destinations(folder, tmp_path):
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
        ("out.mp4", False, "would be a folder of pictures"),
        ("nowhere/out", False, "nowhere is not a folder"),
    ):
        with pytest.raises(UserError, match=message):
            source.check_destination(str(tmp_path / name), overwrite)
    source.check_destination(str(tmp_path / "earlier"), True)
    (tmp_path / "earlier" / "mine.txt").touch()
    with pytest.raises(UserError, match="holds mine.txt, which would be lost"):
        source.check_destination(str(tmp_path / "earlier"), True)
