"""Joint positions from any model that meets the assignment's requirements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from model.network import FRAME_FEATURES, FRAME_ROWS
from pipeline.tensorflow_v1 import tf

SEQUENCES_PER_RUN = 16
# For the whole network, or for the frame features: larger batches use more memory and are no faster.
WHOLE_SEQUENCES_PER_RUN = 4
# Distinct frames divided by all frames of a block. Sharing copies features, which pays off only if sequences overlap.
LARGEST_SHARE_OF_FRAMES = 0.7
LARGEST_DIFFERENCE = 1e-3  # pixels


class PosePredictor(Protocol):
    """Predicts joint positions."""

    def predict(self, frames: np.ndarray) -> np.ndarray:
        """uint8 (B, 10, 64, 64, 3) → float32 (B, 10, 7, 2), x and y in pixels, for any B > 0."""

    def predict_block(self, frames: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Predicts overlapping sequences.

        frames: D distinct frames, uint8 (D, 64, 64, 3). rows: int (B, 10), the rows of `frames` that each sequence
        consists of. Returns float32 (B, 10, 7, 2), x and y in pixels.
        """


@dataclass(frozen=True)
class SharedNodes:
    """The two tensors of an exported graph that can be fed to compute the frame features of each frame only once."""

    features: tf.Tensor  # float32 (B*10, D), one row per frame
    rows: tf.Tensor  # int32 (B, 10): the rows of `features` that each sequence consists of


def shared_nodes(graph: tf.Graph) -> SharedNodes | None:
    """The SharedNodes of a graph, or None if it does not have both."""
    try:
        return SharedNodes(graph.get_tensor_by_name(f"{FRAME_FEATURES}:0"), graph.get_tensor_by_name(f"{FRAME_ROWS}:0"))
    except KeyError:
        return None


class Predictor:
    """Feeds `input_frames` of a session's graph and fetches its `joint_pos`.

    session: a session that has the weights. shared: the graph's SharedNodes, which graphs of this project have: each
    distinct frame of a block of overlapping sequences then passes most of the network once. Other graphs may use these
    names for something else, so the first block is computed both ways, and SharedNodes that give other results are not
    used. batch_size: the only number of sequences that the graph accepts, to which batches are padded; None if it
    accepts any.
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
        """As PosePredictor.predict; does not use the SharedNodes. Raises tf.errors.OpError if the graph fails."""
        return np.concatenate([self._run(part) for part in _parts(frames, self._batch_size or SEQUENCES_PER_RUN)])

    def _run(self, frames: np.ndarray) -> np.ndarray:
        """The positions of at most one batch of sequences."""
        padded = _padded(frames, (self._batch_size or len(frames)) - len(frames))
        positions = np.asarray(self._session.run(self._joint_pos, {self._input_frames: padded}), np.float32)
        return positions.reshape(len(padded), frames.shape[1], -1, 2)[: len(frames)]

    def predict_block(self, frames: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """As PosePredictor.predict_block."""
        overlaps = len(frames) <= LARGEST_SHARE_OF_FRAMES * rows.size
        if overlaps and self._shared is not None and not self._is_checked:
            self._is_checked = True
            if not self._gives_equal_positions(self._shared, frames, rows):
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
        padded = _padded(frames, -len(frames) % length)
        sequences = padded.reshape(-1, length, *frames.shape[1:])
        frames_per_run = WHOLE_SEQUENCES_PER_RUN * length
        features = None
        for start in range(0, len(padded), frames_per_run):
            part = sequences[start // length :][:WHOLE_SEQUENCES_PER_RUN]
            computed = np.asarray(self._session.run(shared.features, {self._input_frames: part}))
            if features is None:
                features = np.empty((len(padded), *computed.shape[1:]), computed.dtype)
            features[start : start + frames_per_run] = computed
        assert features is not None
        return features[: len(frames)]

    def _gives_equal_positions(self, shared: SharedNodes, frames: np.ndarray, rows: np.ndarray) -> bool:
        """Whether these SharedNodes give the same positions as the whole network for two sequences of a block."""
        rows = rows[:2]
        expected = self.predict(frames[rows])
        # Shuffled: features that depend on neighbouring frames would agree if the frames were in order.
        used, rows_of_used = np.unique(rows, return_inverse=True)
        order = np.random.default_rng(0).permutation(len(used))
        try:
            shuffled_rows = np.argsort(order)[rows_of_used].reshape(rows.shape)
            by_features = self._predict_by_features(shared, frames[used[order]], shuffled_rows)
            return np.allclose(expected, by_features, rtol=0, atol=LARGEST_DIFFERENCE)
        except (tf.errors.OpError, ValueError, TypeError, IndexError):
            return False


def _padded(values: np.ndarray, missing: int) -> np.ndarray:
    """The values followed by `missing` copies of the last one."""
    return np.concatenate([values, np.repeat(values[-1:], missing, axis=0)]) if missing else values


def _parts(sequences: np.ndarray, size: int = SEQUENCES_PER_RUN) -> list[np.ndarray]:
    return [sequences[start : start + size] for start in range(0, len(sequences), size)]
