import contextlib
import io
import itertools
import json
import os
import re
import shutil
import signal
import sys

import h5py
import matplotlib.image
import numpy as np
import pytest

import evaluate
import train
from evaluation.monitored_sequences import monitored_sequences
from model.export.contract import contract_breaches
from model.session_config import bfloat16_failure
from model.training.checkpoint import newest_best_model, newest_checkpoint
from pipeline.augmentation.augment import KINDS
from pipeline.batch_order import epoch_order
from pipeline.joints import JOINT_NAMES
from pipeline.split import split_sequences
from pipeline.store.reader import SequenceStore
from pipeline.tensorflow_v1 import tf
from run import evaluation
from run.data import describe_run_data, open_run_data
from run.folder import RunPaths, claimed_folder
from run.history import read_history
from run.process import stop_signals
from run.session import memory_errors
from run.settings import complete_settings
from tests.commands.in_process import contents_of, run_command
from tests.report.png import read_png

STEPS_PER_EPOCH = 28  # 110 sequences in batches of 4, the last of 2


@pytest.fixture
def run(monkeypatch, capfd, tmp_path):
    """Runs the command in tmp_path with the given arguments; returns its standard output."""

    def run(*arguments):
        monkeypatch.chdir(tmp_path)
        output = run_command(train, arguments, monkeypatch, capfd)
        assert output.err == ""
        return output.out

    return run


@pytest.fixture
def refused(monkeypatch, capfd, tmp_path):
    """Runs the command in tmp_path, which it must leave unchanged; returns its one error line without "error: "."""

    def run(*arguments):
        before = contents_of(tmp_path)
        line = error_line_of(arguments, monkeypatch, capfd, tmp_path)
        assert contents_of(tmp_path) == before
        return line

    return run


def error_line_of(arguments, monkeypatch, capfd, folder):
    monkeypatch.setattr(sys, "argv", ["train.py", *map(str, arguments)])
    monkeypatch.chdir(folder)
    capfd.readouterr()
    with pytest.raises(SystemExit) as stopped:
        train.main()
    error = capfd.readouterr().err
    assert stopped.value.code == 2
    assert error.startswith("error: ") and error.count("\n") == 1 and error.endswith("\n")
    return error[len("error: ") : -1]


@pytest.fixture
def earlier_run(trained_run, tmp_path):
    """A copy of the shared run's folder."""
    return shutil.copytree(trained_run.folder, tmp_path / "earlier")


def errors_by_numpy(model, frames, labels):
    """Distances of the model's positions from the labels, (N, 10, 7) in pixels, by one session.run per sequence."""
    with tf.Graph().as_default(), tf.Session() as session:
        tf.train.import_meta_graph(str(model / "my_model.meta")).restore(session, str(model / "my_model"))
        input_frames, joint_pos = tf.get_collection("validation_nodes")
        positions = [session.run(joint_pos, {input_frames: one[np.newaxis]}) for one in frames]
    return np.linalg.norm(np.concatenate(positions).astype(np.float64) - labels, axis=-1)


def split_of_shared_run(people):
    with SequenceStore(people.path) as store:
        return split_sequences(store.videos, "video", 20, seed=3)


# What a run leaves and prints


def test_a_run_s_folder(trained_run):
    folder = trained_run.folder
    files = ["config.json", "history.csv", "metrics.json", "report.html"]
    assert sorted(os.listdir(folder)) == sorted([*files, "checkpoints", "model", "plots"])
    four_files = ["checkpoint", "my_model.data-00000-of-00001", "my_model.index", "my_model.meta"]
    assert sorted(os.listdir(folder / "model")) == four_files
    assert {name.split("-")[0] for name in os.listdir(folder / "checkpoints")} == {"best", "last"}
    assert contract_breaches(str(folder / "model")) == []
    assert sorted(os.listdir(folder / "plots")) == ["accuracy.png", "loss.png", "predictions.png", "worst.png"]
    for name in os.listdir(folder / "plots"):
        assert min(read_png(folder / "plots" / name).shape[:2]) > 300


