import base64
import contextlib
import hashlib
import html
import io
import json
import os
import re
import shutil
import subprocess
import sys

import h5py
import numpy as np
import pytest

import evaluate
from pipeline.joints import JOINT_NAMES
from pipeline.tensorflow_v1 import tf
from tests.commands.in_process import run_command, run_refused_command
from tests.conftest import ROOT, utf8_environment
from tests.model.export.foreign_model import foreign_network, save_foreign_model
from tests.report.png import read_png

FOUR_FILES = ("checkpoint", "my_model.data-00000-of-00001", "my_model.index", "my_model.meta")


@pytest.fixture
def run(monkeypatch, capfd):
    """Runs the command with the given arguments; returns its standard output."""

    def run(*arguments):
        output = run_command(evaluate, arguments, monkeypatch, capfd)
        assert output.err == ""
        return output.out

    return run


@pytest.fixture
def rejected(monkeypatch, capfd, tmp_path):
    """Runs the command, which must fail and leave tmp_path unchanged; returns the error lines without "error: "."""

    def run(*arguments):
        lines = run_refused_command(evaluate, arguments, monkeypatch, capfd, tmp_path).err.splitlines()
        assert lines and all(line.startswith("error: ") for line in lines)
        return [line[len("error: ") :] for line in lines]

    return run


@pytest.fixture(scope="module")
def foreign_model(tmp_path_factory):
    return save_foreign_model(tmp_path_factory.mktemp("foreign") / "model", foreign_network)


@pytest.fixture(params=["ours", "foreign"])
def model(request):
    """The folder of a model: first that of the shared run, then one that this project did not create."""
    if request.param == "foreign":
        return request.getfixturevalue("foreign_model")
    return request.getfixturevalue("trained_run").folder / "model"


def metrics_by_numpy(model, people):
    """The expected metrics.json, with the model loaded as the course does and one session.run per sequence."""
    with tf.Graph().as_default(), tf.Session() as session:
        tf.train.import_meta_graph(str(model / "my_model.meta")).restore(session, str(model / "my_model"))
        input_frames, joint_pos = tf.get_collection("validation_nodes")
        parts = [session.run(joint_pos, {input_frames: one[np.newaxis]}) for one in people.frames]
    positions, labels = np.concatenate(parts).astype(np.float64), people.labels.astype(np.float64)
    distances = np.sqrt(((positions - labels) ** 2).sum(axis=-1)).reshape(-1, 7)
    pose_distances = np.sqrt(((labels.mean(axis=(0, 1)) - labels) ** 2).sum(axis=-1))
    thresholds = [number / 2 for number in range(41)]
    accuracy = {
        name: [float((distances[:, joint] <= threshold).mean()) for threshold in thresholds]
        for joint, name in enumerate(JOINT_NAMES)
    }
    return {
        "sequences": len(labels),
        "mean_pixel_error": distances.mean(),
        "pixel_error": dict(zip(JOINT_NAMES, distances.mean(axis=0), strict=True)),
        "accuracy": {"thresholds": thresholds, **accuracy},
        "mean_pose_pixel_error": pose_distances.mean(),
        "video_pixel_error": {str(video): distances[rows].mean() for video, rows in rows_of_videos(people).items()},
    }


def rows_of_videos(people):
    """Maps each video's number to the indices of its frames among all N * 10 frames of the sequences."""
    with h5py.File(people.path) as file:
        videos = np.repeat(file["videos"][:], 10)
    return {video: np.flatnonzero(videos == video) for video in np.unique(videos).tolist()}


def check_metrics(metrics, expected):
    assert metrics.keys() == expected.keys()
    assert metrics["sequences"] == expected["sequences"]
    for name in ("mean_pixel_error", "pixel_error", "mean_pose_pixel_error", "video_pixel_error"):
        assert metrics[name] == pytest.approx(expected[name], abs=1e-4)
    assert list(metrics["accuracy"]) == ["thresholds", *JOINT_NAMES]
    for name, shares in expected["accuracy"].items():
        # Allows for one frame on the other side of a threshold.
        assert metrics["accuracy"][name] == pytest.approx(shares, abs=1.01 / (10 * expected["sequences"]))


