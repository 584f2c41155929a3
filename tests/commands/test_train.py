import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys

import h5py
import numpy as np
import pytest

import evaluate
import train
from model.contract import contract_breaches
from pipeline.joints import JOINT_NAMES
from pipeline.split import split_sequences
from pipeline.store import SequenceStore
from pipeline.tensorflow_v1 import tf
from report.history import read_history
from run_data import describe_run_data, open_run_data
from run_settings import parse_settings
from stop_signals import stop_signals
from tests.conftest import ROOT, utf8_environment
from tests.report.png import read_png

STEPS_PER_EPOCH = 28  # 110 sequences in batches of 4, the last of 2


@pytest.fixture
def run(monkeypatch, capfd, tmp_path):
    """Runs the command in tmp_path with the given arguments; returns what it printed on standard output."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["train.py", *map(str, arguments)])
        monkeypatch.chdir(tmp_path)
        capfd.readouterr()
        train.main()
        output = capfd.readouterr()
        assert output.err == ""
        return output.out

    return run


@pytest.fixture
def refused(monkeypatch, capfd, tmp_path):
    """Runs the command in tmp_path, which it must leave as it was; returns its one error line without "error: "."""

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


def contents_of(folder):
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


@pytest.fixture
def earlier_run(trained_run, tmp_path):
    """A copy of the shared run's folder."""
    return shutil.copytree(trained_run.folder, tmp_path / "earlier")


def errors_by_numpy(model, frames, labels):
    """The distances (N, 10, 7) in pixels of the model's positions from the labels, one session.run a sequence."""
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
    assert sorted(os.listdir(folder)) == ["checkpoints", "config.json", "history.csv", "metrics.json", "model", "plots"]
    four_files = ["checkpoint", "my_model.data-00000-of-00001", "my_model.index", "my_model.meta"]
    assert sorted(os.listdir(folder / "model")) == four_files
    assert sorted(os.listdir(folder / "checkpoints")) == ["best", "last"]
    assert contract_breaches(str(folder / "model")) == []
    assert sorted(os.listdir(folder / "plots")) == ["accuracy.png", "loss.png", "predictions.png", "worst.png"]
    for name in os.listdir(folder / "plots"):
        assert min(read_png(folder / "plots" / name).shape[:2]) > 300


def test_nothing_but_what_it_says_is_on_the_terminal(trained_run):
    assert trained_run.stderr == ""
    lines = trained_run.stdout.splitlines()
    assert lines[0] == "training on    110 sequences of 5 videos"
    steps = [line for line in lines if line.startswith("step ")]
    assert len(steps) == len(read_history(trained_run.folder / "history.csv"))
    tail = lines[2 + len(steps) :]
    assert tail[:2] == ["", "errors on the 22 validation sequences"] and tail[2].startswith("joint ")


def test_says_how_many_validation_sequences_share_frames(trained_run):
    expected = "validating on  22 sequences of 1 video (split by video), 0 of which share a frame with training"
    assert trained_run.stdout.splitlines()[1] == expected


def test_names_the_model_the_pictures_and_the_numbers(trained_run):
    plots = [os.path.join("plots", name) for name in os.listdir(trained_run.folder / "plots")]
    for name in ("model", "metrics.json", *plots):
        assert os.path.join(trained_run.folder, name) in trained_run.stdout
    assert "The model keeps the contract." in trained_run.stdout


