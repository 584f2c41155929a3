"""Joint positions from any model that keeps the course's contract."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from model.shared_nodes import SharedNodes
from pipeline.tensorflow_v1 import tf

SEQUENCES_PER_RUN = 16
# Where every frame passes the whole network, or the part of it that sees single frames: larger batches take more memory
# and are no faster.
WHOLE_SEQUENCES_PER_RUN = 4
# Different frames over all frames of a block. Sharing copies features, which pays off only where sequences overlap.
LARGEST_SHARE_OF_FRAMES = 0.7
LARGEST_DIFFERENCE = 1e-3  # pixels


class PosePredictor(Protocol):
    """Whatever predicts joint positions."""

    def predict(self, frames: np.ndarray) -> np.ndarray:
        """uint8 (B, 10, 64, 64, 3) → float32 (B, 10, 7, 2), x and y in pixels; for any B > 0."""

    def predict_block(self, frames: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Predicts overlapping sequences.

        frames: D different frames, uint8 (D, 64, 64, 3). rows: int (B, 10), the rows of `frames` that each sequence
        consists of. Returns float32 (B, 10, 7, 2), x and y in pixels.
        """


class Predictor:
    """Feeds a session's `input_frames` and fetches its `joint_pos`.

    session: one that holds the weights. input_frames, joint_pos: the two nodes of the contract. shared: the graph's
    SharedNodes, if it has them, as the graphs of this project have: then each different frame of a block of overlapping
    sequences passes most of the network once. A graph by others may hold nodes of the same names with another meaning,
    so the first block is computed both ways; where the results differ, the SharedNodes are not used. batch_size: the
    only number of sequences that the graph computes at a time, to which batches are filled up; None for any.
    """

    def __init__(
        self,
        session: tf.Session,
        input_frames: tf.Tensor,
        joint_pos: tf.Tensor,
        shared: SharedNodes | None = None,
        batch_size: int | None = None,
    ) -> None:
        self._session = session
        self._input_frames = input_frames
        self._joint_pos = joint_pos
        self._shared = shared
        self._batch_size = batch_size
        self._is_checked = False

    def predict(self, frames: np.ndarray) -> np.ndarray:
        """As PosePredictor.predict; without SharedNodes. Raises tf.errors.OpError where the graph fails."""
        return np.concatenate([self._run(part) for part in _parts(frames, self._batch_size or SEQUENCES_PER_RUN)])

    def _run(self, frames: np.ndarray) -> np.ndarray:
        """The positions of no more sequences than a batch has, in the shape that a batch of them has."""
        missing = (self._batch_size or len(frames)) - len(frames)
        filled = np.concatenate([frames, np.repeat(frames[-1:], missing, axis=0)]) if missing else frames
        positions = np.asarray(self._session.run(self._joint_pos, {self._input_frames: filled}), np.float32)
        return positions.reshape(len(filled), frames.shape[1], -1, 2)[: len(frames)]

    def predict_block(self, frames: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """As PosePredictor.predict_block."""
        overlaps = len(frames) <= LARGEST_SHARE_OF_FRAMES * rows.size
        if overlaps and self._shared is not None and not self._is_checked:
            self._is_checked = True
            if not self._is_right(self._shared, frames, rows):
                self._shared = None
        if overlaps and self._shared is not None:
            return self._predict_by_features(self._shared, frames, rows)
        parts = _parts(rows, self._batch_size or (SEQUENCES_PER_RUN if overlaps else WHOLE_SEQUENCES_PER_RUN))
        return np.concatenate([self.predict(frames[part]) for part in parts])

    def _predict_by_features(self, shared: SharedNodes, frames: np.ndarray, rows: np.ndarray) -> np.ndarray:
        features, predicted = self._features(shared, frames, rows.shape[1]), []
        for part in _parts(rows):
            used, rows_of_used = np.unique(part, return_inverse=True)
            feeds = {shared.features: features[used], shared.rows: rows_of_used.reshape(part.shape)}
            predicted.append(self._session.run(self._joint_pos, feeds))
        return np.concatenate(predicted)

    def _features(self, shared: SharedNodes, frames: np.ndarray, length: int) -> np.ndarray:
        """The features of D frames, (D, ...). They are fed as sequences of `length`, padded with the last frame."""
        missing = -len(frames) % length
        filled = np.concatenate([frames, np.repeat(frames[-1:], missing, axis=0)]) if missing else frames
        sequences = filled.reshape(-1, length, *frames.shape[1:])
        frames_per_run = WHOLE_SEQUENCES_PER_RUN * length
        features = None
        for start in range(0, len(filled), frames_per_run):
            part = sequences[start // length :][:WHOLE_SEQUENCES_PER_RUN]
            computed = np.asarray(self._session.run(shared.features, {self._input_frames: part}))
            if features is None:
                features = np.empty((len(filled), *computed.shape[1:]), computed.dtype)
            features[start : start + frames_per_run] = computed
        assert features is not None
        return features[: len(frames)]

    def _is_right(self, shared: SharedNodes, frames: np.ndarray, rows: np.ndarray) -> bool:
        """Whether these SharedNodes give the same positions as the whole network, on two sequences of a block."""
        rows = rows[:2]
        plain = self.predict(frames[rows])
        # Shuffled: features that depend on the neighbouring frames would agree where the frames are in order.
        used, rows_of_used = np.unique(rows, return_inverse=True)
        order = np.random.default_rng(0).permutation(len(used))
        try:
            shuffled_rows = np.argsort(order)[rows_of_used].reshape(rows.shape)
            by_features = self._predict_by_features(shared, frames[used[order]], shuffled_rows)
            return np.allclose(plain, by_features, rtol=0, atol=LARGEST_DIFFERENCE)
        except (tf.errors.OpError, ValueError, TypeError, IndexError):
            return False


def _parts(sequences: np.ndarray, size: int = SEQUENCES_PER_RUN) -> list[np.ndarray]:
    return [sequences[start : start + size] for start in range(0, len(sequences), size)]
