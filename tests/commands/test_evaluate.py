import base64
import contextlib
import hashlib
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
from tests.conftest import ROOT, People, utf8_environment
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
def refused(monkeypatch, capfd, tmp_path):
    """Runs the command, which must fail and leave tmp_path unchanged; returns the error lines without "error: "."""

    def run(*arguments):
        lines = run_refused_command(evaluate, arguments, monkeypatch, capfd, tmp_path).err.splitlines()
        assert lines and all(line.startswith("error: ") for line in lines)
        return [line[len("error: ") :] for line in lines]

    return run


@pytest.fixture(scope="module")
def foreign_model(tmp_path_factory):
    return save_foreign_model(tmp_path_factory.mktemp("foreign") / "model", foreign_network)


@pytest.fixture(scope="module")
def fewer_people(people, write_data_set, tmp_path_factory):
    """Three of the six videos: 66 sequences over 75 frames."""
    with h5py.File(people.path) as file:
        frames, sequences, labels, videos = (file[name][:] for name in ("frames", "sequences", "labels", "videos"))
    chosen = videos < 3
    arrays = frames[: sequences[chosen].max() + 1], sequences[chosen], labels[chosen], videos[chosen]
    path = write_data_set(tmp_path_factory.mktemp("fewer") / "people.h5", *arrays)
    return People(path, people.frames[chosen], people.labels[chosen])


@pytest.fixture(params=["ours", "foreign"])
def model(request):
    """The folder of a model: once that of the shared run, once one that this project did not create."""
    if request.param == "foreign":
        return request.getfixturevalue("foreign_model")
    return request.getfixturevalue("trained_run").folder / "model"


def metrics_by_numpy(model, people):
    """The expected metrics.json, by one session.run per sequence, with the model loaded as the course loads it."""
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
        # One frame may fall on the other side of a threshold.
        assert metrics["accuracy"][name] == pytest.approx(shares, abs=1.01 / (10 * expected["sequences"]))


# What it says of a model


