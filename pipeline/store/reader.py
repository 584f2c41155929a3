"""Opens the HDF5 store of a converted data set, checks it, and reads any of its sequences.

`layout` describes the file. Only an index is kept in memory: 8 bytes for each sequence and for each chunk. HDF5 is used
while the store is opened; from then on, `chunked_rows` reads the file.
"""

from __future__ import annotations

import os
from types import TracebackType
from typing import TYPE_CHECKING

import h5py
import numpy as np

from pipeline.sequence_shape import SequenceShape
from pipeline.store.check import checked_datasets, damaged, text_attribute
from pipeline.store.chunked_rows import RandomAccessFile
from pipeline.store.layout import DIGEST_BYTES, frame_checksums, frame_digest
from support.user_error import UserError

if TYPE_CHECKING:
    import numpy.typing as npt
    from _typeshed import StrPath

FRAMES_PER_HASHING = 64
SEQUENCES_PER_CHECK = 1 << 12


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
    source_name: str  # the name of the file that was converted, printable; empty if the store does not say
    source_sha256: str  # of the file that was converted, as hexadecimal digits; empty if the store does not say
    parts: tuple[SequenceStore, ...]  # this store, or those that a JoinedStore consists of

    def __init__(self, path: StrPath) -> None:
        self.path = os.fspath(path)
        self.parts = (self,)
        self._file = RandomAccessFile(self.path)
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        with _open(self.path) as file:
            self._datasets, self.shape = checked_datasets(self.path, file)
            self.source_name = text_attribute(file, "source_name") or ""
            self.source_sha256 = text_attribute(file, "source_sha256") or ""
        self.number_of_frames = self._datasets["frames"].number
        self.videos, self.first_frames = self._checked_index()
        self.has_label_sums = "label_sums" in self._datasets
        if self.has_label_sums and self._datasets["label_sums"].number != int(self.videos.max()) + 1:
            raise damaged(self.path, "the numbers of videos and of their sums of labels differ")

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

    def close(self) -> None:
        self._file.close()

    def read_frame_numbers(self, indices: npt.ArrayLike) -> np.ndarray:
        """The numbers of the frames of these sequences: ints (B,) to int32 (B, 10).

        Raises UserError if a checksum does not match.
        """
        return self._read_rows("sequences", indices)

    def read_frames(self, numbers: npt.ArrayLike) -> np.ndarray:
        """The frames with these numbers: ints of any shape (...) to uint8 (..., 64, 64, 3).

        Raises UserError if a checksum does not match.
        """
        frames = self._read_rows("frames", numbers)
        if "checksums" in self._datasets:
            checksums = self._read_rows("checksums", numbers)
            if not np.array_equal(frame_checksums(frames.reshape(-1, *self.shape.frame)), checksums.ravel()):
                raise damaged(self.path, "frames cannot be read")
        return frames

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

    def _checked_index(self) -> tuple[np.ndarray, np.ndarray]:
        """The video and the first frame number of each sequence, int32 (N,). All of them are checked."""
        count = self._datasets["videos"].number
        videos, first_frames = np.empty((2, count), np.int32)
        for start in range(0, count, SEQUENCES_PER_CHECK):
            indices = np.arange(start, min(start + SEQUENCES_PER_CHECK, count))
            videos[indices] = self._read_rows("videos", indices)
            numbers = self._read_rows("sequences", indices)
            if numbers.min() < 0 or numbers.max() >= self.number_of_frames:
                raise damaged(self.path, f"a sequence has a frame outside of the {self.number_of_frames} stored ones")
            first_frames[indices] = numbers[:, 0]
        if videos.min() < 0:
            raise damaged(self.path, "a video has a negative number")
        return videos, first_frames

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
        """Rows of a data set in any order."""
        try:
            return self._datasets[name].read(self._file, np.asarray(numbers, np.int64))
        except (OSError, ValueError) as error:
            raise damaged(self.path, f"{name} cannot be read") from error


def _open(path: str) -> h5py.File:
    try:
        # Without a lock, which some network file systems lack: a store is never changed once it is complete.
        return h5py.File(path, "r", locking=False)
    except Exception as error:  # h5py reports damage by exceptions of many types.
        raise UserError(
            f"{path}: not a complete HDF5 file; convert the pickle with convert_pkl_to_h5.py, again if necessary"
        ) from error
