import errno
import os
import re
import struct
import sys
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from support.user_error import UserError
from tests.video.files.videos import moving_square, read_video, write_video
from video.files.frame import Frame
from video.files.video_file import VideoFile

ENDINGS = (".avi", ".mkv", ".mov", ".mp4", ".webm")


def refused(path):
    with pytest.raises(UserError) as error:
        list(VideoFile(str(path)).frames())
    return str(error.value)


def mean_difference(picture, other):
    return np.abs(picture.astype(int) - other).mean()


# Reading


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_frame_is_read_at_its_time(ending, tmp_path):
    pictures = moving_square(12)
    video = VideoFile(str(write_video(tmp_path / f"a{ending}", pictures)))
    frames = list(video.frames())
    assert len(frames) == video.frame_count == 12
    for number, (frame, picture) in enumerate(zip(frames, pictures, strict=True)):
        assert (frame.picture.dtype, frame.picture.shape) == (np.uint8, picture.shape)
        assert mean_difference(frame.picture, picture) < 8
        assert frame.seconds == pytest.approx(number / 25, abs=1e-3)
    assert float(video.duration) == pytest.approx(12 / 25, abs=0.05)


@pytest.mark.parametrize("ending", [".mp4", ".webm"])
def test_times_begin_at_zero_and_need_not_be_even(ending, tmp_path):
    ticks = [50, 51, 53, 57, 80]
    path = write_video(tmp_path / f"a{ending}", moving_square(5), ticks=ticks)
    seconds = [frame.seconds for frame in VideoFile(str(path)).frames()]
    np.testing.assert_allclose(seconds, [0, 0.04, 0.12, 0.28, 1.2], atol=1e-3)


def test_read_twice_at_once(tmp_path):
    video = VideoFile(str(write_video(tmp_path / "a.mp4", moving_square(12))))
    for first, second in zip(video.frames(), video.frames(), strict=True):
        np.testing.assert_array_equal(first.picture, second.picture)


# ISO/IEC 14496-12, 8.3.2: (p, q) of the stored picture is shown at (a p + c q, b p + d q).
@pytest.mark.parametrize("a, b, c, d", [(0, 1, -1, 0), (-1, 0, 0, -1), (0, -1, 1, 0)])
def test_pictures_are_turned_as_the_file_says(a, b, c, d, tmp_path):
    picture = moving_square(1)[0]
    path = write_video(tmp_path / "a.mp4", [picture] * 2)
    contents = path.read_bytes()
    one = 0x10000
    matrix = struct.pack(">9i", one, 0, 0, 0, one, 0, 0, 0, 0x40000000)
    place = contents.index(matrix, contents.index(b"tkhd"))
    turned = struct.pack(">9i", a * one, b * one, 0, c * one, d * one, 0, 0, 0, 0x40000000)
    path.write_bytes(contents[:place] + turned + contents[place + 36 :])

    y, x = np.indices(picture.shape[:2])
    shown_x, shown_y = a * x + c * y, b * x + d * y
    expected = np.empty((np.ptp(shown_y) + 1, np.ptp(shown_x) + 1, 3), np.uint8)
    expected[shown_y - shown_y.min(), shown_x - shown_x.min()] = picture
    first = next(VideoFile(str(path)).frames()).picture
    assert first.shape == expected.shape and mean_difference(first, expected) < 8


