"""Numbers each different frame once, and finds which sequences share frames and so come from one video."""

import hashlib
from array import array

import numpy as np

# Sequences of one video mostly follow one another by a frame: those of consecutive frames one after the other, those of
# every second or third frame at that distance. Comparing bytes is ten times as fast as hashing them.
DISTANCES_TO_COMPARE = (1, 2, 3)


class FrameNumbers:
    """Gives equal frames equal numbers, counted from 0 in order of first appearance. Grows by a digest per frame."""

    def __init__(self):
        self._number_of_digest = {}

    def __len__(self):
        return len(self._number_of_digest)

    def number_one(self, frame):
        """The number of a frame, a C-ordered array; it is new if that is how many there were before."""
        return self._number_of_digest.setdefault(hashlib.sha256(frame).digest(), len(self))

    def number(self, frames):
        """Numbers the frames (S, 10, 64, 64, 3) uint8, C order, of S sequences.

        Returns their numbers, (S, 10) int32, and which of these S·10 slots hold a frame not seen before, in order.
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


def _distance_to_overlapping(words, sequence):
    """How many sequences back one lies whose last nine frames are the first nine of this one; None if none is near."""
    for distance in DISTANCES_TO_COMPARE:
        if distance <= sequence and np.array_equal(words[sequence, :-1], words[sequence - distance, 1:]):
            return distance
    return None


class Videos:
    """Joins frames that occur in one sequence: what is connected, directly or through others, is one video."""

    def __init__(self):
        self._joined_to = array("i")
        self._video_of_root = {}

    @property
    def count(self):
        """How many videos `videos` has told apart so far."""
        return len(self._video_of_root)

    def join(self, numbers):
        """Takes the frame numbers (S, 10) of S sequences."""
        for first, *others in numbers.tolist():
            root = self._root(first)
            for other in others:
                self._joined_to[self._root(other)] = root

    def videos(self, numbers):
        """The videos (S,) int32 of sequences with the frame numbers (S, 10), once all sequences are joined.

        Videos are counted from 0 in the order in which they are asked for.
        """
        roots = [self._root(frame) for frame in numbers[:, 0].tolist()]
        return np.array([self._video_of_root.setdefault(root, self.count) for root in roots], np.int32)

    def _root(self, frame):
        joined_to = self._joined_to
        joined_to.extend(range(len(joined_to), frame + 1))
        while joined_to[frame] != frame:
            joined_to[frame] = joined_to[joined_to[frame]]
            frame = joined_to[frame]
        return frame
