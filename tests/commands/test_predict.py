import contextlib
import csv
import os
import shutil
import signal
import sys
import weakref

import h5py
import numpy as np
import pytest
from PIL import Image

import predict
from model.export.contract import ExaminedModel
from model.export.saved_model import loaded_model
from pipeline.demo.data import draw_video
from tests.commands.in_process import contents_of, run_command, run_refused_command
from tests.model.export.foreign_model import foreign_network, save_foreign_model
from tests.video.files.videos import read_video, write_video
from video.files.media import Frame
from video.files.open_media import open_media
from video.limbs import draw_crop, draw_limbs
from video.prediction import PredictionSummary, predicted_frames
from video.tracking.person import Person, crop_around

VIDEOS = (".mp4", ".avi", ".webm")


@pytest.fixture(scope="module")
def model(trained_run):
    return trained_run.folder / "model"


@pytest.fixture(scope="module")
def predictor(model):
    with loaded_model(str(model)) as predictor:
        yield predictor


@pytest.fixture
def run_whole(monkeypatch, capfd):
    """Runs the command with the given arguments; returns what it printed on standard output and standard error.

    Whole pictures are seen unless --crop says otherwise.
    """

    def run(*arguments):
        arguments = arguments if "--crop" in arguments else (*arguments, "--crop", "none")
        return run_command(predict, arguments, monkeypatch, capfd)

    return run


@pytest.fixture
def run(run_whole, predictor, monkeypatch):
    """The same with the model loaded already."""
    opened = ExaminedModel(predictor, [], [])
    monkeypatch.setattr(
        "video.prediction.walled_model", lambda directory, trust, limits: contextlib.nullcontext(opened)
    )
    return run_whole


@pytest.fixture
def refused(monkeypatch, capfd, tmp_path):
    """Runs the command, which must refuse and leave tmp_path as it was; returns the one line without "error: ".

    Whole pictures are seen unless --crop says otherwise.
    """

    def run(*arguments):
        arguments = arguments if "--crop" in arguments else (*arguments, "--crop", "none")
        [line] = run_refused_command(predict, arguments, monkeypatch, capfd, tmp_path).err.splitlines()
        assert line.startswith("error: ")
        return line[len("error: ") :]

    return run


def people(count, across=3, down=2):
    """A drawn person, each pixel of the 64×64 frames `across` pixels wide and `down` pixels high."""
    frames, _ = draw_video(51, count)
    return list(np.repeat(np.repeat(frames, down, axis=1), across, axis=2))


def positions_by_hand(predictor, pictures, across=3, down=2):
    """The mean over all windows, in the pictures' pixels, of what the model makes of the means of their pixels."""
    blocks = np.stack(pictures).reshape(len(pictures), 64, down, 64, across, 3)
    frames = np.rint(blocks.mean(axis=(2, 4))).astype(np.uint8)
    windows = np.stack([frames[start : start + 10] for start in range(len(frames) - 9)])
    parts = predictor.predict(windows)
    means = [
        np.mean([parts[start, number - start] for start in range(len(parts)) if 0 <= number - start < 10], axis=0)
        for number in range(len(frames))
    ]
    return np.array(means) * [across, down]