@pytest.mark.parametrize("name", ["10:30.mp4", "http:a.mp4", "a b%20#?.mp4", "ö'\".MP4", "-.mp4"])
def test_odd_names(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.rename(write_video(tmp_path / "a.mp4", moving_square(2)), name)
    assert len(list(VideoFile(name).frames())) == 2


def test_refuses_what_is_no_video(tmp_path):
    (tmp_path / "a.mp4").write_text("no video at all\n" * 100)
    assert "is no video that can be read" in refused(tmp_path / "a.mp4")


# Each leads FFmpeg to the video, or to another machine, where it is allowed to open what they name.
PLAYLISTS = {
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{uri}\n#EXT-X-ENDLIST\n",
    "concat": "ffconcat version 1.0\nfile '{path}'\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static">'
    '<Period><AdaptationSet><Representation id="1" bandwidth="1" mimeType="video/mp4"><BaseURL>{path}</BaseURL>'
    "<SegmentBase/></Representation></AdaptationSet></Period></MPD>",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=a\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"
    "a=rtpmap:96 H264/90000\n",
}


@pytest.mark.promise("A video leads to no other file and no other machine")
@pytest.mark.parametrize("ending", [".avi", ".mp4"])
@pytest.mark.parametrize("kind", PLAYLISTS)
def test_a_playlist_is_no_video(kind, ending, tmp_path):
    path = write_video(tmp_path / "b.mp4", moving_square(2))
    (tmp_path / f"list{ending}").write_text(PLAYLISTS[kind].format(path=path, uri=path.as_uri()))
    assert "is no video that can be read" in refused(tmp_path / f"list{ending}")


@pytest.mark.promise("A video leads to no other file and no other machine")
def test_a_name_is_no_pattern(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(moving_square(1)[0]).save("0.png")
    os.rename("0.png", "%d.mp4")
    assert "is no video that can be read" in refused("%d.mp4")


@pytest.mark.parametrize("ending", ENDINGS)
def test_says_that_a_file_is_empty(ending, tmp_path):
    (tmp_path / f"a{ending}").touch()
    assert refused(tmp_path / f"a{ending}") == f"{tmp_path / f'a{ending}'} is empty; give a whole MP4, AVI or WebM file"


def test_refuses_sound_alone(tmp_path):
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert "holds no pictures, only sound" in refused(tmp_path / "a.mp4")


def test_refuses_a_video_in_a_codec_that_there_is_not(tmp_path):
    path = write_video(tmp_path / "a.mp4", moving_square(3))
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzzz"))
    assert refused(path) == f"{path} is damaged: it does not say how its pictures are encoded; give a whole copy"


def test_refuses_a_video_of_no_frames(tmp_path):
    with av.open(str(tmp_path / "a.avi"), "w") as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.width = stream.height = 16
        stream.pix_fmt = "yuvj420p"
        container.start_encoding()
    assert "holds no frames" in refused(tmp_path / "a.avi")


def test_refuses_one_whose_end_is_missing_with_its_index(tmp_path):
    path = write_video(tmp_path / "a.mp4", moving_square(30))
    path.write_bytes(path.read_bytes()[:-1000])
    assert "is no video that can be read" in refused(path)


def test_refuses_a_video_that_is_cut_within_a_frame(tmp_path):
    path = write_video(tmp_path / "a.avi", moving_square(30))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    assert "give a whole copy, or one that ends there" in refused(path)


@pytest.mark.parametrize("percent", [40, 50, 60, 70])
@pytest.mark.parametrize("ending, options", [(".mp4", {"movflags": "faststart"}), (".webm", {})])
def test_no_cut_goes_unnoticed(ending, options, percent, tmp_path):
    path = write_video(tmp_path / f"a{ending}", moving_square(30), rate=5, options=options)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * percent // 100])
    video = VideoFile(str(path))
    assert video.duration == pytest.approx(6, abs=0.3)
    try:
        *_, last = video.frames()
    except UserError:
        return
    # FFmpeg makes do with what there is; the command warns where over a second is missing.
    assert video.duration - last.seconds > 1


def test_refuses_pictures_that_change_their_size(tmp_path):
    with av.open(str(tmp_path / "a.avi"), "w") as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuvj420p"
        for tick, picture in enumerate([moving_square(1)[0], moving_square(1, height=32)[0]]):
            other = av.CodecContext.create("mjpeg", "w")
            other.height, other.width, other.pix_fmt = *picture.shape[:2], "yuvj420p"
            other.time_base = Fraction(1, 25)
            frame = av.VideoFrame.from_ndarray(picture).reformat(format="yuvj420p")
            if tick == 0:
                container.start_encoding()
            for packet in other.encode(frame) + other.encode(None):
                packet.stream, packet.pts, packet.dts, packet.time_base = stream, tick, tick, Fraction(1, 25)
                container.mux(packet)
    assert "the pictures change their size at frame 1" in refused(tmp_path / "a.avi")


def boxes(contents, start=0, end=None):
    """Yields the type and the place of each box of an MP4 file, in order: ISO/IEC 14496-12, 4.2."""
    end = len(contents) if end is None else end
    while start < end:
        size, kind = struct.unpack(">I4s", contents[start : start + 8])
        yield kind, start
        if kind in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"stbl"):
            yield from boxes(contents, start + 8, start + size)
        start += size


def test_refuses_a_video_that_is_cut_at_any_box(tmp_path):
    path = write_video(tmp_path / "a.mp4", moving_square(2), options={"movflags": "faststart"})
    contents = path.read_bytes()
    places = dict(boxes(contents))
    assert len(places) > 15
    for kind in (b"ftyp", b"moov", b"hdlr", b"minf", b"stbl", b"stts", b"stco", b"mdat"):
        path.write_bytes(contents[: places[kind] + 8])
        assert str(path) in refused(path)


@pytest.mark.promise("What a file claims to hold takes no memory")
def test_claims_of_a_header_are_not_believed(tmp_path):
    """The last sample has a size of its own; the others have one that is stored nowhere."""
    path = write_video(tmp_path / "a.mp4", moving_square(12))
    contents = path.read_bytes()
    place = contents.index(b"stsz") + 8
    for claim in (struct.pack(">II", 0, 10**9), struct.pack(">II", 1, 10**9)):
        path.write_bytes(contents[:place] + claim + contents[place + 8 :])
        assert "is no video that can be read" in refused(path) or "holds no frames" in refused(path)
    width = contents.index(b"avc1") + 28
    path.write_bytes(contents[:width] + struct.pack(">HH", 65535, 65535) + contents[width + 4 :])
    try:
        shapes = {frame.picture.shape for frame in VideoFile(str(path)).frames()}
    except UserError:
        return
    assert shapes == {(48, 64, 3)}


def test_refuses_times_beyond_all_clocks(tmp_path):
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuvj420p"
        for seconds in (0, 2**40):
            frame = av.VideoFrame.from_ndarray(moving_square(1)[0])
            frame.pts, frame.time_base = 25 * seconds, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert f"frame 1 is shown at second {2**40}; cut the video before it" in refused(path)


def test_refuses_a_cover_beside_sound(tmp_path):
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuvj420p"
        stream.disposition = av.stream.Disposition.attached_pic
        frame = av.VideoFrame.from_ndarray(moving_square(1)[0])
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert "holds no pictures, only sound" in refused(tmp_path / "a.mp4")


@pytest.mark.promise("Only the formats and the decoders that videos need are run")
def test_refuses_rare_decoders(tmp_path):
    with av.open(str(tmp_path / "a.avi"), "w") as container:
        stream = container.add_stream("flv", rate=25)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        for picture in moving_square(2):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(stream.encode(None))
    assert "is encoded in a way that is rarely used (flv); convert it to H.264" in refused(tmp_path / "a.avi")


def test_refuses_huge_frames(tmp_path, monkeypatch):
    path = write_video(tmp_path / "a.mp4", moving_square(2))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    assert "more than" in refused(path)


def test_refuses_huge_frames_under_a_header_that_claims_small_ones(tmp_path, monkeypatch):
    path = write_video(tmp_path / "a.avi", moving_square(2, height=48, width=64))
    contents, claims = path.read_bytes(), struct.pack("<II", 64, 48)
    assert contents.count(claims) == 2  # of the file and of the stream
    path.write_bytes(contents.replace(claims, struct.pack("<II", 8, 8)))
    assert len(list(VideoFile(str(path)).frames())) == 2
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    assert re.search("is damaged after 0 frames|a frame has more than", refused(path))


def test_says_what_to_install_where_the_package_is_missing(tmp_path, monkeypatch):
    path = write_video(tmp_path / "a.mp4", moving_square(2))
    monkeypatch.delitem(sys.modules, "video.files.video_file")
    monkeypatch.setitem(sys.modules, "av", None)
    from video.files.video_file import VideoFile as WithoutPackage

    with pytest.raises(UserError, match=r'takes the package av; install it with: python -m pip install "\.\[video\]"'):
        WithoutPackage(str(path))


# Writing


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("height, width", [(48, 64), (37, 51)])
def test_what_is_written_is_a_video_of_the_same_size_and_times(height, width, ending, tmp_path):
    source = VideoFile(str(write_video(tmp_path / "a.mp4", moving_square(12))))
    drawn = moving_square(12, height, width)
    with source.written_to(str(tmp_path / f"b{ending}")) as write:
        for picture, frame in zip(drawn, source.frames(), strict=True):
            write(picture, frame)
        assert not (tmp_path / f"b{ending}").exists()
    assert sorted(os.listdir(tmp_path)) == ["a.mp4", f"b{ending}"]

    pictures, seconds = read_video(tmp_path / f"b{ending}")
    assert pictures.shape == (12, height, width, 3)
    assert max(map(mean_difference, pictures, drawn)) < 8
    np.testing.assert_allclose(np.subtract(seconds, seconds[0]), np.arange(12) / 25, atol=1e-3)
    with av.open(str(tmp_path / f"b{ending}")) as container:
        assert container.streams.video[0].average_rate == pytest.approx(25, abs=1e-2)
        assert container.streams.video[0].codec.name == ("vp9" if ending == ".webm" else "h264")


def test_uneven_times_stay(tmp_path):
    ticks = [0, 1, 3, 7, 30]
    source = VideoFile(str(write_video(tmp_path / "a.webm", moving_square(5), ticks=ticks)))
    with source.written_to(str(tmp_path / "b.mp4")) as write:
        for frame in source.frames():
            write(frame.picture, frame)
    np.testing.assert_allclose(read_video(tmp_path / "b.mp4")[1], np.divide(ticks, 25), atol=1e-3)


def test_equal_times_are_pulled_apart(tmp_path):
    source = VideoFile(str(write_video(tmp_path / "a.mp4", moving_square(2))))
    with source.written_to(str(tmp_path / "b.avi")) as write:
        for picture in moving_square(3):
            write(picture, Frame(picture, seconds=0.5))
    assert len(read_video(tmp_path / "b.avi")[0]) == 3


@pytest.mark.parametrize("written", [0, 2])
def test_leaves_nothing_on_an_error(written, tmp_path):
    source = VideoFile(str(write_video(tmp_path / "a.mp4", moving_square(2))))
    with pytest.raises(KeyError), source.written_to(str(tmp_path / "b.mp4")) as write:
        for frame in list(source.frames())[:written]:
            write(frame.picture, frame)
        raise KeyError
    assert os.listdir(tmp_path) == ["a.mp4"]


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of a file's size to set")
@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("count", [2, 40])
def test_a_full_disk_is_an_os_error_and_leaves_nothing(count, ending, tmp_path):
    import resource
    import signal

    source = VideoFile(str(write_video(tmp_path / "a.mp4", moving_square(2))))
    noise = np.random.default_rng(0).integers(0, 256, (count, 100, 100, 3), dtype=np.uint8)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, limits[1]))
    try:
        with pytest.raises(OSError) as error, source.written_to(str(tmp_path / f"b{ending}")) as write:
            for number, picture in enumerate(noise):
                write(picture, Frame(picture, seconds=number / 25))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert error.value.errno == errno.EFBIG and os.listdir(tmp_path) == ["a.mp4"]


