"""Several data sets of one shape as one: their sequences, frames and videos are numbered one file after another."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from pipeline.store.reader import SequenceStore
from support.user_error import UserError

if TYPE_CHECKING:
    import numpy.typing as npt
    from _typeshed import StrPath


class JoinedStore(SequenceStore):
    """Open stores as one, whose sequences are all those of the first, then all those of the second, and so on.

    Closing it closes them. Memory: another 8 bytes for each sequence. Equal frames of two files have different numbers.
    Raises UserError if the shapes differ.
    """

    def __init__(self, parts: Sequence[SequenceStore]) -> None:
        self.parts = tuple(parts)
        for part in self.parts[1:]:
            require_same_shape(part, self.parts[0])
        self.path = ", ".join(part.path for part in self.parts)
        self.shape = self.parts[0].shape
        self.source_name = ", ".join(part.source_name or "unknown" for part in self.parts)
        self.source_sha256 = ", ".join(part.source_sha256 or "unknown" for part in self.parts)
        self.has_label_sums = all(part.has_label_sums for part in self.parts)
        self._sequence_ends = np.cumsum([len(part) for part in self.parts])
        self._frame_ends = np.cumsum([part.number_of_frames for part in self.parts])
        self._video_ends = np.cumsum([int(part.videos.max()) + 1 for part in self.parts])
        self.number_of_frames = int(self._frame_ends[-1])
        self.videos = self._joined([part.videos for part in self.parts], self._video_ends)
        self.first_frames = self._joined([part.first_frames for part in self.parts], self._frame_ends)

    @staticmethod
    def _joined(numbers: Sequence[np.ndarray], ends: np.ndarray) -> np.ndarray:
        return np.concatenate([part + start for part, start in zip(numbers, _starts(ends), strict=True)]).astype(
            np.int32
        )

    @property
    def name(self) -> str:
        return ", ".join(part.name for part in self.parts)

    def close(self) -> None:
        for part in self.parts:
            part.close()

    def read_frame_numbers(self, indices: npt.ArrayLike) -> np.ndarray:
        starts = dict(zip(self.parts, _starts(self._frame_ends).astype(np.int32), strict=True))
        return self._read_parts(
            lambda part, rows: part.read_frame_numbers(rows) + starts[part], self._sequence_ends, indices
        )

    def read_frames(self, numbers: npt.ArrayLike) -> np.ndarray:
        return self._read_parts(lambda part, rows: part.read_frames(rows), self._frame_ends, numbers)

    def read_digests(self, numbers: npt.ArrayLike) -> np.ndarray:
        return self._read_parts(lambda part, rows: part.read_digests(rows), self._frame_ends, numbers)

    def read_labels(self, indices: npt.ArrayLike) -> np.ndarray:
        return self._read_parts(lambda part, rows: part.read_labels(rows), self._sequence_ends, indices)

    def read_label_sums(self, videos: npt.ArrayLike) -> np.ndarray:
        return self._read_parts(lambda part, rows: part.read_label_sums(rows), self._video_ends, videos)

    def _read_parts(
        self, read: Callable[[SequenceStore, np.ndarray], np.ndarray], ends: np.ndarray, numbers: npt.ArrayLike
    ) -> np.ndarray:
        """The rows with these numbers, each from its part. read: of a part. ends: the end of each part's numbers."""
        numbers = np.asarray(numbers)
        flat, starts = numbers.ravel(), _starts(ends)
        in_part = np.searchsorted(ends, flat, side="right")
        present = np.unique(in_part).tolist() or [0]
        if len(present) == 1:
            return read(self.parts[present[0]], numbers - starts[present[0]])
        rows: np.ndarray | None = None
        for number in present:
            chosen = in_part == number
            values = read(self.parts[number], flat[chosen] - starts[number])
            if rows is None:
                rows = np.empty((len(flat), *values.shape[1:]), values.dtype)
            rows[chosen] = values
        assert rows is not None
        return rows.reshape(*numbers.shape, *rows.shape[1:])


def open_stores(paths: StrPath | Sequence[StrPath]) -> SequenceStore:
    """The open store at the only path, or a JoinedStore. Raises what SequenceStore and JoinedStore raise."""
    if isinstance(paths, (str, os.PathLike)):
        return SequenceStore(paths)
    if len(paths) == 1:
        return SequenceStore(paths[0])
    with contextlib.ExitStack() as opened:
        joined = JoinedStore([opened.enter_context(SequenceStore(path)) for path in paths])
        opened.pop_all()
    return joined


def require_same_shape(store: SequenceStore, other: SequenceStore) -> None:
    """Raises UserError if two open stores differ in the shape of their sequences."""
    if store.shape != other.shape:
        raise UserError(
            f"{store.path} has {store.shape}, but {other.path} has {other.shape}; convert both with the same options"
        )


def _starts(ends: np.ndarray) -> np.ndarray:
    return ends - np.diff(ends, prepend=0)