def read_table(path):
    """The header, the column after the frame's number, and positions (F, 7, 2), of a CSV file."""
    with open(path, newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    return header, [row[1] for row in rows], np.array([row[2:16] for row in rows], np.float64).reshape(-1, 7, 2)


def shows_limbs(picture, original, positions):
    """Whether the picture is, but for the losses of its format, the original with these limbs on it.

    positions: not a table's, whose rounding puts a line a pixel beside the one that was drawn.
    """
    picture, original = picture.astype(int), original.astype(int)
    expected = draw_limbs(original.astype(np.uint8), positions).astype(int)
    changed = (expected != original).any(axis=-1)
    still_there = np.abs(picture - original)[changed].mean()
    return np.abs(picture - expected).mean() < 5 and np.abs(picture - expected)[changed].mean() < 0.5 * still_there


# What it makes


@pytest.mark.parametrize("ending", VIDEOS)
def test_a_video(ending, model, predictor, run, tmp_path):
    source = write_video(tmp_path / f"in{ending}", people(12), rate=10)
    output = run(model, source, "--out", tmp_path / f"out{ending}")
    assert output.err == "" and f"wrote {tmp_path / f'out{ending}'} and {tmp_path / 'out.csv'}\n" in output.out
    assert "12 frames of 192×128 pixels" in output.out
    assert sorted(os.listdir(tmp_path)) == sorted([f"in{ending}", f"out{ending}", "out.csv"])

    seen, seconds = read_video(source)
    header, times, positions = read_table(tmp_path / "out.csv")
    assert header[:4] == ["frame", "seconds", "head_x", "head_y"]
    np.testing.assert_allclose(np.array(times, float), np.subtract(seconds, seconds[0]), atol=1e-3)
    expected = positions_by_hand(predictor, seen)
    np.testing.assert_allclose(positions, expected, atol=0.1)
    drawn, drawn_seconds = read_video(tmp_path / f"out{ending}")
    assert drawn.shape == seen.shape
    np.testing.assert_allclose(np.diff(drawn_seconds), np.diff(seconds), atol=1e-3)
    assert all(map(shows_limbs, drawn, seen, expected))


def test_a_gif_and_a_table_of_hdf5(model, predictor, run, tmp_path):
    pictures = [np.asarray(Image.fromarray(picture).quantize(200).convert("RGB")) for picture in people(12)]
    first, *others = map(Image.fromarray, pictures)
    first.save(tmp_path / "in.gif", save_all=True, append_images=others, duration=50, loop=0)
    run(model, tmp_path / "in.gif", "--out", tmp_path / "out.gif", "--joints", tmp_path / "joints.h5")
    assert sorted(os.listdir(tmp_path)) == ["in.gif", "joints.h5", "out.gif"]
    with h5py.File(tmp_path / "joints.h5") as file:
        positions = file["joints"][:]
        np.testing.assert_allclose(file["seconds"][:], np.arange(12) * 0.05)
    np.testing.assert_allclose(positions, positions_by_hand(predictor, pictures), atol=0.1)
    with Image.open(tmp_path / "out.gif") as image:
        assert image.n_frames == 12 and image.info["duration"] == 50
        assert shows_limbs(np.asarray(image.convert("RGB")), pictures[0], positions[0])


def test_a_folder_whose_people_stand_in_crops(model, predictor, run, tmp_path):
    pictures = people(11)
    (tmp_path / "in").mkdir()
    for number, picture in enumerate(pictures):
        around = np.pad(picture, [(7, 30), (20, 9), (0, 0)])
        Image.fromarray(around).save(tmp_path / "in" / f"{number}.png")
    arguments = ["--out", f"{tmp_path / 'out'}/", "--crop", "20,7,192,128"]
    run(model, tmp_path / "in", *arguments)
    header, names, positions = read_table(tmp_path / "out.csv")
    assert header[:2] == ["frame", "file"] and names == [f"{number}.png" for number in range(11)]
    expected = positions_by_hand(predictor, pictures) + [20, 7]
    np.testing.assert_allclose(positions, expected, atol=0.1)
    drawn = np.asarray(Image.open(tmp_path / "out" / "10.png"))
    assert shows_limbs(drawn, np.pad(pictures[10], [(7, 30), (20, 9), (0, 0)]), expected[10])

    before = contents_of(tmp_path)
    run(model, tmp_path / "in", *arguments, "--overwrite")
    assert contents_of(tmp_path) == before


def test_two_shots_are_predicted_as_two_videos(model, run, tmp_path):
    first = people(12)
    shots = [first, [255 - picture for picture in first[:11]]]
    tables = []
    for name, pictures in zip(("first", "second", "both"), (*shots, shots[0] + shots[1]), strict=True):
        (tmp_path / name).mkdir()
        for number, picture in enumerate(pictures):
            Image.fromarray(picture).save(tmp_path / name / f"{number:02}.png")
        run(model, tmp_path / name, "--out", tmp_path / f"{name}_out")
        tables.append(read_table(tmp_path / f"{name}_out.csv")[2])
    np.testing.assert_allclose(tables[2], np.concatenate(tables[:2]), atol=0.011)


def test_under_ten_frames_of_an_unusual_shape(model, run_whole, tmp_path):
    source = write_video(tmp_path / "in.mp4", people(3, across=1, down=3))
    output = run_whole(model, source, "--out", tmp_path / "out.mp4")
    assert output.out.startswith("The model keeps the contract.\n3 frames of 64×192 pixels; ")
    assert "the last one was repeated" in output.out and len(read_video(tmp_path / "out.mp4")[0]) == 3
    assert len(output.err.splitlines()) == 1
    assert output.err.startswith("warning: 64×192 pixels are squeezed into a square")


def test_a_cut_video_gets_a_warning(capfd, tmp_path):
    path = write_video(tmp_path / "in.webm", people(30, 1, 1), rate=10)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    source = open_media(str(path))
    *_, last = source.frames()
    predict.print_summary(
        str(path), PredictionSummary(15, 15, np.zeros(7, int), 64, 64, last.seconds, float(source.duration))
    )
    assert "should last 3.0 s according to its header, but its last frame is at 1." in capfd.readouterr().err


class CountedSource:
    """400 frames of 200×300 pixels; `most` is how many of them there were at a time."""

    def __init__(self):
        self.pictures = []
        self.most = 0

    def frames(self):
        for number in range(400):
            picture = np.full((200, 300, 3), number % 256, np.uint8)
            self.pictures.append(weakref.ref(picture))
            self.most = max(self.most, sum(reference() is not None for reference in self.pictures))
            yield Frame(picture, seconds=number / 25)


class Still:
    """In place of a model."""

    def predict_block(self, frames, rows):
        return np.zeros((*rows.shape, 7, 2), np.float32)


def test_frames_of_full_size_do_not_wait_for_their_windows():
    source = CountedSource()
    numbers = [round(part.frame.seconds * 25) for part in predicted_frames(Still(), source, "none")]
    assert numbers == list(range(400)) and 2 <= source.most <= 6


# Whom it follows


class MadeDetector:
    """Always sees one and the same person, or nobody."""

    def __init__(self, *people):
        self.people = list(people)

    def __call__(self, picture, around=None, is_confirmed=True):
        return self.people


@pytest.fixture
def detect(monkeypatch):
    """Puts a MadeDetector of these people in place of the real one."""

    def put(*people):
        monkeypatch.setattr(predict, "HAS_OPENCV", True)
        monkeypatch.setattr(predict, "FaceDetector", lambda: MadeDetector(*people))

    return put


@pytest.fixture
def run_default(monkeypatch, capfd, model, predictor):
    """Runs the command as it is without --crop, the model loaded already."""
    opened = ExaminedModel(predictor, [], [])
    monkeypatch.setattr(
        "video.prediction.walled_model", lambda directory, trust, limits: contextlib.nullcontext(opened)
    )
    return lambda *arguments: run_command(predict, (model, *arguments), monkeypatch, capfd)


def lossless_folder(path, pictures):
    path.mkdir()
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(path / f"{number}.png")
    return path


def test_the_person_is_followed_unless_told_otherwise(detect, run_default, run, model, tmp_path):
    person = Person(300, 200, 80)
    detect(person)
    pictures = [np.pad(picture, [(100, 200), (200, 300), (0, 0)]) for picture in people(12)]
    source = lossless_folder(tmp_path / "in", pictures)
    output = run_default(source, "--out", tmp_path / "out", "--show-crop")
    assert "Somebody was found in 12 of 12 frames." in output.out and output.err == ""
    crop = ",".join(map(str, crop_around(person, *pictures[0].shape[:2])))
    run(model, source, "--out", tmp_path / "by_hand", "--crop", crop)
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "by_hand.csv").read_bytes()
    followed, by_hand = (np.asarray(Image.open(tmp_path / name / "3.png")) for name in ("out", "by_hand"))
    expected = draw_limbs(draw_crop(pictures[3], crop_around(person, *pictures[0].shape[:2])), np.full((7, 2), np.nan))
    is_of_crop = (expected != pictures[3]).any(axis=-1)
    assert is_of_crop.any() and (followed != by_hand)[is_of_crop].any() and (followed == by_hand)[~is_of_crop].all()