def test_without_data_it_only_checks_the_contract(model, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(model) == "The model keeps the contract.\n"
    assert os.listdir(tmp_path) == []


def test_the_numbers_are_those_of_numpy(model, fewer_people, run, tmp_path):
    output = run(model, fewer_people.path, "--out", tmp_path / "scores")
    metrics = json.loads((tmp_path / "scores" / "metrics.json").read_text())
    check_metrics(metrics, metrics_by_numpy(model, fewer_people))

    lines = output.splitlines()
    assert lines[:2] == ["The model keeps the contract.", "66 sequences"]
    printed = {name: next(line for line in lines if line.startswith(f"{name} ")) for name in [*JOINT_NAMES, "mean"]}
    for name in JOINT_NAMES:
        assert f" {metrics['pixel_error'][name]:.2f} px " in printed[name]
        within = [100 * metrics["accuracy"][name][2 * threshold] for threshold in (5, 10)]
        assert printed[name].endswith(f"{within[0]:.1f} %" + f"{within[1]:.1f} %".rjust(14))
    assert f" {metrics['mean_pixel_error']:.2f} px " in printed["mean"]
    assert f" {metrics['mean_pose_pixel_error']:.2f} px " in printed["mean"]
    hardest = max(metrics["video_pixel_error"], key=metrics["video_pixel_error"].get)
    assert f"hardest of 3 videos: {hardest} ({metrics['video_pixel_error'][hardest]:.2f} px), " in output


@pytest.fixture(scope="module")
def scored(foreign_model, people, tmp_path_factory):
    """The folder of an evaluation's results, and what the command said."""
    folder = tmp_path_factory.mktemp("scored") / "deep" / "scores"
    return folder, output_of(foreign_model, people.path, "--out", folder)


def output_of(*arguments):
    """What the command prints with these arguments."""
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
    assert "<h1>Evaluation: scores</h1>" in report and "whether the model was trained on their frames" in report


def test_the_report_says_what_it_is_of(scored, foreign_model, people):
    page = (scored[0] / "report.html").read_text(encoding="utf-8")
    weights = hashlib.sha256((foreign_model / "my_model.data-00000-of-00001").read_bytes()).hexdigest()
    with h5py.File(people.path) as file:
        source = file.attrs["source_sha256"].decode()
    for text in (str(foreign_model), weights, str(people.path), source, "The model keeps the contract."):
        assert text in page


def test_the_report_draws_the_errors_by_confidence_of_frames_in_two_sequences_or_more(scored, people):
    page = (scored[0] / "report.html").read_text(encoding="utf-8")
    (picture,) = re.findall(r'<section id="confidence">.*?base64,([^"]*)"', page, re.DOTALL)
    with h5py.File(people.path) as file:
        held = [set(sequence) for sequence in file["sequences"][:].tolist()]
    several = {frame for sequence in held for frame in sequence if sum(frame in other for other in held) > 1}
    assert f"Error by confidence, {7 * len(several):,} positions" in base64.b64decode(picture).decode()


def test_sequences_that_share_no_frame_have_no_errors_by_confidence(people, foreign_model, write_data_set, tmp_path):
    with h5py.File(people.path) as file:
        frames, sequences, labels, videos = (file[name][:] for name in ("frames", "sequences", "labels", "videos"))
    _, chosen = np.unique(videos, return_index=True)
    data = write_data_set(tmp_path / "apart.h5", frames, sequences[chosen], labels[chosen], videos[chosen])
    assert "\n6 sequences\n" in output_of(foreign_model, data, "--out", tmp_path / "scores")
    assert "confidence" not in (tmp_path / "scores" / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def said_of_one_block(trained_run, fewer_people):
    """What the command prints of the shared run's model where all sequences are one block."""
    return output_of(trained_run.folder / "model", fewer_people.path)


@pytest.mark.parametrize("sequences_per_block", [1, 25, 65, 66])
def test_the_last_short_block_counts_too(
    sequences_per_block, said_of_one_block, trained_run, fewer_people, run, monkeypatch
):
    monkeypatch.setattr("evaluation.blocks.SEQUENCES_PER_BLOCK", sequences_per_block)
    assert run(trained_run.folder / "model", fewer_people.path) == said_of_one_block


def test_runs_as_a_program_without_chatter(foreign_model, people, tmp_path):
    command = [sys.executable, "-B", ROOT / "evaluate.py", "model", people.path]
    shutil.copytree(foreign_model, tmp_path / "model")
    environment = utf8_environment()
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", cwd=tmp_path, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("The model keeps the contract.\n132 sequences\njoint ")
    assert os.listdir(tmp_path) == ["model"] and sorted(os.listdir(tmp_path / "model")) == list(FOUR_FILES)


def test_help_fits_a_screen_and_has_an_example(run, monkeypatch, capfd):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as stopped:
        run("--help")
    lines = capfd.readouterr().out.splitlines()
    assert stopped.value.code == 0
    assert len(lines) <= 24 and max(map(len, lines)) <= 80
    assert "python evaluate.py runs/first/model" in " ".join(lines)


# What it refuses


@pytest.fixture
def scored_with_breaches(monkeypatch, capfd):
    """Runs the command on a model that breaks the contract; returns both outputs, of which the status must be 2."""

    def run(*arguments):
        with pytest.raises(SystemExit) as stopped:
            run_command(evaluate, arguments, monkeypatch, capfd)
        assert stopped.value.code == 2
        return capfd.readouterr()

    return run


def test_a_breach_is_an_error_line_and_does_not_keep_the_score_back(
    foreign_model, people, scored_with_breaches, run, tmp_path
):
    folder = shutil.copytree(foreign_model, tmp_path / "model")
    (folder / "notes.txt").touch()
    output = scored_with_breaches(folder, people.path, "--out", tmp_path / "scores")
    assert output.err == "error: notes.txt is one file too many; take it out of the folder\n"
    first, *table, _ = output.out.splitlines()
    assert first == "The model breaks the contract in 1 way."
    assert table == run(foreign_model, people.path).splitlines()[1:]
    page = (tmp_path / "scores" / "report.html").read_text()
    assert "The model breaks the contract in 1 way." in page


def test_strict_scores_no_model_that_breaks_the_contract(foreign_model, people, refused, tmp_path):
    folder = shutil.copytree(foreign_model, tmp_path / "model")
    (folder / "notes.txt").touch()
    [line] = refused(folder, people.path, "--out", tmp_path / "scores", "--strict")
    assert line == "notes.txt is one file too many; take it out of the folder"


def test_warnings_are_told_and_the_model_is_scored(people, monkeypatch, capfd, tmp_path):
    folder = save_foreign_model(
        tmp_path / "model", lambda: foreign_network(change_positions=lambda values: tf.nn.dropout(values, rate=0.5))
    )
    output = run_command(evaluate, [folder, people.path], monkeypatch, capfd)
    assert output.err.startswith("warning: its answers differ from one run to the next")
    assert "132 sequences" in output.out


def test_every_breach_has_its_line(foreign_model, refused, tmp_path):
    folder = shutil.copytree(foreign_model, tmp_path / "model")
    (folder / "my_model.index").unlink()
    (folder / "notes.txt").touch()
    lines = refused(folder)
    assert len(lines) == 2 and "my_model.index" in lines[0] and "notes.txt" in lines[1]


def test_a_breach_inside_the_graph(refused, tmp_path):
    folder = save_foreign_model(tmp_path / "model", lambda: foreign_network(input_dtype=tf.float32))
    assert refused(folder) == ["input_frames has dtype float32; the contract's is uint8"]


def test_refuses_a_model_that_is_a_program_unless_it_is_trusted(refused, run, tmp_path):
    def touch(positions):
        with tf.control_dependencies([tf.io.write_file(str(tmp_path / "mark"), "", name="odd")]):
            return tf.identity(positions)

    folder = save_foreign_model(tmp_path / "model", lambda: foreign_network(change_positions=touch))
    [line] = refused(folder)
    assert "refused WriteFile (node odd) because it reads or writes files: a network has no need of it" in line
    (folder / "notes.txt").touch()
    assert [line.split()[0] for line in refused(folder)] == ["notes.txt", f"{folder / 'my_model.meta'}:"]
    (folder / "notes.txt").unlink()
    assert run(folder, "--trust") == "The model keeps the contract.\n"
    assert (tmp_path / "mark").exists()


def test_names_cannot_write_to_the_terminal(foreign_model, refused, tmp_path):
    folder = shutil.copytree(foreign_model, tmp_path / "model")
    (folder / "a\n\x1b[2Jnotes\u202e").touch()
    assert refused(folder) == ["a \\x1b[2Jnotes\\u202e is one file too many; take it out of the folder"]


def test_refuses_a_model_that_is_not_there(refused, people, tmp_path):
    for arguments in ([tmp_path / "nothing"], [people.path], [tmp_path / "nothing", people.path]):
        [line] = refused(*arguments)
        assert line == f"{arguments[0]} is not a folder; give the folder that holds the model's four files"


def test_refuses_data_that_is_none(foreign_model, people, refused, tmp_path):
    contents = people.path.read_bytes()
    (tmp_path / "short.h5").write_bytes(contents[: len(contents) // 2])
    (tmp_path / "data.pkl").write_bytes(b"not HDF5")
    for name, message in (
        ("nothing.h5", "No such file or directory; check the path"),
        ("short.h5", "not a whole HDF5 file"),
        ("data.pkl", "not a whole HDF5 file"),
        (".", "give a file, not a folder"),
    ):
        [line] = refused(foreign_model, tmp_path / name)
        assert line.startswith(f"{tmp_path / name}: ") and message in line


@pytest.mark.promise("Input that is cut short or damaged never ends in a traceback")
def test_refuses_damaged_frames(foreign_model, people, refused, tmp_path):
    contents = bytearray(people.path.read_bytes())
    contents[contents.index(people.frames[40, 5].tobytes()) + 5000] ^= 1
    (tmp_path / "damaged.h5").write_bytes(contents)
    [line] = refused(foreign_model, tmp_path / "damaged.h5")
    assert line == f"{tmp_path / 'damaged.h5'}: damaged (frames cannot be read); convert the pickle again"


def test_refuses_an_out_without_data(foreign_model, refused, tmp_path):
    [line] = refused(foreign_model, "--out", tmp_path / "scores")
    assert "--out needs data" in line


def test_does_not_overwrite_another_evaluation(scored, foreign_model, people, refused, tmp_path):
    shutil.copytree(scored[0], tmp_path, dirs_exist_ok=True)
    [line] = refused(foreign_model, people.path, "--out", tmp_path)
    assert "holds the metrics of another evaluation; give another --out" in line


def test_refuses_an_out_that_cannot_be_written(foreign_model, people, refused, tmp_path):
    (tmp_path / "file").touch()
    [line] = refused(foreign_model, people.path, "--out", tmp_path / "file" / "scores")
    assert "choose a path whose parent is a folder" in line


def test_refuses_arguments_that_it_does_not_know(foreign_model, refused):
    for arguments in ([], [foreign_model, "--speed"], [foreign_model, "data.h5", "more.h5"]):
        [line] = refused(*arguments)
        assert "(evaluate.py --help lists the options)" in line
