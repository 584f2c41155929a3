"""Numbers the distinct frames, and finds which sequences share frames and therefore come from the same video."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import tempfile
from array import array
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pipeline.store.layout import frame_digest

# Most sequences repeat an earlier sequence shifted by one frame; at stride s it is s sequences back. Comparing bytes is
# ten times as fast as hashing them.
DISTANCES_TO_COMPARE = (1, 2, 3)
# Every 251st word of a frame is compared first, and all words only if these are equal.
WORDS_PER_SAMPLE = 251
# The latest digests are kept in memory, because most frames that appear again do so soon.
DIGESTS_IN_MEMORY = 1 << 15
CACHE_KIBIBYTES = 8192
# A video without a number.
NONE_YET = -1


@dataclass(frozen=True)
class NumberedFrames:
    """The numbers of the frames of S sequences."""

    numbers: np.ndarray  # int32 (S, 10)
    new_slots: list[int]  # ascending, the positions among the S·10 frames of those that are new
    new_digests: list[bytes]  # of the new frames


class FrameNumbers:
    """Gives equal frames equal numbers, from 0 in order of first appearance; a context manager that frees its index.

    Memory: 5 MB for the latest digests and 8 MB for SQLite's cache; older digests are in its file, about 30 bytes each.
    """

    def __init__(self, digests_in_memory: int = DIGESTS_IN_MEMORY, cache_kibibytes: int = CACHE_KIBIBYTES) -> None:
        self._digests_in_memory = digests_in_memory
        self._latest: dict[bytes, int] = {}
        self._stored = StoredDigests(cache_kibibytes)

    def __enter__(self) -> FrameNumbers:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stored.close()

    def __len__(self) -> int:
        return len(self._stored) + len(self._latest)

    def number_one(self, frame: np.ndarray) -> tuple[int, bytes]:
        """The number and the digest of a frame, an array in C order.

        Raises OSError if the temporary file cannot be written.
        """
        digest = frame_digest(frame)
        number = self._latest.get(digest)
        if number is None and len(self._stored):
            number = self._stored.find(digest)
        if number is None:
            number = len(self)
            self._latest[digest] = number
            if len(self._latest) == self._digests_in_memory:
                self._stored.extend(list(self._latest))
                self._latest.clear()
        return number, digest

    def number(self, frames: np.ndarray) -> NumberedFrames:
        """Numbers the frames of S sequences, uint8 (S, 10, 64, 64, 3), C order."""
        length = frames.shape[1]
        numbers = np.empty(frames.shape[:2], np.int32)
        words = frames.reshape(*frames.shape[:2], -1).view(np.uint64)
        new_slots, new_digests = [], []
        for sequence, distance in enumerate(_distances_to_overlapping(words)):
            known = 0
            if distance:
                known = length - 1
                numbers[sequence, :known] = numbers[sequence - distance, 1:]
            for slot in range(known, length):
                count = len(self)
                numbers[sequence, slot], digest = self.number_one(words[sequence, slot])
                if count < len(self):
                    new_slots.append(sequence * length + slot)
                    new_digests.append(digest)
        return NumberedFrames(numbers, new_slots, new_digests)


class StoredDigests:
    """A growing list of distinct digests in a temporary SQLite database, which finds the number of any of them.

    SQLite needs a file only when its cache is full. The file is deleted when the process ends, even by `kill -9`.
    """

    def __init__(self, cache_kibibytes: int) -> None:
        self._count = 0
        # An empty name means a temporary database.
        self._database = sqlite3.connect("", isolation_level=None)
        for setting in ("journal_mode=OFF", "synchronous=OFF", f"cache_size=-{cache_kibibytes}", "temp_store=FILE"):
            self._database.execute(f"PRAGMA {setting}")
        self._database.execute("CREATE TABLE digests (digest BLOB PRIMARY KEY, number INTEGER) WITHOUT ROWID")

    def __len__(self) -> int:
        return self._count

    def close(self) -> None:
        self._database.close()

    def find(self, digest: bytes) -> int | None:
        """The number of a digest, None if it is not in the list. Raises OSError if the file cannot be read."""
        with _operating_system_errors():
            found = self._database.execute("SELECT number FROM digests WHERE digest = ?", (digest,)).fetchone()
        return None if found is None else found[0]

    def extend(self, digests: list[bytes]) -> None:
        """Appends digests that are not in the list. Raises OSError if the file cannot be written."""
        # Sorted as in the table, so that neighbours are written together.
        rows = sorted(zip(digests, range(self._count, self._count + len(digests)), strict=True))
        with _operating_system_errors():
            self._database.execute("BEGIN")
            self._database.executemany("INSERT INTO digests VALUES (?, ?)", rows)
            self._database.execute("COMMIT")
        self._count += len(digests)


@contextlib.contextmanager
def _operating_system_errors() -> Iterator[None]:
    """Raises OSError for SQLite's own error when it cannot use its file, usually because the disk is full."""
    try:
        yield
    except sqlite3.OperationalError as error:
        number = errno.ENOSPC if "full" in str(error) else errno.EIO
        raise OSError(number, os.strerror(number), tempfile.gettempdir()) from error


