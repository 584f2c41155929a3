import contextlib
import importlib.util
import os
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence, features

from support.user_error import UserError
from tests.video.files.videos import full_disk, moving_square
from video.files.animated_picture import AnimatedPicture
from video.files.pictures import PICTURE_PROCESS, PictureFolder
from video.files.sandboxed_decoder import SandboxedDecoder

MILLISECONDS = [40, 70, 200, 0, 100]  # display times of a GIF's frames
GREY = np.arange(48 * 64, dtype=np.uint16).reshape(48, 64) * 21


def write_gif(path, pictures, **options):
    first, *others = [Image.fromarray(picture) for picture in pictures]
    first.save(path, save_all=True, append_images=others, **options)
    return str(path)


def test_gif_frames_are_complete_and_have_their_times(tmp_path):
    pictures = moving_square(5)
    gif = AnimatedPicture(write_gif(tmp_path / "a.gif", pictures, duration=MILLISECONDS))
    frames = list(gif.frames())
    assert len(frames) == gif.frame_count == 5
    assert [frame.milliseconds for frame in frames] == MILLISECONDS
    np.testing.assert_allclose([frame.seconds for frame in frames], [0, 0.04, 0.11, 0.31, 0.31])
    for frame, picture in zip(frames, pictures, strict=True):
        np.testing.assert_array_equal(frame.picture, picture)


def test_a_still_gif_has_one_frame(tmp_path):
    assert len(list(AnimatedPicture(write_gif(tmp_path / "a.gif", moving_square(1))).frames())) == 1


def test_transparent_pixels_of_a_gif_are_white(tmp_path):
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, 200, 0, 0])
    image.putpixel((0, 0), 0)
    image.save(tmp_path / "a.gif", transparency=0)
    [frame] = AnimatedPicture(str(tmp_path / "a.gif")).frames()
    assert frame.picture[0, 0].tolist() == [255, 255, 255] and frame.picture[1, 1].tolist() == [200, 0, 0]


@pytest.mark.parametrize("loop", [None, 0, 3])
def test_a_written_gif_keeps_display_times_and_repetitions(loop, tmp_path):
    options = {} if loop is None else {"loop": loop}
    source = AnimatedPicture(write_gif(tmp_path / "a.gif", moving_square(5), duration=MILLISECONDS, **options))
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
            list(AnimatedPicture(str(tmp_path / name)).frames())


@pytest.mark.filterwarnings("ignore:Image size")
def test_a_gif_whose_later_frames_are_too_large_is_refused(tmp_path, monkeypatch):
    path = Path(write_gif(tmp_path / "a.gif", [np.full((8, 8, 3), value, np.uint8) for value in (10, 200)]))
    contents, size = path.read_bytes(), struct.pack("<HH", 8, 8)
    assert contents.count(size) == 3  # of the canvas and of both frames
    path.write_bytes(contents.replace(size, struct.pack("<HH", 8, 4), 2))
    assert [frame.picture.shape for frame in AnimatedPicture(str(path)).frames()] == [(4, 8, 3), (8, 8, 3)]
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 60)
    with pytest.raises(UserError, match="more than 0 million pixels; scale it down"):
        list(AnimatedPicture(str(path)).frames())


def test_unusable_gif_destinations_are_refused(tmp_path):
    gif = AnimatedPicture(write_gif(tmp_path / "a.gif", moving_square(2)))
    for name, message in (("a.gif", "is the source itself"), ("b.mp4", "does not end in .gif")):
        with pytest.raises(UserError, match=message):
            gif.check_destination(str(tmp_path / name), True)
    gif.check_destination(str(tmp_path / "B.GIF"), False)


def test_gif_frames_are_written_one_at_a_time(tmp_path):
    source = AnimatedPicture(write_gif(tmp_path / "a.gif", moving_square(2)))
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    frame = next(source.frames())
    with source.written_to(str(tmp_path / "b.gif")) as write:
        write(picture, frame)
        partial = next(tmp_path.glob("*.partial"))
        for number in range(2, 8):
            write(picture, frame)
            # Everything is in the file except for its buffer.
            assert partial.stat().st_size > (number - 3) * 64 * 64


@pytest.mark.parametrize(
    "name, options", [("a.webp", {"lossless": True}), ("a.png", {}), ("a.tif", {}), ("a.apng", {"format": "PNG"})]
)
def test_other_animated_pictures_are_read_and_become_gifs(name, options, tmp_path):
    pictures = moving_square(4)
    path = write_gif(tmp_path / name, pictures, duration=[33, 33, 34, 400], loop=2, **options)
    animated = AnimatedPicture(path)
    frames = list(animated.frames())
    assert len(frames) == animated.frame_count == 4 and animated.warnings == []
    for frame, picture in zip(frames, pictures, strict=True):
        np.testing.assert_array_equal(frame.picture, picture)
    has_times = not name.endswith("tif")
    starts = [0, 0.033, 0.066, 0.1] if has_times else [0, 0.04, 0.08, 0.12]
    np.testing.assert_allclose([frame.seconds for frame in frames], starts)
    with animated.written_to(str(tmp_path / "b.gif")) as write:
        for frame in frames:
            write(frame.picture, frame)
    with Image.open(tmp_path / "b.gif") as image:
        assert image.n_frames == 4
        # A GIF counts hundredths of seconds, so 33 ms are rounded, but the rounding does not add up.
        durations = [image.info["duration"] for _ in ImageSequence.Iterator(image)]
        assert durations == ([30, 40, 30, 400] if has_times else [40] * 4)
    with pytest.raises(UserError, match="does not end in .gif; the output of an animated picture is a GIF"):
        animated.check_destination(str(tmp_path / "b.webp"), False)


