"""Numbers the distinct frames, and finds which sequences share frames and so come from the same video."""

from __future__ import annotations

import os
import tempfile
from array import array
from typing import NamedTuple

import numpy as np

from pipeline.store.layout import DIGEST_BYTES, frame_digest

# Most sequences continue an earlier one by a frame: at stride 1 the one just before, at stride 2 the second before, and
# so on. Comparing bytes is ten times as fast as hashing them.
DISTANCES_TO_COMPARE = (1, 2, 3)
# Of the words of a frame, every such one is compared before all of them are.
WORDS_PER_SAMPLE = 251
# The latest ones, among which most frames that appear again are found.
DIGESTS_IN_MEMORY = 1 << 15
# Of the temporary file, before which it is in memory, so that small data sets need none.
SMALLEST_FILE = 1 << 20
FEWEST_SLOTS = 1 << 17
LARGEST_LOAD = 0.75
# Of a slot for a number, and of the number of a video.
NONE_YET = -1


class NumberedFrames(NamedTuple):
    """numbers: int32 (S, 10), of the frames of S sequences. new_slots: those of the S·10 slots that hold a new frame,
    ascending. new_digests: of these frames.
    """

    numbers: np.ndarray
    new_slots: list[int]
    new_digests: list[bytes]


class FrameNumbers:
    """Gives equal frames equal numbers, from 0 in order of first appearance; a context manager that frees its index.

    Memory: up to DIGESTS_IN_MEMORY digests, which take 5 MB, and 7 to 13 bytes for each distinct frame before these.
    On the disk, the temporary file of StoredDigests takes another 16.
    """

    def __init__(self) -> None:
        self._latest: dict[bytes, int] = {}
        self._stored = StoredDigests()

    def __enter__(self) -> FrameNumbers:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stored.close()

    def __len__(self) -> int:
        return len(self._stored) + len(self._latest)

    def number_one(self, frame: np.ndarray) -> tuple[int, bytes]:
        """The number and the digest of a frame, a C-ordered array.

        A new frame gets the number of frames before it. Raises OSError if the temporary file cannot be written.
        """
        digest = frame_digest(frame)
        number = self._latest.get(digest)
        if number is None:
            number = self._stored.find(digest)
        if number is None:
            number = len(self)
            self._latest[digest] = number
            if len(self._latest) == DIGESTS_IN_MEMORY:
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
    """A growing list of different digests, in a temporary file, that finds the number of any.

    A hash table with linear probing says where in the file a digest may be: memory is 5 bytes a slot, and at most
    LARGEST_LOAD of the slots are taken. The file is deleted when it is closed, even by `kill -9`.
    """

    def __init__(self) -> None:
        self._count = 0
        self._file = tempfile.SpooledTemporaryFile(SMALLEST_FILE)  # noqa: SIM115 `close` closes it.
        self._make_slots(FEWEST_SLOTS)

    def _make_slots(self, slots: int) -> None:
        # In each slot, the number of a digest, and its last byte: where that differs, the file need not be read.
        self._numbers = array("i", [NONE_YET]) * slots
        self._last_bytes = bytearray(slots)
        self._mask = slots - 1

    def __len__(self) -> int:
        return self._count

    def close(self) -> None:
        self._file.close()

    def find(self, digest: bytes) -> int | None:
        """The number of a digest, None if it is not in the list."""
        slot = int.from_bytes(digest[:8], "little") & self._mask
        while (number := self._numbers[slot]) != NONE_YET:
            if self._last_bytes[slot] == digest[-1] and self._read(number, 1) == digest:
                return number
            slot = (slot + 1) & self._mask
        return None

    def extend(self, digests: list[bytes]) -> None:
        """Appends digests that are not in the list. Raises OSError if the file cannot be written."""
        self._file.seek(0, os.SEEK_END)
        self._file.write(b"".join(digests))
        first_without_slot, self._count = self._count, self._count + len(digests)
        while self._count > LARGEST_LOAD * len(self._numbers):
            self._make_slots(2 * len(self._numbers))
            first_without_slot = 0
        for start in range(first_without_slot, self._count, DIGESTS_IN_MEMORY):
            self._fill_slots(self._read(start, DIGESTS_IN_MEMORY), start)

    def _read(self, start: int, number: int) -> bytes:
        self._file.seek(start * DIGEST_BYTES)
        return self._file.read(number * DIGEST_BYTES)

    def _fill_slots(self, rows: bytes, first_number: int) -> None:
        """Puts K digests into slots: rows is their bytes, and they have the numbers from first_number on."""
        digests = np.frombuffer(rows, np.uint8).reshape(-1, DIGEST_BYTES)
        numbers = np.arange(first_number, first_number + len(digests), dtype=np.int32)
        slots = (digests[:, :8].copy().view("<u8")[:, 0] & self._mask).astype(np.int64)
        all_numbers, all_last_bytes = np.frombuffer(self._numbers, np.int32), np.frombuffer(self._last_bytes, np.uint8)
        while len(numbers):
            is_free = all_numbers[slots] == NONE_YET
            all_numbers[slots[is_free]] = numbers[is_free]
            # Of several for the same slot, one is in it.
            is_placed = all_numbers[slots] == numbers
            all_last_bytes[slots[is_placed]] = digests[numbers[is_placed] - first_number, -1]
            numbers, slots = numbers[~is_placed], (slots[~is_placed] + 1) & self._mask


def _distances_to_overlapping(words: np.ndarray) -> list[int]:
    """For each sequence, how many before it there is one whose last nine frames are its first nine; 0 if none is near.

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
    """Finds videos: sequences that share a frame, directly or through others, are of the same video.

    A union-find structure over the frame numbers. Memory: four bytes for each distinct frame. count: of the videos that
    `videos` has numbered so far.
    """

    def __init__(self) -> None:
        # For each frame, another of the same video. For one frame of each video, a number below 0: NONE_YET, and once
        # the video has a number, that subtracted from NONE_YET - 1.
        self._joined_to = array("i")
        self.count = 0

    def join(self, numbers: np.ndarray) -> None:
        """Joins the frames of each of S sequences. numbers: int (S, 10), their frame numbers."""
        # Neighbours in most sequences are neighbours in another one too.
        pairs = np.unique(numbers[:, :-1].astype(np.int64) << 32 | numbers[:, 1:])
        for first, second in zip((pairs >> 32).tolist(), (pairs & 0xFFFFFFFF).tolist(), strict=True):
            root, other = self._root(first), self._root(second)
            if root != other:
                self._joined_to[other] = root

    def videos(self, numbers: np.ndarray) -> np.ndarray:
        """The videos, int32 (S,), of sequences with the frame numbers (S, 10), after all sequences are joined.

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
