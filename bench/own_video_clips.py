"""Clips that bench/own_video.py makes as they are read: people pasted into larger pictures, and pictures of nobody."""

import glob
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from pipeline.demo.data import draw_video
from pipeline.joints import JOINT_NAMES
from video.crop import Crop
from video.files.media import Frame

RATE = 25
WIDE, PORTRAIT = (720, 1280), (1280, 720)
SIDES = ("right", "left")
CALL = "head and shoulders"
GT_FRAMES = Path("YouTube_Pose_dataset_1.0") / "GT_frames"


class Clip:
    """Pictures that are made as they are read. place: where the person's picture is pasted, a Crop."""

    frame_count = duration = None

    def __init__(self, name, person, size, place, noise):
        self.name, self.person, self.size, self.place, self.noise = name, person, size, place, noise

    def frames(self):
        random = np.random.default_rng(0)
        for number in range(len(self.person)):
            canvas = np.zeros((*self.size, 3), np.uint8)
            if self.noise:
                canvas = random.integers(0, 256, canvas.shape, dtype=np.uint8)
            x, y, width, height = self.place
            pasted = Image.fromarray(self.person.picture(number)).resize((width, height), Image.Resampling.BICUBIC)
            canvas[y : y + height, x : x + width] = pasted
            yield Frame(canvas, seconds=number / RATE)

    def joints(self, number):
        """In pixels of the clip, (7, 2)."""
        return self.place[:2] + self.person.labels[number] * np.array(self.place[2:]) / 64


class RealPerson:
    """labels: (F, 7, 2) in pixels of a 64×64 frame."""

    def __init__(self, data, name, labels):
        self.name, self.labels = name, labels
        self._paths = sorted(glob.glob(str(data / GT_FRAMES / glob.escape(name) / "*.jpg")))[: len(labels)]
        with Image.open(self._paths[0]) as image:
            self.ratio = image.width / image.height

    def __len__(self):
        return len(self.labels)

    def picture(self, number):
        with Image.open(self._paths[number]) as image:
            return np.asarray(image.convert("RGB"))


class DrawnPerson:
    ratio = 4 / 3

    def __init__(self, seed, frames):
        self.name = f"drawn {seed}"
        self._frames, self.labels = draw_video((7, seed), frames)

    def __len__(self):
        return len(self.labels)

    def picture(self, number):
        return self._frames[number]


class HeadAndShoulders:
    """The same person in a picture that ends HEIGHT_BELOW shoulder widths below the shoulders."""

    HEIGHT_BELOW = 0.4
    WIDTH = 2.6  # in shoulder widths

    def __init__(self, person):
        self.name, self._person = person.name, person
        shoulders = np.median(person.labels[:, [JOINT_NAMES.index(f"{side} shoulder") for side in SIDES]], axis=0)
        width = np.abs(shoulders[0, 0] - shoulders[1, 0])
        middle, bottom = shoulders[:, 0].mean(), min(shoulders[:, 1].mean() + self.HEIGHT_BELOW * width, 64)
        # Left, top, right, bottom, in shares of the picture.
        half = self.WIDTH / 2 * width
        self._box = np.clip(np.array([middle - half, 0, middle + half, bottom]) / 64, 0, 1)
        left, top, right, bottom = 64 * self._box
        self.labels = (person.labels - [left, top]) * 64 / np.array([right - left, bottom - top])
        self.ratio = person.ratio * (right - left) / (bottom - top)

    def __len__(self):
        return len(self._person)

    def picture(self, number):
        picture = self._person.picture(number)
        height, width, _ = picture.shape
        left, top, right, bottom = np.round(self._box * [width, height, width, height]).astype(int)
        return picture[top:bottom, left:right]


def clips(person):
    third = Crop(810, 220, 427, round(427 / person.ratio))
    across = Crop(0, 300, 720, round(720 / person.ratio))
    yield Clip("wide, black", person, WIDE, third, noise=False)
    yield Clip("wide, noise", person, WIDE, third, noise=True)
    yield Clip("portrait", person, PORTRAIT, across, noise=True)
    call = HeadAndShoulders(person)
    height = round(640 / call.ratio)
    yield Clip(CALL, call, (height, 640), Crop(0, 0, 640, height), noise=False)


class Nobody:
    """A window that glides over one wide picture without people, uint8 (720, width, 3)."""

    duration = None

    def __init__(self, name, picture, frame_count=250):
        self.name, self.picture, self.frame_count = name, picture, frame_count

    def frames(self):
        height, width = WIDE
        for number, left in enumerate(np.linspace(0, self.picture.shape[1] - width, self.frame_count).astype(int)):
            yield Frame(np.ascontiguousarray(self.picture[:, left : left + width]), seconds=number / RATE)


def strips_beside(people, least=9, margin=0.6):
    """What the pictures of RealPersons show to the left and right of them, side by side.

    Of the first of bench/unseen_people.py's folds it shows nobody; of others there are posters and spectators.
    least: pixels of the 64x64 frame. margin: shoulder widths from the outermost joints.
    """
    strips = []
    for person in people:
        shoulders = [person.labels[:, JOINT_NAMES.index(f"{side} shoulder"), 0] for side in SIDES]
        away = margin * np.median(np.abs(shoulders[0] - shoulders[1]))
        for number in (0, len(person) - 1):
            picture, across = Image.fromarray(person.picture(number)), person.labels[number, :, 0]
            for left, right in ((0, across.min() - away), (across.max() + away, 64)):
                if right - left >= least:
                    part = picture.crop(
                        (round(left * picture.width / 64), 0, round(right * picture.width / 64), picture.height)
                    )
                    size = (round(part.width * WIDE[0] / part.height), WIDE[0])
                    strips.append(np.asarray(part.resize(size, Image.Resampling.BICUBIC)))
    return np.concatenate(strips, axis=1)


def drawn_shapes(width=6000, count=400):
    """Ellipses and rectangles of all colours and sizes."""
    random = np.random.default_rng(0)
    picture = Image.new("RGB", (width, WIDE[0]), (120, 120, 120))
    draw = ImageDraw.Draw(picture)
    for number in range(count):
        x, y = random.uniform(0, width), random.uniform(0, WIDE[0])
        across, down = random.uniform(10, 150, 2)
        shape = draw.ellipse if number % 2 else draw.rectangle
        shape([x - across, y - down, x + across, y + down], fill=tuple(random.integers(0, 256, 3).tolist()))
    return np.asarray(picture)
