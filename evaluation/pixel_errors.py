"""Distances between predicted and true joints, summed up batch by batch in constant memory per video."""

from typing import TypedDict

import numpy as np

from pipeline.joints import JOINT_NAMES
from support.user_error import UserError

CURVE_THRESHOLDS = np.arange(401) / 20  # pixels, 0 to 20
STEPS_PER_THRESHOLD = 10
THRESHOLDS = CURVE_THRESHOLDS[::STEPS_PER_THRESHOLD]  # pixels; metrics.json has these


def pixel_distances(predictions: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The Euclidean distance of each joint. Two (..., 7, 2) in pixels → float64 (..., 7) in pixels."""
    return np.sqrt(_squared_distances(predictions, labels))


def mean_distances(predictions: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The mean of `pixel_distances` over the joints of each frame: float64 (...), pixels."""
    return pixel_distances(predictions, labels).mean(axis=-1)


def _squared_distances(predictions: np.ndarray, labels: np.ndarray) -> np.ndarray:
    offsets = np.asarray(predictions, np.float64) - labels
    return np.square(offsets).sum(axis=-1)


class ErrorSummary(TypedDict):
    """The errors of a model as metrics.json contains them."""

    sequences: int
    mean_pixel_error: float  # pixels
    pixel_error: dict[str, float]  # pixels, by joint
    accuracy: dict[str, list[float]]  # "thresholds" in pixels; by joint, the share of frames within each, 0 to 1


class PixelErrors:
    """Sums up the errors of all batches. Stores neither predictions nor frames.

    A pixel error is the Euclidean distance between a predicted and a true joint, in pixels of the 64×64 frame. The
    accuracy at a threshold is the share of frames whose pixel error is at most the threshold: the percentage of correct
    keypoints (PCK) of Yang & Ramanan, *Articulated Human Detection with Flexible Mixtures of Parts*, PAMI 2013, with
    thresholds in pixels as in Charles et al., *Personalizing Human Video Pose Estimation*, CVPR 2016.
    """

    def __init__(self) -> None:
        self._sequences = 0
        self._frames = 0
        self._squared_sums = np.zeros(len(JOINT_NAMES))
        self._distance_sums = np.zeros(len(JOINT_NAMES))
        # Row i counts the distances above threshold i - 1 and up to threshold i; the last row, those above all.
        self._counts = np.zeros((len(CURVE_THRESHOLDS) + 1, len(JOINT_NAMES)), np.int64)

    def add(self, predictions: np.ndarray, labels: np.ndarray) -> None:
        """Adds a batch of any size: predictions and labels (sequences, frames, 7, 2), float, x and y in pixels.

        Raises UserError and adds nothing if a position is NaN or infinite. Raises ValueError if the shapes differ or
        are not as above.
        """
        predictions, labels = np.asarray(predictions), np.asarray(labels)
        if predictions.shape != labels.shape:
            raise ValueError(f"predictions {predictions.shape} and labels {labels.shape} differ in shape")
        if labels.ndim != 4 or labels.shape[2:] != (len(JOINT_NAMES), 2):
            raise ValueError(f"predictions and labels must be (sequences, frames, 7, 2), not {labels.shape}")
        if not np.isfinite(predictions).all():
            raise UserError("the model predicts NaN or infinite positions; train it again with a lower learning rate")
        if not np.isfinite(labels).all():
            raise UserError("the data set has NaN or infinite labels; correct them and convert it again")

        squares = _squared_distances(predictions, labels).reshape(-1, len(JOINT_NAMES))
        distances = np.sqrt(squares)
        self._sequences += len(labels)
        self._frames += len(distances)
        self._squared_sums += squares.sum(axis=0)
        self._distance_sums += distances.sum(axis=0)
        covering = np.searchsorted(CURVE_THRESHOLDS, distances, side="left")
        for joint in range(len(JOINT_NAMES)):
            self._counts[:, joint] += np.bincount(covering[:, joint], minlength=len(self._counts))

    @property
    def mean_squared_error(self) -> float:
        """The loss: the mean squared difference of all coordinates, px². Raises ValueError if nothing was added."""
        self._require_frames()
        return float(self._squared_sums.mean() / self._frames / 2)

    @property
    def mean_pixel_error(self) -> float:
        """The mean over frames and joints, in pixels. Raises ValueError if nothing was added."""
        self._require_frames()
        return float(self._distance_sums.mean() / self._frames)

    def summary(self) -> ErrorSummary:
        """Returns the errors in Python's built-in types. Raises ValueError if nothing was added."""
        self._require_frames()
        pixel_error = self._distance_sums / self._frames
        accuracy = {joint: curve[::STEPS_PER_THRESHOLD].tolist() for joint, curve in self.curves().items()}
        return {
            "sequences": self._sequences,
            "mean_pixel_error": self.mean_pixel_error,
            "pixel_error": dict(zip(JOINT_NAMES, pixel_error.tolist(), strict=True)),
            "accuracy": {"thresholds": THRESHOLDS.tolist(), **accuracy},
        }

    def curves(self) -> dict[str, np.ndarray]:
        """For each joint, the share of frames within each of CURVE_THRESHOLDS: float64 (401,), 0 to 1.

        Raises ValueError if nothing was added.
        """
        self._require_frames()
        shares = self._counts[:-1].cumsum(axis=0) / self._frames
        return dict(zip(JOINT_NAMES, shares.T, strict=True))

    def _require_frames(self) -> None:
        if not self._frames:
            raise ValueError("no frames were added")


class VideoErrors:
    """Sums up the pixel errors of each video and joint."""

    def __init__(self) -> None:
        self._sums: dict[int, np.ndarray] = {}  # float64 (7,) by video
        self._frames: dict[int, int] = {}

    def add(self, predictions: np.ndarray, labels: np.ndarray, videos: np.ndarray) -> None:
        """Adds a batch: positions (B, 10, 7, 2) in pixels, and the video number of each sequence, int (B,)."""
        distances = pixel_distances(predictions, labels)
        for video in np.unique(videos).tolist():
            chosen = distances[videos == video].reshape(-1, len(JOINT_NAMES))
            self._sums[video] = self._sums.get(video, 0.0) + chosen.sum(axis=0)
            self._frames[video] = self._frames.get(video, 0) + len(chosen)

    def means(self) -> dict[int, np.ndarray]:
        """Maps each video number to the mean error of each joint, float64 (7,) in pixels; the worst video first."""
        means = {video: self._sums[video] / self._frames[video] for video in self._sums}
        return dict(sorted(means.items(), key=lambda item: -item[1].mean()))
