"""Writes the HDF5 file that `hdf5_layout` describes, block by block; each different frame once."""

from dataclasses import dataclass

import h5py
import numpy as np

from files.guarded_hdf5_file import GuardedHDF5File
from pipeline.joints import JOINT_NAMES
from pipeline.sequence_shape import COURSE_SHAPE
from pipeline.store.frame_numbers import FrameNumbers, Videos
from pipeline.store.layout import (
    FORMAT,
    FORMAT_VERSION,
    FRAMES_PER_CHUNK,
    HDF5_FORMAT,
    SEQUENCES_PER_CHUNK,
    dataset_layouts,
)

FRAMES_PER_WRITE = 10 * FRAMES_PER_CHUNK
SEQUENCES_PER_READ = 16 * SEQUENCES_PER_CHUNK


@dataclass(frozen=True)
class StoredCounts:
    """How many sequences, different frames and videos a file holds."""

    sequences: int
    frames: int
    videos: int


class StoreWriter:
    """Writes a new HDF5 file at `path`; a context manager that closes it. Raises OSError where it cannot be written.

    shape: SequenceShape of all sequences. Those whose videos are to be found come as `add_frames`; where the source
    names the videos, each frame comes by itself, as `add_frame`, and then the sequences, as `add_sequences`. Frames and
    labels may come in blocks of any size, all frames before the labels or in turn. `finish` completes the file, which
    without it is not one that `store` reads. In memory there are a block, a digest and four bytes for each different
    frame, and a buffer of FRAMES_PER_WRITE frames.
    """

    def __init__(self, path, shape=COURSE_SHAPE):
        self._shape = shape
        self._output = GuardedHDF5File(path)
        self._file = h5py.File(self._output, "w", libver=(HDF5_FORMAT, HDF5_FORMAT))
        self._frame_numbers = FrameNumbers()
        self._videos = Videos()
        self._unwritten = np.empty((FRAMES_PER_WRITE, *shape.frame), np.uint8)
        self._unwritten_count = 0
        self._frames = self._create("frames")
        self._sequences = self._create("sequences")
        self._labels = self._create("labels")
        self._named_videos = None

    def _create(self, name):
        shape_of_row, dtype, rows_per_chunk = dataset_layouts(self._shape)[name]
        return self._file.create_dataset(
            name,
            shape=(0, *shape_of_row),
            maxshape=(None, *shape_of_row),
            dtype=dtype,
            chunks=(rows_per_chunk, *shape_of_row),
            fletcher32=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        with self._output:
            self._file.close()
            if exception == (None, None, None):
                self._output.check()

    def add_frames(self, frames):
        """Adds the frames (S, 10, 64, 64, 3) uint8 of the next S sequences. Raises ValueError for anything else."""
        _check_block(frames, self._shape.frames, np.uint8)
        frames = np.ascontiguousarray(frames)
        numbers, new_slots = self._frame_numbers.number(frames)
        self._videos.join(numbers)
        self._append(self._sequences, numbers)
        slots = frames.reshape(-1, *self._shape.frame)
        for slot in new_slots:
            self._write_later(slots[slot])

    def add_frame(self, frame):
        """Adds a frame, C-ordered (64, 64, 3) uint8, if there is none like it; returns its number in the file."""
        _check_block(frame[None], self._shape.frame, np.uint8)
        count = len(self._frame_numbers)
        number = self._frame_numbers.number_one(frame)
        if number == count:
            self._write_later(frame)
        return number

    def add_sequences(self, numbers, videos):
        """Adds the next S sequences: (S, 10) int32, numbers that `add_frame` gave, and the videos, (S,) int32.

        Videos are numbered from 0 in order of first appearance. They stay apart even where they share a frame.
        """
        _check_block(numbers, (self._shape.length,), np.int32)
        if self._named_videos is None:
            self._named_videos = self._create_videos()
        self._append(self._sequences, numbers)
        self._append(self._named_videos, videos)

    def add_labels(self, labels):
        """Adds the labels (S, 10, 7, 2) float32, in pixels, of the next S sequences. Raises ValueError for others."""
        _check_block(labels, self._labels.shape[1:], np.float32)
        self._append(self._labels, labels)

    def finish(self, source_name, source_size, source_sha256):
        """Writes what is left, the videos and the attributes. Returns StoredCounts.

        source_size: bytes; source_sha256: 64 hexadecimal digits. Raises ValueError if there are not as many sequences
        of labels as of frames, or none.
        """
        count = len(self._sequences)
        if count == 0 or count != len(self._labels):
            raise ValueError(f"{count} sequences of frames and {len(self._labels)} of labels")
        self._write_frames()
        videos = self._find_videos() if self._named_videos is None else int(self._named_videos[:].max()) + 1
        self._file.attrs["format"] = _text(FORMAT)
        self._file.attrs["format_version"] = FORMAT_VERSION
        self._file.attrs["source_name"] = _text(source_name)
        self._file.attrs["source_size"] = source_size
        self._file.attrs["source_sha256"] = _text(source_sha256)
        self._file.attrs["joints"] = _text(JOINT_NAMES)
        return StoredCounts(count, len(self._frames), videos)

    def _write_later(self, frame):
        self._unwritten[self._unwritten_count] = frame
        self._unwritten_count += 1
        if self._unwritten_count == FRAMES_PER_WRITE:
            self._write_frames()

    def _write_frames(self):
        self._append(self._frames, self._unwritten[: self._unwritten_count])
        self._unwritten_count = 0

    def _create_videos(self):
        return self._create("videos")

    def _find_videos(self):
        """Writes the videos that shared frames tell apart; returns their number."""
        dataset = self._create_videos()
        for start in range(0, len(self._sequences), SEQUENCES_PER_READ):
            self._append(dataset, self._videos.videos(self._sequences[start : start + SEQUENCES_PER_READ]))
        return self._videos.count

    def _append(self, dataset, rows):
        start = len(dataset)
        dataset.resize(start + len(rows), axis=0)
        dataset[start:] = rows
        self._output.check()


def _text(text):
    """A text, or a sequence of texts, as HDF5's of fixed length: others lie in a heap, which has no checksums."""
    encoded = np.char.encode(np.asarray(text), "utf-8", "surrogateescape")
    return encoded.astype(h5py.string_dtype("utf-8", encoded.dtype.itemsize))


def _check_block(block, shape_of_sequence, dtype):
    if block.dtype != dtype or block.shape[1:] != tuple(shape_of_sequence):
        raise ValueError(f"a block of {block.dtype} {block.shape}, not {np.dtype(dtype)} (S, {shape_of_sequence})")
