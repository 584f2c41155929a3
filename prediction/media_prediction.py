"""Predicts the joints in a video, a GIF or a folder of pictures: writes a table, and a copy with the limbs drawn on."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from command_line.user_error import UserError
from files.destination import check_destination, claimed
from media.frame import Frame
from media.opened import Media
from model.export.contract import ContractBreaches, verdict
from model.predictor import PosePredictor
from model.walled.walled_model import NO_LIMITS, walled_model
from pipeline.sequence_shape import COURSE_SHAPE, FRAMES_PER_SEQUENCE
from prediction.crop import Crop, CropChoice, crop_of_picture, joints_in_picture, scale_to_frame
from prediction.joint_table import check_table_name, joint_table
from prediction.limbs import draw_limbs
from prediction.sliding_windows import positions_in_video
from walls.limits import Limits

LATE_END = 1.0  # seconds


class PredictionSummary(NamedTuple):
    """What was predicted.

    frame_count: of the whole media. width, height: of its last frame, pixels. last_second: when that is shown; None for
    pictures. duration: how long a video lasts according to its header, seconds; None for all else.
    """

    frame_count: int
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


def check_first_frame(source: Media, choice: CropChoice) -> Crop:
    """The crop of the first frame. Raises UserError where that cannot be read, or the crop does not fit in it."""
    return crop_of_picture(choice, next(source.frames()).picture)


def predict(
    model: str,
    source: Media,
    choice: CropChoice,
    out: str,
    table: str,
    trust: bool = False,
    limits: Limits = NO_LIMITS,
    say: Callable[[str], None] = print,
) -> PredictionSummary:
    """Writes the joints of all frames to the file `table`, and the frames with their limbs drawn on to `out`.

    model: the folder of a model that keeps the course's contract. say: gets the verdict on it, one line, before the
    prediction begins. trust: see examined_model. limits: of the process in which the model runs. Raises UserError where
    the model breaks the contract, a frame cannot be read, or a position is NaN or infinite; nothing is written then.
    """
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
            for number, (frame, joints) in enumerate(frames_and_joints(opened.predictor, source, choice)):
                if not np.isfinite(joints).all():
                    raise UserError(
                        f"{model}: the positions in frame {number} are NaN or infinite; train the model again"
                    )
                add_row(joints, frame.seconds, frame.name)
                write(draw_limbs(frame.picture, joints), frame)
                bar.update()
    return summary(source, frame, number + 1)


def frames_and_joints(
    predictor: PosePredictor, source: Media, choice: CropChoice
) -> Iterator[tuple[Frame, np.ndarray]]:
    """Yields each Frame of the source with its joints, float32 (7, 2), in the Frame's own pixels.

    The source is decoded twice in parallel: joints are known only after the last window that holds their frame, and
    frames of full size would otherwise wait for them in memory.
    """
    scaled = (scale_to_frame(frame.picture, crop_of_picture(choice, frame.picture)) for frame in source.frames())
    for frame, joints in zip(source.frames(), positions_in_video(predictor, scaled), strict=True):
        yield frame, joints_in_picture(joints, crop_of_picture(choice, frame.picture))


def summary(source: Media, last_frame: Frame, frame_count: int) -> PredictionSummary:
    """The PredictionSummary of a source that was predicted up to its last Frame."""
    height, width, _ = last_frame.picture.shape
    duration = None if source.duration is None else float(source.duration)
    return PredictionSummary(frame_count, width, height, last_frame.seconds, duration)
