"""Figures become PNG files or SVG text; they are never shown, so they need no pyplot and none of its state."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from support.atomic_write import atomic_write
from support.deferred_module import DeferredModule

if TYPE_CHECKING:
    import matplotlib
    from matplotlib.figure import Figure
else:
    matplotlib = DeferredModule("matplotlib")

DOTS_PER_INCH = 120


def write_png(path: str, figure: Figure) -> str:
    """Writes a matplotlib Figure to `path` atomically and returns `path`; raises OSError if it cannot be written."""
    with atomic_write(path) as partial:
        figure.savefig(partial, format="png", dpi=DOTS_PER_INCH)
    return path


def svg_bytes(figure: Figure) -> bytes:
    """The Figure as an SVG file, UTF-8, the same at every call: its letters are text, and nothing in it is a date."""
    file = io.BytesIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "figure"}):
        figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()
