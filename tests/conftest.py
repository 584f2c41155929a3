"""Data sets and a trained run that many tests share. They are created once; a test that changes one makes a copy."""

import contextlib
import hashlib
import json
import os
import pickle
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pytest
import xxhash

from pipeline.demo.data import write_demo_pickle
from pipeline.joints import JOINT_NAMES
from pipeline.sources.pickle_conversion import convert_pickle
from support.destination import lock

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class People:
    """Videos of drawn people."""

    path: Path  # of the converted file
    frames: np.ndarray  # uint8 (N, 10, 64, 64, 3), as in the pickle
    labels: np.ndarray  # float32 (N, 10, 7, 2), as in the pickle


@dataclass(frozen=True)
class TrainedRun:
    """A finished run of train.py."""

    folder: Path
    arguments: list  # of the command line
    stdout: str
    stderr: str


@pytest.fixture(scope="session")
def people(tmp_path_factory):
    """Six videos of 25 frames: 132 sequences over 150 frames."""
    folder = made_once(tmp_path_factory, "people", make_people)
    frames, labels = pickle.loads((folder / "people.pkl").read_bytes())
    return People(folder / "people.h5", frames, labels)


def make_people(folder):
    write_demo_pickle(folder / "people.pkl", videos=6, frames_per_video=25, seed=1)
    convert_pickle(folder / "people.pkl", folder / "people.h5")


@pytest.fixture(scope="session")
def trained_run(people, tmp_path_factory):
    """A run of two epochs on five of the six videos, validated on the sixth; trained in a separate process."""
    arguments = ["--data", people.path, "--epochs", 2, "--batch-size", 4, "--num-units", 8, "--seed", 3]
    arguments += ["--evaluations", 12, "--precision", "float32", "--validation-sequences", 20, "--out"]
    arguments = [str(argument) for argument in arguments]

    def train(folder):
        command = [sys.executable, "-B", ROOT / "train.py", *arguments, folder / "trained"]
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", env=utf8_environment())
        assert done.returncode == 0, done.stderr
        (folder / "outputs.json").write_text(json.dumps([done.stdout, done.stderr]), encoding="utf-8")

    folder = made_once(tmp_path_factory, "runs", train)
    stdout, stderr = json.loads((folder / "outputs.json").read_text(encoding="utf-8"))
    return TrainedRun(folder / "trained", [*arguments, str(folder / "trained")], stdout, stderr)