def test_nothing_but_what_it_says_is_on_the_terminal(trained_run):
    assert trained_run.stderr == ""
    lines = trained_run.stdout.splitlines()
    assert lines[0] == "training:       110 sequences from 5 videos"
    steps = [line for line in lines if line.startswith("step ")]
    assert len(steps) == len(read_history(trained_run.folder / "history.csv"))
    durations = [line for line in lines if line.startswith("duration: ")]
    some = r"\d+ (s|min)"
    assert re.fullmatch(f"duration:       about {some}, with {some} of training", durations[0])
    assert all(re.fullmatch(f"duration:       now about {some}", line) for line in durations[1:])
    others = [line for line in lines if line not in (*steps, *durations)]
    assert others[4:6] == ["", "errors on the 22 validation sequences"] and others[6].startswith("joint ")


def test_says_how_many_validation_sequences_share_frames(trained_run):
    expected = "validation:     22 sequences from 1 video (split: video); 0 share frames with training"
    assert trained_run.stdout.splitlines()[1] == expected
    evaluations = "evaluations:    during training on 16 of the validation sequences, at the end on all"
    assert trained_run.stdout.splitlines()[2] == evaluations
    measures = "measures:       accuracy on people who are not in the training data. "
    assert trained_run.stdout.splitlines()[3].startswith(measures)


def test_names_the_model_the_pictures_and_the_numbers(trained_run):
    plots = [os.path.join("plots", name) for name in os.listdir(trained_run.folder / "plots")]
    for name in ("model", "metrics.json", "report.html", *plots):
        assert os.path.join(trained_run.folder, name) in trained_run.stdout
    assert "The model meets the assignment's requirements." in trained_run.stdout


def test_says_the_final_error_and_what_to_hand_in_last(trained_run):
    metrics = json.loads((trained_run.folder / "metrics.json").read_text())
    error = f"final average pixel error: {metrics['mean_pixel_error']:.2f} px on 22 validation sequences; "
    assert f"\n\n{error}the assignment asks for at least 100: --validation-sequences 100\n" in trained_run.stdout
    is_worse = metrics["mean_pixel_error"] >= metrics["mean_pose_pixel_error"]
    assert ("\nwarning: this model (" in trained_run.stdout) == is_worse
    drive, site, command = trained_run.stdout.splitlines()[-3:]
    assert drive == f"hand in  to the drive: the four files in {trained_run.folder / 'model'}"
    assert "to the course's site: " in site
    assert command.strip() == f'python make_submission.py "{trained_run.folder}"'