def test_history_has_a_row_for_each_evaluation(trained_run):
    path = trained_run.folder / "history.csv"
    assert path.read_text().splitlines()[0] == "step,epoch,seconds,train_loss,validation_loss,validation_pixel_error"
    rows = read_history(path)
    assert len(rows) >= 15
    for name in ("step", "seconds"):
        assert (np.diff([row[name] for row in rows]) > 0).all()
    assert (rows[-1]["step"], rows[-1]["epoch"]) == (2 * STEPS_PER_EPOCH, 2)
    assert all(row["epoch"] == row["step"] // STEPS_PER_EPOCH for row in rows)
    assert all(0 < row["train_loss"] < 64**2 and 0 < row["validation_loss"] < 64**2 for row in rows)


def test_config_keeps_the_settings(trained_run, people):
    config = json.loads((trained_run.folder / "config.json").read_text())
    expected = {"data": str(people.path), "epochs": 2, "time_limit": None, "batch_size": 4, "num_units": 8, "seed": 3}
    expected.update(augment=["mirror", "scale", "rotation", "shift", "colour"], network="pyramid", learning_rate=0.004)
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
    assert metrics["pixel_error"] == pytest.approx(dict(zip(JOINT_NAMES, errors.mean(axis=(0, 1)))), abs=1e-4)
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


def test_the_best_weights_are_exported(trained_run):
    metrics = json.loads((trained_run.folder / "metrics.json").read_text())
    best = min(row["validation_pixel_error"] for row in read_history(trained_run.folder / "history.csv"))
    assert metrics["mean_pixel_error"] == pytest.approx(best, abs=1e-4)
    for path in (trained_run.folder / "model").iterdir():
        assert path.read_bytes() == (trained_run.folder / "checkpoints" / "best" / path.name).read_bytes()


@pytest.mark.parametrize("split, expected", [("video", 0), ("random", 15), ("tail", 15)])
def test_what_a_split_shares_is_said(split, expected, people, tmp_path):
    settings = {"demo": False, "data": str(people.path), "out": str(tmp_path), "validation_data": None, "seed": 3}
    settings.update(validation_split=split, validation_sequences=15)
    with contextlib.ExitStack() as open_files:
        data = open_run_data(settings, open_files)
        line = describe_run_data(settings, data).splitlines()[1]
    assert line.endswith(f"(split by {split}), {expected} of which share a frame with training")


def test_a_file_of_its_own_for_validation(people, made_data, write_data_set, tmp_path):
    frames = made_data.frames.copy()
    frames[:10] = people.frames[100]
    sequences = np.arange(100, dtype=np.int32).reshape(10, 10)
    other = write_data_set(tmp_path / "other.h5", frames, sequences, made_data.labels[:10], made_data.videos[:10])
    settings = {"demo": False, "data": str(people.path), "out": str(tmp_path), "validation_data": str(other), "seed": 3}
    settings.update(validation_split="video", validation_sequences=None)
    with contextlib.ExitStack() as open_files:
        data = open_run_data(settings, open_files)
        assert describe_run_data(settings, data).splitlines() == [
            "training on    132 sequences of 6 videos",
            f"validating on  10 sequences of 1 video ({other}), 1 of which share a frame with training",
        ]
        np.testing.assert_allclose(data.mean_pose, people.labels.mean(axis=(0, 1), dtype=np.float64), rtol=1e-6)


# Stopping and going on


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(trained_run, run, tmp_path):
    folder = tmp_path / "stopped"
    arguments = [*trained_run.arguments[:-1], str(folder)]
    command = [sys.executable, "-B", ROOT / "train.py", *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "encoding": "utf-8"}
    with subprocess.Popen(command, cwd=tmp_path, env=utf8_environment(), **pipes) as process:
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith("step "):
                process.send_signal(signal.SIGINT)
                break
        rest, errors = process.communicate()
    assert (process.returncode, errors) == (0, "")
    assert "stopped; --resume goes on from here\n" in rest
    stopped_at = read_history(folder / "history.csv")
    assert 0 < stopped_at[-1]["step"] < 2 * STEPS_PER_EPOCH
    assert contract_breaches(str(folder / "model")) == []
    assert sorted(os.listdir(folder)) == sorted(os.listdir(trained_run.folder))

    run("--resume", "--out", folder)
    rows, uninterrupted = read_history(folder / "history.csv"), read_history(trained_run.folder / "history.csv")
    assert rows[: len(stopped_at)] == stopped_at
    assert (np.diff([row["step"] for row in rows]) > 0).all()
    assert (np.diff([row["seconds"] for row in rows]) > 0).all()
    assert (rows[-1]["step"], rows[-1]["epoch"]) == (2 * STEPS_PER_EPOCH, 2)
    # The same order of data and the same schedule, so the same losses, but for the order in which threads add.
    for name in ("train_loss", "validation_loss"):
        assert rows[-1][name] == pytest.approx(uninterrupted[-1][name], rel=0.02)
    assert contract_breaches(str(folder / "model")) == []


def test_a_run_that_is_done_is_not_trained_again(earlier_run, run):
    before = contents_of(earlier_run)
    shutil.rmtree(earlier_run / "model")
    run("--resume", "--out", earlier_run)
    after = contents_of(earlier_run)
    assert after.keys() == before.keys()
    for path, contents in before.items():
        if "plots" not in path.parts:
            assert after[path] == contents


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
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with stop_signals():
        assert signal.getsignal(signal.SIGINT) != before[0]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


# Data that are not the course's


@pytest.fixture(scope="module")
def other_data(people, write_data_set, tmp_path_factory):
    """33 of the people's sequences, cut to four frames of 40×24 px."""
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
    assert f"sequences of   {misfit}: the course's contract wants 10 frames of 64×64 px, so this model cannot" in said
    assert f"The model takes {misfit}, the course's contract wants 10 frames of 64×64 px; in all else it keeps" in said
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
        ([], "input_frames has shape [None, 4, 24, 40, 3]; the contract's is [None, 10, 64, 64, 3]"),
        ([str(people.path)], "input_frames has shape [None, 4, 24, 40, 3]; the contract's is [None, 10, 64, 64, 3]"),
    ):
        monkeypatch.setattr(sys, "argv", ["evaluate.py", "run/model", *given])
        with pytest.raises(SystemExit) as stopped:
            evaluate.main()
        assert stopped.value.code == 2 and capfd.readouterr().err == f"error: {message}\n"


