"""Opens the HDF5 store of a converted data set, checks it, and reads any of its sequences.

`layout` describes the file. Only an index is kept in memory: 8 bytes for each sequence.

While the interpreter exits, ReadingGate keeps every thread out of HDF5. A tf.data generator runs in one of TensorFlow's
threads, for which Python does not wait: at exit, the thread stops wherever it is. If it stops in h5py while it holds
h5py's lock, the main thread waits for that lock forever when it frees the file.
"""

from __future__ import annotations

import atexit
import contextlib
import itertools
import os
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING

import h5py
import numpy as np

from pipeline.sequence_shape import SequenceShape
from pipeline.store.check import checked_datasets, damaged, text_attribute
from pipeline.store.layout import DIGEST_BYTES, frame_digest
from support.user_error import UserError

if TYPE_CHECKING:
    import numpy.typing as npt
    from _typeshed import StrPath

# Rows at most this far apart are read together with those between them, which takes less time than separate reads.
LARGEST_GAP = 4
FRAMES_PER_HASHING = 64
SEQUENCES_PER_CHECK = 1 << 12


class ReadingGate:
    """A lock to hold while HDF5 is used. It is closed when the interpreter exits."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._is_open = True
        atexit.register(self.close)

    @contextlib.contextmanager
    def passed(self) -> Iterator[None]:
        """Holds the lock. Raises RuntimeError if the gate is closed."""
        with self._lock:
            if not self._is_open:
                raise RuntimeError("the program is exiting, so no data is read")
            yield

    def close(self) -> None:
        """Waits until no other thread holds the lock, and lets no thread in from then on."""
        with self._lock:
            self._is_open = False


GATE = ReadingGate()


class SequenceStore:
    """An open data set of N sequences over F distinct frames; a context manager that closes the file.

    Raises UserError if the file at `path` is not a store, is damaged or is inconsistent; OSError if it cannot be
    opened.
    """

    shape: SequenceShape  # of the sequences: the course's 10 frames of 64×64, or another
    number_of_frames: int  # F
    videos: np.ndarray  # int32 (N,), the video of each sequence
    first_frames: np.ndarray  # int32 (N,), the number of each sequence's first frame
    has_label_sums: bool  # whether the file contains the sum of the labels of each video
    parts: tuple[SequenceStore, ...]  # this store, or those that a JoinedStore consists of

    def __init__(self, path: StrPath) -> None:
        self.path = os.fspath(path)
        self.parts = (self,)
        with GATE.passed():
            self._open()

    def _open(self) -> None:
        self._file = _open(self.path)
        try:
            self._datasets, self.shape = checked_datasets(self.path, self._file)
            self.number_of_frames = len(self._datasets["frames"])
            self.videos = self._read("videos", slice(None))
            self.first_frames = self._checked_first_frames()
            self.has_label_sums = "label_sums" in self._datasets
            if self.videos.min() < 0:
                raise damaged(self.path, "a video has a negative number")
            if self.has_label_sums and len(self._datasets["label_sums"]) != int(self.videos.max()) + 1:
                raise damaged(self.path, "the numbers of videos and of their sums of labels differ")
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> SequenceStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self.videos)

    @property
    def name(self) -> str:
        """The name of the file, without its folder."""
        return os.path.basename(self.path)

    @property
    def source_name(self) -> str:
        """The name of the file that was converted, printable; empty if the store does not say."""
        return text_attribute(self._file, "source_name") or ""

    @property
    def source_sha256(self) -> str:
        """Of the file that was converted, as hexadecimal digits; empty if the store does not say."""
        return text_attribute(self._file, "source_sha256") or ""

    def close(self) -> None:
        with GATE.passed():
            self._file.close()

    def read_frame_numbers(self, indices: npt.ArrayLike) -> np.ndarray:
        """The numbers of the frames of these sequences: ints (B,) to int32 (B, 10).

        They are read in the order of the file, whatever the order of `indices`. Raises UserError if a checksum does not
        match.
        """
        ordered, places = np.unique(indices, return_inverse=True)
        return self._read_rows("sequences", ordered)[places]

    def read_frames(self, numbers: npt.ArrayLike) -> np.ndarray:
        """The frames with these numbers: ints of any shape (...) to uint8 (..., 64, 64, 3).

        Raises UserError if a checksum does not match.
        """
        return self._read_rows("frames", numbers)

    def read_digests(self, numbers: npt.ArrayLike) -> np.ndarray:
        """The digests of the frames with these numbers: ints (B,) to uint8 (B, 16).

        If the file does not contain them, they are computed from the frames. Raises UserError if a checksum does not
        match.
        """
        if "digests" in self._datasets:
            return self._read_rows("digests", numbers)
        numbers = np.asarray(numbers)
        digests = b"".join(
            frame_digest(frame)
            for start in range(0, len(numbers), FRAMES_PER_HASHING)
            for frame in self.read_frames(numbers[start : start + FRAMES_PER_HASHING])
        )
        return np.frombuffer(digests, np.uint8).reshape(-1, DIGEST_BYTES)

    def read_labels(self, indices: npt.ArrayLike) -> np.ndarray:
        """The labels of these sequences: ints (B,) to float32 (B, 10, 7, 2), x and y in pixels.

        Raises UserError if a checksum does not match, or a label is NaN or infinite.
        """
        return self._read_finite_rows("labels", indices, "labels", "sequence")

    def read_label_sums(self, videos: npt.ArrayLike) -> np.ndarray:
        """For each of these videos, the sum of the labels over its sequences and their frames, in pixels.

        Call it only if has_label_sums. videos: ints (B,). Returns float64 (B, 7, 2). Raises UserError if a checksum
        does not match, or a sum is NaN or infinite.
        """
        return self._read_finite_rows("label_sums", videos, "sums of labels", "video")

    def read_sequences(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Frames, uint8 (B, 10, 64, 64, 3), and labels, float32 (B, 10, 7, 2), of these sequences."""
        return self.read_frames(self.read_frame_numbers(indices)), self.read_labels(indices)

    def _checked_first_frames(self) -> np.ndarray:
        """The first frame number of each sequence, int32 (N,). All frame numbers are checked."""
        first_frames = np.empty(len(self.videos), np.int32)
        for start in range(0, len(first_frames), SEQUENCES_PER_CHECK):
            numbers = self._read("sequences", slice(start, start + SEQUENCES_PER_CHECK))
            if numbers.min() < 0 or numbers.max() >= self.number_of_frames:
                raise damaged(self.path, f"a sequence has a frame outside of the {self.number_of_frames} stored ones")
            first_frames[start : start + SEQUENCES_PER_CHECK] = numbers[:, 0]
        return first_frames

    def _read_finite_rows(self, name: str, numbers: npt.ArrayLike, values: str, row: str) -> np.ndarray:
        """Rows of a data set, checked. values, row: what an error message calls its values and its rows."""
        rows = self._read_rows(name, numbers)
        finite = np.isfinite(rows)
        if not finite.all():
            first = np.ravel(numbers)[np.argwhere(~finite)[0, 0]]
            what = f"{np.count_nonzero(~finite)} {values} are not finite numbers, the first of {row} {first}"
            raise damaged(self.path, what)
        return rows

    def _read_rows(self, name: str, numbers: npt.ArrayLike) -> np.ndarray:
        """Rows of a data set in any order. Runs of ascending rows that are close together are read at once."""
        numbers = np.asarray(numbers)
        flat, dataset = numbers.ravel(), self._datasets[name]
        rows = np.empty((flat.size, *dataset.shape[1:]), dataset.dtype)
        steps = np.diff(flat)
        ends = np.flatnonzero((steps < 1) | (steps > LARGEST_GAP)) + 1
        for start, end in itertools.pairwise([0, *ends.tolist(), flat.size] if flat.size else []):
            run = flat[start:end]
            stretch = self._read(name, slice(int(run[0]), int(run[-1]) + 1))
            # Mode "clip" writes to `out` without a copy. No number is out of range.
            np.take(stretch, run - run[0], axis=0, out=rows[start:end], mode="clip")
        return rows.reshape(*numbers.shape, *dataset.shape[1:])

    def _read(self, name: str, selection: slice) -> np.ndarray:
        with GATE.passed():
            try:
                return self._datasets[name][selection]
            except (OSError, RuntimeError, ValueError) as error:
                raise damaged(self.path, f"{name} cannot be read") from error


def _open(path: str) -> h5py.File:
    with open(path, "rb"):
        pass
    try:
        # Without a lock, which some network file systems lack: a store is never changed once it is complete.
        return h5py.File(path, "r", locking=False)
    except Exception as error:  # h5py reports damage by exceptions of many types.
        raise UserError(
            f"{path}: not a complete HDF5 file; convert the pickle with convert_pkl_to_h5.py, again if necessary"
        ) from error
