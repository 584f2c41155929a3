"""The HDF5 store: opens a converted data set, checks that it adds up, and reads any of its sequences.

`hdf5_layout` describes the file. Only the index stays in memory: 44 bytes a sequence.
"""

import os

import h5py
import numpy as np

from command_line.user_error import UserError
from pipeline.store.check import checked_datasets, damaged, text_attribute

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
            self._datasets, self.shape = checked_datasets(self.path, self._file)
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

    @property
    def source_sha256(self):
        return text_attribute(self._file, "source_sha256") or ""

    def close(self):
        self._file.close()

    def read_frames(self, numbers):
        """The frames of these numbers: int array of any shape (...) → uint8 (..., 64, 64, 3).

        Raises UserError where a checksum does not match.
        """
        return self._read_rows("frames", numbers)

    def read_labels(self, indices):
        """The labels of these sequences: int array (B,) → float32 (B, 10, 7, 2), x and y in pixels.

        Raises UserError where a checksum does not match, or a label is NaN or infinite.
        """
        labels = self._read_rows("labels", indices)
        finite = np.isfinite(labels)
        if not finite.all():
            row = np.argwhere(~finite)[0, 0]
            first = np.ravel(indices)[row]
            what = f"{np.count_nonzero(~finite)} labels are not finite numbers, the first of sequence {first}"
            raise damaged(self.path, what)
        return labels

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
        except (OSError, RuntimeError, ValueError) as error:
            raise damaged(self.path, f"{name} cannot be read") from error


def _open(path):
    with open(path, "rb"):
        pass
    try:
        return h5py.File(path, "r")
    except Exception as error:  # h5py meets damage with errors of every kind.
        raise UserError(
            f"{path}: not a whole HDF5 file; convert the course's pickle with convert_pkl_to_h5.py, again if need be"
        ) from error


def _check_index(path, sequences, videos, number_of_frames):
    if sequences.min() < 0 or sequences.max() >= number_of_frames:
        raise damaged(path, f"a sequence names a frame outside of the {number_of_frames} stored ones")
    if videos.min() < 0:
        raise damaged(path, "a video has a negative number")