def test_history_has_a_row_for_each_evaluation(trained_run):
    path = trained_run.folder / "history.csv"
    assert path.read_text().splitlines()[0] == "step,epoch,seconds,train_loss,validation_loss,validation_pixel_error"
    rows = read_history(path)
    assert len(rows) == 12
    for name in ("step", "seconds"):
        assert (np.diff([row[name] for row in rows]) > 0).all()
    assert (rows[-1]["step"], rows[-1]["epoch"]) == (2 * STEPS_PER_EPOCH, 2)
    assert all(row["epoch"] == row["step"] // STEPS_PER_EPOCH for row in rows)
    assert all(0 < row["train_loss"] < 64**2 and 0 < row["validation_loss"] < 64**2 for row in rows)


def test_config_keeps_the_settings(trained_run, people):
    config = json.loads((trained_run.folder / "config.json").read_text())
    expected = {
        "data": str(people.path),
        "epochs": 2,
        "time_limit": None,
        "batch_size": 4,
        "num_units": 8,
        "seed": 3,
    }
    expected.update(
        augment=list(KINDS),
        network="pyramid",
        learning_rate=0.006,
    )
    expected.update(precision="float32", validation_split="video", validation_sequences=20, validation_data=None)
    assert expected.items() <= config.items()


def test_metrics_are_those_of_the_model_on_the_validation_sequences(trained_run, people):
    metrics = json.loads((trained_run.folder / "metrics.json").read_text())
    numbers = {"sequences", "mean_pixel_error", "pixel_error", "accuracy", "mean_pose_pixel_error", "video_pixel_error"}
    assert set(metrics) == numbers
    _, validation = split_of_shared_run(people)
    errors = errors_by_numpy(trained_run.folder / "model", people.frames[validation], people.labels[validation])
    assert metrics["sequences"] == 22
    assert metrics["mean_pixel_error"] == pytest.approx(errors.mean(), abs=1e-4)
    assert metrics["pixel_error"] == pytest.approx(
        dict(zip(JOINT_NAMES, errors.mean(axis=(0, 1)), strict=True)), abs=1e-4
    )
    assert metrics["accuracy"]["thresholds"] == [number / 2 for number in range(41)]
    assert metrics["accuracy"]["head"][20] == pytest.approx((errors[..., 0] <= 10).mean(), abs=0.005)


def test_the_mean_pose_is_that_of_the_training_sequences(trained_run, people):
    metrics = json.loads((trained_run.folder / "metrics.json").read_text())
    training, validation = split_of_shared_run(people)
    pose = people.labels[training].astype(np.float64).mean(axis=(0, 1))
    expected = np.linalg.norm(pose - people.labels[validation], axis=-1).mean()
    assert metrics["mean_pose_pixel_error"] == pytest.approx(expected, abs=1e-4)
    mean_row = next(line for line in trained_run.stdout.splitlines() if line.startswith("mean  "))
    assert f"{metrics['mean_pixel_error']:.2f} px" in mean_row and f" {expected:.2f} px " in mean_row


def test_the_best_weights_on_the_monitored_sequences_are_exported(trained_run, people):
    best = min(read_history(trained_run.folder / "history.csv"), key=lambda row: row["validation_pixel_error"])
    _, validation = split_of_shared_run(people)
    with SequenceStore(people.path) as store:
        monitored = monitored_sequences(store, validation)
    errors = errors_by_numpy(trained_run.folder / "model", people.frames[monitored], people.labels[monitored])
    assert len(monitored) == 16 and errors.mean() == pytest.approx(best["validation_pixel_error"], abs=1e-4)
    for path in (trained_run.folder / "model").iterdir():
        assert (
            path.read_bytes() == (trained_run.folder / "checkpoints" / f"best-{best['step']}" / path.name).read_bytes()
        )


@pytest.mark.parametrize("split, expected", [("video", 0), ("random", 15), ("tail", 15)])
def test_the_number_of_sequences_that_share_frames_is_printed(split, expected, people, tmp_path):
    given = {"data": str(people.path), "seed": 3, "validation_split": split, "validation_sequences": 15}
    settings = complete_settings(given)
    with contextlib.ExitStack() as open_files:
        data = open_run_data(settings, RunPaths(str(tmp_path)), open_files)
        line = describe_run_data(settings, data).splitlines()[1]
    assert line.endswith(f"(split: {split}); {expected} share frames with training")


def test_a_separate_file_for_validation(people, made_data, write_data_set, tmp_path):
    frames = made_data.frames.copy()
    frames[:10] = people.frames[100]
    sequences = np.arange(100, dtype=np.int32).reshape(10, 10)
    other = write_data_set(tmp_path / "other.h5", frames, sequences, made_data.labels[:10], made_data.videos[:10])
    settings = complete_settings({"data": str(people.path), "validation_data": str(other), "seed": 3})
    with contextlib.ExitStack() as open_files:
        data = open_run_data(settings, RunPaths(str(tmp_path)), open_files)
        assert describe_run_data(settings, data).splitlines() == [
            "training:       132 sequences from 6 videos",
            "validation:     10 sequences from 1 video (other.h5); 1 share frames with training",
            "evaluations:    during training on 10 of the validation sequences, at the end on all",
            "measures:       memorization, not accuracy on new people: validation frames are trained on",
        ]
        np.testing.assert_allclose(data.mean_pose, people.labels.mean(axis=(0, 1), dtype=np.float64), rtol=1e-6)


def test_where_all_are_trained_on_the_last_weights_are_kept(people, run, monkeypatch, tmp_path):
    worse = itertools.count(10.0)
    errors_of = evaluation.errors_of

    def worse_and_worse(*given):
        errors = errors_of(*given)
        number = next(worse)
        monkeypatch.setattr(type(errors), "mean_pixel_error", number)
        return errors

    monkeypatch.setattr(evaluation, "errors_of", worse_and_worse)
    arguments = ["--data", people.path, "--epochs", 2, "--batch-size", 8, "--num-units", 8, "--seed", 3]
    output = run(*arguments, "--network", "strided", "--no-augment", "--validation-split", "none", "--out", "run")
    first, second, *_ = output.splitlines()
    assert first == "training:       132 sequences from 6 videos"
    assert second.startswith("validation:     100 sequences from 6 videos (split: none); 100 share frames")
    assert "no data is held out" in output
    assert "from the last evaluation" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    rows = read_history(tmp_path / "run" / "history.csv")
    assert newest_best_model(str(tmp_path / "run" / "checkpoints")).endswith(f"-{rows[-1]['step']}")


# Stopping and resuming


@pytest.fixture(scope="module")
def resumed_run(trained_run, tmp_path_factory):
    """A run that is done, gone on with: its folder, and what it held as it was done.

    Before it is resumed, it has no model, and the config.json of an older version, which lacks a newer setting.
    """
    folder = shutil.copytree(trained_run.folder, tmp_path_factory.mktemp("resumed") / "run")
    before = contents_of(folder)
    shutil.rmtree(folder / "model")
    config = json.loads(before[folder / "config.json"])
    del config["window_megabytes"]
    (folder / "config.json").write_text(json.dumps(config))
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        contextlib.redirect_stdout(io.StringIO()) as output,
        contextlib.redirect_stderr(io.StringIO()) as errors,
    ):
        monkeypatch.setattr(sys, "argv", ["train.py", "--resume", "--out", str(folder)])
        train.main()
    assert "errors on the 22 validation sequences" in output.getvalue() and errors.getvalue() == ""
    return folder, before


