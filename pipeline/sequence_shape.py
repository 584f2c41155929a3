"""The shape of a data set's sequences: the number of frames and their size. The course's are ten of 64×64."""

from typing import NamedTuple

from pipeline.joints import JOINT_NAMES
from pipeline.sample_source import SampleShape
from support.text import counted


class SequenceShape(NamedTuple):
    length: int  # frames per sequence
    height: int  # of a frame, in pixels
    width: int

    def __str__(self) -> str:
        return f"{counted(self.length, 'frame')} of {self.width}×{self.height} px"

    @property
    def frame(self) -> tuple[int, int, int]:
        """The shape of one RGB frame: (height, width, 3)."""
        return self.height, self.width, 3

    @property
    def samples(self) -> SampleShape:
        """The same for the window of frames: uint8 frames and float32 labels."""
        return SampleShape(self.length, self.frame, self.labels)

    @property
    def frames(self) -> tuple[int, int, int, int]:
        """The shape of the frames of one sequence: (length, height, width, 3)."""
        return self.length, *self.frame

    @property
    def labels(self) -> tuple[int, int, int]:
        """The shape of the labels of one sequence: (length, 7, 2)."""
        return self.length, len(JOINT_NAMES), 2


# Both networks halve the size of a frame three times, so it must be a multiple of this.
SIZE_STEP = 8

COURSE_SHAPE = SequenceShape(10, 64, 64)
FRAMES_PER_SEQUENCE = COURSE_SHAPE.length
FRAME_SHAPE = COURSE_SHAPE.frame