def test_refuses_sizes_that_the_networks_cannot_halve(made_data, write_data_set, refused, tmp_path):
    arrays = made_data.sequences, made_data.labels, made_data.videos
    write_data_set(tmp_path / "data.h5", made_data.frames[:, :60, :60], *arrays)
    line = refused("--data", "data.h5", "--out", "run")
    assert "10 frames of 60×60 px; the networks take sizes that are multiples of 8" in line


def test_refuses_validation_data_of_another_shape(other_data, people, refused):
    line = refused("--data", people.path, "--validation-data", other_data, "--out", "run")
    assert "holds 4 frames of 40×24 px" in line and "10 frames of 64×64 px" in line


# What it refuses


def test_help_fits_a_screen_and_has_an_example(run, monkeypatch, capfd):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as stopped:
        run("--help")
    lines = capfd.readouterr().out.splitlines()
    assert stopped.value.code == 0
    assert len(lines) <= 45 and max(map(len, lines)) <= 80
    assert "example: python train.py --data youtube_train_data.h5" in " ".join(lines)


def test_refuses_no_data_and_two_kinds_of_data(refused, people):
    assert "give either --data FILE.h5 or --demo" in refused()
    assert "not allowed with" in refused("--data", people.path, "--demo")


def test_a_demo_that_cannot_be_split_leaves_no_data_behind(refused, monkeypatch):
    monkeypatch.setattr("run_data.DEMO_VIDEOS", 3)
    assert "leave none to train on" in refused("--demo", "--out", "demo", "--validation-sequences", 100)