@pytest.mark.promise("An exported model is complete or absent, and replaces an older one only when it is complete")
def test_a_run_that_is_done_is_not_trained_again(resumed_run):
    folder, before = resumed_run
    after = contents_of(folder)
    assert after.keys() == before.keys()
    scored = folder / "metrics.json"
    assert json.loads(after[scored])["pixel_error"] == pytest.approx(
        json.loads(before[scored])["pixel_error"], abs=1e-4
    )
    for path, contents in before.items():
        # What is recomputed may differ in its last bit.
        if "plots" not in path.parts and path not in (scored, folder / "report.html"):
            assert after[path] == contents


def test_a_run_of_an_earlier_version_resumes(resumed_run):
    folder, before = resumed_run
    assert json.loads((folder / "config.json").read_text()) == json.loads(before[folder / "config.json"])


def test_the_first_signal_is_remembered_and_the_second_ctrl_c_interrupts():
    with pytest.raises(KeyboardInterrupt), stop_signals() as is_stopping:
        assert not is_stopping()
        signal.raise_signal(signal.SIGINT)
        assert is_stopping()
        signal.raise_signal(signal.SIGINT)


def test_sigterm_is_remembered_as_often_as_it_comes():
    with stop_signals() as is_stopping:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        assert is_stopping()


def test_signals_are_as_before_afterwards():
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    # The tests themselves may run under nohup, which has SIGHUP ignored.
    earlier = [signal.signal(number, signal.SIG_DFL) for number in numbers]
    before = [signal.getsignal(number) for number in numbers]
    with stop_signals():
        assert all(signal.getsignal(number) != handler for number, handler in zip(numbers, before, strict=True))
    after = [signal.getsignal(number) for number in numbers]
    for number, handler in zip(numbers, earlier, strict=True):
        signal.signal(number, handler)
    assert after == before


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="needs SIGHUP")
def test_a_closed_terminal_that_nohup_ignores_stays_ignored():
    earlier = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_signals() as is_stopping:
            signal.raise_signal(signal.SIGHUP)
            assert not is_stopping()
    finally:
        signal.signal(signal.SIGHUP, earlier)


