import os
import re
import shlex
import struct
import sys
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from support.user_error import UserError
from tests.video.files.videos import damage, full_disk, moving_square, noise, read_video, write_video
from video.files.media import Frame
from video.files.open_media import open_media
from video.files.video_file import VideoFile

ENDINGS = (".avi", ".mkv", ".mov", ".mp4", ".webm")


def refused(path):
    """The message of the UserError with which the video is refused."""
    with pytest.raises(UserError) as error:
        list(VideoFile(str(path)).frames())
    return str(error.value)


def mean_difference(picture, other):
    return np.abs(picture.astype(int) - other).mean()


# Reading


@pytest.mark.parametrize("ending", ENDINGS)
def test_all_frames_are_read_with_their_times(ending, tmp_path):
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
def test_times_start_at_zero_and_may_be_uneven(ending, tmp_path):
    ticks = [50, 51, 53, 57, 80]
    path = write_video(tmp_path / f"a{ending}", moving_square(5), ticks=ticks)
    seconds = [frame.seconds for frame in VideoFile(str(path)).frames()]
    np.testing.assert_allclose(seconds, [0, 0.04, 0.12, 0.28, 1.2], atol=1e-3)


def test_a_video_can_be_read_twice_in_parallel(tmp_path):
    video = VideoFile(str(write_video(tmp_path / "a.mp4", moving_square(12))))
    for first, second in zip(video.frames(), video.frames(), strict=True):
        np.testing.assert_array_equal(first.picture, second.picture)


# ISO/IEC 14496-12, 8.3.2: (p, q) of the stored picture is shown at (a p + c q, b p + d q).
TURNS = [(0, 1, -1, 0), (-1, 0, 0, -1), (0, -1, 1, 0)]


def turn(path, a, b, c, d):
    """Changes how an MP4 file says that its video is to be rotated."""
    contents = path.read_bytes()
    one = 0x10000
    matrix = struct.pack(">9i", one, 0, 0, 0, one, 0, 0, 0, 0x40000000)
    place = contents.index(matrix, contents.index(b"tkhd"))
    turned = struct.pack(">9i", a * one, b * one, 0, c * one, d * one, 0, 0, 0, 0x40000000)
    path.write_bytes(contents[:place] + turned + contents[place + 36 :])


@pytest.mark.parametrize("a, b, c, d", TURNS)
def test_frames_are_rotated_as_the_file_says(a, b, c, d, tmp_path):
    picture = moving_square(1)[0]
    path = write_video(tmp_path / "a.mp4", [picture] * 2)
    turn(path, a, b, c, d)

    y, x = np.indices(picture.shape[:2])
    shown_x, shown_y = a * x + c * y, b * x + d * y
    expected = np.empty((np.ptp(shown_y) + 1, np.ptp(shown_x) + 1, 3), np.uint8)
    expected[shown_y - shown_y.min(), shown_x - shown_x.min()] = picture
    first = next(VideoFile(str(path)).frames()).picture
    assert first.shape == expected.shape and mean_difference(first, expected) < 8


@pytest.mark.parametrize("a, b, c, d", [(1, 0, 0, 1), *TURNS])
def test_the_shape_of_pixels_is_rotated_too(a, b, c, d, tmp_path):
    path = write_video(tmp_path / "a.mp4", moving_square(2), pixel_aspect=Fraction(4, 3))
    turn(path, a, b, c, d)
    expected = Fraction(3, 4) if b else Fraction(4, 3)
    video = VideoFile(str(path))
    with video.written_to(str(tmp_path / "b.mp4")) as write:
        for frame in video.frames():
            assert frame.pixel_aspect == pytest.approx(float(expected))
            write(frame.picture, frame)
    with av.open(str(tmp_path / "b.mp4")) as container:
        assert container.streams.video[0].sample_aspect_ratio == expected


