"""The grade of one submission, and the JSON file that stores it so that an interrupted grading can resume."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import msgspec

from pipeline.joints import JOINT_NAMES
from report.overlays import DrawnFrame
from support.atomic_write import atomic_write

Verdict = Literal["meets the requirements", "scored, with breaches", "not scored", "not graded"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
MEETS_REQUIREMENTS, SCORED_WITH_BREACHES, NOT_SCORED, NOT_GRADED = VERDICTS


@dataclass(frozen=True)
class ShownFrame:
    """A frame on the grades page."""

    title: str  # video and error
    frame: DrawnFrame  # the picture with the true and the predicted pose


@dataclass(frozen=True)
class GradeScores:
    """The scores of one model. Raises ValueError if joint_errors has other joints than JOINT_NAMES."""

    pixel_error: float  # mean over all joints and frames, pixels
    joint_errors: dict[str, float]  # pixels by joint, in the order of JOINT_NAMES
    within_5: float  # share of all joints in all frames at most 5 pixels off, 0 to 1
    within_10: float  # the same for 10 pixels
    mean_pose_error: float  # error of always predicting the mean pose, pixels
    worst: tuple[ShownFrame, ...]
    best: tuple[ShownFrame, ...]

    def __post_init__(self) -> None:
        if tuple(self.joint_errors) != JOINT_NAMES:
            raise ValueError(f"the joints are not {', '.join(JOINT_NAMES)}")


@dataclass(frozen=True)
class Grade:
    """The result of grading one submission."""

    student: str
    verdict: Verdict
    breaches: tuple[str, ...]  # one line each; if not graded, what is wrong with the machine
    notes: tuple[str, ...]  # one line each, on the places and names of files
    warnings: tuple[str, ...]  # one line each, on problems that affect scores
    scores: GradeScores | None  # None if the model could not be scored
    seconds: float  # time to unpack, load and score
    peak_megabytes: float | None  # peak memory of the model's process, including TensorFlow; None if unknown
    tensorflow_version: str | None  # the version that saved the model
    weights_sha256: str | None  # digest of the files of weights
    predictions: bytes | None  # float32, pixels, for a few sequences, to compare models; None if not scored
    fingerprint: str  # digest of everything the grade depends on


def write_grade(path: str, grade: Grade) -> None:
    """Writes a Grade to a JSON file, atomically. All texts must be valid Unicode."""
    with atomic_write(path) as partial, open(partial, "wb") as file:
        file.write(msgspec.json.encode(grade))


def read_grade(path: str) -> Grade | None:
    """Returns the Grade that write_grade wrote, or None if the file is missing, damaged, or not a valid Grade."""
    try:
        with open(path, "rb") as file:
            return msgspec.json.decode(file.read(), type=Grade)
    except (OSError, ValueError, RecursionError, msgspec.MsgspecError):
        return None
