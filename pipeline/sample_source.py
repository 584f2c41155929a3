"""What the window and the order of batches need of a data set. An open SequenceStore has it; any other may."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np


class SampleShape(NamedTuple):
    """The shape of samples that share frames: each consists of `length` frames, and has labels of its own."""

    length: int  # frames per sample
    frame: tuple[int, ...]  # the shape of a frame
    labels: tuple[int, ...]  # the shape of the labels of a sample; () for a number
    frame_dtype: type[np.generic] = np.uint8
    labels_dtype: type[np.generic] = np.float32

    @property
    def frame_bytes(self) -> int:
        return int(np.prod(self.frame)) * np.dtype(self.frame_dtype).itemsize


class SampleSource(Protocol):
    """N samples over numbered frames, which are close together in their file if their numbers are."""

    @property
    def videos(self) -> np.ndarray:
        """int (N,), a number for each sample. Samples that share frames have the same one, and are read together."""

    @property
    def first_frames(self) -> np.ndarray:
        """int (N,), the number of each sample's first frame."""

    def read_frame_numbers(self, indices: np.ndarray) -> np.ndarray:
        """The numbers of the frames of these samples: int (B,), in any order, to int (B, length)."""

    def read_frames(self, numbers: np.ndarray) -> np.ndarray:
        """The frames with these numbers: int (B,), ascending, to (B, *frame)."""

    def read_labels(self, indices: np.ndarray) -> np.ndarray:
        """The labels of these samples: int (B,), ascending but possibly repeated, to (B, *labels)."""