@pytest.mark.parametrize("name", ["10:30.mp4", "http:a.mp4", "a b%20#?.mp4", "ö'\".MP4", "-.mp4"])
def test_unusual_file_names(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.rename(write_video(tmp_path / "a.mp4", moving_square(2)), name)
    assert len(list(VideoFile(name).frames())) == 2


def test_other_files_are_refused(tmp_path):
    (tmp_path / "a.mp4").write_text("no video at all\n" * 100)
    assert "is not a readable video" in refused(tmp_path / "a.mp4")


# FFmpeg would open the video or connect to another machine if it were allowed to.
PLAYLISTS = {
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{uri}\n#EXT-X-ENDLIST\n",
    "concat": "ffconcat version 1.0\nfile '{path}'\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static">'
    '<Period><AdaptationSet><Representation id="1" bandwidth="1" mimeType="video/mp4"><BaseURL>{path}</BaseURL>'
    "<SegmentBase/></Representation></AdaptationSet></Period></MPD>",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=a\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"
    "a=rtpmap:96 H264/90000\n",
}


@pytest.mark.promise("A video cannot make FFmpeg open other files or connect to other machines")
@pytest.mark.parametrize("ending", [".avi", ".mp4"])
@pytest.mark.parametrize("kind", PLAYLISTS)
def test_a_playlist_is_refused(kind, ending, tmp_path):
    path = write_video(tmp_path / "b.mp4", moving_square(2))
    (tmp_path / f"list{ending}").write_text(PLAYLISTS[kind].format(path=path, uri=path.as_uri()))
    assert "is not a readable video" in refused(tmp_path / f"list{ending}")


@pytest.mark.promise("A video cannot make FFmpeg open other files or connect to other machines")
def test_a_file_name_is_not_used_as_a_pattern(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(moving_square(1)[0]).save("0.png")
    os.rename("0.png", "%d.mp4")
    assert "is not a readable video" in refused("%d.mp4")


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_empty_file_is_refused(ending, tmp_path):
    (tmp_path / f"a{ending}").touch()
    assert (
        refused(tmp_path / f"a{ending}") == f"{tmp_path / f'a{ending}'} is empty; pass a complete MP4, AVI or WebM file"
    )


def test_sound_without_video_is_refused(tmp_path):
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert "contains sound but no video" in refused(tmp_path / "a.mp4")


def test_an_unknown_codec_is_refused(tmp_path):
    path = write_video(tmp_path / "a.mp4", moving_square(3))
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzzz"))
    assert refused(path) == f"{path} is damaged: its video encoding is unknown; pass a complete copy"


def test_a_video_without_frames_is_refused(tmp_path):
    with av.open(str(tmp_path / "a.avi"), "w") as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.width = stream.height = 16
        stream.pix_fmt = "yuvj420p"
        container.start_encoding()
    assert "has no frames" in refused(tmp_path / "a.avi")


def test_a_video_without_its_index_is_refused(tmp_path):
    path = write_video(tmp_path / "a.mp4", moving_square(30))
    path.write_bytes(path.read_bytes()[:-1000])
    assert "is not a readable video" in refused(path)


def test_a_video_that_ends_within_a_frame_is_read_up_to_there_with_a_warning(tmp_path):
    path = write_video(tmp_path / "a.avi", moving_square(30))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    video = VideoFile(str(path))
    frames = list(video.frames())
    assert 10 < len(frames) < 20
    [warning] = video.warnings
    assert f"1 of {len(frames) + 1} frames could not be decoded, the first at {len(frames) / 25:.2f} s" in warning


@pytest.mark.parametrize("percent", [40, 50, 60, 70])
@pytest.mark.parametrize("ending, options", [(".mp4", {"movflags": "faststart"}), (".webm", {})])
def test_a_truncated_video_is_refused_or_visibly_too_short(ending, options, percent, tmp_path):
    path = write_video(tmp_path / f"a{ending}", moving_square(30), rate=5, options=options)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * percent // 100])
    try:
        video = VideoFile(str(path))
        *_, last = video.frames()
    except UserError:
        return
    assert video.duration == pytest.approx(6, abs=0.3)
    # FFmpeg decodes what there is; the command warns if over a second is missing.
    assert video.duration - last.seconds > 1


def test_a_changing_frame_size_is_refused(tmp_path):
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
    assert "the frame size changes at frame 1" in refused(tmp_path / "a.avi")


def boxes(contents, start=0, end=None):
    """Yields the type and the offset of each box of an MP4 file, in order: ISO/IEC 14496-12, 4.2."""
    end = len(contents) if end is None else end
    while start < end:
        size, kind = struct.unpack(">I4s", contents[start : start + 8])
        yield kind, start
        if kind in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"stbl"):
            yield from boxes(contents, start + 8, start + size)
        start += size


def test_a_video_truncated_at_any_box_is_refused(tmp_path):
    path = write_video(tmp_path / "a.mp4", moving_square(2), options={"movflags": "faststart"})
    contents = path.read_bytes()
    places = dict(boxes(contents))
    assert len(places) > 15
    for kind in (b"ftyp", b"moov", b"hdlr", b"minf", b"stbl", b"stts", b"stco", b"mdat"):
        path.write_bytes(contents[: places[kind] + 8])
        assert str(path) in refused(path)


@pytest.mark.promise("No memory is allocated for data that a file claims but does not contain")
def test_false_claims_in_a_header_are_not_trusted(tmp_path):
    path = write_video(tmp_path / "a.mp4", moving_square(12))
    contents = path.read_bytes()
    place = contents.index(b"stsz") + 8
    for claim in (struct.pack(">II", 0, 10**9), struct.pack(">II", 1, 10**9)):
        path.write_bytes(contents[:place] + claim + contents[place + 8 :])
        assert "is not a readable video" in refused(path) or "has no frames" in refused(path)
    width = contents.index(b"avc1") + 28
    path.write_bytes(contents[:width] + struct.pack(">HH", 65535, 65535) + contents[width + 4 :])
    try:
        shapes = {frame.picture.shape for frame in VideoFile(str(path)).frames()}
    except UserError:
        return
    assert shapes == {(48, 64, 3)}


def test_times_beyond_any_clock_are_refused(tmp_path):
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuvj420p"
        for seconds in (0, 2**40):
            frame = av.VideoFrame.from_ndarray(moving_square(1)[0])
            frame.pts, frame.time_base = 25 * seconds, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert f"frame 1 is at second {2**40}; cut the video before it" in refused(path)


def test_a_cover_picture_is_not_a_video(tmp_path):
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuvj420p"
        stream.disposition = av.stream.Disposition.attached_pic
        frame = av.VideoFrame.from_ndarray(moving_square(1)[0])
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert "contains sound but no video" in refused(tmp_path / "a.mp4")


@pytest.mark.promise("Only common video formats and decoders are used")
def test_rare_decoders_are_refused(tmp_path):
    with av.open(str(tmp_path / "a.avi"), "w") as container:
        stream = container.add_stream("flv", rate=25)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        for picture in moving_square(2):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(stream.encode(None))
    assert "uses an unsupported encoding (flv); convert it with: ffmpeg -i " in refused(tmp_path / "a.avi")


def test_huge_frames_are_refused(tmp_path, monkeypatch):
    path = write_video(tmp_path / "a.mp4", moving_square(2))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    assert "more than" in refused(path)


def test_huge_frames_are_refused_even_if_the_header_claims_small_ones(tmp_path, monkeypatch):
    path = write_video(tmp_path / "a.avi", moving_square(2, height=48, width=64))
    contents, claims = path.read_bytes(), struct.pack("<II", 64, 48)
    assert contents.count(claims) == 2  # of the file and of the stream
    path.write_bytes(contents.replace(claims, struct.pack("<II", 8, 8)))
    assert len(list(VideoFile(str(path)).frames())) == 2
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    assert re.search("is damaged after 0 frames|a frame has more than", refused(path))


def test_without_pyav_the_error_says_how_to_install_it(tmp_path, monkeypatch):
    path = write_video(tmp_path / "a.mp4", moving_square(2))
    monkeypatch.delitem(sys.modules, "video.files.video_file")
    monkeypatch.setitem(sys.modules, "av", None)
    from video.files.video_file import VideoFile as WithoutPackage

    with pytest.raises(
        UserError, match=r'requires the package av; install it with: python -m pip install "\.\[video\]"'
    ):
        WithoutPackage(str(path))


# Damage


@pytest.mark.parametrize("ending, skips_damage", [(".avi", False), (".mp4", False), (".mp4", True)])
def test_damaged_last_frames_are_reported(ending, skips_damage, tmp_path):
    path = write_video(tmp_path / f"a{ending}", noise(20))
    damage(path, [-3, -2, -1])
    video = VideoFile(str(path), skips_damage)
    for _ in range(2):
        assert len(list(video.frames())) == 17
    assert video.warnings == [f"{path} is damaged: 3 of 20 frames could not be decoded, the first at 0.68 s"]


def test_a_video_whose_second_half_is_damaged_is_refused(tmp_path):
    path = write_video(tmp_path / "a.avi", noise(40))
    damage(path, range(20, 40))
    assert "a.avi is damaged after 20 frames" in refused(path)


@pytest.mark.parametrize("ending", [".avi", ".mp4"])
def test_damage_in_the_middle_is_an_error_unless_it_is_skipped(ending, tmp_path):
    path = write_video(tmp_path / f"a{ending}", noise(40))
    damage(path, [5, 6])
    assert "after 5 frames" in refused(path) and "add --skip-damage" in refused(path)
    video = VideoFile(str(path), skips_damage=True)
    frames = list(video.frames())
    [warning] = video.warnings
    assert warning.endswith("2 of 40 frames could not be decoded, the first at 0.20 s")
    assert [round(25 * frame.seconds) for frame in frames] == [*range(5), *range(7, 40)]


@pytest.mark.parametrize("ending", [".mkv", ".mp4"])
def test_frames_that_ffmpeg_filled_in_are_reported(ending, tmp_path):
    path = write_video(tmp_path / f"a{ending}", noise(40))
    contents = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        places = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    start, size = places[10]
    contents[start + size // 2 : start + size] = bytes(size - size // 2)
    path.write_bytes(contents)
    video = VideoFile(str(path))
    assert len(list(video.frames())) == 40
    assert video.warnings == [
        f"{path} is damaged: parts of 1 of 40 frames were filled in from other frames, the first at 0.40 s"
    ]


@pytest.mark.parametrize("codec, options", [("libvpx", {"auto-alt-ref": "1", "lag-in-frames": "10"}), ("mpeg4", {})])
def test_packets_that_show_no_frame_are_not_damage(codec, options, tmp_path):
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.height, stream.width, stream.pix_fmt, stream.bit_rate = 96, 128, "yuv420p", 200_000
        stream.codec_context.max_b_frames = 2 if codec == "mpeg4" else 0
        for number, picture in enumerate(noise(40)):
            frame = av.VideoFrame.from_ndarray(picture)
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    video = VideoFile(str(path))
    assert len(list(video.frames())) == 40 and video.warnings == []


# Formats of camcorders, television, DVDs, phones and the web


@pytest.mark.parametrize(
    "ending, container_format, codec",
    [
        (".MTS", "mpegts", "libx264"),
        (".ts", "mpegts", "mpeg2video"),
        (".mpg", "mpeg", "mpeg2video"),
        (".wmv", "asf", "wmv2"),
        (".flv", "flv", "libx264"),
        (".3gp", "3gp", "mpeg4"),
        (".ogv", "ogg", "libvpx"),
        ("", "mp4", "libx264"),
    ],
)
def test_formats_are_recognized_by_content(ending, container_format, codec, tmp_path):
    path = tmp_path / f"a{ending}"
    with av.open(str(path), "w", format=container_format) as container:
        stream = container.add_stream(codec, rate=25)
        stream.height, stream.width, stream.pix_fmt, stream.bit_rate = 48, 64, "yuv420p", 4_000_000
        for number, picture in enumerate(moving_square(12)):
            frame = av.VideoFrame.from_ndarray(picture)
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    video = open_media(str(path))
    frames = list(video.frames())
    assert len(frames) == 12 and video.warnings == []
    for number, (frame, picture) in enumerate(zip(frames, moving_square(12), strict=True)):
        assert mean_difference(frame.picture, picture) < 12
        assert frame.seconds == pytest.approx(number / 25, abs=2e-3)


def test_the_command_that_converts_an_unsupported_video_is_printed(tmp_path):
    path = tmp_path / "it's old.flv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("flv", rate=25)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(moving_square(1)[0])))
        container.mux(stream.encode(None))
    command = refused(path).split("convert it with: ")[1]
    converted = str(tmp_path / "it's old_h264.mp4")
    expected = ["ffmpeg", "-i", str(path), "-c:v", "libx264", "-pix_fmt", "yuv420p", converted]
    assert shlex.split(command) == expected


# Colours


def write_ten_bits(path, colours, transfer, primaries=9):
    """A lossless video with 10 bits, one frame of each colour, R'G'B' from 0 to 1, with tags of ITU-T H.273."""
    with av.open(str(path), "w") as container:
        matrix = 9 if primaries == 9 else 1
        stream = container.add_stream("ffv1", rate=25)
        stream.height, stream.width, stream.pix_fmt = 64, 64, "yuv420p10le"
        context = stream.codec_context
        context.color_trc, context.color_primaries, context.colorspace = transfer, primaries, matrix
        for number, (red, green, blue) in enumerate(colours):
            # ITU-R BT.2020, tables 4 and 5, with 10 bits.
            luma = 0.2627 * red + 0.6780 * green + 0.0593 * blue
            chroma = (blue - luma) / 1.8814, (red - luma) / 1.4746
            values = [64 + 876 * luma, *(512 + 896 * value for value in chroma)]
            frame = av.VideoFrame(64, 64, "yuv420p10le")
            for plane, value in zip(frame.planes, values, strict=True):
                plane.update(np.full(plane.buffer_size // 2, round(value), "<u2").tobytes())
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def shown(path):
    """The mean colour of each frame, 0 to 255, (F, 3)."""
    return np.array([frame.picture.mean(axis=(0, 1)) for frame in VideoFile(str(path)).frames()])


# By hand, from ITU-R BT.2100: 75 % of HLG are (exp((0.75 - 0.5599) / 0.1788) + 0.2847) / 12 = 0.2650 of scene light
# and, on its display, 1000 × 0.2650^1.2 = 203 cd/m²: diffuse white, as are 58.06 % of PQ. Of that, tone mapping leaves
# 0.6 + 0.4 × (1 - 1/e) = 0.853, which a display of gamma 2.4 shows for 255 × 0.853^(1/2.4) = 238.6. 50 % of HLG are
# 0.0833 of scene light and 50.7 cd/m², a quarter of white, which is kept: 255 × 0.2497^(1/2.4) = 143.0. 41.9 % of PQ
# are 40 cd/m²: 255 × (40 / 203)^(1/2.4) = 129.6.
@pytest.mark.parametrize(
    "transfer, signal, expected",
    [
        (18, 0.75, 238.6),
        (18, 0.5, 143.0),
        (18, 0, 0),
        (18, 1, 254.9),
        (16, 0.5806, 238.6),
        (16, 0.4191, 129.6),
        (16, 0, 0),
    ],
)
def test_greys_of_hdr_video_are_those_computed_by_hand(transfer, signal, expected, tmp_path):
    path = write_ten_bits(tmp_path / "a.mkv", [(signal, signal, signal)] * 2, transfer)
    np.testing.assert_allclose(shown(path), np.full((2, 3), expected), atol=2)


def test_colours_of_bt_2020_become_those_of_bt_709(tmp_path):
    # Red of BT.709 at half the light, in BT.2020: ITU-R BT.2087, table 2, in a gamma of 2.4.
    red = np.array([0.6274, 0.0691, 0.0164]) * 0.5
    path = write_ten_bits(tmp_path / "a.mkv", [red ** (1 / 2.4)] * 2, transfer=14)
    np.testing.assert_allclose(shown(path), [[255 * 0.5 ** (1 / 2.4), 0, 0]] * 2, atol=12)


def test_sdr_video_is_not_changed(tmp_path):
    path = write_ten_bits(tmp_path / "a.mkv", [(0.75, 0.75, 0.75)] * 2, transfer=1, primaries=1)
    np.testing.assert_allclose(shown(path), np.full((2, 3), 0.75 * 255), atol=3)


# Writing


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("height, width", [(48, 64), (37, 51)])
def test_a_written_video_has_the_sizes_and_times_given(height, width, ending, tmp_path):
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


def test_uneven_times_are_kept(tmp_path):
    ticks = [0, 1, 3, 7, 30]
    source = VideoFile(str(write_video(tmp_path / "a.webm", moving_square(5), ticks=ticks)))
    with source.written_to(str(tmp_path / "b.mp4")) as write:
        for frame in source.frames():
            write(frame.picture, frame)
    np.testing.assert_allclose(read_video(tmp_path / "b.mp4")[1], np.divide(ticks, 25), atol=1e-3)


def test_equal_times_are_made_different(tmp_path):
    source = VideoFile(str(write_video(tmp_path / "a.mp4", moving_square(2))))
    with source.written_to(str(tmp_path / "b.avi")) as write:
        for picture in moving_square(3):
            write(picture, Frame(picture, seconds=0.5))
    assert len(read_video(tmp_path / "b.avi")[0]) == 3


@pytest.mark.parametrize("written", [0, 2])
def test_an_error_leaves_no_file(written, tmp_path):
    source = VideoFile(str(write_video(tmp_path / "a.mp4", moving_square(2))))
    with pytest.raises(KeyError), source.written_to(str(tmp_path / "b.mp4")) as write:
        for frame in list(source.frames())[:written]:
            write(frame.picture, frame)
        raise KeyError
    assert os.listdir(tmp_path) == ["a.mp4"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit for file sizes")
@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("count", [2, 40])
def test_a_full_disk_raises_os_error_and_leaves_no_file(count, ending, tmp_path):
    source = VideoFile(str(write_video(tmp_path / "a.mp4", moving_square(2))))
    noise = np.random.default_rng(0).integers(0, 256, (count, 100, 100, 3), dtype=np.uint8)
    with full_disk(after_bytes=5000), source.written_to(str(tmp_path / f"b{ending}")) as write:
        for number, picture in enumerate(noise):
            write(picture, Frame(picture, seconds=number / 25))
    assert os.listdir(tmp_path) == ["a.mp4"]


@pytest.mark.parametrize("width, pause", [(20_000, 0.04), (64, 160_000.0)])
def test_sizes_and_times_that_no_encoder_supports_are_refused(width, pause, tmp_path):
    source = VideoFile(str(write_video(tmp_path / "a.mp4", moving_square(2))))
    with (
        pytest.raises(UserError, match="FFmpeg rejects the size or the times of its frames"),
        source.written_to(str(tmp_path / "b.mp4")) as write,
    ):
        for number in range(8):
            write(np.zeros((16, width, 3), np.uint8), Frame(np.empty(0), seconds=number * pause))
    assert os.listdir(tmp_path) == ["a.mp4"]


def test_unusable_destinations_are_refused(tmp_path):
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