def made_once(tmp_path_factory, name, make):
    """A folder filled by `make`. The processes of pytest-xdist share it; the first one that needs it creates it."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    with open(shared / f"{name}.lock", "ab") as file:
        wait_for_lock(file)
        if not (shared / f"{name}.made").exists():
            (shared / name).mkdir()
            make(shared / name)
            (shared / f"{name}.made").touch()
    return shared / name


def wait_for_lock(file):
    while True:
        with contextlib.suppress(BlockingIOError, PermissionError):
            return lock(file)
        time.sleep(0.05)


def utf8_environment():
    """The environment of a command that writes unbuffered UTF-8 to a pipe."""
    return {**os.environ, "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"}


@pytest.fixture
def limited_file_size():
    """A context manager that limits the size of files, in bytes, to simulate a full disk."""
    resource = pytest.importorskip("resource")

    @contextlib.contextmanager
    def limited(bytes_left):
        earlier = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_left, earlier[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, earlier)

    return limited


@pytest.fixture(scope="session")
def write_data_set():
    """The function write_arrays."""
    return write_arrays


def write_arrays(path, frames, sequences, labels, videos, digests=None, label_sums=None, checksums=None):
    """Writes arrays to an HDF5 file in the project's format, without checks; returns its path.

    The format version is 2 if digests and label_sums are given, 3 if checksums are too, else 1.
    """
    arrays = {"frames": frames, "sequences": sequences, "labels": labels, "videos": videos}
    added = {"digests": digests, "label_sums": label_sums, "checksums": checksums}
    added = {name: rows for name, rows in added.items() if rows is not None}
    with h5py.File(path, "w") as file:
        for name, rows in {**arrays, **added}.items():
            has_checksums = name != "frames" or checksums is None
            chunk = min(10, len(rows)), *rows.shape[1:]
            file.create_dataset(name, data=rows, chunks=chunk, fletcher32=has_checksums)
        file.attrs["format"] = "pose sequences"
        file.attrs["format_version"] = {0: 1, 2: 2, 3: 3}[len(added)]
        file.attrs["source_name"] = "source.pkl"
        file.attrs["source_size"] = 1234
        file.attrs["source_sha256"] = np.bytes_("ab" * 32)
        file.attrs["joints"] = list(JOINT_NAMES)
    return path


def digests_of(frames):
    """The digests of frames, uint8 (F, ...) → uint8 (F, 16)."""
    digests = b"".join(hashlib.sha256(frame.tobytes()).digest()[:16] for frame in frames)
    return np.frombuffer(digests, np.uint8).reshape(-1, 16)


def checksums_of(frames):
    """The checksums of frames, uint8 (F, ...) → uint64 (F,)."""
    return np.array([int(xxhash.xxh3_64_hexdigest(frame.tobytes()), 16) for frame in frames], np.uint64)


def label_sums_of(labels, videos):
    """The sum of the labels, float32 (N, 10, 7, 2), of all frames of each video: float64 (V, 7, 2)."""
    return np.stack([labels[videos == video].sum(axis=(0, 1), dtype=np.float64) for video in range(max(videos) + 1)])


@dataclass(frozen=True)
class MadeData:
    """Random arrays in the layout of the HDF5 file, and the path of a file of version 2 that contains them."""

    path: Path
    frames: np.ndarray  # uint8 (F, 64, 64, 3)
    sequences: np.ndarray  # int32 (N, 10), frame numbers
    labels: np.ndarray  # float32 (N, 10, 7, 2)
    videos: np.ndarray  # int32 (N,)
    digests: np.ndarray  # uint8 (F, 16)
    label_sums: np.ndarray  # float64 (V, 7, 2)

    @property
    def version_1(self):
        """The arrays that a file of version 1 contains, in order."""
        return self.frames, self.sequences, self.labels, self.videos


@pytest.fixture(scope="session")
def made_data(tmp_path_factory):
    """600 sequences that refer to 100 random frames in random order, more than fit into one evaluation block."""
    random = np.random.default_rng(7)
    arrays = (
        random.integers(0, 256, (100, 64, 64, 3), dtype=np.uint8),
        random.integers(0, 100, (600, 10), dtype=np.int32),
        random.uniform(-5, 70, (600, 10, 7, 2)).astype(np.float32),
        np.arange(600, dtype=np.int32) // 50,
    )
    frames, _, labels, videos = arrays
    arrays += digests_of(frames), label_sums_of(labels, videos)
    return MadeData(write_arrays(tmp_path_factory.mktemp("made") / "made.h5", *arrays), *arrays)


@pytest.fixture(scope="session")
def inference_model():
    """An InferenceGraph with 8 units and a session in which it has random weights."""
    from model.export.graph import build_inference_graph, load_weights
    from pipeline.tensorflow_v1 import tf

    inference = build_inference_graph("strided", num_units=8)
    with tf.Session(graph=inference.graph) as session:
        load_weights(inference, session, drawn_weights(inference, seed=0))
        yield inference, session


def drawn_weights(inference, seed):
    """Random weights by variable name, scaled so that predictions vary by several pixels."""
    random = np.random.default_rng(seed)
    weights = {}
    for name, variable in inference.variables.items():
        shape = variable.shape.as_list()
        scale = 20 if "head/" in name else 1
        weights[name] = random.normal(0, scale / np.sqrt(np.prod(shape[:-1])), shape).astype(np.float32)
    return weights