# Data of another shape than the course's


@pytest.fixture(scope="module")
def other_data(people, write_data_set, tmp_path_factory):
    """33 sequences of `people`, cut to four frames of 40×24 px."""
    with h5py.File(people.path) as file:
        frames, labels = file["frames"][:, ::2, ::2][:, :24], file["labels"][:33, :4] / 2
        frames = np.concatenate([frames, frames[:, :, :8]], axis=2)
        arrays = frames, file["sequences"][:33, :4], labels, file["videos"][:33]
    return write_data_set(tmp_path_factory.mktemp("other") / "other.h5", *arrays)


def test_sequences_of_another_shape_are_trained_on_and_scored(other_data, people, run, monkeypatch, capfd, tmp_path):
    arguments = ["--epochs", 1, "--batch-size", 8, "--num-units", 8, "--precision", "float32", "--no-augment"]
    arguments += ["--validation-sequences", 10]
    said = run("--data", other_data, "--out", "run", *arguments)
    misfit = "4 frames of 40×24 px"
    assert f"note:           the data set has {misfit}; the assignment requires 10 frames of 64×64 px" in said
    assert f"The model takes {misfit}, but the assignment requires 10 frames of 64×64 px. It meets" in said
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    with SequenceStore(other_data) as store:
        _, validation = split_sequences(store.videos, "video", 10, seed=0)
        frames, labels = store.read_sequences(validation)
        everything = store.read_sequences(np.arange(33))
    assert frames.shape[1:] == (4, 24, 40, 3)
    errors = errors_by_numpy(tmp_path / "run" / "model", frames, labels)
    assert metrics["mean_pixel_error"] == pytest.approx(errors.mean(), abs=1e-4)

    monkeypatch.setattr(sys, "argv", ["evaluate.py", "run/model", str(other_data)])
    evaluate.main()
    mean = errors_by_numpy(tmp_path / "run" / "model", *everything).mean()
    output = capfd.readouterr().out
    assert f"The model takes {misfit}" in output
    assert f" {mean:.2f} px" in next(line for line in output.splitlines() if line.startswith("mean "))
    for given, message in (
        ([], "input_frames has shape [None, 4, 24, 40, 3]; the assignment requires [None, 10, 64, 64, 3]"),
        (
            [str(people.path)],
            "input_frames has shape [None, 4, 24, 40, 3]; the assignment requires [None, 10, 64, 64, 3]",
        ),
    ):
        monkeypatch.setattr(sys, "argv", ["evaluate.py", "run/model", *given])
        with pytest.raises(SystemExit) as stopped:
            evaluate.main()
        assert stopped.value.code == 2 and capfd.readouterr().err == f"error: {message}\n"


def test_refuses_sizes_that_the_networks_cannot_halve(made_data, write_data_set, refused, tmp_path):
    arrays = made_data.sequences, made_data.labels, made_data.videos
    write_data_set(tmp_path / "data.h5", made_data.frames[:, :60, :60], *arrays)
    line = refused("--data", "data.h5", "--out", "run")
    assert "10 frames of 60×60 px; height and width must be multiples of 8" in line


def test_refuses_validation_data_of_another_shape(other_data, people, refused):
    line = refused("--data", people.path, "--validation-data", other_data, "--out", "run")
    assert "has 4 frames of 40×24 px" in line and "10 frames of 64×64 px" in line


# What it refuses


def test_a_demo_that_cannot_be_split_leaves_no_data_behind(refused, monkeypatch):
    monkeypatch.setattr("run.data.DEMO_VIDEOS", 3)
    assert "leave none to train on" in refused("--demo", "--out", "demo", "--validation-sequences", 100)


