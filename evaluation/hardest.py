"""Which videos and which frames a model is furthest off on, kept within a bound while errors stream by."""

from typing import NamedTuple

import numpy as np

from evaluation.distance import mean_distances

WORST_FRAMES = 15
WORST_FRAMES_OF_A_VIDEO = 3
LISTED_VIDEOS = 5


class RankedFrame(NamedTuple):
    """error: mean over the joints, pixels. frame, video: numbers in the file. label, prediction: (7, 2), pixels."""

    error: float
    frame: int
    video: int
    label: np.ndarray
    prediction: np.ndarray


class Hardest:
    """Adds up errors by video, and keeps the 15 worst frames, no more than three of one video.

    Each different frame counts once, with the worst of its predictions.
    """

    def __init__(self) -> None:
        self._sums: dict[int, float] = {}
        self._counts: dict[int, int] = {}
        self._worst: dict[int, RankedFrame] = {}

    def add(self, predictions: np.ndarray, labels: np.ndarray, frames: np.ndarray, videos: np.ndarray) -> None:
        """Adds a batch: positions (B, 10, 7, 2), pixels; numbers of frames, int (B, 10), and of videos, int (B,)."""
        errors = mean_distances(predictions, labels)
        for video in np.unique(videos).tolist():
            chosen = errors[videos == video]
            self._sums[video] = self._sums.get(video, 0.0) + float(chosen.sum())
            self._counts[video] = self._counts.get(video, 0) + chosen.size
        for place in np.argsort(-errors, axis=None, kind="stable").tolist():
            sequence, step = divmod(place, errors.shape[1])
            error = float(errors[sequence, step])
            if len(self._worst) == WORST_FRAMES and error <= min(kept.error for kept in self._worst.values()):
                break
            # Copies, so that what is kept does not hold on to the whole batch.
            label, prediction = labels[sequence, step].copy(), predictions[sequence, step].copy()
            self._keep(RankedFrame(error, int(frames[sequence, step]), int(videos[sequence]), label, prediction))

    def _keep(self, candidate: RankedFrame) -> None:
        """Adds a RankedFrame, and drops the least bad one of its video, or of all, where that is one too many."""
        if candidate.frame in self._worst and candidate.error <= self._worst[candidate.frame].error:
            return
        self._worst[candidate.frame] = candidate
        same_video = [kept for kept in self._worst.values() if kept.video == candidate.video]
        if len(same_video) > WORST_FRAMES_OF_A_VIDEO:
            del self._worst[min(same_video, key=lambda kept: kept.error).frame]
        elif len(self._worst) > WORST_FRAMES:
            del self._worst[min(self._worst.values(), key=lambda kept: kept.error).frame]

    def worst_frames(self) -> list[RankedFrame]:
        """Up to 15 WorstFrames, the worst first."""
        return sorted(self._worst.values(), key=lambda kept: -kept.error)

    def video_pixel_error(self) -> dict[int, float]:
        """A dict from a video's number to its mean pixel error, in pixels, the largest first."""
        means = {video: self._sums[video] / self._counts[video] for video in self._sums}
        return dict(sorted(means.items(), key=lambda item: -item[1]))

    def summary_line(self) -> str | None:
        """The hardest videos in a line, or None where there is but one."""
        errors = self.video_pixel_error()
        if len(errors) < 2:
            return None
        listed = [f"{video} ({error:.2f} px)" for video, error in list(errors.items())[:LISTED_VIDEOS]]
        return f"hardest of {len(errors)} videos: " + ", ".join(listed)