def _distances_to_overlapping(words: np.ndarray) -> list[int]:
    """For each sequence, the distance back to one whose last nine frames are its first nine; 0 if none is near.

    words: the frames of all sequences of the block, uint64 (S, 10, W).
    """
    samples = np.ascontiguousarray(words[:, :, ::WORDS_PER_SAMPLE])
    distances = [0] * len(words)
    for distance in DISTANCES_TO_COMPARE:
        is_alike = (samples[distance:, :-1] == samples[:-distance, 1:]).all(axis=(1, 2))
        for sequence in (np.flatnonzero(is_alike) + distance).tolist():
            if not distances[sequence] and np.array_equal(words[sequence, :-1], words[sequence - distance, 1:]):
                distances[sequence] = distance
    return distances


class Videos:
    """Finds videos: sequences that share a frame, directly or through other sequences, belong to the same video.

    A union-find structure over the frame numbers. Memory: four bytes for each distinct frame.
    """

    def __init__(self) -> None:
        self.count = 0  # the number of videos that `videos` has returned so far
        # For each frame, another frame of the same video. One frame of each video, its root, has a negative number
        # instead: NONE_YET, which is -1, or -2 - VIDEO once the video is numbered.
        self._joined_to = array("i")

    def join(self, numbers: np.ndarray) -> None:
        """Joins the frames of each of S sequences. numbers: int (S, 10), their frame numbers."""
        # Each distinct pair only once: most neighbours are neighbours in other sequences too.
        pairs = np.unique(numbers[:, :-1].astype(np.int64) << 32 | numbers[:, 1:])
        for first, second in zip((pairs >> 32).tolist(), (pairs & 0xFFFFFFFF).tolist(), strict=True):
            root, other = self._root(first), self._root(second)
            if root != other:
                self._joined_to[other] = root

    def videos(self, numbers: np.ndarray) -> np.ndarray:
        """The videos, int32 (S,), of sequences with these frame numbers, int (S, 10). Call it when all are joined.

        Videos are numbered from 0 in the order in which they are first returned.
        """
        return np.array([self._video(self._root(frame)) for frame in numbers[:, 0].tolist()], np.int32)

    def _video(self, root: int) -> int:
        if self._joined_to[root] == NONE_YET:
            self._joined_to[root] -= 1 + self.count
            self.count += 1
        return NONE_YET - 1 - self._joined_to[root]

    def _root(self, frame: int) -> int:
        joined_to = self._joined_to
        if frame >= len(joined_to):
            joined_to.extend([NONE_YET] * (frame + 1 - len(joined_to)))
        while (next_frame := joined_to[frame]) >= 0:
            if joined_to[next_frame] >= 0:
                joined_to[frame] = joined_to[next_frame]
            frame = next_frame
        return frame