# Verdict and scores


def test_without_data_it_only_checks_the_contract(model, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(model) == "The model meets the assignment's requirements.\n"
    assert os.listdir(tmp_path) == []


def test_the_errors_equal_those_computed_by_numpy(model, people, run, tmp_path):
    output = run(model, people.path, "--out", tmp_path / "scores")
    metrics = json.loads((tmp_path / "scores" / "metrics.json").read_text())
    check_metrics(metrics, metrics_by_numpy(model, people))

    lines = output.splitlines()
    assert lines[:2] == ["The model meets the assignment's requirements.", "132 sequences"]
    printed = {name: next(line for line in lines if line.startswith(f"{name} ")) for name in [*JOINT_NAMES, "mean"]}
    for name in JOINT_NAMES:
        assert f" {metrics['pixel_error'][name]:.2f} px " in printed[name]
        within = [100 * metrics["accuracy"][name][2 * threshold] for threshold in (5, 10)]
        assert printed[name].endswith(f"{within[0]:.1f} %" + f"{within[1]:.1f} %".rjust(14))
    assert f" {metrics['mean_pixel_error']:.2f} px " in printed["mean"]
    assert f" {metrics['mean_pose_pixel_error']:.2f} px " in printed["mean"]
    worst = max(metrics["video_pixel_error"], key=metrics["video_pixel_error"].get)
    assert f"worst videos (5 of 6): {worst} ({metrics['video_pixel_error'][worst]:.2f} px), " in output


@pytest.fixture(scope="module")
def scored(foreign_model, people, tmp_path_factory):
    """The folder of an evaluation's results, and the command's output."""
    folder = tmp_path_factory.mktemp("scored") / "deep" / "scores"
    return folder, output_of(foreign_model, people.path, "--out", folder)


def output_of(*arguments):
    """The standard output of the command with these arguments."""
    with pytest.MonkeyPatch.context() as monkeypatch, contextlib.redirect_stdout(io.StringIO()) as output:
        monkeypatch.setattr(sys, "argv", ["evaluate.py", *map(str, arguments)])
        evaluate.main()
    return output.getvalue()


def test_out_gets_the_metrics_the_plots_and_the_report(scored):
    folder, output = scored
    plots = [os.path.join("plots", f"{name}.png") for name in ("accuracy", "predictions", "worst")]
    paths = [os.path.join(folder, name) for name in ("metrics.json", *plots, "report.html")]
    assert output.splitlines()[-1] == "wrote " + ", ".join(paths)
    assert sorted(str(path) for path in folder.parent.rglob("*") if path.is_file()) == sorted(paths)
    for path in paths[1:-1]:
        assert min(read_png(path).shape[:2]) > 300
    report = (folder / "report.html").read_text(encoding="utf-8")
    assert "<h1>Evaluation: scores</h1>" in report and "It is unknown whether the model was trained on" in report


def test_the_report_states_its_provenance(scored, foreign_model, people):
    page = html.unescape((scored[0] / "report.html").read_text(encoding="utf-8"))
    weights = hashlib.sha256((foreign_model / "my_model.data-00000-of-00001").read_bytes()).hexdigest()
    with h5py.File(people.path) as file:
        source = file.attrs["source_sha256"].decode()
    for text in (
        str(foreign_model),
        weights,
        str(people.path),
        source,
        "The model meets the assignment's requirements.",
    ):
        assert text in page


def test_the_report_plots_errors_by_confidence_for_frames_in_several_sequences(scored, people):
    page = (scored[0] / "report.html").read_text(encoding="utf-8")
    (picture,) = re.findall(r'<section id="confidence">.*?base64,([^"]*)"', page, re.DOTALL)
    with h5py.File(people.path) as file:
        held = [set(sequence) for sequence in file["sequences"][:].tolist()]
    several = {frame for sequence in held for frame in sequence if sum(frame in other for other in held) > 1}
    assert f"confidence of {7 * len(several):,} positions" in base64.b64decode(picture).decode()


def test_without_shared_frames_there_are_no_errors_by_confidence(people, foreign_model, write_data_set, tmp_path):
    with h5py.File(people.path) as file:
        frames, sequences, labels, videos = (file[name][:] for name in ("frames", "sequences", "labels", "videos"))
    _, chosen = np.unique(videos, return_index=True)
    data = write_data_set(tmp_path / "apart.h5", frames, sequences[chosen], labels[chosen], videos[chosen])
    assert "\n6 sequences\n" in output_of(foreign_model, data, "--out", tmp_path / "scores")
    assert "confidence" not in (tmp_path / "scores" / "report.html").read_text(encoding="utf-8")


def test_runs_as_a_program_without_other_output(foreign_model, people, tmp_path):
    command = [sys.executable, "-B", ROOT / "evaluate.py", "model", people.path]
    shutil.copytree(foreign_model, tmp_path / "model")
    environment = utf8_environment()
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", cwd=tmp_path, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("The model meets the assignment's requirements.\n132 sequences\njoint ")
    assert os.listdir(tmp_path) == ["model"] and sorted(os.listdir(tmp_path / "model")) == list(FOUR_FILES)


def test_help_is_at_most_80_columns_wide_and_has_an_example(run, monkeypatch, capfd):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as stopped:
        run("--help")
    lines = capfd.readouterr().out.splitlines()
    assert stopped.value.code == 0 and max(map(len, lines)) <= 80
    assert "python evaluate.py runs/first/model" in " ".join(lines)


# Violations and errors


@pytest.fixture
def scored_with_breaches(monkeypatch, capfd):
    """Runs the command, which must end with status 2 although it scores; returns both outputs."""

    def run(*arguments):
        with pytest.raises(SystemExit) as stopped:
            run_command(evaluate, arguments, monkeypatch, capfd)
        assert stopped.value.code == 2
        return capfd.readouterr()

    return run


def test_a_model_that_violates_a_requirement_is_reported_and_scored(
    foreign_model, people, scored_with_breaches, run, tmp_path
):
    folder = shutil.copytree(foreign_model, tmp_path / "model")
    (folder / "checkpoint").unlink()
    output = scored_with_breaches(folder, people.path, "--out", tmp_path / "scores")
    assert output.err == "error: the file checkpoint is missing; save the model again\n"
    first, *table, _ = output.out.splitlines()
    assert first == "The model does not meet the assignment's requirements: 1 problem."
    assert table == run(foreign_model, people.path).splitlines()[1:]
    page = html.unescape((tmp_path / "scores" / "report.html").read_text())
    assert "The model does not meet the assignment's requirements: 1 problem." in page


def test_strict_does_not_score_a_model_that_violates_a_requirement(foreign_model, people, rejected, tmp_path):
    folder = shutil.copytree(foreign_model, tmp_path / "model")
    (folder / "notes.txt").touch()
    [line] = rejected(folder, people.path, "--out", tmp_path / "scores", "--strict")
    assert line == "notes.txt does not belong to the model"


def test_other_files_and_the_folder_of_a_run_are_notes(foreign_model, run, tmp_path):
    shutil.copytree(foreign_model, tmp_path / "run" / "model")
    (tmp_path / "run" / "model" / "no\x1b[2Jtes\u202e.txt").touch()
    assert run(tmp_path / "run").splitlines() == [
        "note: the model is in the subfolder model",
        "note: no\\x1b[2Jtes\\u202e.txt does not belong to the model",
        "The model meets the assignment's requirements.",
    ]


def test_a_model_with_a_warning_is_scored(people, monkeypatch, capfd, tmp_path):
    folder = save_foreign_model(
        tmp_path / "model", lambda: foreign_network(change_positions=lambda values: tf.nn.dropout(values, rate=0.5))
    )
    output = run_command(evaluate, [folder, people.path], monkeypatch, capfd)
    assert output.err.startswith("warning: its predictions differ from run to run")
    assert "132 sequences" in output.out


def test_each_violation_has_a_line(foreign_model, rejected, tmp_path):
    folder = shutil.copytree(foreign_model, tmp_path / "model")
    (folder / "my_model.index").unlink()
    (folder / "checkpoint").unlink()
    lines = rejected(folder)
    assert len(lines) == 2 and "checkpoint" in lines[0] and "my_model.index" in lines[1]


def test_a_violation_in_the_graph(rejected, tmp_path):
    folder = save_foreign_model(tmp_path / "model", lambda: foreign_network(input_dtype=tf.float32))
    assert rejected(folder) == ["input_frames has dtype float32; the assignment requires uint8"]


def test_rejects_a_graph_that_writes_files_unless_it_is_trusted(rejected, run, tmp_path):
    def touch(positions):
        with tf.control_dependencies([tf.io.write_file(str(tmp_path / "mark"), "", name="odd")]):
            return tf.identity(positions)

    folder = save_foreign_model(tmp_path / "model", lambda: foreign_network(change_positions=touch))
    [line] = rejected(folder)
    assert "it contains ops that no network needs, WriteFile (node odd); if you trust the author" in line
    assert run(folder, "--trust") == "The model meets the assignment's requirements.\n"
    assert (tmp_path / "mark").exists()


def test_rejects_a_missing_model(rejected, people, tmp_path):
    for arguments in ([tmp_path / "nothing"], [people.path], [tmp_path / "nothing", people.path]):
        [line] = rejected(*arguments)
        assert line == f"{arguments[0]} is not a folder; give the folder with the model's four files"


def test_rejects_files_that_are_not_data_sets(foreign_model, people, rejected, tmp_path):
    contents = people.path.read_bytes()
    (tmp_path / "short.h5").write_bytes(contents[: len(contents) // 2])
    (tmp_path / "data.pkl").write_bytes(b"not HDF5")
    for name, message in (
        ("nothing.h5", "No such file or directory; check the path"),
        ("short.h5", "not a complete HDF5 file"),
        ("data.pkl", "not a complete HDF5 file"),
        (".", "give a file, not a folder"),
    ):
        [line] = rejected(foreign_model, tmp_path / name)
        assert line.startswith(f"{tmp_path / name}: ") and message in line


@pytest.mark.promise("Truncated or damaged input is reported in an error line, never as a traceback")
def test_rejects_damaged_frames(foreign_model, people, rejected, tmp_path):
    contents = bytearray(people.path.read_bytes())
    contents[contents.index(people.frames[40, 5].tobytes()) + 5000] ^= 1
    (tmp_path / "damaged.h5").write_bytes(contents)
    [line] = rejected(foreign_model, tmp_path / "damaged.h5")
    assert line == f"{tmp_path / 'damaged.h5'}: damaged (frames cannot be read); convert the data again"


def test_rejects_out_without_data(foreign_model, rejected, tmp_path):
    [line] = rejected(foreign_model, "--out", tmp_path / "scores")
    assert "--out needs data" in line


def test_does_not_overwrite_another_evaluation(scored, foreign_model, people, rejected, tmp_path):
    shutil.copytree(scored[0], tmp_path, dirs_exist_ok=True)
    [line] = rejected(foreign_model, people.path, "--out", tmp_path)
    assert "already contains the results of an evaluation; choose another folder for --out" in line


def test_rejects_an_out_that_cannot_be_written(foreign_model, people, rejected, tmp_path):
    (tmp_path / "file").touch()
    [line] = rejected(foreign_model, people.path, "--out", tmp_path / "file" / "scores")
    assert "choose a path whose parent is a folder" in line


def test_rejects_unknown_arguments(foreign_model, rejected):
    for arguments in ([], [foreign_model, "--speed"], [foreign_model, "data.h5", "more.h5"]):
        [line] = rejected(*arguments)
        assert "(evaluate.py --help lists the options)" in line
