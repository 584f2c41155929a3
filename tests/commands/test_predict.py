import csv
import importlib
import os
import shutil
import sys

import h5py
import numpy as np
import pytest
from PIL import Image

import predict
from model.export.saved_model import loaded_model
from pipeline.demo.data import draw_video
from tests.commands.in_process import contents_of, run_command, run_refused_command
from tests.model.export.foreign_model import foreign_network, save_foreign_model
from tests.video.files.videos import damage, noise, read_video, write_video
from video.limbs import draw_limbs
from video.tracking.face_detector import HAS_OPENCV

VIDEOS = (".mp4", ".avi", ".webm")


@pytest.fixture(scope="module")
def model(trained_run):
    return trained_run.folder / "model"


@pytest.fixture(scope="module")
def predictor(model):
    with loaded_model(str(model)) as predictor:
        yield predictor


@pytest.fixture
def run(monkeypatch, capfd):
    """Runs the command with the given arguments and, unless one is --crop, with --crop none; returns its output."""

    def run(*arguments):
        arguments = arguments if "--crop" in arguments else (*arguments, "--crop", "none")
        return run_command(predict, arguments, monkeypatch, capfd)

    return run


@pytest.fixture
def refused(monkeypatch, capfd, tmp_path):
    """Runs the command, which must fail and leave tmp_path unchanged; returns its error line without "error: "."""

    def run(*arguments):
        arguments = arguments if "--crop" in arguments else (*arguments, "--crop", "none")
        [line] = run_refused_command(predict, arguments, monkeypatch, capfd, tmp_path).err.splitlines()
        assert line.startswith("error: ")
        return line[len("error: ") :]

    return run


def people(count, across=3, down=2):
    """Pictures of a drawn person: 64×64 pixels, each enlarged to `across` × `down` pixels."""
    frames, _ = draw_video(51, count)
    return list(np.repeat(np.repeat(frames, down, axis=1), across, axis=2))


