import hashlib
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io

import convert_youtube_pose_to_h5
from pipeline.sources.pickle_conversion import convert_pickle
from pipeline.sources.scaled_pictures import scaled_pictures
from pipeline.sources.youtube_pose_release import find_pictures, read_annotations
from pipeline.store.reader import SequenceStore
from pipeline.store.writer import StoreWriter
from tests.commands.in_process import run_command, run_refused_command
from tests.pipeline.sources.pickles import pickled
from tests.pipeline.sources.youtube_pose import MadeVideo, course_sequences, nested_cells, write_mat_file, write_release

ROOT = Path(convert_youtube_pose_to_h5.__file__).parent
SHARED = ROOT.parent / "shared"
NAMES = ("frames", "sequences", "labels", "videos", "checksums", "digests", "label_sums")

needs_real_video = pytest.mark.skipif(
    not SHARED.is_dir(), reason="needs the YouTube Pose videos, which are no part of this project, in ../shared/data"
)


def made_videos():
    """26 frames of 90×70, 24 of 150×84 and 21 of 48×64: 41 sequences of consecutive frames, 17 of every other."""
    return [MadeVideo("zOk-&", 26, 90, 70, 1), MadeVideo("-a_é b", 24, 150, 84, 2), MadeVideo("c", 21, 48, 64, 3)]


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    """A release of the made videos; tests must not change it."""
    return write_release(tmp_path_factory.mktemp("release") / "made", made_videos())


@pytest.fixture
def changed_release(release, tmp_path):
    """A copy of the release that tests may change."""
    return shutil.copytree(release, tmp_path / "changed")


@pytest.fixture
def convert(monkeypatch, capfd):
    """Runs the command with the given arguments; returns what it printed on standard output and on standard error."""

    def run(*arguments):
        return run_command(convert_youtube_pose_to_h5, arguments, monkeypatch, capfd)

    return run


@pytest.fixture
def refused(monkeypatch, capfd, tmp_path):
    """Runs the command, which must refuse with one error line and leave tmp_path as it was; returns the line."""

    def run(*arguments):
        output = run_refused_command(convert_youtube_pose_to_h5, arguments, monkeypatch, capfd, tmp_path)
        assert output.out == ""
        assert output.err.startswith("error: ") and output.err.count("\n") == 1 and output.err.endswith("\n")
        return output.err

    return run


def data_sets(path):
    with h5py.File(path) as file:
        return {name: file[name][:] for name in file}


@lru_cache
def expected_arrays(release, length=10, strides=(1, 2), size=64):
    """The frames, labels and videos of all sequences."""
    videos = made_videos()
    parts = [video.scaled(release / "GT_frames", size) for video in videos]
    frames, labels = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    numbers = np.repeat(np.arange(len(videos)), [len(video.frame_numbers) for video in videos])
    index = course_sequences([len(video.frame_numbers) for video in videos], length, strides)
    return frames[index], labels[index], numbers[index[:, 0]]


def through_the_pickle(frames, labels, folder):
    (folder / "data.pkl").write_bytes(pickled((frames, labels)))
    convert_pickle(folder / "data.pkl", folder / "from_pickle.h5")
    return data_sets(folder / "from_pickle.h5")


# What it converts


def test_gives_the_same_as_the_pickle_of_the_same_video(release, convert, tmp_path):
    convert(release, tmp_path / "data.h5")
    found, expected = data_sets(tmp_path / "data.h5"), through_the_pickle(*expected_arrays(release)[:2], tmp_path)
    assert found.keys() == expected.keys() == set(NAMES)
    for name in NAMES:
        assert found[name].dtype == expected[name].dtype
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)
    layouts = [tmp_path / "data.h5", tmp_path / "from_pickle.h5"]
    for one, other in zip(*([*h5py.File(path).values()] for path in layouts), strict=True):
        assert (one.name, one.chunks, one.fletcher32, one.compression) == (
            other.name,
            other.chunks,
            other.fletcher32,
            other.compression,
        )


