"""How far predicted joints lie from the true ones, summed up batch by batch in constant memory."""

from typing import TypedDict

import numpy as np

from evaluation.distance import squared_distances
from pipeline.joints import JOINT_NAMES
from support.user_error import UserError

THRESHOLDS = np.arange(0, 20.5, 0.5)


class Summary(TypedDict):
    """What metrics.json holds of a model's errors.

    mean_pixel_error: pixels. pixel_error: pixels by joint. accuracy: "thresholds" in pixels, and by joint the share of
    frames within each, 0 to 1.
    """

    sequences: int
    mean_pixel_error: float
    pixel_error: dict[str, float]
    accuracy: dict[str, list[float]]


class PixelErrors:
    """Sums of the errors of all batches added so far; holds no predictions and no frames.

    A pixel error is the Euclidean distance in pixels of the 64×64 frame between a predicted and a true joint. The
    accuracy at a threshold is the share of frames whose pixel error is at most the threshold: the percentage of correct
    keypoints (PCK) of Yang & Ramanan, *Articulated Human Detection with Flexible Mixtures of Parts*, PAMI 2013, with
    thresholds in pixels as in Charles et al., *Personalizing Human Video Pose Estimation*, CVPR 2016.
    """

    def __init__(self) -> None:
        self._sequences = 0
        self._frames = 0
        self._squared_sums = np.zeros(len(JOINT_NAMES))
        self._distance_sums = np.zeros(len(JOINT_NAMES))
        # Row i counts the distances that threshold i is the first to cover; the last row those beyond all of them.
        self._counts = np.zeros((len(THRESHOLDS) + 1, len(JOINT_NAMES)), np.int64)

    def add(self, predictions: np.ndarray, labels: np.ndarray) -> None:
        """Adds a batch: predictions and labels (sequences, frames, 7, 2), float, x and y in pixels; any batch size.

        Raises UserError, and adds nothing, where a position is NaN or infinite: its distance has no mean, and a model
        that gives such positions has no score. Raises ValueError where the shapes differ or are not those above.
        """
        predictions, labels = np.asarray(predictions), np.asarray(labels)
        if predictions.shape != labels.shape:
            raise ValueError(f"predictions {predictions.shape} and labels {labels.shape} differ in shape")
        if labels.ndim != 4 or labels.shape[2:] != (len(JOINT_NAMES), 2):
            raise ValueError(f"predictions and labels must be (sequences, frames, 7, 2), not {labels.shape}")
        if not np.isfinite(predictions).all():
            raise UserError("the model predicts joints at NaN or infinity; train it with a lower learning rate")
        if not np.isfinite(labels).all():
            raise UserError("the data set has joints at NaN or infinity; correct its labels and convert it again")

        squares = squared_distances(predictions, labels).reshape(-1, len(JOINT_NAMES))
        distances = np.sqrt(squares)
        self._sequences += len(labels)
        self._frames += len(distances)
        self._squared_sums += squares.sum(axis=0)
        self._distance_sums += distances.sum(axis=0)
        covering = np.searchsorted(THRESHOLDS, distances, side="left")
        for joint in range(len(JOINT_NAMES)):
            self._counts[:, joint] += np.bincount(covering[:, joint], minlength=len(self._counts))

    @property
    def mean_squared_error(self) -> float:
        """The loss: the mean squared difference of all coordinates, in px². Raises ValueError before any add."""
        self._require_frames()
        return float(self._squared_sums.mean() / self._frames / 2)

    @property
    def mean_pixel_error(self) -> float:
        """The mean over frames and joints of the pixel error, in pixels. Raises ValueError before any add."""
        self._require_frames()
        return float(self._distance_sums.mean() / self._frames)

    def summary(self) -> Summary:
        """The Summary, in Python's own types; raises ValueError before any add."""
        self._require_frames()
        pixel_error = self._distance_sums / self._frames
        shares = self._counts[:-1].cumsum(axis=0) / self._frames
        accuracy = {joint: column.tolist() for joint, column in zip(JOINT_NAMES, shares.T, strict=True)}
        return {
            "sequences": self._sequences,
            "mean_pixel_error": self.mean_pixel_error,
            "pixel_error": dict(zip(JOINT_NAMES, pixel_error.tolist(), strict=True)),
            "accuracy": {"thresholds": THRESHOLDS.tolist(), **accuracy},
        }

    def _require_frames(self) -> None:
        if not self._frames:
            raise ValueError("no frames have been added, so there is no error to report")