def expected_positions(predictor, pictures, across=3, down=2):
    """Positions in pixels of the pictures: means over all windows of reduced pictures."""
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
    """The header of a CSV file, its column of times or file names, and the positions, (F, 7, 2)."""
    with open(path, newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    return header, [row[1] for row in rows], np.array([row[2:16] for row in rows], np.float64).reshape(-1, 7, 2)


def shows_limbs(picture, original, positions):
    """Whether the picture is the original with these limbs, except for losses of compression.

    positions: exact, since the rounding in a table moves a line by a pixel.
    """
    picture, original = picture.astype(int), original.astype(int)
    expected = draw_limbs(original.astype(np.uint8), positions).astype(int)
    changed = (expected != original).any(axis=-1)
    still_there = np.abs(picture - original)[changed].mean()
    return np.abs(picture - expected).mean() < 5 and np.abs(picture - expected)[changed].mean() < 0.5 * still_there


@pytest.mark.slow
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
    expected = expected_positions(predictor, seen)
    np.testing.assert_allclose(positions, expected, atol=0.1)
    drawn, drawn_seconds = read_video(tmp_path / f"out{ending}")
    assert drawn.shape == seen.shape
    np.testing.assert_allclose(np.diff(drawn_seconds), np.diff(seconds), atol=1e-3)
    assert all(map(shows_limbs, drawn, seen, expected))


def test_a_gif_and_an_hdf5_table(model, predictor, run, tmp_path):
    pictures = [np.asarray(Image.fromarray(picture).quantize(200).convert("RGB")) for picture in people(12)]
    first, *others = map(Image.fromarray, pictures)
    first.save(tmp_path / "in.gif", save_all=True, append_images=others, duration=50, loop=0)
    run(model, tmp_path / "in.gif", "--out", tmp_path / "out.gif", "--joints", tmp_path / "joints.h5")
    assert sorted(os.listdir(tmp_path)) == ["in.gif", "joints.h5", "out.gif"]
    with h5py.File(tmp_path / "joints.h5") as file:
        positions = file["joints"][:]
        np.testing.assert_allclose(file["seconds"][:], np.arange(12) * 0.05)
    np.testing.assert_allclose(positions, expected_positions(predictor, pictures), atol=0.1)
    with Image.open(tmp_path / "out.gif") as image:
        assert image.n_frames == 12 and image.info["duration"] == 50
        assert shows_limbs(np.asarray(image.convert("RGB")), pictures[0], positions[0])


def test_a_folder_with_a_given_crop(model, predictor, run, tmp_path):
    pictures = people(11)
    (tmp_path / "in").mkdir()
    for number, picture in enumerate(pictures):
        around = np.pad(picture, [(7, 30), (20, 9), (0, 0)])
        Image.fromarray(around).save(tmp_path / "in" / f"{number}.png")
    arguments = ["--out", f"{tmp_path / 'out'}/", "--crop", "20,7,192,128"]
    run(model, tmp_path / "in", *arguments)
    header, names, positions = read_table(tmp_path / "out.csv")
    assert header[:2] == ["frame", "file"] and names == [f"{number}.png" for number in range(11)]
    expected = expected_positions(predictor, pictures) + [20, 7]
    np.testing.assert_allclose(positions, expected, atol=0.1)
    drawn = np.asarray(Image.open(tmp_path / "out" / "10.png"))
    assert shows_limbs(drawn, np.pad(pictures[10], [(7, 30), (20, 9), (0, 0)]), expected[10])

    before = contents_of(tmp_path)
    run(model, tmp_path / "in", *arguments, "--overwrite")
    assert contents_of(tmp_path) == before


@pytest.mark.slow
def test_two_shots_are_predicted_like_two_videos(model, run, tmp_path):
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


def test_few_frames_of_an_unusual_shape(model, run, tmp_path):
    source = write_video(tmp_path / "in.mp4", people(3, across=1, down=3))
    output = run(model, source, "--out", tmp_path / "out.mp4")
    assert output.out.startswith("The model meets the assignment's requirements.\n3 frames of 64×192 pixels; ")
    assert "the last one was repeated" in output.out and len(read_video(tmp_path / "out.mp4")[0]) == 3
    assert len(output.err.splitlines()) == 1
    assert output.err.startswith("warning: 64×192 pixels are squeezed into a square")


def test_the_table_has_confidences(model, predictor, run, tmp_path):
    run(model, folder_of(tmp_path / "in", people(14)), "--out", tmp_path / "out")
    header, *rows = list(csv.reader((tmp_path / "out.csv").read_text().splitlines()))
    confidences = [row[header.index("head_confidence") : header.index("left_shoulder_confidence") + 1] for row in rows]
    # Only one window contains the first frame, and one the last.
    assert confidences[0] == confidences[-1] == [""] * 7
    values = np.array(confidences[1:-1], float)
    assert values.min() >= 0 and values.max() <= 1 and values.std() > 0.01


def folder_of(path, pictures):
    path.mkdir()
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(path / f"{number}.png")
    return path


@pytest.mark.skipif(not HAS_OPENCV, reason="needs the package opencv-python-headless")
def test_a_person_is_detected_by_default(model, monkeypatch, capfd, tmp_path):
    frames, _ = draw_video(51, 12)
    enlarged = [Image.fromarray(frame).resize((427, 240), Image.Resampling.BICUBIC) for frame in frames]
    source = folder_of(tmp_path / "in", [np.pad(picture, [(300, 180), (600, 253), (0, 0)]) for picture in enlarged])
    output = run_command(predict, (model, source, "--out", tmp_path / "out"), monkeypatch, capfd)
    assert "A person was found in 12 of 12 frames." in output.out and output.err == ""
    _, _, positions = read_table(tmp_path / "out.csv")
    assert (np.abs(positions - [600 + 427 / 2, 300 + 240 / 2]) < [427, 240]).all()


def test_without_a_person_the_output_says_what_to_do(model, monkeypatch, capfd, tmp_path):
    source = folder_of(tmp_path / "in", [np.zeros((240, 320, 3), np.uint8)] * 12)
    output = run_command(predict, (model, source, "--out", tmp_path / "out"), monkeypatch, capfd)
    if HAS_OPENCV:
        *_, line = output.out.splitlines()
        assert line == (
            "No person was found: the pictures are dark, 0 of 255 on average; choose the crop with --crop none or "
            "--crop X,Y,WIDTH,HEIGHT."
        )


@pytest.mark.skipif(not HAS_OPENCV, reason="needs the package opencv-python-headless")
def test_pictures_that_are_not_upright_are_to_be_rotated(model, monkeypatch, capfd, tmp_path):
    frames, _ = draw_video(51, 12)
    enlarged = [Image.fromarray(frame).resize((427, 240), Image.Resampling.BICUBIC) for frame in frames]
    source = folder_of(tmp_path / "in", [np.rot90(picture) for picture in enlarged])
    output = run_command(predict, (model, source, "--out", tmp_path / "out"), monkeypatch, capfd)
    *_, line = output.out.splitlines()
    assert line == "No person was found: the pictures are turned by 90°; rotate them by 90° clockwise first."


def test_without_opencv_the_model_sees_whole_pictures_with_a_warning(model, run, monkeypatch, capfd, tmp_path):
    source = folder_of(tmp_path / "in", people(12))
    run(model, source, "--out", tmp_path / "whole")
    monkeypatch.setitem(sys.modules, "cv2", None)
    for name in ("predict", "video.tracking.face_detector"):
        monkeypatch.delitem(sys.modules, name)
    without_opencv = importlib.import_module("predict")
    output = run_command(without_opencv, (model, source, "--out", tmp_path / "out"), monkeypatch, capfd)
    [line] = output.err.splitlines()
    assert line.startswith("warning: the package opencv-python-headless is missing")
    assert 'pip install ".[video]"' in line
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    arguments = (model, source, "--out", tmp_path / "again", "--crop", "auto")
    [line] = run_refused_command(without_opencv, arguments, monkeypatch, capfd, tmp_path).err.splitlines()
    assert line.startswith("error: --crop auto requires the package opencv-python-headless; install it with: ")


def test_the_summary_warns_of_a_truncated_video(model, run, tmp_path):
    path = write_video(tmp_path / "in.webm", people(30, 1, 1), rate=10)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    warning = run(model, path, "--out", tmp_path / "out.webm").err
    assert "in.webm should last 3.0 s according to its header, but its last frame is at 1." in warning


def test_damage_is_skipped_on_request_with_a_warning(model, run, refused, tmp_path):
    path = write_video(tmp_path / "in.mp4", noise(20))
    damage(path, [7])
    line = refused(model, path, "--out", tmp_path / "out.mp4")
    assert "in.mp4 is damaged after 7 frames" in line and line.endswith("or add --skip-damage")
    output = run(model, path, "--out", tmp_path / "out.mp4", "--skip-damage")
    assert "19 frames of 128×96 pixels" in output.out
    assert output.err == f"warning: {path} is damaged: 1 of 20 frames could not be decoded, the first at 0.28 s\n"
    _, times, _ = read_table(tmp_path / "out.csv")
    assert [round(25 * float(time)) for time in times] == [*range(7), *range(8, 20)]


def test_pictures_that_are_left_out_cause_a_warning(model, run, tmp_path):
    source = folder_of(tmp_path / "in", people(2))
    (tmp_path / "in" / "c.cr2").touch()
    output = run(model, source, "--out", tmp_path / "out")
    assert output.err == "warning: left out 1 picture, c.cr2; to use them, save them as JPEG or PNG\n"


def test_help_has_an_example(run, capfd):
    with pytest.raises(SystemExit) as stopped:
        run("--help")
    assert stopped.value.code == 0
    assert "python predict.py runs/first/model" in " ".join(capfd.readouterr().out.split())


@pytest.fixture
def source(tmp_path):
    """A small video."""
    return write_video(tmp_path / "in.mp4", people(2, 1, 1))


def test_unusable_inputs_are_refused(model, refused, tmp_path):
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
        ("script", "a.jpg is not a readable picture (BMP, GIF, JPEG, PNG, TIFF, WEBP)"),
    ):
        assert message in refused(model, tmp_path / name, "--out", tmp_path / "out")


def test_unusable_outputs_are_refused(model, source, refused, tmp_path):
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


def test_a_model_that_breaks_the_contract_is_refused(model, source, refused, tmp_path):
    folder = shutil.copytree(model, tmp_path / "model")
    (folder / "checkpoint").unlink()
    line = refused(folder, source, "--out", tmp_path / "out.mp4")
    assert line == "the file checkpoint is missing; save the model again"
    assert "is not a folder; give the folder with the model's four files" in refused(
        tmp_path / "nothing", source, "--out", tmp_path / "out.mp4"
    )


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_positions_that_are_not_finite_are_refused(bad, source, refused, tmp_path):
    model = save_foreign_model(
        tmp_path / "model", lambda: foreign_network(change_positions=lambda values: values * bad)
    )
    line = refused(model, source, "--out", tmp_path / "out.mp4")
    assert line == f"{model}: the positions in frame 0 are NaN or infinite; train the model again"