def test_refuses_data_that_is_none(refused, people, tmp_path):
    contents = people.path.read_bytes()
    (tmp_path / "short.h5").write_bytes(contents[: len(contents) // 2])
    (tmp_path / "data.pkl").write_bytes(b"not HDF5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["frames"] = np.zeros((3, 64, 64, 3), np.uint8)
    for name, message in (
        ("nothing.h5", "No such file or directory; check the path"),
        ("short.h5", "not a complete HDF5 file"),
        ("data.pkl", "not a complete HDF5 file"),
        ("other.h5", "not one that convert_pkl_to_h5.py wrote"),
        (".", "give a file, not a folder"),
    ):
        for arguments in (["--data", name], ["--data", people.path, "--validation-data", name]):
            line = refused(*arguments, "--out", "run")
            assert line.startswith(f"{name}: ") and message in line


@pytest.mark.parametrize("split", ["video", "random", "tail"])
@pytest.mark.parametrize("number", [132, 5000])
def test_refuses_to_leave_nothing_to_train_on(number, split, refused, people):
    arguments = ["--validation-split", split, "--validation-sequences", number, "--out", "run"]
    assert "leave none to train on" in refused("--data", people.path, *arguments)


def test_refuses_to_need_every_video(refused, people):
    line = refused("--data", people.path, "--validation-sequences", 111)
    assert "111 validation sequences need all of the 6 videos" in line


def test_refuses_a_folder_that_cannot_be_written(refused, people, tmp_path):
    (tmp_path / "file").write_text("something of theirs")
    line = refused("--data", people.path, "--validation-sequences", 20, "--out", tmp_path / "file" / "run")
    assert line.endswith("; choose a path whose parent is a folder")


def test_refuses_a_folder_that_holds_something(refused, people, earlier_run, tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "notes.txt").touch()
    (tmp_path / "link").symlink_to("nowhere")
    for name in ("file", "folder", "link", earlier_run.name):
        assert f"{name} exists; give another --out, or --resume" in refused("--data", people.path, "--out", name)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], "give either --data FILE.h5 or --demo"),
        (["--demo", "--epochs", "many"], "argument --epochs: 'many' is not a whole number"),
        (["--demo", "--speed", "fast"], "unrecognized arguments: --speed fast"),
        (["--resume", "--out", "nowhere"], "nowhere contains no run to resume"),
        (["--config", "nothing.json"], "nothing.json: No such file or directory; check the path"),
        (["--config", "."], ".: Is a directory; give a file, not a folder"),
    ],
)
def test_refuses_an_invalid_command_line(arguments, message, refused):
    assert refused(*arguments).startswith(message)


def test_a_run_in_bfloat16_trains_or_says_why_it_cannot(people, run, refused, tmp_path):
    arguments = ["--data", people.path, "--no-augment", "--epochs", 1, "--batch-size", 32, "--num-units", 8]
    arguments += ["--evaluations", 1, "--validation-sequences", 20, "--precision", "bfloat16", "--out", "run"]
    if failure := bfloat16_failure():
        line = f"TensorFlow cannot compute with bfloat16 on this machine ({failure}); omit --precision"
        assert refused(*arguments) == line
    else:
        run(*arguments)
        [row] = read_history(tmp_path / "run" / "history.csv")
        assert 0 < row["train_loss"] < 64**2 and 0 < row["validation_loss"] < 64**2
        assert contract_breaches(str(tmp_path / "run" / "model")) == []


def test_bfloat16_that_cannot_be_had_leaves_nothing_behind(people, refused, monkeypatch):
    monkeypatch.setattr("model.session_config.bfloat16_failure", lambda: "could not create a primitive")
    arguments = ["--data", people.path, "--validation-sequences", 20, "--precision", "bfloat16", "--out", "run"]
    assert "bfloat16 on this machine (could not create a primitive)" in refused(*arguments)