def test_where_nobody_is_there_is_no_skeleton(detect, run_default, tmp_path):
    detect()
    source = lossless_folder(tmp_path / "in", people(12))
    output = run_default(source, "--out", tmp_path / "out")
    assert "Nobody was found" in output.out
    _, *rows = list(csv.reader((tmp_path / "out.csv").read_text().splitlines()))
    assert len(rows) == 12 and all(row[2:16] == [""] * 14 for row in rows)
    assert all((np.asarray(Image.open(tmp_path / "out" / "5.png")) == people(12)[5]).ravel())


def test_arms_below_a_picture_that_ends_at_the_shoulders_are_outside(detect, run_default, tmp_path):
    detect(Person(96, 100, 90))
    source = lossless_folder(tmp_path / "in", people(12))
    output = run_default(source, "--out", tmp_path / "out")
    line = (
        "Joints outside the picture, in number of frames: right wrist 12, left wrist 12, right elbow 12, left elbow 12."
    )
    assert line in output.out.splitlines()
    _, *rows = list(csv.reader((tmp_path / "out.csv").read_text().splitlines()))
    assert all(row[-1] == "right wrist;left wrist;right elbow;left elbow" for row in rows)
    assert all(row[2] == "96.00" and row[4:12] == [""] * 8 for row in rows)


