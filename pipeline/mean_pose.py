"""The mean pose: a prediction that ignores the frames, and therefore the baseline that every model has to beat."""

import numpy as np

from pipeline.joints import JOINT_NAMES
from pipeline.store.check import damaged
from pipeline.store.reader import SequenceStore

ROWS_PER_READ = 512


def mean_pose(store: SequenceStore, indices: np.ndarray) -> np.ndarray:
    """The mean position of each joint over sequences and frames: float32 (7, 2), x and y in pixels.

    indices: int (N,), N > 0, the sequences to average. If the file contains the sum of each video's labels, few labels
    are read: if most sequences of a video are averaged, the others are subtracted from its sum. Memory: about 30 bytes
    for each sequence of the store. Raises UserError if the file is damaged.
    """
    total = np.zeros((len(JOINT_NAMES), 2))
    counts = np.bincount(indices, minlength=len(store))
    if store.has_label_sums:
        is_summed = _videos_to_sum(store.videos, counts)
        for videos in _parts(np.flatnonzero(is_summed)):
            total += store.read_label_sums(videos).sum(axis=0)
        counts -= is_summed[store.videos]
    for sequences in _parts(np.flatnonzero(counts)):
        summed = store.read_labels(sequences).sum(axis=1, dtype=np.float64)
        total += np.tensordot(counts[sequences], summed, axes=1)
    with np.errstate(over="ignore"):
        pose = (total / (len(indices) * store.shape.length)).astype(np.float32)
    if not np.isfinite(pose).all():
        raise damaged(store.path, "its sums of labels do not match its labels")
    return pose


def _videos_to_sum(videos: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """bool (V,): the videos for which fewer labels are read if their sum is used.

    videos: int (N,), the video of each sequence. counts: int (N,), how many times each sequence is averaged.
    """
    number = int(videos.max()) + 1
    read_with_sum = np.bincount(videos[counts != 1], minlength=number)
    read_without = np.bincount(videos[counts != 0], minlength=number)
    return read_with_sum < read_without


def _parts(numbers: np.ndarray) -> list[np.ndarray]:
    return [numbers[start : start + ROWS_PER_READ] for start in range(0, len(numbers), ROWS_PER_READ)]
