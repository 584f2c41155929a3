"""Writes the page of inspect_h5.py: what a data set looks like before anything is trained on it."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from pipeline.inspection import Inspection
from pipeline.joints import JOINT_NAMES, LIMBS
from pipeline.store.blocks import by_video
from pipeline.store.reader import SequenceStore
from report.overlays import data_url
from report.provenance import date
from support.atomic_write import atomic_write
from support.deferred_module import DeferredModule

if TYPE_CHECKING:
    import jinja2
else:
    jinja2 = DeferredModule("jinja2")

TEMPLATE = "data_page.html.jinja"
SHEET_FRAMES = 48
RIGHT, LEFT, MIDDLE = "#E69F00", "#56B4E9", "#F0E442"
# Black, red, yellow, white: readable in print and without colours, because brightness grows.
HEAT_COLOURS = np.array([(0, 0, 0), (150, 20, 60), (240, 120, 20), (255, 225, 90), (255, 255, 255)])


@dataclass(frozen=True)
class LabelledFrame:
    """A frame with its labels, for the template. Paths are values for the attribute `d`, in pixels of the frame."""

    caption: str
    png: str  # a data: URL
    right: str  # the limbs of the person's right side
    left: str
    middle: str  # the limbs between both sides
    joints: list[tuple[str, float, float]]  # the side of each joint, and its x and y


def write_data_page(path: str, store: SequenceStore, inspection: Inspection) -> None:
    """Writes a page about an open store to `path` atomically. Raises OSError if it cannot be written.

    The page needs no other file and no script. It contains at most 80 frames, whatever the size of the data set.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(os.path.dirname(os.path.abspath(__file__))),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template(TEMPLATE).render(_template_variables(store, inspection))
    with atomic_write(path) as partial, open(partial, "w", encoding="utf-8", newline="\n") as file:
        file.write(page)


def _template_variables(store: SequenceStore, inspection: Inspection) -> dict[str, Any]:
    ordered = by_video(store, np.arange(len(store), dtype=np.int32))
    joints = inspection.joints
    length, height, width = store.shape
    return {
        "title": f"Data: {os.path.basename(store.path)}",
        "facts": [*inspection.facts, date()],
        "splits": inspection.splits,
        "warnings": inspection.warnings,
        "width": width,
        "height": height,
        "length": length,
        "sheet": _sheet(store, ordered),
        "sequence": _sequence(store, int(ordered[len(ordered) // 2])),
        "mean": labelled_frame(inspection.mean_frame.round().astype(np.uint8), joints.mean, "mean frame and mean pose"),
        "heat": [
            (joint, _png(_coloured(cells)), mean.tolist())
            for joint, cells, mean in zip(JOINT_NAMES, joints.heat, joints.mean, strict=True)
        ],
        "table": _table(inspection),
        "examples": [
            (kind, [_example(store, *place) for place in places])
            for kind, places in inspection.examples.items()
            if places
        ],
        "colours": {"right": RIGHT, "left": LEFT, "middle": MIDDLE},
    }


def _sheet(store: SequenceStore, ordered: np.ndarray) -> list[LabelledFrame]:
    """Frames from evenly spaced sequences. ordered: all sequences, by video."""
    chosen = ordered[np.linspace(0, len(ordered) - 1, min(SHEET_FRAMES, len(ordered))).round().astype(int)]
    return [_example(store, int(sequence), store.shape.length // 2) for sequence in np.unique(chosen)]


def _example(store: SequenceStore, sequence: int, frame: int) -> LabelledFrame:
    frames, labels = store.read_sequences(np.array([sequence]))
    return labelled_frame(frames[0, frame], labels[0, frame], f"video {store.videos[sequence]}, sequence {sequence}")


def _sequence(store: SequenceStore, sequence: int) -> list[LabelledFrame]:
    frames, labels = store.read_sequences(np.array([sequence]))
    captions = [f"frame {number + 1}" for number in range(store.shape.length)]
    return [labelled_frame(*one) for one in zip(frames[0], labels[0], captions, strict=True)]


def labelled_frame(frame: np.ndarray, label: np.ndarray, caption: str) -> LabelledFrame:
    """frame: uint8 (64, 64, 3). label: (7, 2), x and y in pixels."""
    at = dict(zip(JOINT_NAMES, label.tolist(), strict=True))
    limbs = {"right": "", "left": "", "middle": ""}
    for first, second in LIMBS:
        sides = {_side(first), _side(second)}
        side = sides.pop() if len(sides) == 1 else "middle"
        limbs[side] += "M{:.2f} {:.2f}L{:.2f} {:.2f}".format(*at[first], *at[second])
    joints = [(_side(joint), round(x, 2), round(y, 2)) for joint, (x, y) in at.items()]
    return LabelledFrame(caption, _png(frame), joints=joints, **limbs)


def _side(joint: str) -> str:
    side = joint.split()[0]
    return side if side in ("right", "left") else "middle"


def _png(picture: np.ndarray) -> str:
    """A data: URL. picture: uint8 (height, width, 3)."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return data_url("image/png", file.getvalue())


def _coloured(cells: np.ndarray) -> np.ndarray:
    """The colours of a heat map, uint8 (H, W, 3). Brightness is the square root of the count, so that few are seen."""
    shares = np.sqrt(cells / max(1, cells.max()))
    steps = np.linspace(0, 1, len(HEAT_COLOURS))
    channels = [np.interp(shares, steps, channel) for channel in HEAT_COLOURS.T]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


def _table(inspection: Inspection) -> list[tuple[str, ...]]:
    """For each joint: name, mean x and y, their deviations, the ranges of x and y, and the share outside the frame."""
    joints = inspection.joints
    rows = []
    for number, joint in enumerate(JOINT_NAMES):
        (x, y), (dx, dy) = joints.mean[number], joints.deviation[number]
        low, high = joints.minimum[number], joints.maximum[number]
        ranges = [f"{low[axis]:.1f} to {high[axis]:.1f}" for axis in (0, 1)]
        outside = f"{100 * joints.outside[number]:.1f} %"
        rows.append((joint, f"{x:.1f} ± {dx:.1f}", f"{y:.1f} ± {dy:.1f}", *ranges, outside))
    return rows