def test_an_apng_picture_for_other_programs_is_no_frame(tmp_path):
    cover, *pictures = moving_square(4)
    path = write_gif(tmp_path / "a.png", [cover, *pictures], default_image=True)
    frames = list(AnimatedPicture(path).frames())
    assert len(frames) == AnimatedPicture(path).frame_count == 3
    np.testing.assert_array_equal(frames[0].picture, pictures[0])


def test_previews_in_a_tiff_are_no_frames(tmp_path):
    page, preview = (Image.fromarray(picture) for picture in (moving_square(1)[0], moving_square(1, 16, 16)[0]))
    page.save(tmp_path / "a.tif", save_all=True, append_images=[page, preview])
    page.save(tmp_path / "b.tif", save_all=True, append_images=[preview])
    assert len(list(AnimatedPicture(str(tmp_path / "a.tif")).frames())) == 2
    with pytest.raises(UserError, match="b.tif is a single picture; put it in a folder"):
        AnimatedPicture(str(tmp_path / "b.tif"))


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


def test_the_bits_in_use_are_found_over_the_whole_folder(folder):
    # A camera with 12 bits; the first picture is dark.
    values = (GREY // 16).astype(np.uint16)
    save(values // 8, folder / "1.png")
    save(values, folder / "2.tif")
    save(moving_square(1)[0], folder / "3.png")
    source = PictureFolder(str(folder))
    dark, bright, other = source.frames()
    np.testing.assert_array_equal(bright.picture, np.repeat((values // 16)[..., np.newaxis], 3, axis=2))
    np.testing.assert_array_equal(dark.picture[..., 0], values // 8 // 16)
    np.testing.assert_array_equal(other.picture, moving_square(1)[0])
    [warning] = source.warnings
    assert warning == f"{folder}: no value of the 16-bit pictures takes more than 12 bits, so 4095 is shown as white"


def test_the_bits_in_use_are_found_over_all_pages_of_a_tiff(tmp_path):
    pages = [Image.fromarray((GREY // 64 // divisor).astype(np.uint16)) for divisor in (8, 1)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    animated = AnimatedPicture(str(tmp_path / "a.tif"))
    _, bright = animated.frames()
    np.testing.assert_array_equal(bright.picture[..., 0], GREY // 64 // 4)
    assert "takes more than 10 bits" in animated.warnings[0]


@pytest.mark.parametrize("ending", ["png", "tif"])
@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_16_bit_colours_of_fewer_bits_are_scaled(bits, ending, folder):
    cv2 = pytest.importorskip("cv2")
    colours = np.random.default_rng(0).integers(0, 2**bits, (20, 30, 3), dtype=np.uint16)
    assert cv2.imwrite(str(folder / f"bright.{ending}"), colours[..., ::-1])
    assert cv2.imwrite(str(folder / f"dark.{ending}"), colours[..., ::-1] // 16)
    source = PictureFolder(str(folder))
    bright, dark = source.frames()
    np.testing.assert_array_equal(bright.picture, colours // 2 ** (bits - 8))
    np.testing.assert_array_equal(dark.picture, colours // 16 // 2 ** (bits - 8))
    white = f"no value of the 16-bit pictures takes more than {bits} bits, so {2**bits - 1} is shown as white"
    assert source.warnings == ([f"{folder}: {white}"] if bits < 16 else [])


def test_dark_16_bit_colours_in_a_tiff_of_several_pages_cause_a_warning(tmp_path):
    cv2 = pytest.importorskip("cv2")
    pages = np.random.default_rng(0).integers(0, 2**12, (3, 20, 30, 3), dtype=np.uint16)
    assert cv2.imwritemulti(str(tmp_path / "a.tif"), list(pages))
    animated = AnimatedPicture(str(tmp_path / "a.tif"))
    assert len(list(animated.frames())) == 3
    [warning] = animated.warnings
    assert "the 16-bit colours take only 12 bits, so they are dark" in warning


@pytest.mark.parametrize("bits, is_dark", [(10, True), (14, True), (16, False)])
def test_dark_16_bit_colours_with_transparency_cause_a_warning(bits, is_dark, folder):
    cv2 = pytest.importorskip("cv2")
    colours = np.random.default_rng(0).integers(0, 2**bits, (20, 30, 4), dtype=np.uint16)
    colours[..., 3] = 0xFFFF
    assert cv2.imwrite(str(folder / "a.png"), colours)
    source = PictureFolder(str(folder))
    list(source.frames())
    expected = f"{folder}: the 16-bit colours take only {bits} bits, so they are dark; save them with 8 bits a channel"
    assert source.warnings == ([expected] if is_dark else [])


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


needs_avif = pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")


def save_heic(picture, path):
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.from_pillow(Image.fromarray(picture)).save(path, quality=95)


@needs_avif
def test_avif_pictures_are_read_and_written(folder, tmp_path):
    picture = moving_square(1)[0]
    save(picture, folder / "a.avif", quality=95)
    source = PictureFolder(str(folder))
    [frame] = source.frames()
    assert np.abs(frame.picture.astype(int) - picture).mean() < 5 and source.warnings == []
    with source.written_to(str(tmp_path / "out")) as write:
        write(frame.picture, frame)
    with Image.open(tmp_path / "out" / "a.avif") as image:
        assert image.format == "AVIF" and image.size == (64, 48)


def test_heic_pictures_are_read_whatever_their_name_and_become_jpeg(folder, tmp_path):
    pictures = moving_square(3)
    save_heic(pictures[0], folder / "IMG_1.HEIC")
    save_heic(pictures[1], tmp_path / "a.heic")
    os.rename(tmp_path / "a.heic", folder / "IMG_2.jpg")
    save(pictures[2], folder / "IMG_1.jfif", format="JPEG", quality=95)
    source = PictureFolder(str(folder))
    frames = list(source.frames())
    assert [frame.name for frame in frames] == ["IMG_1.HEIC", "IMG_1.jfif", "IMG_2.jpg"] and source.warnings == []
    for frame, picture in zip(frames, [pictures[0], pictures[2], pictures[1]], strict=True):
        assert np.abs(frame.picture.astype(int) - picture).mean() < 8
    with source.written_to(str(tmp_path / "out")) as write:
        for frame in frames:
            write(frame.picture, frame)
    assert sorted(os.listdir(tmp_path / "out")) == ["IMG_1.HEIC.jpg", "IMG_1.jfif", "IMG_2.jpg"]
    source.check_destination(str(tmp_path / "out"), True)


@pytest.mark.promise("HEIC and AVIF pictures are decoded in a process that can open no other file (Linux)")
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lists a process's restrictions in files")
@needs_avif
def test_heic_and_avif_are_decoded_in_a_sandbox(folder):
    # Larger than a pipe, so the process waits until it is read.
    noise = np.random.default_rng(0).integers(0, 256, (800, 800, 3), dtype=np.uint8)
    save(noise, folder / "a.avif", quality=10, speed=10)
    with contextlib.closing(SandboxedDecoder(str(folder / "a.avif"), PICTURE_PROCESS)) as decoder:
        status = Path(f"/proc/{decoder.pid}/status").read_text()
        assert len(os.listdir(f"/proc/{decoder.pid}/fd")) == 3
        if os.uname().machine in ("x86_64", "aarch64"):
            assert "Seccomp:\t2" in status and "NoNewPrivs:\t1" in status
        [frame] = decoder.frames()
    assert frame.picture.shape == noise.shape


@needs_avif
def test_damaged_pictures_in_the_sandbox_are_refused(folder):
    save(moving_square(1)[0], folder / "a.avif")
    contents = (folder / "a.avif").read_bytes()
    for damaged in (contents[:-40], contents[:60], contents[:8] + b"zzzz" * 10):
        (folder / "a.avif").write_bytes(damaged)
        with pytest.raises(UserError, match="a.avif .*save it again as JPEG"):
            list(PictureFolder(str(folder)).frames())


def test_pictures_that_cannot_be_read_are_named_with_what_to_do(folder, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    for name in ("1.heic", "2.HEIC", "3.heif", "4.hif", "b.CR2", "c.gif"):
        (folder / name).touch()
    with pytest.raises(UserError, match=r"has no pictures; left out 4 pictures, 1.heic, 2.HEIC, 3.heif and 1 more"):
        PictureFolder(str(folder))
    save(moving_square(1)[0], folder / "a.jpg")
    heic, others = PictureFolder(str(folder)).warnings
    assert heic.endswith('install pillow-heif with: python -m pip install ".[heic]", or save them as JPEG or PNG')
    assert others == "left out 2 pictures, b.CR2, c.gif; to use them, save them as JPEG or PNG"


def test_ignored_frames_of_animated_pictures_are_counted(folder):
    pictures = moving_square(3)
    write_gif(folder / "a.webp", pictures, lossless=True)
    write_gif(folder / "b.png", pictures[:2])
    save(pictures[1], folder / "c.png")
    source = PictureFolder(str(folder))
    frames = list(source.frames())
    for frame, picture in zip(frames, [pictures[0], pictures[0], pictures[1]], strict=True):
        np.testing.assert_array_equal(frame.picture, picture)
    [warning] = source.warnings
    assert "only the first frame is used of a.webp (3 frames), b.png (2 frames); to use all, pass" in warning


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