@pytest.mark.promise("Truncated or damaged input is reported in an error line, never as a traceback")
@pytest.mark.parametrize(
    "changes, message",
    [
        ({"learning_rate": -1}, "learning_rate: -1 is not a positive number"),
        ({"precision": "float16"}, "precision: 'float16' is not one of"),
        ({"seed": 10**30}, f"seed: {10**30} is not a whole number"),
        ({"epochs": "2"}, "epochs: '2' is not a whole number"),
        ({"data": "a\0b"}, "data: 'a\\x00b' is not a path"),
        ({"augment": None}, "augment is null"),
    ],
)
def test_refuses_to_resume_a_finished_run_whose_settings_are_damaged(changes, message, refused, earlier_run):
    config = json.loads((earlier_run / "config.json").read_text())
    (earlier_run / "config.json").write_text(json.dumps({**config, **changes}))
    assert message in refused("--resume", "--out", earlier_run)


def test_a_memory_that_tensorflow_exhausts_is_the_user_s_to_enlarge():
    with pytest.raises(MemoryError), memory_errors():
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")


@pytest.mark.promise("Truncated or damaged input is reported in an error line, never as a traceback")
def test_refuses_to_resume_with_a_history_that_cannot_be_read(earlier_run, monkeypatch, capfd, tmp_path):
    with open(earlier_run / "history.csv", "a") as file:
        file.write("1" * 200_000 + ",3,3.75,1.5,2.5,1\n")
    line = error_line_of(["--resume", "--out", earlier_run], monkeypatch, capfd, tmp_path)
    assert "history.csv is damaged (field larger than" in line and line.endswith("or start a new run")


@pytest.fixture(scope="module")
def plain_run(people, tmp_path_factory):
    """The folder of a one-epoch run of seven steps without augmentation, evaluated three times, with event files."""
    folder = tmp_path_factory.mktemp("runs") / "plain"
    arguments = ["--data", str(people.path), "--no-augment", "--epochs", "1", "--validation-sequences", "20"]
    arguments += ["--num-units", "8", "--evaluations", "3"]
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(sys, "argv", ["train.py", *arguments, "--tensorboard", "--out", str(folder)])
        train.main()
    return folder


def test_a_run_without_augmentation(plain_run):
    assert json.loads((plain_run / "config.json").read_text())["augment"] == []
    assert contract_breaches(str(plain_run / "model")) == []


def test_tensorboard_gets_the_curves_the_pictures_and_the_graph(plain_run):
    [file] = (plain_run / "tensorboard").iterdir()
    events = list(tf.train.summary_iterator(str(file)))
    rows = read_history(plain_run / "history.csv")
    found = {}
    for event in events:
        for value in event.summary.value:
            content = value.image if value.HasField("image") else value.simple_value
            found.setdefault(value.tag, []).append((event.step, content))
    for tag, column in (
        ("loss/training [px²]", "train_loss"),
        ("loss/validation [px²]", "validation_loss"),
        ("pixel error/validation [px]", "validation_pixel_error"),
    ):
        assert found[tag] == [(row["step"], pytest.approx(row[column], rel=1e-6)) for row in rows]
    rates = [rate for _, rate in found["learning rate"]]
    assert len(rates) == len(rows) and 5e-3 > max(rates) > 3e-3 and 0 < rates[-1] < 1e-3

    assert [step for step, _ in found["predictions"]] == [row["step"] for row in rows]
    for number in (0, -1):
        image = found["predictions"][number][1]
        picture = matplotlib.image.imread(io.BytesIO(image.encoded_image_string), format="png")
        assert picture.shape == (image.height, image.width, image.colorspace)

    [graph] = [event.graph_def for event in events if event.HasField("graph_def")]
    names = {node.name for node in tf.GraphDef.FromString(graph).node}
    assert {"learning_rate", "global_step", "head/weights"} <= names


