"""Finds implausible data, such as black frames or left and right swapped, while a file is written or inspected.

Everything is collected block by block, in memory that does not depend on the number of sequences.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pipeline.joints import JOINT_NAMES, MIRRORED_JOINTS
from pipeline.sequence_shape import SequenceShape
from support.text import counted

FAR_OUTSIDE = 64  # pixels
SAME_PLACE = 0.01  # pixels; no person is smaller
# The share of positions or frames from which a whole data set is suspect, and not single labels in it.
MOST = 0.9
HALF = 0.5
# Left and right trade places between two frames if exchanging the joints' names reduces their movement to this share.
TRADED = 1 / 3
KEPT_EXAMPLES = 5  # of each kind

DARK = 64  # of 255; the brightest value in a data set of pictures is at least this
HEAD, RIGHT_SHOULDER, LEFT_SHOULDER = map(JOINT_NAMES.index, ("head", "right shoulder", "left shoulder"))


class Plausibility:
    """Collects what looks wrong in frames, sequences and labels. shape: of all sequences.

    examples: for each kind of implausible labels, the first KEPT_EXAMPLES as (sequence, frame of the sequence).
    """

    def __init__(self, shape: SequenceShape) -> None:
        self._shape = shape
        self.examples: dict[str, list[tuple[int, int]]] = {}
        self._frames = self._single_colour = self._black = self._brightest = 0
        self._sequences = self._still = 0
        self._labelled = self._positions = self._fractions = 0
        self._far_outside = self._outside = self._one_place = self._turned = self._traded = 0
        self._not_above = 0

    def add_frames(self, frames: np.ndarray) -> None:
        """Adds distinct frames, uint8 (F, 64, 64, 3)."""
        brightest, darkest = frames.max(axis=(1, 2, 3)), frames.min(axis=(1, 2, 3))
        self._frames += len(frames)
        self._single_colour += int((brightest == darkest).sum())
        self._black += int((brightest == 0).sum())
        self._brightest = max(self._brightest, int(brightest.max(initial=0)))

    def add_sequences(self, numbers: np.ndarray) -> None:
        """Adds the frame numbers of sequences, int (S, 10)."""
        self._sequences += len(numbers)
        if self._shape.length > 1:
            self._still += int((numbers == numbers[:, :1]).all(axis=1).sum())

    def add_labels(self, labels: np.ndarray) -> None:
        """Adds labels, float32 (S, 10, 7, 2)."""
        with np.errstate(invalid="ignore", over="ignore"):
            self._add_labels(labels)

    def _add_labels(self, labels: np.ndarray) -> None:
        size = np.array([self._shape.width, self._shape.height], np.float32)
        outside = np.any((labels < 0) | (labels > size), axis=-1)
        far_outside = (labels < -FAR_OUTSIDE) | (labels > size + FAR_OUTSIDE)
        one_place = np.ptp(labels, axis=2).max(axis=-1) < SAME_PLACE
        turned = labels[:, :, RIGHT_SHOULDER, 0] > labels[:, :, LEFT_SHOULDER, 0]
        heights = labels[..., 1]
        not_above = heights[:, :, HEAD] >= heights[:, :, [RIGHT_SHOULDER, LEFT_SHOULDER]].min(axis=-1)
        traded = _trades(labels)
        self._positions += outside.size
        self._outside += int(outside.sum())
        self._far_outside += int(far_outside.sum())
        self._fractions += int(((labels >= 0) & (labels <= 1)).all(axis=-1).sum())
        self._one_place += int(one_place.sum())
        self._turned += int(turned.sum())
        self._not_above += int((not_above & ~one_place).sum())
        self._traded += int(traded.sum())
        kinds = {
            "joints outside the frame": outside.any(axis=-1),
            "all joints in one place": one_place,
            "left and right traded places": traded,
        }
        for kind, is_example in kinds.items():
            kept = self.examples.setdefault(kind, [])
            for sequence, frame in np.argwhere(is_example).tolist():
                number = self._labelled + sequence
                # Sequences that are apart, because neighbouring ones share frames.
                if len(kept) < KEPT_EXAMPLES and (not kept or number >= kept[-1][0] + self._shape.length):
                    kept.append((number, frame))
        self._labelled += len(labels)

    def warnings(self) -> list[str]:
        """One line for each kind of implausible data."""
        return [*self._warnings_of_frames(), *self._warnings_of_labels()]

    def _warnings_of_frames(self) -> Iterator[str]:
        if self._frames and self._brightest <= 1:
            yield "all frames have only the values 0 and 1, as if pictures from 0.0 to 1.0 were cast to integers"
        elif self._single_colour < self._frames and self._brightest < DARK:
            yield f"no value of any frame is above {self._brightest} of 255, as if pictures were divided"
        elif self._single_colour:
            yield f"{counted(self._single_colour, 'frame')} of a single colour, {self._black} of them black"
        if self._still:
            yield f"{self._still} of {counted(self._sequences, 'sequence')} repeat a single frame, so nothing moves"

    def _warnings_of_labels(self) -> Iterator[str]:
        poses = self._positions // len(JOINT_NAMES)
        if self._far_outside:
            yield f"{self._far_outside} label coordinates lie more than {FAR_OUTSIDE} px outside the frame"
        if self._outside > HALF * self._positions:
            share = 100 * self._outside / self._positions
            yield f"{share:.0f} % of the joints are outside the frame; labels must be in pixels of the stored frames"
        if poses and self._fractions > MOST * self._positions:
            yield "the labels are between 0 and 1; they must be in pixels of the frame"
        elif self._one_place:
            yield f"all joints are in one place in {counted(self._one_place, 'labelled frame')}"
        if self._not_above > MOST * poses:
            share = 100 * self._not_above / poses
            yield f"the head is not above both shoulders in {share:.0f} % of the labelled frames: are x and y swapped?"
        if self._turned > MOST * poses:
            share = 100 * self._turned / poses
            yield (
                f"the right shoulder is right of the left one in {share:.0f} % of the labelled frames: "
                "people show their backs, or left and right are swapped"
            )
        if self._traded:
            yield f"left and right trade places between neighbouring frames {counted(self._traded, 'time')}"


def _trades(labels: np.ndarray) -> np.ndarray:
    """bool (S, 10): whether left and right traded places just before each frame, of labels (S, 10, 7, 2)."""
    before, after = labels[:, :-1], labels[:, 1:]
    movement = np.linalg.norm(after - before, axis=-1).sum(axis=-1)
    exchanged = np.linalg.norm(after - before[:, :, MIRRORED_JOINTS], axis=-1).sum(axis=-1)
    traded = np.zeros(labels.shape[:2], bool)
    traded[:, 1:] = exchanged < TRADED * movement
    return traded
