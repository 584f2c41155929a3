"""What the model sees of each frame: one part of every picture, or the surroundings of the person found in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from PIL import Image

from video.crop import Crop, CropChoice, crop_of_picture, scale_to_frame
from video.files.frame import Frame
from video.shots import is_cut, thumbnail
from video.tracking.looks import Known, Look, look
from video.tracking.person_track import Sight, tracked
from video.tracking.steering import Steering
from video.tracking.upper_body import Detector, UpperBody, crop_around

LEAST_SIDE = 360  # pixels, of the shorter side of a picture that waits in memory


class View(NamedTuple):
    """frame: what the model sees, uint8 (64, 64, 3). crop: the part of the picture.

    begins_shot: whether nothing before it belongs together with it. is_found: whether somebody is there. person: where;
    None where nobody was looked for.
    """

    frame: np.ndarray
    crop: Crop
    begins_shot: bool
    is_found: bool = True
    person: UpperBody | None = None


class WaitingPicture(NamedTuple):
    """A picture reduced by a whole factor, uint8 (height / factor, width / factor, 3), and the size it had.

    begins_shot: as of a View.
    """

    pixels: np.ndarray
    factor: int
    height: int
    width: int
    begins_shot: bool = False

    def scaled(self, crop: Crop) -> np.ndarray:
        """A frame, uint8 (64, 64, 3), of a crop of the picture as it was."""
        x, y, width, height = (round(value / self.factor) for value in crop)
        return scale_to_frame(self.pixels, Crop(x, y, max(1, width), max(1, height)))


def views(
    frames: Iterable[Frame], choice: CropChoice, detector: Detector | None, steering: Steering | None = None
) -> Iterator[View]:
    """Yields what the model sees of each frame. detector: needed where the choice is "auto"."""
    if choice != "auto":
        before = None
        for frame in frames:
            crop = crop_of_picture(choice, frame.picture)
            seen = scale_to_frame(frame.picture, crop)
            now = thumbnail(seen)
            yield View(seen, crop, is_cut(before, now))
            before = now
        return
    assert detector is not None
    for waiting, followed in tracked(_sights(frames, detector, steering)):
        if followed is None:
            whole = Crop(0, 0, waiting.width, waiting.height)
            yield View(waiting.scaled(whole), whole, waiting.begins_shot, is_found=False)
        else:
            crop = crop_around(followed.box, waiting.height, waiting.width)
            yield View(waiting.scaled(crop), crop, waiting.begins_shot, person=followed.person)


def _sights(frames: Iterable[Frame], detector: Detector, steering: Steering | None) -> Iterator[Sight[WaitingPicture]]:
    """Asks the detector now and then, and where a shot begins."""
    before: np.ndarray | None = None
    known = Known()
    size: tuple[int, ...] = ()
    since_look, next_look = 0, 0.0
    for frame in frames:
        waiting = _reduced(frame.picture)
        now = thumbnail(waiting.pixels)
        begins_shot = size != frame.picture.shape or is_cut(before, now)
        before, size = now, frame.picture.shape
        if begins_shot:
            known = Known()
        seen: Look | None = None
        is_late = frame.seconds is not None and frame.seconds >= next_look
        if begins_shot or is_late or since_look >= known.pause[1]:
            seen, known = look(known, detector, frame.picture, waiting.scaled, steering)
            since_look, next_look = 0, (frame.seconds or 0.0) + known.pause[0]
        since_look += 1
        yield Sight(waiting._replace(begins_shot=begins_shot), seen, begins_shot)


def _reduced(picture: np.ndarray) -> WaitingPicture:
    height, width = picture.shape[:2]
    factor = max(1, min(height, width) // LEAST_SIDE)
    if factor == 1:
        return WaitingPicture(np.ascontiguousarray(picture), 1, height, width)
    pixels = np.asarray(Image.fromarray(picture).reduce(factor))
    return WaitingPicture(pixels, factor, height, width)
