"""The HDF5 store: opens a converted data set, checks that it adds up, and reads any of its sequences.

`hdf5_layout` describes the file. Only the index stays in memory: 44 bytes a sequence.
"""

import os

import h5py
import numpy as np

from pipeline.hdf5_layout import FORMAT, FORMAT_VERSION
from pipeline.sequence_shape import COURSE_SHAPE, SequenceShape
from pipeline.user_error import UserError

# Rows no further apart than this are read in one go, those between them too, which costs less than a read for each.
LARGEST_GAP = 4


class SequenceStore:
    """An open data set of N sequences over F different frames; a context manager that closes the file.

    sequences: int32 (N, 10), the frame numbers of each sequence. videos: int32 (N,). Both in memory. shape: the file's
    SequenceShape, which stands for the 10 and 64×64 of the course. number_of_frames: F. source_sha256: str, that of the
    file it was converted from. Raises UserError where `path` is not a data set of ours or does not add up.
    """

    def __init__(self, path):
        self.path = os.fspath(path)
        self._file = _open(self.path)
        try:
            self.source_sha256 = str(self._file.attrs.get("source_sha256", ""))
            self._datasets, self.shape = _checked_datasets(self.path, self._file)
            self.number_of_frames = len(self._datasets["frames"])
            self.sequences = self._read("sequences", slice(None))
            self.videos = self._read("videos", slice(None))
            _check_index(self.path, self.sequences, self.videos, self.number_of_frames)
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __len__(self):
        return len(self.sequences)

    def close(self):
        self._file.close()

    def read_frames(self, numbers):
        """The frames of these numbers: int array of any shape (...) → uint8 (..., 64, 64, 3).

        Raises UserError where a checksum does not match.
        """
        return self._read_rows("frames", numbers)

    def read_labels(self, indices):
        """The labels of these sequences: int array (B,) → float32 (B, 10, 7, 2), x and y in pixels.

        Raises UserError where a checksum does not match.
        """
        return self._read_rows("labels", indices)

    def read_sequences(self, indices):
        """Frames, uint8 (B, 10, 64, 64, 3), and labels, float32 (B, 10, 7, 2)."""
        return self.read_frames(self.sequences[indices]), self.read_labels(indices)

    def _read_rows(self, name, numbers):
        """Rows of a data set in any order; those that follow each other closely are read in one go."""
        numbers = np.asarray(numbers)
        flat, dataset = numbers.ravel(), self._datasets[name]
        rows = np.empty((flat.size, *dataset.shape[1:]), dataset.dtype)
        steps = np.diff(flat)
        ends = np.flatnonzero((steps < 1) | (steps > LARGEST_GAP)) + 1
        for start, end in zip([0, *ends.tolist()], [*ends.tolist(), flat.size] if flat.size else []):
            run = flat[start:end]
            stretch = self._read(name, slice(int(run[0]), int(run[-1]) + 1))
            # mode "clip" writes to `out` directly; no number is out of range.
            np.take(stretch, run - run[0], axis=0, out=rows[start:end], mode="clip")
        return rows.reshape(*numbers.shape, *dataset.shape[1:])

    def _read(self, name, selection):
        try:
            return self._datasets[name][selection]
        except OSError as error:
            raise _damaged(self.path, f"{name} cannot be read") from error


def _open(path):
    with open(path, "rb"):
        pass
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise UserError(
            f"{path}: not a whole HDF5 file; convert the course's pickle with convert_pkl_to_h5.py, again if need be"
        ) from error


def _damaged(path, what):
    return UserError(f"{path}: damaged ({what}); convert the pickle again")


def _checked_datasets(path, file):
    if str(file.attrs.get("format")) != FORMAT:
        raise UserError(
            f"{path}: an HDF5 file, but not one that convert_pkl_to_h5.py wrote; convert the pickle with it"
        )
    if str(file.attrs.get("format_version")) != str(FORMAT_VERSION):
        raise UserError(
            f"{path}: format version {file.attrs.get('format_version')}, this program reads version {FORMAT_VERSION}; "
            "convert the pickle again"
        )
    shape = _shape_of(file)
    expected = {
        "frames": (shape.frame, np.uint8),
        "sequences": ((shape.length,), np.int32),
        "labels": (shape.labels, np.float32),
        "videos": ((), np.int32),
    }
    for name, (shape_of_row, dtype) in expected.items():
        dataset = file.get(name)
        if not isinstance(dataset, h5py.Dataset):
            raise _damaged(path, f"{name} is missing")
        if dataset.ndim != len(shape_of_row) + 1 or dataset.shape[1:] != shape_of_row or dataset.dtype != dtype:
            raise _damaged(
                path, f"{name} is {dataset.dtype} {dataset.shape}, expected {np.dtype(dtype)} (N, {shape_of_row})"
            )
    if not len(file["sequences"]) == len(file["labels"]) == len(file["videos"]) > 0:
        raise _damaged(path, "sequences, labels and videos differ in number or are none")
    return {name: file[name] for name in expected}, shape


def _shape_of(file):
    """The SequenceShape that frames and labels have, each the course's where it has none."""
    length, height, width = COURSE_SHAPE
    frames, labels = file.get("frames"), file.get("labels")
    if isinstance(frames, h5py.Dataset) and frames.ndim == 4 and min(frames.shape[1:]) > 0:
        height, width = frames.shape[1:3]
    if isinstance(labels, h5py.Dataset) and labels.ndim == 4 and labels.shape[1] > 0:
        length = labels.shape[1]
    return SequenceShape(length, height, width)


def _check_index(path, sequences, videos, number_of_frames):
    if sequences.min() < 0 or sequences.max() >= number_of_frames:
        raise _damaged(path, f"a sequence names a frame outside of the {number_of_frames} stored ones")
    if videos.min() < 0:
        raise _damaged(path, "a video has a negative number")
