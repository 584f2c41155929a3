"""Predicts the joints in a video, a GIF or a folder of pictures; writes a table and a copy with the limbs drawn on."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from tqdm import tqdm

from evaluation.confidence import LOW, Positions, confidence_of
from model.export.contract import ContractBreaches, verdict
from model.predictor import PosePredictor
from model.sandboxed.sandboxed_model import NO_LIMITS, sandboxed_model
from pipeline.joints import JOINT_NAMES
from pipeline.sequence_shape import COURSE_SHAPE, FRAMES_PER_SEQUENCE
from support.destination import check_destination, claimed
from support.sandbox.limits import Limits
from support.user_error import UserError
from video.crop import Crop, CropChoice, crop_of_picture, is_outside, joints_in_picture
from video.files.media import Frame
from video.files.open_media import Media
from video.joint_table import Row, check_table_name, joint_table
from video.limbs import draw_crop, draw_limbs
from video.sliding_windows import positions_in_shots
from video.tracking.nobody import Explanation, explain_nobody
from video.tracking.person import Detector, ends_below_shoulders, head_and_shoulders
from video.tracking.pose_check import pose_check
from video.tracking.views import View, views

MAX_MISSING_SECONDS = 1.0
NO_PIXELS = np.empty(0, np.uint8)


@dataclass(frozen=True)
class PredictionSummary:
    """What `predict` reports about the media."""

    frame_count: int
    found_count: int  # frames in which a person was found
    outside_counts: np.ndarray  # int (7,), of those, the frames in which each joint is outside the picture
    width: int  # of the last frame, pixels
    height: int
    last_second: float | None  # time of the last frame; None for folders of pictures
    duration: float | None  # of a video according to its header, seconds; None if unknown
    nobody: Explanation | None = None  # why the detector found no person

    @property
    def is_padded(self) -> bool:
        """Whether there were too few frames for the model, so that the last one was repeated."""
        return self.frame_count < FRAMES_PER_SEQUENCE

    @property
    def seems_cut(self) -> bool:
        """Whether the video ends over a second before its header says that it does."""
        if self.duration is None or self.last_second is None:
            return False
        return self.duration - self.last_second > MAX_MISSING_SECONDS


@contextlib.contextmanager
def claimed_outputs(source: Media, out: str, table: str, overwrite: bool) -> Iterator[None]:
    """Checks `out`, the copy, and `table`, the joints, and keeps other commands from writing them meanwhile.

    overwrite: whether to replace what exists. Raises UserError if they cannot or must not be written.
    """
    _check_outputs(source, out, table, overwrite)
    with claimed(out), claimed(table):
        # Checked again, since another process may have written them before they were claimed.
        _check_outputs(source, out, table, overwrite)
        yield


def _check_outputs(source: Media, out: str, table: str, overwrite: bool) -> None:
    check_table_name(table)
    source.check_destination(out, overwrite)
    check_destination(table, source.path, overwrite)
    if os.path.abspath(table) == os.path.abspath(out):
        raise UserError(f"{table} is also --out; choose another name for --joints")


def check_first_frame(source: Media, choice: CropChoice) -> tuple[Crop | None, float]:
    """Returns the crop of the first frame, or None if the person is tracked; and width / height of a pixel.

    Raises UserError if the frame cannot be read or the crop exceeds it.
    """
    frame = next(source.frames())
    crop = None if choice == "auto" else crop_of_picture(choice, frame.picture, frame.pixel_aspect)
    return crop, frame.pixel_aspect


@dataclass(frozen=True)
class PredictedFrame:
    """The prediction for one frame."""

    frame: Frame
    joints: np.ndarray  # float32 (7, 2), pixels of the frame; NaN if only known to be outside, or if no person is found
    confidence: np.ndarray  # float32 (7,)
    crop: Crop  # what the model saw
    is_found: bool  # a person was found

    def row(self) -> Row:
        """The row in the table of joints."""
        height, width, _ = self.frame.picture.shape
        outside = is_outside(self.joints, height, width) & self.is_found
        return Row(self.joints, self.confidence, outside, self.frame.seconds, self.frame.name)

    def drawn(self, show_crop: bool) -> np.ndarray:
        """The picture with the person's limbs drawn on it, dotted where the confidence is low."""
        picture = self.frame.picture
        if not self.is_found:
            return picture
        if show_crop:
            picture = draw_crop(picture, self.crop)
        return draw_limbs(picture, self.joints, ~(self.confidence < LOW))