def test_withheld_sequences_are_the_last_ones(release, convert, tmp_path):
    convert(release, tmp_path / "data.h5", "--withheld", 12)
    frames, labels, videos = expected_arrays(release)
    for path, part in (("data.h5", slice(0, -12)), ("data_withheld.h5", slice(-12, None))):
        found, expected = data_sets(tmp_path / path), through_the_pickle(frames[part], labels[part], tmp_path)
        for name in ("frames", "sequences", "labels"):
            np.testing.assert_array_equal(found[name], expected[name], err_msg=f"{path}: {name}")
        np.testing.assert_array_equal(found["videos"], np.unique(videos[part], return_inverse=True)[1])
        with SequenceStore(tmp_path / path) as store:
            assert len(store) == len(frames[part])


def test_other_strides_lengths_and_sizes(release, convert, tmp_path):
    convert(release, tmp_path / "data.h5", "--strides", "3,1", "--sequence-length", 4, "--size", 24)
    found = data_sets(tmp_path / "data.h5")
    frames, labels, videos = expected_arrays(release, 4, (3, 1), 24)
    np.testing.assert_array_equal(found["frames"][found["sequences"]], frames)
    np.testing.assert_array_equal(found["labels"], labels)
    np.testing.assert_array_equal(found["videos"], videos)
    assert found["frames"].shape == (len(np.unique(found["sequences"])), 24, 24, 3)


def test_prints_a_summary(release, convert, tmp_path):
    output = convert(release, tmp_path / "data.h5", "--withheld", 12)
    lines = output.out.splitlines()
    assert [line.split() for line in lines[:3]] == [
        ["sequences", "46"],
        ["distinct", "frames", "68", "of", "460"],
        ["videos", "3"],
    ]
    assert lines[4].startswith("size") and lines[5].startswith("look at it")
    assert lines[6] == f"wrote {tmp_path / 'data.h5'}"
    assert lines[7].split() == ["sequences", "12"] and lines[13] == f"wrote {tmp_path / 'data_withheld.h5'}"
    assert output.err == ""


def test_describes_the_source_in_attributes(release, convert, tmp_path):
    convert(release, tmp_path / "data.h5", "--strides", 1, "--sequence-length", 25)
    first_video = made_videos()[0]
    paths = [first_video.path(release / "GT_frames", number) for number in sorted(first_video.frame_numbers)[:25]]
    contents = b"".join(path.read_bytes() for path in [release / "YouTube_Pose_dataset.mat", *paths])
    with h5py.File(tmp_path / "data.h5") as file:
        assert file.attrs["source_name"] == b"made"
        assert file.attrs["source_size"] == len(contents)
        assert file.attrs["source_sha256"] == hashlib.sha256(contents).hexdigest().encode()


def test_replaces_a_file_only_with_overwrite(release, convert, refused, tmp_path):
    (tmp_path / "data_withheld.h5").write_text("their file")
    message = refused(release, tmp_path / "data.h5", "--withheld", 12)
    assert "data_withheld.h5 exists" in message and "--overwrite" in message
    convert(release, tmp_path / "data.h5", "--withheld", 12, "--overwrite")
    assert len(data_sets(tmp_path / "data_withheld.h5")["labels"]) == 12