def test_refuses_data_that_is_none(refused, people, tmp_path):
    contents = people.path.read_bytes()
    (tmp_path / "short.h5").write_bytes(contents[: len(contents) // 2])
    (tmp_path / "data.pkl").write_bytes(b"not HDF5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["frames"] = np.zeros((3, 64, 64, 3), np.uint8)
    for name, message in (
        ("nothing.h5", "No such file or directory; check the path"),
        ("short.h5", "not a whole HDF5 file"),
        ("data.pkl", "not a whole HDF5 file"),
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


def test_refuses_a_split_beside_validation_data(refused, people):
    for option in (["--validation-split", "video"], ["--validation-sequences", "10"]):
        line = refused("--data", people.path, "--validation-data", people.path, *option)
        assert "--validation-data replaces the split" in line


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
    "option, values",
    [
        ("--epochs", ["0", "-1", "1.5", "many"]),
        ("--time-limit", ["0", "-1", "nan", "inf", "long"]),
        ("--augment", ["blur", "mirror,", "mirror scale"]),
        ("--network", ["deep"]),
        ("--batch-size", ["0", "-1", "2.5"]),
        ("--learning-rate", ["0", "-1", "nan", "inf", "high"]),
        ("--num-units", ["0", "-1"]),
        ("--seed", ["-1", "2147483648", "x"]),
        ("--precision", ["float16"]),
        ("--validation-split", ["people"]),
        ("--validation-sequences", ["0", "-1", "all"]),
    ],
)
def test_refuses_values_that_make_no_sense(option, values, refused, people):
    for value in values:
        line = refused("--data", people.path, "--out", "run", f"{option}={value}")
        assert f"argument {option}: " in line and value in line and "--help lists the options" in line


def test_refuses_options_that_it_does_not_know(refused, people):
    assert "--speed" in refused("--data", people.path, "--speed", "fast")


def test_refuses_to_resume_what_is_no_run(refused, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "--resume needs the folder of the run" in refused("--resume")
    for name in ("empty", "nowhere"):
        assert f"{name} holds no run to resume" in refused("--resume", "--out", name)
    for contents in ("", "{}", "[]", "not JSON"):
        (tmp_path / "empty" / "config.json").write_text(contents)
        assert "is not the config.json of a run" in refused("--resume", "--out", "empty")


@pytest.mark.parametrize(
    "option, value, present",
    [
        ("--epochs", "3", "2"),
        ("--time-limit", "60.5", "None"),
        ("--augment", "mirror", "mirror,scale,rotation,shift,colour"),
        ("--network", "strided", "pyramid"),
        ("--batch-size", "5", "4"),
        ("--learning-rate", "0.5", ""),
        ("--num-units", "9", "8"),
        ("--seed", "4", "3"),
        ("--precision", "auto", "float32"),
        ("--validation-split", "random", "video"),
        ("--validation-sequences", "21", "20"),
        ("--validation-data", "other.h5", "None"),
        ("--data", "other.h5", ""),
    ],
)
def test_refuses_to_resume_with_another_option(option, value, present, refused, earlier_run):
    line = refused("--resume", "--out", earlier_run, option, value)
    assert line.startswith(f"{option} {value} differs from the run's {present}")
    assert f"leave {option} out to resume it" in line


def test_refuses_to_resume_without_augmentation_what_began_with_it(refused, earlier_run):
    line = refused("--resume", "--out", earlier_run, "--no-augment")
    assert line.startswith("--no-augment differs from the run's mirror,scale,") and "leave --no-augment out" in line


def test_refuses_to_augment_and_not_to(refused, people):
    assert "not allowed with" in refused("--data", people.path, "--augment", "mirror", "--no-augment")


def test_without_augmentation_the_network_is_the_one_that_fits_soonest(monkeypatch):
    for arguments, expected in (
        (["--no-augment"], {"augment": [], "network": "strided", "batch_size": 16, "num_units": 64}),
        ([], {"network": "pyramid", "batch_size": 8, "num_units": 128}),
        (["--augment"], {"augment": ["mirror", "scale", "rotation", "shift", "colour"], "network": "pyramid"}),
        (["--augment", "shift,mirror"], {"augment": ["mirror", "shift"], "network": "pyramid"}),
        (["--network", "strided", "--batch-size", "3"], {"network": "strided", "batch_size": 3, "num_units": 64}),
    ):
        monkeypatch.setattr(sys, "argv", ["train.py", "--data", "data.h5", *arguments])
        assert expected.items() <= parse_settings("").items()


def test_a_run_without_augmentation(people, run, tmp_path):
    run("--data", people.path, "--no-augment", "--epochs", 1, "--validation-sequences", 20, "--out", "plain")
    assert json.loads((tmp_path / "plain" / "config.json").read_text())["augment"] == []
    assert contract_breaches(str(tmp_path / "plain" / "model")) == []


def test_refuses_to_resume_a_run_on_other_data(refused, people, earlier_run, tmp_path):
    shutil.copy(people.path, tmp_path / "other.h5")
    with h5py.File(tmp_path / "other.h5", "r+") as file:
        file.attrs["source_sha256"] = "cd" * 32
    config = json.loads((earlier_run / "config.json").read_text())
    (earlier_run / "config.json").write_text(json.dumps({**config, "data": str(tmp_path / "other.h5")}))
    line = refused("--resume", "--out", earlier_run)
    assert line == "the data set differs from the one that the run began with; resume it with that one"


def test_refuses_to_resume_a_run_without_a_checkpoint(refused, earlier_run):
    shutil.rmtree(earlier_run / "checkpoints")
    (earlier_run / "checkpoints" / "last").mkdir(parents=True)
    assert "holds no checkpoint to go on from; start a new run" in refused("--resume", "--out", earlier_run)


# What goes wrong while it trains


def test_damage_that_shows_only_while_it_trains(people, monkeypatch, capfd, tmp_path):
    training, _ = split_of_shared_run(people)
    contents = bytearray(people.path.read_bytes())
    for sequence in training:
        place = contents.find(people.frames[sequence, 4].tobytes())
        if place >= 0:
            contents[place + 5000] ^= 1
    (tmp_path / "damaged.h5").write_bytes(contents)
    arguments = ["--data", "damaged.h5", "--epochs", 1, "--num-units", 8, "--seed", 3, "--validation-sequences", 20]
    line = error_line_of(arguments, monkeypatch, capfd, tmp_path)
    assert line == "damaged.h5: damaged (frames cannot be read); convert the pickle again"


@pytest.mark.parametrize("option", ["--augment", "--no-augment"])
def test_a_loss_that_is_no_number(option, people, monkeypatch, capfd, tmp_path):
    arguments = ["--data", people.path, option, "--epochs", 1, "--num-units", 8, "--validation-sequences", 20]
    line = error_line_of([*arguments, "--learning-rate", 1e30], monkeypatch, capfd, tmp_path)
    assert "the loss is no number any more at step" in line and line.endswith("with a lower --learning-rate")