@pytest.mark.parametrize("width, pause", [(20_000, 0.04), (64, 160_000.0)])
def test_pictures_and_times_that_no_encoder_takes_are_refused(width, pause, tmp_path):
    source = VideoFile(str(write_video(tmp_path / "a.mp4", moving_square(2))))
    with (
        pytest.raises(UserError, match="FFmpeg does not take pictures of this size, or at these times"),
        source.written_to(str(tmp_path / "b.mp4")) as write,
    ):
        for number in range(8):
            write(np.zeros((16, width, 3), np.uint8), Frame(np.empty(0), seconds=number * pause))
    assert os.listdir(tmp_path) == ["a.mp4"]


def test_refuses_destinations(tmp_path):
    source = VideoFile(str(write_video(tmp_path / "a.mp4", moving_square(2))))
    (tmp_path / "b.avi").touch()
    for name, overwrite, message in (
        ("a.mp4", True, "is the source itself"),
        ("b.avi", False, "--overwrite to replace it"),
        ("b.gif", False, "does not end in .avi"),
        ("b", False, "does not end in .avi"),
    ):
        with pytest.raises(UserError, match=message):
            source.check_destination(str(tmp_path / name), overwrite)
    source.check_destination(str(tmp_path / "b.avi"), True)
    source.check_destination(str(tmp_path / "c.WebM"), False)
