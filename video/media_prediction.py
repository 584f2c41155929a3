"""Predicts the joints in a video, a GIF or a folder of pictures: writes a table, and a copy with the limbs drawn on."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from evaluation.confidence import LOW, Positions, confidence_of
from model.export.contract import ContractBreaches, verdict
from model.predictor import PosePredictor
from model.sandboxed.sandboxed_model import NO_LIMITS, walled_model
from pipeline.joints import JOINT_NAMES
from pipeline.sequence_shape import COURSE_SHAPE, FRAMES_PER_SEQUENCE
from support.destination import check_destination, claimed
from support.sandbox.limits import Limits
from support.user_error import UserError
from video.crop import Crop, CropChoice, crop_of_picture, is_outside, joints_in_picture
from video.files.frame import Frame
from video.files.opened import Media
from video.joint_table import Row, check_table_name, joint_table
from video.limbs import draw_crop, draw_limbs
from video.sliding_windows import positions_in_shots
from video.tracking.followed_person import View, views
from video.tracking.head_and_shoulders import ends_below_shoulders, head_and_shoulders
from video.tracking.steering import steering_of
from video.tracking.upper_body import Detector

LATE_END = 1.0  # seconds
NOTHING = np.empty(0, np.uint8)


class PredictionSummary(NamedTuple):
    """What was predicted.

    frame_count: of the whole media. found_count: of the frames in which somebody is. outside_counts: of these, for each
    joint, those in which it lies outside the picture, int (7,). width, height: of its last frame, pixels. last_second:
    when that is shown; None for pictures. duration: how long a video lasts according to its header, seconds; None for
    all else.
    """

    frame_count: int
    found_count: int
    outside_counts: np.ndarray
    width: int
    height: int
    last_second: float | None
    duration: float | None

    @property
    def is_padded(self) -> bool:
        """Whether there were too few frames for the model, so that the last one was repeated."""
        return self.frame_count < FRAMES_PER_SEQUENCE

    @property
    def seems_cut(self) -> bool:
        """Whether a video ends long before its header says that it does."""
        if self.duration is None or self.last_second is None:
            return False
        return self.duration - self.last_second > LATE_END


@contextlib.contextmanager
def claimed_outputs(source: Media, out: str, table: str, overwrite: bool) -> Iterator[None]:
    """Checks `out`, the media, and `table`, the joints, and keeps other commands from writing them until the end.

    overwrite: whether they may replace what exists. Raises UserError where they cannot or must not be written.
    """
    _check_outputs(source, out, table, overwrite)
    with claimed(out), claimed(table):
        # Another process may have written them since.
        _check_outputs(source, out, table, overwrite)
        yield


def _check_outputs(source: Media, out: str, table: str, overwrite: bool) -> None:
    """Raises UserError where `out`, the media, or `table`, the joints, cannot or must not be written."""
    check_table_name(table)
    source.check_destination(out, overwrite)
    check_destination(table, source.path, overwrite)
    if os.path.abspath(table) == os.path.abspath(out):
        raise UserError(f"{table} is --out already; give --joints another name")


def check_first_frame(source: Media, choice: CropChoice) -> Crop | None:
    """The crop of the first frame; None where the person is followed.

    Raises UserError where the frame cannot be read, or the crop does not fit in it.
    """
    picture = next(source.frames()).picture
    return None if choice == "auto" else crop_of_picture(choice, picture)


class PredictedFrame(NamedTuple):
    """joints: float32 (7, 2), in the Frame's own pixels; NaN for those of which no more is known than that they are
    outside, and for all where nobody is. confidence: float32 (7,). crop: what the model saw. is_found: whether somebody
    is there.
    """

    frame: Frame
    joints: np.ndarray
    confidence: np.ndarray
    crop: Crop
    is_found: bool

    def row(self) -> Row:
        """As it is written in a table."""
        height, width, _ = self.frame.picture.shape
        return Row(self.joints, self.confidence, is_outside(self.joints, height, width) & self.is_found)

    def drawn(self, show_crop: bool) -> np.ndarray:
        """The Frame's picture with the person's limbs on it, dotted where the confidence is low."""
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
    """Writes the joints of all frames to the file `table`, and the frames with their limbs drawn on to `out`.

    model: the folder of a model that keeps the course's contract. say: gets the verdict on it, one line, before the
    prediction begins. trust: see examined_model. limits: of the process in which the model runs. detector: finds the
    person where the choice is "auto". show_crop: draw its edges too. Raises UserError where the model breaks the
    contract, a frame cannot be read, or a position is NaN or infinite; nothing is written then.
    """
    found_count, outside_counts = 0, np.zeros(len(JOINT_NAMES), int)
    with walled_model(model, trust=trust, limits=limits) as opened:
        if opened.breaches or opened.predictor is None:
            raise ContractBreaches(*opened.breaches)
        say(verdict([], COURSE_SHAPE))
        with (
            joint_table(table) as add_row,
            source.written_to(out) as write,
            tqdm(
                total=source.frame_count, desc="predicting", unit=" frames", leave=False, disable=None, delay=2
            ) as bar,
        ):
            frame_count = 0
            for predicted in predicted_frames(opened.predictor, source, choice, detector, model):
                frame, row = predicted.frame, predicted.row()
                frame_count += 1
                found_count += predicted.is_found
                outside_counts += row.is_outside
                add_row(row, frame.seconds, frame.name)
                write(predicted.drawn(show_crop), frame)
                bar.update()
    return summary(source, frame, frame_count, found_count, outside_counts)


def predicted_frames(
    predictor: PosePredictor, source: Media, choice: CropChoice, detector: Detector | None = None, model: str = "model"
) -> Iterator[PredictedFrame]:
    """Yields each Frame of the source with what was predicted of it.

    model: what to call the model in the UserError that is raised where a position is NaN or infinite.

    The source is decoded twice in parallel: joints are known only after the last window that holds their frame, and
    frames of full size would otherwise wait for them in memory.
    """
    waiting: deque[View] = deque()

    def seen() -> Iterator[tuple[np.ndarray, bool]]:
        for view in views(source.frames(), choice, detector, steering_of(predictor)):
            waiting.append(view._replace(frame=NOTHING))
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
    else:
        joints = joints_in_picture(positions.joints, view.crop)
        confidence = confidence_of(positions.spread)
    return PredictedFrame(frame, joints, confidence, view.crop, view.is_found)


def summary(
    source: Media, last_frame: Frame, frame_count: int, found_count: int, outside_counts: np.ndarray
) -> PredictionSummary:
    """The PredictionSummary of a source that was predicted up to its last Frame."""
    height, width, _ = last_frame.picture.shape
    duration = None if source.duration is None else float(source.duration)
    return PredictionSummary(frame_count, found_count, outside_counts, width, height, last_frame.seconds, duration)
