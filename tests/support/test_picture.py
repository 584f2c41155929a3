import logging
import os
import struct
import sys

import numpy as np
import pytest
from PIL import Image, features

from support.picture import open_regular_file, opened_picture
from support.user_error import UserError

needs_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
needs_links = pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege")
AVIF = pytest.param("AVIF", marks=pytest.mark.skipif(not features.check("avif"), reason="Pillow without AVIF"))


def pixels_of(path, **options):
    with open_regular_file(path) as file, opened_picture(file, path, **options) as image:
        return np.asarray(image.convert("RGB"))


def refusal(path, **options):
    with pytest.raises(UserError) as error:
        pixels_of(path, **options)
    return str(error.value)


@pytest.mark.parametrize("file_format", ["BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP"])
def test_the_format_is_found_from_the_contents(file_format, tmp_path):
    Image.new("RGB", (9, 6), (200, 100, 0)).save(tmp_path / "a.jpg", file_format)
    pixels = pixels_of(tmp_path / "a.jpg")
    assert pixels.shape == (6, 9, 3) and np.abs(pixels.astype(int) - (200, 100, 0)).max() < 8


@pytest.mark.parametrize("file_format", ["BLP", "DDS", "EPS", "PPM", "TGA", AVIF])
def test_other_formats_are_not_tried(file_format, tmp_path):
    mode = "P" if file_format == "BLP" else "RGB"
    image = Image.new(mode, (8, 8))
    if mode == "P":
        image.putpalette([0, 0, 0] * 256)
    image.save(tmp_path / "a.jpg", file_format)
    assert refusal(tmp_path / "a.jpg") == (
        f"{tmp_path / 'a.jpg'} is not a readable picture (BMP, GIF, JPEG, PNG, TIFF, WEBP); "
        "take it out, or give another copy"
    )


def test_formats_and_advice_can_be_given(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.gif", "PNG")
    line = refusal(tmp_path / "a.gif", formats=("GIF",), advice="ask for it")
    assert line == f"{tmp_path / 'a.gif'} is not a readable picture (GIF); ask for it"


@pytest.mark.parametrize(
    "error, reason",
    [
        (RuntimeError("a codec's words"), "cannot be read: a codec's words; save it again"),
        (NotImplementedError("no such pixels"), "cannot be read: no such pixels; save it again"),
        (KeyError(), "cannot be read: KeyError; save it again"),
        (OSError("broken data stream"), "is damaged: broken data stream; give a whole copy"),
        (UserError("one's own words"), "one's own words"),
    ],
)
def test_anything_that_pillow_raises_is_a_user_error(error, reason, tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    with (
        pytest.raises(UserError) as raised,
        open_regular_file(tmp_path / "a.png") as file,
        opened_picture(file, "a.png"),
    ):
        raise error
    assert reason in str(raised.value)


@pytest.mark.parametrize("tag, value", [(284, 306), (277, 45264), (256, 5000)])
def test_libraries_print_nothing_about_a_damaged_tiff(tag, value, tmp_path, monkeypatch, capfd):
    """Tag 284 is the planar configuration, 277 the samples per pixel, 256 the width. libtiff prints about them."""
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # pytest's own
    Image.new("RGB", (8, 8)).save(tmp_path / "a.tif", compression="tiff_lzw")
    contents = bytearray((tmp_path / "a.tif").read_bytes())
    place = contents.index(struct.pack("<HHI", tag, 3, 1)) + 8
    contents[place : place + 2] = value.to_bytes(2, "little")
    (tmp_path / "a.tif").write_bytes(contents)
    assert "a.tif" in refusal(tmp_path / "a.tif")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("error", [MemoryError(), FileNotFoundError(2, "No such file"), KeyboardInterrupt()])
def test_other_errors_pass_through(error, tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    with (
        pytest.raises(type(error)),
        open_regular_file(tmp_path / "a.png") as file,
        opened_picture(file, "a.png"),
    ):
        raise error


@pytest.mark.filterwarnings("ignore:Image size")
@pytest.mark.parametrize("largest", [40, 63])
def test_the_number_of_pixels_is_limited(largest, tmp_path, monkeypatch):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", largest)
    assert "has more than 0 million pixels; scale it down" in refusal(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 64)
    assert pixels_of(tmp_path / "a.png").shape == (8, 8, 3)


@needs_pipes
def test_a_pipe_is_rejected_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "a.jpg")
    with pytest.raises(UserError, match="is a folder, a device, a pipe or a socket; give a file"):
        open_regular_file(tmp_path / "a.jpg")


def test_folders_and_missing_files_are_rejected(tmp_path):
    with pytest.raises(UserError, match="is a folder"):
        open_regular_file(tmp_path)
    with pytest.raises(FileNotFoundError):
        open_regular_file(tmp_path / "nothing", within=tmp_path)


@needs_links
def test_links_out_of_a_folder_are_rejected_on_request(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder2").mkdir()
    for place in ("folder", "folder2"):
        (tmp_path / place / "file").write_text("text")
    (tmp_path / "folder" / "inner").symlink_to("file")
    (tmp_path / "folder" / "outer").symlink_to("../folder2/file")
    (tmp_path / "link").symlink_to("folder")
    for path in ("folder/file", "folder/inner", "link/inner"):
        with open_regular_file(tmp_path / path, within=(tmp_path / path).parent) as file:
            assert file.read() == b"text"
    with pytest.raises(UserError, match="outer is a link out of its folder; put the file itself there"):
        open_regular_file(tmp_path / "folder" / "outer", within=tmp_path / "folder")
    with open_regular_file(tmp_path / "folder" / "outer") as file:
        assert file.read() == b"text"