def test_without_opencv_the_whole_picture_is_seen_and_it_says_so(
    run_default, run, refused, model, monkeypatch, tmp_path
):
    monkeypatch.setattr(predict, "HAS_OPENCV", False)
    source = lossless_folder(tmp_path / "in", people(12))
    output = run_default(source, "--out", tmp_path / "out")
    [line] = output.err.splitlines()
    assert (
        line.startswith("warning: the package opencv-python-headless is missing") and 'pip install ".[video]"' in line
    )
    run(model, source, "--out", tmp_path / "whole", "--crop", "none")
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    line = refused(model, source, "--out", tmp_path / "again", "--crop", "auto")
    assert line.startswith("--crop auto requires the package opencv-python-headless; install it with: ")


def test_joints_of_low_confidence_are_told_apart(model, predictor, run, tmp_path):
    run(model, lossless_folder(tmp_path / "in", people(14)), "--out", tmp_path / "out")
    header, *rows = list(csv.reader((tmp_path / "out.csv").read_text().splitlines()))
    confidences = [row[header.index("head_confidence") : header.index("left_shoulder_confidence") + 1] for row in rows]
    # A single window holds the first frame, and the last.
    assert confidences[0] == confidences[-1] == [""] * 7
    values = np.array(confidences[1:-1], float)
    assert values.min() >= 0 and values.max() <= 1 and values.std() > 0.01


def test_help_fits_a_screen_and_has_an_example(run, monkeypatch, capfd):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as stopped:
        run("--help")
    lines = capfd.readouterr().out.splitlines()
    assert stopped.value.code == 0
    assert len(lines) <= 40 and max(map(len, lines)) <= 80
    assert "python predict.py runs/first/model" in " ".join(lines)


