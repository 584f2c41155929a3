"""The appearance of the demo's people and rooms: draws the frames of a video from the joints.

Clothes are darker than walls, so that a network learns within a minute to find people it has never seen.
"""

from __future__ import annotations

import numpy as np

from pipeline.demo.shapes import paint_capsule, paint_ellipse, paint_rectangle, paint_trunk
from pipeline.joints import JOINT_NAMES

SKINS = np.array([(255, 219, 186), (241, 194, 150), (224, 172, 115), (198, 134, 80), (141, 85, 45), (92, 56, 38)])
HAIRS = np.array([(30, 24, 22), (60, 40, 28), (110, 70, 40), (190, 150, 90), (150, 60, 30), (170, 170, 170)])


def draw_person_in_room(random: np.random.Generator, size: float, joints: np.ndarray) -> np.ndarray:
    """The frames of one video, uint8 (frames, 64, 64, 3): a person in a random room.

    size: the person's shoulder width in pixels. joints: (frames, 7, 2), x and y in pixels.
    """
    canvas = np.empty((3, len(joints), 64, 64), np.float32)
    canvas[:] = _wall(random)[:, None]
    _draw_furniture(random, canvas)
    _draw_person(random, canvas, size, joints.transpose(1, 0, 2))
    canvas *= random.uniform(0.65, 1.05) * random.uniform(0.92, 1.08, (3, 1, 1, 1)).astype(np.float32)
    canvas += random.uniform(1, 5) * random.standard_normal(canvas.shape, np.float32)
    return np.ascontiguousarray(np.clip(np.rint(canvas), 0, 255).astype(np.uint8).transpose(1, 2, 3, 0))


def _wall(random: np.random.Generator) -> np.ndarray:
    """A wall, float32 (3, 64, 64): a gradient between two colours, with large faint blotches."""
    colours = _muted_colour(random, 140, 225) + random.uniform(-25, 25, (2, 3))
    along = np.linspace(0, 1, 64)
    ramp = along[:, None] * random.uniform(-1, 1) + along * random.uniform(-1, 1)
    blotches = random.normal(0, random.uniform(2, 14), (9, 9))
    finer = np.stack([np.interp(along * 8, np.arange(9), row) for row in blotches])
    finest = np.stack([np.interp(along * 8, np.arange(9), column) for column in finer.T], axis=1)
    mixed = colours[0] + (ramp[..., None] + 0.5) * (colours[1] - colours[0]) + finest[..., None]
    return mixed.transpose(2, 0, 1).astype(np.float32)


def _draw_furniture(random: np.random.Generator, canvas: np.ndarray) -> None:
    for _ in range(random.integers(0, 3)):
        left, top = random.uniform(-12, 56, 2)
        width, height = random.uniform(4, 34, 2)
        frame, inner = _muted_colour(random, 110, 220), _muted_colour(random, 130, 240)
        paint_rectangle(canvas, left, top, left + width, top + height, frame)
        paint_rectangle(canvas, left + 1.5, top + 1.5, left + width - 1.5, top + height - 1.5, inner)
    if random.uniform() < 0.5:
        paint_rectangle(canvas, -1, random.uniform(48, 60), 65, 65, _muted_colour(random, 90, 180))


def _muted_colour(random: np.random.Generator, darkest: float, brightest: float) -> np.ndarray:
    return np.clip(random.uniform(darkest, brightest) + random.normal(0, 28, 3), 5, 250)


def _draw_person(random: np.random.Generator, canvas: np.ndarray, size: float, joints: np.ndarray) -> None:
    at = dict(zip(JOINT_NAMES, joints, strict=True))
    shoulders = at["left shoulder"] - at["right shoulder"]
    chest = (at["left shoulder"] + at["right shoulder"]) / 2
    upwards = np.stack([shoulders[:, 1], -shoulders[:, 0]], axis=1) / np.hypot(*shoulders.T)[:, None]
    skin = random.choice(SKINS) * random.uniform(0.9, 1.0)
    shirt, trousers = _muted_colour(random, 15, 100), _muted_colour(random, 15, 100)
    stripes = (_muted_colour(random, 20, 140), size * random.uniform(0.3, 0.6)) if random.uniform() < 0.25 else None
    build = random.uniform(0.85, 1.2)

    _draw_legs(canvas, size, chest, upwards, build, trousers)
    _draw_head_and_trunk(random, canvas, size, chest, upwards, at["head"], build, skin, shirt, stripes)
    sleeve_length = float(random.choice([0.5, 0.9, 1.75, 1.95]))
    for side in random.permutation(["right", "left"]):
        arm = [at[f"{side} {joint}"] for joint in ("shoulder", "elbow", "wrist")]
        _draw_arm(canvas, size * build, arm, sleeve_length, skin, shirt)