def test_runs_as_a_program_without_tensorflow(release, tmp_path):
    code = "import sys, convert_youtube_pose_to_h5 as c; c.main(); assert 'tensorflow' not in sys.modules"
    command = [sys.executable, "-c", code, release, tmp_path / "data.h5", "--size", "8"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "wrote" in done.stdout


def test_reads_the_mat_file_under_pythonsafepath(release, tmp_path):
    command = [sys.executable, ROOT / "convert_youtube_pose_to_h5.py", release, tmp_path / "data.h5", "--size", "8"]
    done = subprocess.run(command, env={**os.environ, "PYTHONSAFEPATH": "1"}, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_help_fits_a_screen_and_has_an_example(convert, capfd, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as stopped:
        convert("--help")
    lines = capfd.readouterr().out.splitlines()
    assert stopped.value.code == 0
    assert len(lines) <= 30 and max(map(len, lines)) <= 80
    assert "example: python convert_youtube_pose_to_h5.py YouTube_Pose_dataset_1.0 data.h5" in lines


# What it warns of


def test_warns_of_pictures_and_folders_without_labels(changed_release, convert, tmp_path):
    pictures = changed_release / "GT_frames"
    for name in ("further", "another"):
        (pictures / name).mkdir()
    for name in ("frame_000001.jpg", "frame_000002.jpg", "frame_000003.jpg", "Thumbs.db"):
        (pictures / "c" / name).write_text("no matter what")
    warnings = convert(changed_release, tmp_path / "data.h5").err.splitlines()
    assert [warning[:24] for warning in warnings] == ["warning: skipped 2 folde", "warning: skipped 3 pictu"]
    assert warnings[0].endswith("the first is another") and warnings[1].endswith("the first is c/frame_000001.jpg")
    assert len(data_sets(tmp_path / "data.h5")["labels"]) == 58


def test_warns_of_videos_that_are_too_short(release, convert, tmp_path):
    warnings = convert(release, tmp_path / "data.h5", "--sequence-length", 13).err.splitlines()
    assert warnings == [
        "warning: 2 of 3 videos have too few frames for a sequence of 13 at stride 2; they give no such sequence"
    ]
    assert len(data_sets(tmp_path / "data.h5")["labels"]) == len(course_sequences([26, 24, 21], 13))


def test_a_picture_in_two_videos_does_not_make_them_one(changed_release, convert, tmp_path):
    first, _, last = made_videos()
    pictures = changed_release / "GT_frames"
    shutil.copy(first.path(pictures, first.frame_numbers[0]), last.path(pictures, last.frame_numbers[0]))
    warnings = convert(changed_release, tmp_path / "data.h5").err.splitlines()
    assert warnings == ["warning: frames found in more than one video: 1; the videos stay separate"]
    found = data_sets(tmp_path / "data.h5")
    assert found["videos"].tolist() == 16 * [0] + 14 * [1] + 11 * [2] + 8 * [0] + 6 * [1] + 3 * [2]
    assert len(found["frames"]) == 70


def test_a_frame_that_is_annotated_twice_counts_twice(changed_release, convert, tmp_path):
    videos = made_videos()
    videos[2].frame_numbers[5] = videos[2].frame_numbers[6]
    write_mat_file(changed_release, videos)
    warnings = convert(changed_release, tmp_path / "data.h5").err.splitlines()
    assert "warning: annotations that repeat a frame: 1; each is stored as a separate frame" in warnings
    assert len(data_sets(tmp_path / "data.h5")["labels"]) == 58


# What it refuses


def test_refuses_missing_pictures_and_folders(changed_release, refused, tmp_path):
    destination, pictures = tmp_path / "data.h5", changed_release / "GT_frames"
    (_, _, third) = made_videos()
    for number in sorted(third.frame_numbers)[4:7]:
        third.path(pictures, number).unlink()
    message = refused(changed_release, destination)
    assert "3 of 71 annotated pictures are missing, the first is " in message and "c/frame_000035.jpg;" in message
    shutil.rmtree(pictures / "c")
    assert "1 of 3 videos have no folder in " in refused(changed_release, destination)
    pictures.rename(changed_release / "other")
    assert "contains no folder GT_frames" in refused(changed_release, destination)


@pytest.mark.skipif(sys.platform == "win32", reason="links take a privilege")
def test_refuses_a_mat_file_that_is_a_link_out_of_the_release(changed_release, refused, tmp_path):
    path = changed_release / "YouTube_Pose_dataset.mat"
    path.rename(tmp_path / "elsewhere.mat")
    path.symlink_to(tmp_path / "elsewhere.mat")
    assert f"{path} is a link out of its folder" in refused(changed_release, tmp_path / "data.h5")


@pytest.mark.parametrize("contents", [b"", b"no picture", None])
def test_refuses_a_picture_that_cannot_be_read(contents, changed_release, refused, tmp_path):
    last = made_videos()[2]
    path = last.path(changed_release / "GT_frames", max(last.frame_numbers))
    path.write_bytes(path.read_bytes()[:-300] if contents is None else contents)
    message = refused(changed_release, tmp_path / "data.h5", "--withheld", 5)
    assert message.startswith(f"error: {path} is ") and message.endswith("; unpack the release again\n")


def test_a_picture_with_too_many_pixels_is_one_error_line(release, tmp_path):
    # Pillow warns of a picture with more pixels than its limit, and raises at twice as many.
    code = "import convert_youtube_pose_to_h5 as c; from PIL import Image; Image.MAX_IMAGE_PIXELS = 12_000; c.main()"
    command = [sys.executable, "-c", code, release, tmp_path / "data.h5"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and re.fullmatch("error: .*-a_é b.* million pixels; scale it down\n", done.stderr)
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="SIGTERM ends a process at once")
def test_sigterm_leaves_nothing(release, convert, monkeypatch, tmp_path):
    monkeypatch.setattr(StoreWriter, "finish", lambda *arguments: signal.raise_signal(signal.SIGTERM))
    with pytest.raises(SystemExit) as ended:
        convert(release, tmp_path / "data.h5", "--withheld", 12)
    assert ended.value.code == 143 and os.listdir(tmp_path) == []


def test_without_scipy_one_error_line_says_how_to_install_it(release, refused, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    message = refused(release, tmp_path / "data.h5")
    assert 'SciPy is not installed; install it with: python -m pip install ".[release]"' in message


def test_refuses_folders_without_the_mat_file(changed_release, refused, tmp_path):
    for folder in (changed_release / "GT_frames", tmp_path / "nowhere", changed_release / "YouTube_Pose_dataset.mat"):
        assert f"{folder} contains no YouTube_Pose_dataset.mat" in refused(folder, tmp_path / "data.h5")


def changed_video(**changes):
    video = made_videos()[0]
    for name, value in changes.items():
        setattr(video, name, value)
    return [made_videos()[1], video]


JOINTS = made_videos()[0].joints


@pytest.mark.parametrize(
    "videos, message",
    [
        (changed_video(joints=JOINTS[:, :6]), "locs of the video zOk-& have shape (2, 6, 26), not (2, 7, 26)"),
        (changed_video(joints=np.array(["text"])), "locs of the video zOk-& are not numbers"),
        (changed_video(joints=np.where(JOINTS < 1, np.nan, JOINTS)), "has no finite position"),
        (changed_video(frame_numbers=np.arange(26) + 0.5), "frameids of the video zOk-& are not whole numbers"),
        (changed_video(frame_numbers=np.arange(26) - 1), "frameids of the video zOk-& are not whole numbers"),
        (changed_video(label_names=made_videos()[0].label_names[::-1]), "the joints of the video zOk-& are not head,"),
        (changed_video(name="../zOk-&"), "the name of video 2, ../zOk-&, is not a folder name"),
        (changed_video(name=""), "the name of video 2, '', is not a folder name"),
        (changed_video(name="-a_é b"), "contains the video -a_é b more than once"),
    ],
)
def test_refuses_a_mat_file_with_inconsistent_videos(videos, message, changed_release, refused, tmp_path):
    write_mat_file(changed_release, videos)
    assert message in refused(changed_release, tmp_path / "data.h5")


def test_refuses_a_mat_file_of_another_kind(changed_release, refused, tmp_path):
    path, destination = changed_release / "YouTube_Pose_dataset.mat", tmp_path / "data.h5"
    contents = path.read_bytes()
    for wrong in (b"", b"no MAT file" * 40, contents[:200], contents[: len(contents) // 2]):
        path.write_bytes(wrong)
        assert f"{path}: not the MAT file of YouTube Pose (it cannot be read" in refused(changed_release, destination)
    with h5py.File(path, "w", userblock_size=512) as file:
        file["data"] = np.zeros(3)
    path.write_bytes(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + path.read_bytes()[128:])
    assert "not the MAT file of YouTube Pose" in refused(changed_release, destination)
    for variables, message in (
        ({"annotations": np.zeros(3)}, "it contains no struct array `data`"),
        ({"data": np.zeros(3)}, "it contains no struct array `data`"),
        ({"data": np.zeros((1, 0), [("locs", object)])}, "it contains no struct array `data`"),
        ({"data": {"videoname": "c", "locs": JOINTS}}, "`data` lacks frameids, label_names"),
    ):
        scipy.io.savemat(path, variables)
        assert message in refused(changed_release, destination)


@pytest.mark.parametrize("depth", [10_000, 100_000])
def test_refuses_a_mat_file_that_crashes_its_reader(depth, changed_release, refused, tmp_path):
    path = changed_release / "YouTube_Pose_dataset.mat"
    path.write_bytes(nested_cells(depth))
    assert f"{path}: not the MAT file of YouTube Pose (" in refused(changed_release, tmp_path / "data.h5")


def test_refuses_if_there_are_no_sequences_to_write(release, refused, tmp_path):
    destination = tmp_path / "data.h5"
    assert "no video has enough frames" in refused(release, destination, "--sequence-length", 27)
    assert "--withheld 58 leaves none of the 58 sequences" in refused(release, destination, "--withheld", 58)


def test_refuses_destinations_that_cannot_be_written(changed_release, refused, tmp_path):
    for destination, message in (
        (tmp_path / "nowhere" / "data.h5", "nowhere is not a folder"),
        (tmp_path, "is a folder"),
        (changed_release / "YouTube_Pose_dataset.mat", "is the source itself"),
        (changed_release / "GT_frames" / "c" / "frame_000007.jpg", "is in the release's folder of pictures"),
    ):
        assert message in refused(changed_release, destination, "--overwrite")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("name", ["data.h5", "data_withheld.h5"])
def test_does_not_replace_a_pipe(name, release, refused, tmp_path):
    os.mkfifo(tmp_path / name)
    message = refused(release, tmp_path / "data.h5", "--withheld", 5, "--overwrite")
    assert f"{name} is a device, a pipe or a socket" in message
    assert (tmp_path / name).is_fifo()


@pytest.mark.parametrize(
    "options",
    [
        ("--strides", "0"),
        ("--strides", "1,1"),
        ("--strides", "1,"),
        ("--size", "60"),
        ("--size", "0"),
        ("--size", "2048"),
        ("--sequence-length", "0"),
        ("--withheld", "-3"),
        ("--speed",),
    ],
)
def test_refuses_invalid_options(options, release, refused, tmp_path):
    assert "--help lists the options" in refused(release, tmp_path / "data.h5", *options)


# Real video


@pytest.fixture(scope="module")
def real_release():
    return SHARED / "data" / "YouTube_Pose_dataset_1.0"


@needs_real_video
def test_real_video_gives_what_the_pickle_of_its_frames_gives(real_release, convert, tmp_path):
    """Two of the 40 videos, one with a name that ends in &; the sequences in the order of make_pickle.py."""
    data = scipy.io.loadmat(real_release / "YouTube_Pose_dataset.mat")["data"]
    chosen = [0, [entry["videoname"].item() for entry in data[0]].index("nF2n5_aa1Gc&")]
    scipy.io.savemat(tmp_path / "YouTube_Pose_dataset.mat", {"data": data[:, chosen]})
    (tmp_path / "GT_frames").mkdir()
    for entry in data[0, chosen]:
        name = entry["videoname"].item()
        (tmp_path / "GT_frames" / name).symlink_to(real_release / "GT_frames" / name, target_is_directory=True)
    convert(tmp_path, tmp_path / "data.h5")
    found = data_sets(tmp_path / "data.h5")

    specification = importlib.util.spec_from_file_location("make_pickle", SHARED / "tools" / "make_pickle.py")
    make_pickle = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(make_pickle)
    index = make_pickle.sequences(2, (1, 2))
    with np.load(SHARED / "data" / "youtube_pose_64.npz") as arrays:
        frames = arrays["frames"][chosen].reshape(-1, 64, 64, 3)[index]
        labels = arrays["labels"][chosen].reshape(-1, 7, 2)[index]
    expected = through_the_pickle(frames, labels, tmp_path)
    for name in ("sequences", "labels", "videos"):
        np.testing.assert_array_equal(found[name], expected[name])
    # Both are means of the same pixels, but the npz was made with another rounding of halves.
    differences = found["frames"].astype(int) - expected["frames"]
    assert np.abs(differences).max() <= 1 and (differences != 0).mean() < 1e-4


@needs_real_video
def test_a_frame_of_each_real_video_and_all_labels(real_release):
    videos = read_annotations(real_release)
    found = find_pictures(real_release, videos)
    decoded = list(scaled_pictures(found.paths[50::100], 64, 64))
    with np.load(SHARED / "data" / "youtube_pose_64.npz") as arrays:
        assert [video.name for video in videos] == arrays["videos"].tolist() and found.warnings == []
        frames, labels = arrays["frames"][:, 50], arrays["labels"]
    assert np.abs(np.stack([picture.frame for picture in decoded]).astype(int) - frames).max() <= 1
    for video, picture, expected in zip(videos, decoded, labels, strict=True):
        scaled = video.joints * (64 / picture.old_width, 64 / picture.old_height)
        np.testing.assert_array_equal(scaled.astype(np.float32), expected)
