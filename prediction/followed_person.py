"""What the model sees of each frame: one part of every picture, or the surroundings of the person found in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from PIL import Image

from media.frame import Frame
from pipeline.area_averaging import area_average
from prediction.crop import Crop, CropChoice, crop_of_picture, scale_to_frame
from prediction.person_track import Sight, tracked
from prediction.upper_body import Detector, UpperBody, crop_around

SECONDS_PER_LOOK = 0.5
MOST_FRAMES_PER_LOOK = 15
# While a person is known, only every so many looks search the whole picture.
LOOKS_PER_SEARCH = 4

LEAST_SIDE = 360  # pixels, of the shorter side of a picture that waits in memory
THUMBNAIL = (9, 16)
# Mean difference of two thumbnails, of 255. On bicycles that pass by, and a talking head, the largest was 14.
CUT = 30.0


class View(NamedTuple):
    """frame: what the model sees, uint8 (64, 64, 3). crop: the part of the picture.

    is_found: whether somebody is there. person: where; None where nobody was looked for.
    """

    frame: np.ndarray
    crop: Crop
    is_found: bool = True
    person: UpperBody | None = None


class WaitingPicture(NamedTuple):
    """A picture reduced by a whole factor, uint8 (height / factor, width / factor, 3), and the size it had."""

    pixels: np.ndarray
    factor: int
    height: int
    width: int

    def scaled(self, crop: Crop) -> np.ndarray:
        """A frame, uint8 (64, 64, 3), of a crop of the picture as it was."""
        x, y, width, height = (round(value / self.factor) for value in crop)
        return scale_to_frame(self.pixels, Crop(x, y, max(1, width), max(1, height)))


def views(frames: Iterable[Frame], choice: CropChoice, detector: Detector | None) -> Iterator[View]:
    """Yields what the model sees of each frame. detector: needed where the choice is "auto"."""
    if choice != "auto":
        for frame in frames:
            crop = crop_of_picture(choice, frame.picture)
            yield View(scale_to_frame(frame.picture, crop), crop)
        return
    assert detector is not None
    for waiting, followed in tracked(_sights(frames, detector)):
        if followed is None:
            whole = Crop(0, 0, waiting.width, waiting.height)
            yield View(waiting.scaled(whole), whole, is_found=False)
        else:
            crop = crop_around(followed.box, waiting.height, waiting.width)
            yield View(waiting.scaled(crop), crop, person=followed.person)


def _sights(frames: Iterable[Frame], detector: Detector) -> Iterator[Sight[WaitingPicture]]:
    """Asks the detector now and then, and where a shot begins."""
    before: np.ndarray | None = None
    person: UpperBody | None = None
    seen: list[UpperBody] = []
    size: tuple[int, ...] = ()
    since_look = looks = 0
    next_look = 0.0
    for frame in frames:
        waiting = _reduced(frame.picture)
        now = area_average(waiting.pixels, *THUMBNAIL).astype(np.float32)
        is_cut = before is None or size != frame.picture.shape or float(np.abs(now - before).mean()) > CUT
        before, size = now, frame.picture.shape
        if is_cut:
            person, seen, looks = None, [], 0
        people = None
        is_late = frame.seconds is not None and frame.seconds >= next_look
        if is_cut or is_late or since_look >= MOST_FRAMES_PER_LOOK:
            around = person if looks % LOOKS_PER_SEARCH else None
            people = detector(frame.picture, around)
            person = _known([person] if person else seen, people)
            seen = people
            looks, since_look = looks + 1, 0
            next_look = (frame.seconds or 0.0) + SECONDS_PER_LOOK
        since_look += 1
        yield Sight(waiting, people, is_cut)


def _known(before: list[UpperBody], people: list[UpperBody]) -> UpperBody | None:
    """Whom to look for next: the largest of those who were there before too; else the whole picture is searched.

    What is seen but once may be no face, and would be seen again whenever it is looked for.
    """
    again = [body for body in people if any(body.is_near(other) for other in before)]
    return max(again, key=lambda body: body.width, default=None)


def _reduced(picture: np.ndarray) -> WaitingPicture:
    height, width = picture.shape[:2]
    factor = max(1, min(height, width) // LEAST_SIDE)
    if factor == 1:
        return WaitingPicture(np.ascontiguousarray(picture), 1, height, width)
    pixels = np.asarray(Image.fromarray(picture).reduce(factor))
    return WaitingPicture(pixels, factor, height, width)