def predict(
    model: str,
    source: Media,
    choice: CropChoice,
    out: str,
    table: str,
    trust: bool = False,
    limits: Limits = NO_LIMITS,
    say: Callable[[str], None] = print,
    detector: Detector | None = None,
    show_crop: bool = False,
) -> PredictionSummary:
    """Writes the joints in all frames to the file `table`, and the frames with the limbs drawn on to `out`.

    model: folder of a model that meets the assignment's requirements. trust: see examined_model. limits: of the process
    that runs the model. say: receives the verdict on the requirements before the prediction starts. detector: required
    if the choice is "auto". show_crop: draw the crop's edges too. Raises UserError if the model breaks a requirement, a
    frame cannot be read, or a position is NaN or infinite; then nothing is written.
    """
    frame_count, found_count, outside_counts = 0, 0, np.zeros(len(JOINT_NAMES), int)
    with sandboxed_model(model, trust=trust, limits=limits) as opened:
        if opened.breaches or opened.predictor is None:
            raise ContractBreaches(*opened.breaches)
        say(verdict([], COURSE_SHAPE))
        with (
            joint_table(table, source.path) as add_row,
            source.written_to(out) as write,
            tqdm(
                total=source.frame_count, desc="predicting", unit=" frames", leave=False, disable=None, delay=2
            ) as bar,
        ):
            for predicted in predicted_frames(opened.predictor, source, choice, detector, model):
                frame_count += 1
                frame, row = predicted.frame, predicted.row()
                found_count += predicted.is_found
                outside_counts += row.is_outside
                add_row(row)
                write(predicted.drawn(show_crop), frame)
                bar.update()
    height, width, _ = frame.picture.shape
    duration = None if source.duration is None else float(source.duration)
    nobody = explain_nobody(source.frames(), frame_count, detector) if detector and not found_count else None
    return PredictionSummary(frame_count, found_count, outside_counts, width, height, frame.seconds, duration, nobody)


def predicted_frames(
    predictor: PosePredictor, source: Media, choice: CropChoice, detector: Detector | None = None, model: str = "model"
) -> Iterator[PredictedFrame]:
    """Yields the prediction for each frame of the source.

    model: name of the model in the UserError that is raised if a position is NaN or infinite.

    The source is decoded twice in parallel: a frame's joints are known only after the last window that contains it, and
    frames of full size would otherwise wait in memory until then.
    """
    waiting: deque[View] = deque()

    def seen() -> Iterator[tuple[np.ndarray, bool]]:
        for view in views(source.frames(), choice, detector, pose_check(predictor)):
            waiting.append(replace(view, frame=NO_PIXELS))
            yield view.frame, view.begins_shot

    decoded = zip(source.frames(), positions_in_shots(predictor, seen()), strict=True)
    for number, (frame, positions) in enumerate(decoded):
        if not np.isfinite(positions.joints).all():
            raise UserError(f"{model}: the positions in frame {number} are NaN or infinite; train the model again")
        yield _predicted(frame, positions, waiting.popleft())


def _predicted(frame: Frame, positions: Positions, view: View) -> PredictedFrame:
    unknown = np.full(len(JOINT_NAMES), np.nan, np.float32)
    if not view.is_found:
        joints, confidence = np.stack([unknown, unknown], axis=-1), np.zeros_like(unknown)
    elif view.person is not None and ends_below_shoulders(view.person, len(frame.picture)):
        joints, confidence = head_and_shoulders(view.person), unknown
        joints[:, 0] /= frame.pixel_aspect
    else:
        joints = joints_in_picture(positions.joints, view.crop)
        confidence = confidence_of(positions.spread)
    return PredictedFrame(frame, joints, confidence, view.crop, view.is_found)
