"""The mean pose: a prediction that ignores the frames, and so the baseline that every model has to beat."""

import numpy as np

from pipeline.joints import JOINT_NAMES
from pipeline.store.check import damaged
from pipeline.store.reader import SequenceStore

ROWS_PER_READ = 512


def mean_pose(store: SequenceStore, indices: np.ndarray) -> np.ndarray:
    """The mean over sequences and frames of each joint's position: float32 (7, 2), x and y in pixels.

    indices: int (N,), N > 0, the sequences to average. Where the file holds the sums of the videos' labels, few labels
    are read: of a video of which most sequences are averaged, those of the others are subtracted from its sum. Memory:
    about 30 bytes for each sequence of the store.
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
        raise damaged(store.path, "its sums of labels are not those of its labels")
    return pose


def _videos_to_sum(videos: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """bool (V,): for which videos fewer labels are read if their sum is.

    videos: int (N,), of the sequences. counts: int (N,), how many times each sequence is averaged.
    """
    number = int(videos.max()) + 1
    read_with_sum = np.bincount(videos[counts != 1], minlength=number)
    read_without = np.bincount(videos[counts != 0], minlength=number)
    return read_with_sum < read_without


def _parts(numbers: np.ndarray) -> list[np.ndarray]:
    return [numbers[start : start + ROWS_PER_READ] for start in range(0, len(numbers), ROWS_PER_READ)]
