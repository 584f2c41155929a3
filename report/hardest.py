"""Which videos and which frames a model is furthest off on, kept within a bound while errors stream by."""

from typing import NamedTuple

import numpy as np

WORST_FRAMES = 15
WORST_FRAMES_OF_A_VIDEO = 3
LISTED_VIDEOS = 5


class WorstFrame(NamedTuple):
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

    def __init__(self):
        self._sums = {}
        self._counts = {}
        self._worst = {}

    def add(self, predictions, labels, frames, videos):
        """Adds a batch: positions (B, 10, 7, 2), pixels; the numbers of frames, int (B, 10), and of videos, int (B,)."""
        errors = np.linalg.norm(predictions.astype(np.float64) - labels, axis=-1).mean(axis=-1)
        for video in np.unique(videos).tolist():
            chosen = errors[videos == video]
            self._sums[video] = self._sums.get(video, 0.0) + float(chosen.sum())
            self._counts[video] = self._counts.get(video, 0) + chosen.size
        flat = errors.ravel()
        for place in np.argsort(-flat, kind="stable").tolist():
            if not self._keep(flat[place], *np.unravel_index(place, errors.shape), predictions, labels, frames, videos):
                break

    def _keep(self, error, sequence, step, predictions, labels, frames, videos):
        """Keeps this frame if it is among the worst; False if neither it nor any better one can be."""
        if len(self._worst) == WORST_FRAMES and error <= min(kept.error for kept in self._worst.values()):
            return False
        frame, video = int(frames[sequence, step]), int(videos[sequence])
        if frame not in self._worst or error > self._worst[frame].error:
            label, prediction = labels[sequence, step].copy(), predictions[sequence, step].copy()
            self._worst[frame] = WorstFrame(float(error), frame, video, label, prediction)
            same_video = [kept for kept in self._worst.values() if kept.video == video]
            if len(same_video) > WORST_FRAMES_OF_A_VIDEO:
                del self._worst[min(same_video, key=lambda kept: kept.error).frame]
            elif len(self._worst) > WORST_FRAMES:
                del self._worst[min(self._worst.values(), key=lambda kept: kept.error).frame]
        return True

    def worst_frames(self):
        """Up to 15 WorstFrames, the worst first."""
        return sorted(self._worst.values(), key=lambda kept: -kept.error)

    def video_pixel_error(self):
        """A dict from a video's number to its mean pixel error, in pixels, the largest first."""
        means = {video: self._sums[video] / self._counts[video] for video in self._sums}
        return dict(sorted(means.items(), key=lambda item: -item[1]))

    def summary_line(self):
        """The hardest videos in a line, or None where there is but one."""
        errors = self.video_pixel_error()
        if len(errors) < 2:
            return None
        listed = [f"{video} ({error:.2f} px)" for video, error in list(errors.items())[:LISTED_VIDEOS]]
        return f"hardest of {len(errors)} videos: " + ", ".join(listed)
