"""Writes the HDF5 file that `layout` describes: block by block, and each distinct frame once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING

import h5py
import numpy as np

from pipeline.joints import JOINT_NAMES
from pipeline.sequence_shape import COURSE_SHAPE, SequenceShape
from pipeline.store.frame_numbers import FrameNumbers, Videos
from pipeline.store.layout import (
    DIGEST_BYTES,
    FORMAT,
    FORMAT_VERSION,
    HDF5_FORMAT,
    dataset_layouts,
    frame_checksums,
)
from pipeline.store.plausibility import Plausibility
from support.deferred_error_file import DeferredErrorFile

if TYPE_CHECKING:
    import numpy.typing as npt
    from _typeshed import StrPath

FRAMES_PER_WRITE = 48
SEQUENCES_PER_READ = 1024


@dataclass(frozen=True)
class StoredCounts:
    """What is in a file."""

    sequences: int
    frames: int  # distinct ones
    videos: int
    warnings: tuple[str, ...] = ()  # about implausible data, one line each


class StoreWriter:
    """Writes a new HDF5 file at `path`; a context manager that closes it. Raises OSError if it cannot be written.

    shape: of all sequences. If the source does not name the videos, add sequences with `add_frames`, which finds videos
    by shared frames. If it does, add each frame with `add_frame` and then the sequences with `add_sequences`. Frames
    and labels are added in blocks of any size, all frames before the labels or alternately. `finish` completes the
    file. Without it, SequenceStore refuses the file.

    Memory: a block, a buffer of FRAMES_PER_WRITE frames, the index of FrameNumbers, and caches. This does not grow,
    except by 112 bytes for each video and, with `add_frames`, by 4 bytes for each distinct frame. A temporary file
    takes about 30 bytes for each distinct frame.
    """

    def __init__(self, path: StrPath, shape: SequenceShape = COURSE_SHAPE) -> None:
        self._shape = shape
        self._output = DeferredErrorFile(path)
        self._file = h5py.File(self._output, "w", libver=(HDF5_FORMAT, HDF5_FORMAT))
        self._frame_numbers = FrameNumbers()
        self._videos = Videos()
        self._unwritten = np.empty((FRAMES_PER_WRITE, *shape.frame), np.uint8)
        self._unwritten_digests: list[bytes] = []
        self._frames = self._create("frames")
        self._checksums = self._create("checksums")
        self._digests = self._create("digests")
        self._sequences = self._create("sequences")
        self._labels = self._create("labels")
        self._videos_of_sequences = self._create("videos")
        self._plausibility = Plausibility(shape)
        self._number_of_videos = 0

    def _create(self, name: str) -> h5py.Dataset:
        layout = dataset_layouts(self._shape)[name]
        return self._file.create_dataset(
            name,
            shape=(0, *layout.shape),
            maxshape=(None, *layout.shape),
            dtype=layout.dtype,
            chunks=(layout.rows_per_chunk, *layout.shape),
            fletcher32=layout.has_fletcher32,
        )

    def __enter__(self) -> StoreWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._output, self._frame_numbers:
            self._file.close()
            if error is None:
                self._output.check()

    def add_frames(self, frames: np.ndarray) -> None:
        """Adds the frames of the next S sequences, uint8 (S, 10, 64, 64, 3). Raises ValueError for other arrays."""
        _check_block(frames, self._shape.frames, np.uint8)
        frames = np.ascontiguousarray(frames)
        numbered = self._frame_numbers.number(frames)
        self._videos.join(numbered.numbers)
        self._append_sequences(numbered.numbers)
        slots = frames.reshape(-1, *self._shape.frame)
        for slot, digest in zip(numbered.new_slots, numbered.new_digests, strict=True):
            self._write_later(slots[slot], digest)

    def add_frame(self, frame: np.ndarray) -> int:
        """Adds a frame, uint8 (64, 64, 3), C order, unless the file has an equal one; returns its number."""
        _check_block(frame[None], self._shape.frame, np.uint8)
        count = len(self._frame_numbers)
        number, digest = self._frame_numbers.number_one(frame)
        if number == count:
            self._write_later(frame, digest)
        return number

    def add_sequences(self, numbers: np.ndarray, videos: np.ndarray) -> None:
        """Adds the next S sequences.

        numbers: int32 (S, 10), as `add_frame` returned them. videos: int32 (S,), the video of each sequence. Videos
        stay separate even if they share a frame. Raises ValueError unless videos are numbered from 0 in order of first
        appearance.
        """
        _check_block(numbers, (self._shape.length,), np.int32)
        largest = np.maximum.accumulate(np.append(self._number_of_videos - 1, videos))
        if videos.min(initial=0) < 0 or np.diff(largest).max(initial=0) > 1:
            raise ValueError("videos are not numbered in order of first appearance")
        self._number_of_videos = int(largest[-1]) + 1
        self._append_sequences(numbers)
        self._append(self._videos_of_sequences, videos)

    def add_labels(self, labels: np.ndarray) -> None:
        """Adds the labels of the next S sequences, float32 (S, 10, 7, 2), in pixels. Raises ValueError for others."""
        _check_block(labels, self._labels.shape[1:], np.float32)
        self._append(self._labels, labels)
        self._plausibility.add_labels(labels)

    def finish(self, source_name: str, source_size: int, source_sha256: str) -> StoredCounts:
        """Writes the buffered frames, the videos and the attributes.

        source_size: in bytes. source_sha256: 64 hexadecimal digits. Raises ValueError if the numbers of sequences of
        frames and of labels differ or are zero.
        """
        count = len(self._sequences)
        if count == 0 or count != len(self._labels):
            raise ValueError(f"{count} sequences of frames and {len(self._labels)} of labels")
        self._write_frames()
        # Data that could not be written cannot be read back below.
        self._file.flush()
        self._output.check()
        videos = self._number_of_videos or self._find_videos()
        self._append(self._create("label_sums"), self._label_sums(videos))
        self._file.attrs["format"] = _text(FORMAT)
        self._file.attrs["format_version"] = FORMAT_VERSION
        self._file.attrs["source_name"] = _text(source_name)
        self._file.attrs["source_size"] = source_size
        self._file.attrs["source_sha256"] = _text(source_sha256)
        self._file.attrs["joints"] = _text(JOINT_NAMES)
        return StoredCounts(count, len(self._frames), videos, tuple(self._plausibility.warnings()))

    def _write_later(self, frame: np.ndarray, digest: bytes) -> None:
        self._unwritten[len(self._unwritten_digests)] = frame
        self._unwritten_digests.append(digest)
        if len(self._unwritten_digests) == FRAMES_PER_WRITE:
            self._write_frames()

    def _append_sequences(self, numbers: np.ndarray) -> None:
        self._append(self._sequences, numbers)
        self._plausibility.add_sequences(numbers)

    def _write_frames(self) -> None:
        frames = self._unwritten[: len(self._unwritten_digests)]
        self._append(self._frames, frames)
        self._append(self._checksums, frame_checksums(frames))
        self._plausibility.add_frames(frames)
        digests = np.frombuffer(b"".join(self._unwritten_digests), np.uint8)
        self._append(self._digests, digests.reshape(-1, DIGEST_BYTES))
        self._unwritten_digests.clear()

    def _find_videos(self) -> int:
        """Writes the videos that were found by shared frames; returns their number."""
        for block in _blocks(len(self._sequences)):
            self._append(self._videos_of_sequences, self._videos.videos(self._sequences[block]))
        return self._videos.count

    def _label_sums(self, videos: int) -> np.ndarray:
        """For each video, the sum of the labels over its sequences and their frames: float64 (V, 7, 2)."""
        sums = np.zeros((videos, *self._shape.labels[1:]))
        for block in _blocks(len(self._labels)):
            np.add.at(sums, self._videos_of_sequences[block], self._labels[block].sum(axis=1, dtype=np.float64))
        return sums

    def _append(self, dataset: h5py.Dataset, rows: np.ndarray) -> None:
        start = len(dataset)
        dataset.resize(start + len(rows), axis=0)
        dataset[start:] = rows
        self._output.check()


def _blocks(sequences: int) -> Iterator[slice]:
    """Slices of at most SEQUENCES_PER_READ that cover this number of sequences."""
    return (slice(start, start + SEQUENCES_PER_READ) for start in range(0, sequences, SEQUENCES_PER_READ))


def _text(text: str | Sequence[str]) -> np.ndarray:
    """Text, or a sequence of texts, of fixed length: HDF5 stores other text in a heap, which has no checksums."""
    encoded = np.char.encode(np.asarray(text), "utf-8", "surrogateescape")
    return encoded.astype(h5py.string_dtype("utf-8", encoded.dtype.itemsize))


def _check_block(block: np.ndarray, shape_of_sequence: tuple[int, ...], dtype: npt.DTypeLike) -> None:
    if block.dtype != dtype or block.shape[1:] != tuple(shape_of_sequence):
        raise ValueError(f"a block of {block.dtype} {block.shape}, not {np.dtype(dtype)} (S, {shape_of_sequence})")
