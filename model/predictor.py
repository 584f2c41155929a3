"""Joint positions from any model that keeps the course's contract."""

from __future__ import annotations

import numpy as np

from pipeline.tensorflow_v1 import tf

SEQUENCES_PER_RUN = 16
# Where it is all of the network that sees as many frames: fewer of them take less memory, and no longer.
WHOLE_SEQUENCES_PER_RUN = 4
# Of the frames of a block: sharing costs copies of what a frame shows, which pay only where sequences overlap.
LARGEST_SHARE_OF_FRAMES = 0.7
LARGEST_DIFFERENCE = 1e-3


class Predictor:
    """Feeds a session's `input_frames` and fetches its `joint_pos`.

    Where the graph has SharedNodes, as ours have, each different frame of a block of overlapping sequences passes
    most of the network once. The first block is computed both ways; where they differ, the tensors' names meant
    something else, and the plain way is taken from then on.
    """

    def __init__(self, session, input_frames, joint_pos, shared=None):
        self._session = session
        self._input_frames = input_frames
        self._joint_pos = joint_pos
        self._shared = shared
        self._is_checked = False

    def predict(self, frames):
        """uint8 (B, 10, 64, 64, 3) → float32 (B, 10, 7, 2), x and y in pixels; the plain way, any B > 0."""
        return np.concatenate(
            [self._session.run(self._joint_pos, {self._input_frames: part}) for part in _parts(frames)]
        )

    def predict_block(self, frames, positions):
        """Overlapping sequences: D different frames, uint8 (D, 64, 64, 3), and where each sequence's are, int (B, 10).

        Returns float32 (B, 10, 7, 2), x and y in pixels.
        """
        overlaps = len(frames) <= LARGEST_SHARE_OF_FRAMES * positions.size
        if overlaps and self._shared is not None and not self._is_checked:
            self._check(frames, positions)
        if overlaps and self._shared is not None:
            return self._predict_by_features(frames, positions)
        parts = _parts(positions, SEQUENCES_PER_RUN if overlaps else WHOLE_SEQUENCES_PER_RUN)
        return np.concatenate([self.predict(frames[part]) for part in parts])

    def _predict_by_features(self, frames, positions):
        features, predicted = self._features(frames, positions.shape[1]), []
        for part in _parts(positions):
            numbers, rows = np.unique(part, return_inverse=True)
            feeds = {self._shared.features: features[numbers], self._shared.rows: rows.reshape(part.shape)}
            predicted.append(self._session.run(self._joint_pos, feeds))
        return np.concatenate(predicted)

    def _features(self, frames, length):
        """One row for each of D frames, fed as sequences of `length`; the last frame fills up the last one."""
        missing = -len(frames) % length
        filled = np.concatenate([frames, np.repeat(frames[-1:], missing, axis=0)]) if missing else frames
        sequences = filled.reshape(-1, length, *frames.shape[1:])
        rows_at_a_time, features = WHOLE_SEQUENCES_PER_RUN * length, None
        for start in range(0, len(filled), rows_at_a_time):
            part = sequences[start // length :][:WHOLE_SEQUENCES_PER_RUN]
            rows = np.asarray(self._session.run(self._shared.features, {self._input_frames: part}))
            if features is None:
                features = np.empty((len(filled), *rows.shape[1:]), rows.dtype)
            features[start : start + rows_at_a_time] = rows
        return features[: len(frames)]

    def _check(self, frames, positions):
        plain = self.predict(frames[positions[:2]])
        # Out of order, or features that know the frames around theirs would agree where sequences follow each other.
        numbers, places = np.unique(positions[:2], return_inverse=True)
        order = np.random.default_rng(0).permutation(len(numbers))
        try:
            shuffled_positions = np.argsort(order)[places].reshape(-1, positions.shape[1])
            by_features = self._predict_by_features(frames[numbers[order]], shuffled_positions)
            agrees = np.allclose(plain, by_features, rtol=0, atol=LARGEST_DIFFERENCE)
        except (tf.errors.OpError, ValueError, TypeError, IndexError):
            agrees = False
        if not agrees:
            self._shared = None
        self._is_checked = True


def _parts(sequences, size=SEQUENCES_PER_RUN):
    return [sequences[start : start + size] for start in range(0, len(sequences), size)]