def test_refuses_to_resume_a_run_on_other_data(refused, people, earlier_run, tmp_path):
    shutil.copy(people.path, tmp_path / "other.h5")
    with h5py.File(tmp_path / "other.h5", "r+") as file:
        file.attrs["source_sha256"] = np.bytes_("cd" * 32)
    config = json.loads((earlier_run / "config.json").read_text())
    (earlier_run / "config.json").write_text(json.dumps({**config, "data": str(tmp_path / "other.h5")}))
    line = refused("--resume", "--out", earlier_run)
    assert line == "the data set differs from the one that the run was started with; give that one with --data"


@pytest.mark.promise("Two runs never write to the same folder")
def test_refuses_a_folder_that_another_run_writes_to(refused, people, earlier_run, tmp_path):
    with claimed_folder(str(tmp_path / "new"), resume=False):
        for arguments in (["--data", people.path, "--out", tmp_path / "new"], ["--resume", "--out", earlier_run]):
            with claimed_folder(str(earlier_run), resume=True):
                line = refused(*arguments)
            assert line.startswith(f"another run is writing to {arguments[-1]}; wait for it to end")


def test_refuses_to_resume_a_run_without_a_checkpoint(refused, earlier_run):
    shutil.rmtree(earlier_run / "checkpoints")
    (earlier_run / "checkpoints" / "last").mkdir(parents=True)
    assert "has no checkpoint to resume from; start a new run" in refused("--resume", "--out", earlier_run)


# What goes wrong while it trains


@pytest.mark.promise("Truncated or damaged input is reported in an error line, never as a traceback")
def test_damage_that_shows_only_while_it_trains(people, monkeypatch, capfd, tmp_path):
    training, _ = split_of_shared_run(people)
    contents = bytearray(people.path.read_bytes())
    for sequence in training:
        place = contents.find(people.frames[sequence, 4].tobytes())
        if place >= 0:
            contents[place + 5000] ^= 1
    (tmp_path / "damaged.h5").write_bytes(contents)
    arguments = ["--data", "damaged.h5", "--network", "strided", "--epochs", 1, "--num-units", 8, "--seed", 3]
    arguments += ["--validation-sequences", 20]
    line = error_line_of(arguments, monkeypatch, capfd, tmp_path)
    assert line == "damaged.h5: damaged (frames cannot be read); convert the data again"


@pytest.mark.promise("A NaN or infinite loss ends a run with an error, and the last good checkpoint is kept")
@pytest.mark.parametrize("place, evaluated", [(0, False), (-1, True)])
@pytest.mark.parametrize("option", ["--augment", "--no-augment"])
def test_a_loss_that_is_no_number(option, place, evaluated, people, write_data_set, monkeypatch, capfd, tmp_path):
    training, _ = split_of_shared_run(people)
    with h5py.File(people.path) as file:
        frames, sequences, labels, videos = (file[name][:] for name in ("frames", "sequences", "labels", "videos"))
    # A float32 whose square overflows, in the first or in the last batch.
    labels[epoch_order(training, seed=3, epoch=0)[place]] = 3e19
    data = write_data_set(tmp_path / "data.h5", frames, sequences, labels, videos)
    arguments = ["--data", data, option, "--network", "strided", "--epochs", 1, "--batch-size", 8, "--num-units", 8]
    arguments += ["--evaluations", 3, "--seed", 3]
    arguments += ["--precision", "float32", "--validation-sequences", 20, "--out", "run"]
    line = error_line_of(arguments, monkeypatch, capfd, tmp_path)
    assert "the loss became NaN or infinite at step" in line and line.endswith("with a lower --learning-rate")
    rows = read_history(tmp_path / "run" / "history.csv")
    checkpoint = newest_checkpoint(str(tmp_path / "run" / "checkpoints" / "last"))
    assert bool(rows) == evaluated == (checkpoint is not None)
    if evaluated:
        assert checkpoint.step == rows[-1]["step"]
        values = tf.train.load_checkpoint(checkpoint.path)
        assert all(np.isfinite(values.get_tensor(name)).all() for name in values.get_variable_to_shape_map())