def _draw_legs(
    canvas: np.ndarray, size: float, chest: np.ndarray, upwards: np.ndarray, build: float, trousers: np.ndarray
) -> None:
    hips = chest - 1.85 * size * upwards
    for side in (-1, 1):
        top = hips + [side * 0.25 * size * build, 0]
        paint_capsule(canvas, top, top + [side * 0.15 * size, 2.6 * size], (0.3 * size * build, 0.17 * size), trousers)


def _draw_head_and_trunk(
    random: np.random.Generator,
    canvas: np.ndarray,
    size: float,
    chest: np.ndarray,
    upwards: np.ndarray,
    head: np.ndarray,
    build: float,
    skin: np.ndarray,
    shirt: np.ndarray,
    stripes: tuple[np.ndarray, float] | None,
) -> None:
    hair, style = random.choice(HAIRS), random.choice(["short", "long", "bald"], p=[0.5, 0.35, 0.15])
    neck_to_head = head - chest
    head_up = neck_to_head / np.hypot(*neck_to_head.T)[:, None]
    radii = size * random.uniform(0.29, 0.34), size * random.uniform(0.4, 0.46)
    half_widths = np.array([0.58, 0.45, 0.5]) * size * build

    if style == "long":
        paint_ellipse(canvas, head - 0.25 * size * head_up, (1.35 * radii[0], 1.6 * radii[1]), head_up, hair)
    paint_trunk(canvas, chest, upwards, size, half_widths, shirt, stripes)
    paint_capsule(canvas, chest + 0.12 * size * upwards, head, (0.17 * size, 0.17 * size), skin * 0.9)
    if style != "bald":
        paint_ellipse(canvas, head + 0.1 * size * head_up, (1.15 * radii[0], 1.08 * radii[1]), head_up, hair, 0)
    paint_ellipse(canvas, head, radii, head_up, skin)
    if style != "bald":
        brow = head + 0.24 * size * head_up
        paint_ellipse(canvas, brow, (1.02 * radii[0], 0.62 * radii[1]), head_up, hair, 0)
    _draw_face(canvas, size, head, head_up, skin)


def _draw_face(canvas: np.ndarray, size: float, head: np.ndarray, head_up: np.ndarray, skin: np.ndarray) -> None:
    sideways = np.stack([-head_up[:, 1], head_up[:, 0]], axis=1)
    for side in (-1, 1):
        eye = head + size * (0.06 * head_up + side * 0.12 * sideways)
        paint_ellipse(canvas, eye, (0.055 * size, 0.05 * size), head_up, skin * 0.35)
    mouth = head - 0.2 * size * head_up
    half = 0.08 * size * sideways
    paint_capsule(canvas, mouth - half, mouth + half, (0.035 * size, 0.035 * size), skin * [0.9, 0.6, 0.6])


def _draw_arm(
    canvas: np.ndarray, size: float, arm: list[np.ndarray], sleeve_length: float, skin: np.ndarray, shirt: np.ndarray
) -> None:
    """Draws an arm with a sleeve. sleeve_length: from 0 at the shoulder through 1 at the elbow to 2 at the wrist."""
    shoulder, elbow, wrist = arm
    thickness = np.array([0.18, 0.15, 0.12]) * size
    hand = wrist + (wrist - elbow) / np.hypot(*(wrist - elbow).T)[:, None] * 0.2 * size
    paint_capsule(canvas, shoulder, elbow, thickness[:2], skin)
    if sleeve_length < 1:
        paint_capsule(canvas, shoulder, shoulder + sleeve_length * (elbow - shoulder), thickness[[0, 0]] * 1.15, shirt)
        paint_capsule(canvas, elbow, wrist, thickness[1:], skin)
    else:
        cuff = elbow + (sleeve_length - 1) * (wrist - elbow)
        paint_capsule(canvas, shoulder, elbow, thickness[:2] * 1.2, shirt)
        paint_capsule(canvas, elbow, wrist, thickness[1:], skin)
        paint_capsule(canvas, elbow, cuff, thickness[1:] * 1.25, shirt)
    paint_capsule(canvas, wrist, hand, (0.13 * size, 0.15 * size), skin)
