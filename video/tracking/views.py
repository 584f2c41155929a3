"""What the model sees of each frame: the same crop of every picture, or the surroundings of the tracked person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from video.crop import Crop, CropChoice, crop_of_picture, scale_to_frame
from video.files.media import Frame
from video.shots import is_cut, thumbnail
from video.tracking.detection import Detection, SearchState, detect
from video.tracking.person import Detector, Person, crop_around
from video.tracking.person_track import SampledFrame, track_person
from video.tracking.pose_check import PoseCheck

SHORTER_SIDE = 360  # pixels; pictures are reduced to this size or a little more while they wait in memory


@dataclass(frozen=True)
class View:
    """The model's view of one frame."""

    frame: np.ndarray  # uint8 (64, 64, 3)
    crop: Crop  # the part of the picture, in pixels of it
    begins_shot: bool
    is_found: bool = True  # a person is there
    person: Person | None = None  # as if pixels were square, of the same height; None if no person was searched for


@dataclass(frozen=True)
class ReducedPicture:
    """A picture with square pixels, reduced by a whole factor."""

    pixels: np.ndarray  # uint8 (height / factor, width / factor, 3)
    factor: int
    height: int  # of the original, with square pixels
    width: int
    pixel_aspect: float  # width / height of a pixel of the original
    begins_shot: bool

    def scale(self, crop: Crop) -> np.ndarray:
        """A frame, uint8 (64, 64, 3), of a crop in pixels of the original."""
        x, y, width, height = (round(value / self.factor) for value in crop)
        return scale_to_frame(self.pixels, Crop(x, y, max(1, width), max(1, height)))

    def in_original(self, crop: Crop) -> Crop:
        """Converts a crop from square pixels to those of the original."""
        return in_original(crop, self.pixel_aspect)


def views(
    frames: Iterable[Frame], choice: CropChoice, detector: Detector | None, check: PoseCheck | None = None
) -> Iterator[View]:
    """Yields the view of each frame. detector: required if the choice is "auto"."""
    if choice != "auto":
        before = None
        for frame in frames:
            crop = crop_of_picture(choice, frame.picture, frame.pixel_aspect)
            seen = scale_to_frame(frame.picture, crop)
            now = thumbnail(seen)
            yield View(seen, crop, is_cut(before, now))
            before = now
        return
    assert detector is not None
    for picture, tracked in track_person(_sampled(frames, detector, check)):
        if tracked is None:
            whole = Crop(0, 0, picture.width, picture.height)
            yield View(picture.scale(whole), picture.in_original(whole), picture.begins_shot, is_found=False)
        else:
            crop = crop_around(tracked.crop_center, picture.height, picture.width)
            yield View(picture.scale(crop), picture.in_original(crop), picture.begins_shot, person=tracked.person)


def _sampled(
    frames: Iterable[Frame], detector: Detector, check: PoseCheck | None
) -> Iterator[SampledFrame[ReducedPicture]]:
    """Runs the detector at intervals, and at the beginning of each shot."""
    before: np.ndarray | None = None
    state = SearchState()
    shape: tuple[int, ...] = ()
    frames_since, next_seconds = 0, 0.0
    for frame in frames:
        original = with_square_pixels(frame)
        pixels, factor = _reduced(original)
        now = thumbnail(pixels)
        begins_shot = shape != original.shape or is_cut(before, now)
        before, shape = now, original.shape
        picture = ReducedPicture(pixels, factor, shape[0], shape[1], frame.pixel_aspect, begins_shot)
        if begins_shot:
            state = SearchState()
        detection: Detection | None = None
        is_due = frame.seconds is not None and frame.seconds >= next_seconds
        if begins_shot or is_due or frames_since >= state.interval[1]:
            detection, state = detect(state, detector, original, picture.scale, check)
            frames_since, next_seconds = 0, (frame.seconds or 0.0) + state.interval[0]
        frames_since += 1
        yield SampledFrame(picture, detection, begins_shot)


def in_original(crop: Crop, pixel_aspect: float) -> Crop:
    """Converts a crop from square pixels to pixels that are `pixel_aspect` times as wide as high."""
    x, width = (round(value / pixel_aspect) for value in (crop.x, crop.width))
    return Crop(x, crop.y, max(1, width), crop.height)


def with_square_pixels(frame: Frame) -> np.ndarray:
    """The picture, scaled in width if its pixels are not square."""
    if frame.pixel_aspect == 1:
        return frame.picture
    height, width, _ = frame.picture.shape
    size = max(1, round(width * frame.pixel_aspect)), height
    return np.asarray(Image.fromarray(frame.picture).resize(size, Image.Resampling.BILINEAR))


def _reduced(picture: np.ndarray) -> tuple[np.ndarray, int]:
    factor = max(1, min(picture.shape[:2]) // SHORTER_SIDE)
    if factor == 1:
        return np.ascontiguousarray(picture), 1
    return np.asarray(Image.fromarray(picture).reduce(factor)), factor
