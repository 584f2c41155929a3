"""Clips that bench.own_video makes as they are read: people pasted into larger pictures, and empty scenes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image, ImageDraw

from pipeline.demo.data import draw_video
from pipeline.joints import JOINT_NAMES
from video.crop import Crop
from video.files.media import Frame

RATE = 25
WIDE, PORTRAIT = (720, 1280), (1280, 720)  # height, width
HEAD_AND_SHOULDERS = "head and shoulders"
SHOULDERS = [JOINT_NAMES.index(f"{side} shoulder") for side in ("right", "left")]
GT_FRAMES = Path("YouTube_Pose_dataset_1.0") / "GT_frames"


class Person(Protocol):
    """Pictures of one person with labels, float (F, 7, 2) in pixels of a 64×64 frame."""

    name: str
    labels: np.ndarray
    ratio: float  # width over height of the pictures

    def picture(self, number: int) -> np.ndarray:
        """The picture of this number, uint8 (height, width, 3)."""


class RealPerson:
    """A Person from the publisher's release in the folder `data`."""

    def __init__(self, data: Path, name: str, labels: np.ndarray) -> None:
        self.name, self.labels = name, labels
        self._paths = sorted((data / GT_FRAMES / name).glob("*.jpg"))[: len(labels)]
        with Image.open(self._paths[0]) as image:
            self.ratio = image.width / image.height

    def picture(self, number: int) -> np.ndarray:
        with Image.open(self._paths[number]) as image:
            return np.asarray(image.convert("RGB"))


class DrawnPerson:
    """A Person of the demo."""

    def __init__(self, seed: int, frames: int) -> None:
        self.name, self.ratio = f"drawn {seed}", 4 / 3
        self._frames, self.labels = draw_video((7, seed), frames)

    def picture(self, number: int) -> np.ndarray:
        return self._frames[number]


class HeadAndShoulders:
    """The same Person in pictures that end HEIGHT_BELOW shoulder widths below the shoulders."""

    HEIGHT_BELOW = 0.4
    WIDTH = 2.6  # in shoulder widths

    def __init__(self, person: Person) -> None:
        self.name, self._person = person.name, person
        shoulders = np.median(person.labels[:, SHOULDERS], axis=0)
        width = np.abs(shoulders[0, 0] - shoulders[1, 0])
        middle, bottom = shoulders[:, 0].mean(), min(shoulders[:, 1].mean() + self.HEIGHT_BELOW * width, 64)
        half = self.WIDTH / 2 * width
        # Left, top, right and bottom, as shares of the picture.
        self._box = np.clip(np.array([middle - half, 0, middle + half, bottom]) / 64, 0, 1)
        left, top, right, bottom = 64 * self._box
        self.labels = (person.labels - [left, top]) * 64 / np.array([right - left, bottom - top])
        self.ratio = person.ratio * (right - left) / (bottom - top)

    def picture(self, number: int) -> np.ndarray:
        picture = self._person.picture(number)
        height, width, _ = picture.shape
        left, top, right, bottom = np.round(self._box * [width, height, width, height]).astype(int)
        return picture[top:bottom, left:right]


@dataclass(frozen=True)
class Clip:
    """A video of a person, pasted into larger pictures."""

    name: str
    person: Person
    size: tuple[int, int]  # height, width
    place: Crop  # of the person's picture
    has_noise: bool  # coloured noise instead of black

    def frames(self) -> Iterator[Frame]:
        random = np.random.default_rng(0)
        place = self.place
        for number in range(len(self.person.labels)):
            canvas = np.zeros((*self.size, 3), np.uint8)
            if self.has_noise:
                canvas = random.integers(0, 256, canvas.shape, np.uint8)
            picture = Image.fromarray(self.person.picture(number))
            pasted = picture.resize((place.width, place.height), Image.Resampling.BICUBIC)
            canvas[place.y : place.y + place.height, place.x : place.x + place.width] = np.asarray(pasted)
            yield Frame(canvas, seconds=number / RATE)

    def joints(self, number: int) -> np.ndarray:
        """In pixels of the clip, (7, 2)."""
        place = self.place
        return [place.x, place.y] + self.person.labels[number] * np.array([place.width, place.height]) / 64


def clips_of(person: Person) -> Iterator[Clip]:
    third = Crop(810, 220, 427, round(427 / person.ratio))
    across = Crop(0, 300, 720, round(720 / person.ratio))
    yield Clip("wide, black", person, WIDE, third, has_noise=False)
    yield Clip("wide, noise", person, WIDE, third, has_noise=True)
    yield Clip("portrait", person, PORTRAIT, across, has_noise=True)
    close = HeadAndShoulders(person)
    height = round(640 / close.ratio)
    yield Clip(HEAD_AND_SHOULDERS, close, (height, 640), Crop(0, 0, 640, height), has_noise=False)


@dataclass(frozen=True)
class Nobody:
    """A video without people: a window that glides over one wide picture."""

    name: str
    picture: np.ndarray  # uint8 (720, width, 3)
    frame_count: int = 250

    def frames(self) -> Iterator[Frame]:
        height, width = WIDE
        for number, left in enumerate(np.linspace(0, self.picture.shape[1] - width, self.frame_count).astype(int)):
            yield Frame(np.ascontiguousarray(self.picture[:, left : left + width]), seconds=number / RATE)


def strips_beside(people: Iterable[Person], least: float = 9, margin: float = 0.6) -> np.ndarray:
    """What pictures of the people show to the left and right of them, side by side, uint8 (720, width, 3).

    In the first fold of bench.unseen_people it shows no person; in others there are posters and spectators. least:
    width in pixels of the 64×64 frame. margin: shoulder widths from the outermost joints.
    """
    strips = []
    for person in people:
        across = person.labels[:, SHOULDERS, 0]
        away = margin * np.median(np.abs(across[:, 0] - across[:, 1]))
        for number in (0, len(person.labels) - 1):
            picture, joints = Image.fromarray(person.picture(number)), person.labels[number, :, 0]
            for left, right in ((0, joints.min() - away), (joints.max() + away, 64)):
                if right - left >= least:
                    box = (round(left * picture.width / 64), 0, round(right * picture.width / 64), picture.height)
                    part = picture.crop(box)
                    size = (round(part.width * WIDE[0] / part.height), WIDE[0])
                    strips.append(np.asarray(part.resize(size, Image.Resampling.BICUBIC)))
    return np.concatenate(strips, axis=1)


def drawn_shapes(width: int = 6000, count: int = 400) -> np.ndarray:
    """Ellipses and rectangles of all colours and sizes, uint8 (720, width, 3)."""
    random = np.random.default_rng(0)
    picture = Image.new("RGB", (width, WIDE[0]), (120, 120, 120))
    draw = ImageDraw.Draw(picture)
    for number in range(count):
        x, y = random.uniform(0, width), random.uniform(0, WIDE[0])
        across, down = random.uniform(10, 150, 2)
        shape = draw.ellipse if number % 2 else draw.rectangle
        shape([x - across, y - down, x + across, y + down], fill=tuple(random.integers(0, 256, 3).tolist()))
    return np.asarray(picture)