@pytest.mark.skipif(sys.platform == "win32", reason="SIGTERM ends a process at once")
def test_sigterm_leaves_nothing(run_whole, monkeypatch, tmp_path):
    def draw_and_end(picture, joints, is_confident):
        assert len(list(tmp_path.glob(".*.partial"))) == 2
        signal.raise_signal(signal.SIGTERM)

    opened = contextlib.nullcontext(ExaminedModel(Still(), [], []))
    monkeypatch.setattr("video.prediction.walled_model", lambda directory, trust, limits: opened)
    monkeypatch.setattr("video.prediction.draw_limbs", draw_and_end)
    source = write_video(tmp_path / "in.mp4", people(2, 1, 1))
    with pytest.raises(SystemExit) as ended:
        run_whole("model", source, "--out", tmp_path / "out.mp4")
    assert ended.value.code == 143 and os.listdir(tmp_path) == ["in.mp4"]


# What it refuses


@pytest.fixture
def source(tmp_path):
    """A small video."""
    return write_video(tmp_path / "in.mp4", people(2, 1, 1))


def test_refuses_inputs(model, refused, tmp_path):
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "list.mp4").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n")
    contents = write_video(tmp_path / "cut.mp4", people(2, 1, 1), options={"movflags": "faststart"}).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(contents[: contents.index(b"minf") + 4])
    (tmp_path / "empty").mkdir()
    (tmp_path / "script").mkdir()
    Image.new("RGB", (64, 64)).save(tmp_path / "script" / "a.jpg", "EPS")
    for name, message in (
        ("nothing.mp4", "No such file or directory; check the path"),
        ("text.mp4", "is not a readable video"),
        ("empty.mp4", "empty.mp4 is empty; pass a complete MP4, AVI or WebM file"),
        ("list.mp4", "is not a readable video (Invalid data found when processing input)"),
        ("cut.mp4", "is damaged: its video encoding is unknown; pass a complete copy"),
        ("empty", "has no pictures"),
        ("script", "a.jpg is no picture that can be read (BMP, GIF, JPEG, PNG, TIFF, WEBP)"),
    ):
        assert message in refused(model, tmp_path / name, "--out", tmp_path / "out")


def test_refuses_outputs(model, source, refused, tmp_path):
    (tmp_path / "theirs.csv").touch()
    out = tmp_path / "out.mp4"
    for arguments, message in (
        (["--out", source], "is the source itself"),
        (["--out", source, "--overwrite"], "is the source itself"),
        (["--out", tmp_path / "out.gif"], "does not end in .avi"),
        (["--out", tmp_path / "nowhere" / "out.mp4"], "is not a folder; create it"),
        (["--out", tmp_path / "theirs.mp4"], "theirs.csv exists; give another destination, or --overwrite"),
        (["--out", out, "--joints", tmp_path / "theirs.csv"], "--overwrite to replace it"),
        (["--out", out, "--joints", tmp_path / "a.xlsx"], "does not end in .csv or .h5"),
        (["--out", out, "--crop", "1,1,64,64"], "extends beyond a picture of 64×64 pixels"),
        (["--out", out, "--crop", "left"], "is invalid; use auto, none, center"),
        ([], "the following arguments are required: --out (predict.py --help lists the options)"),
    ):
        assert message in refused(model, source, *arguments)


def test_refuses_a_model_that_breaks_the_contract(model, source, refused, tmp_path):
    folder = shutil.copytree(model, tmp_path / "model")
    (folder / "notes.txt").touch()
    line = refused(folder, source, "--out", tmp_path / "out.mp4")
    assert line == "notes.txt is one file too many; take it out of the folder"
    assert "is not a folder; give the folder that holds the model's four files" in refused(
        tmp_path / "nothing", source, "--out", tmp_path / "out.mp4"
    )


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_refuses_positions_that_are_no_numbers_and_leaves_nothing(bad, source, refused, tmp_path):
    model = save_foreign_model(
        tmp_path / "model", lambda: foreign_network(change_positions=lambda values: values * bad)
    )
    line = refused(model, source, "--out", tmp_path / "out.mp4")
    assert line == f"{model}: the positions in frame 0 are NaN or infinite; train the model again"
