"""Numbers the distinct frames, and finds which sequences share frames and so come from the same video."""

from __future__ import annotations

import hashlib
from array import array

import numpy as np

# Most sequences continue an earlier one by a frame: at stride 1 the one just before, at stride 2 the second before, and
# so on. Comparing bytes is ten times as fast as hashing them.
DISTANCES_TO_COMPARE = (1, 2, 3)


class FrameNumbers:
    """Gives equal frames equal numbers, from 0 in order of first appearance.

    Memory: a digest for each distinct frame.
    """

    def __init__(self) -> None:
        self._number_of_digest: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._number_of_digest)

    def number_one(self, frame: np.ndarray) -> int:
        """The number of a frame, a C-ordered array. A new frame gets the number of frames before it."""
        return self._number_of_digest.setdefault(hashlib.sha256(frame.data).digest(), len(self))

    def number(self, frames: np.ndarray) -> tuple[np.ndarray, list[int]]:
        """Numbers the frames of S sequences, uint8 (S, 10, 64, 64, 3), C order.

        Returns their numbers, int32 (S, 10), and those of the S·10 slots that hold a new frame, ascending.
        """
        length = frames.shape[1]
        numbers = np.empty(frames.shape[:2], np.int32)
        words = frames.reshape(*frames.shape[:2], -1).view(np.uint64)
        new_slots = []
        for sequence in range(len(frames)):
            known = 0
            distance = _distance_to_overlapping(words, sequence)
            if distance:
                known = length - 1
                numbers[sequence, :known] = numbers[sequence - distance, 1:]
            for slot in range(known, length):
                count = len(self)
                numbers[sequence, slot] = self.number_one(words[sequence, slot])
                if numbers[sequence, slot] == count:
                    new_slots.append(sequence * length + slot)
        return numbers, new_slots


def _distance_to_overlapping(words: np.ndarray, sequence: int) -> int | None:
    """How many sequences before this one there is one whose last nine frames are its first nine; None if none is near.

    words: the frames of all sequences of the block, uint64 (S, 10, W).
    """
    for distance in DISTANCES_TO_COMPARE:
        if distance <= sequence and np.array_equal(words[sequence, :-1], words[sequence - distance, 1:]):
            return distance
    return None


class Videos:
    """Finds videos: sequences that share a frame, directly or through others, are of the same video.

    A union-find structure over the frame numbers. Memory: four bytes for each distinct frame.
    """

    def __init__(self) -> None:
        self._joined_to = array("i")
        self._video_of_root: dict[int, int] = {}

    @property
    def count(self) -> int:
        """The number of videos that `videos` has numbered so far."""
        return len(self._video_of_root)

    def join(self, numbers: np.ndarray) -> None:
        """Joins the frames of each of S sequences. numbers: int (S, 10), their frame numbers."""
        for first, *others in numbers.tolist():
            root = self._root(first)
            for other in others:
                self._joined_to[self._root(other)] = root

    def videos(self, numbers: np.ndarray) -> np.ndarray:
        """The videos, int32 (S,), of sequences with the frame numbers (S, 10), after all sequences are joined.

        Videos are numbered from 0 in the order in which they are first returned.
        """
        roots = [self._root(frame) for frame in numbers[:, 0].tolist()]
        return np.array([self._video_of_root.setdefault(root, self.count) for root in roots], np.int32)

    def _root(self, frame: int) -> int:
        joined_to = self._joined_to
        joined_to.extend(range(len(joined_to), frame + 1))
        while joined_to[frame] != frame:
            joined_to[frame] = joined_to[joined_to[frame]]
            frame = joined_to[frame]
        return frame
