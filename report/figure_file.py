"""Figures become PNG files or SVG text; they are never shown, so they need no pyplot and none of its state."""

import io

from matplotlib import rc_context

from files.atomic_write import atomic_write

DOTS_PER_INCH = 120


def write_png(path, figure):
    """Writes a matplotlib Figure to `path`, whole or not at all, and returns `path`; raises OSError if it cannot."""
    with atomic_write(path) as partial:
        figure.savefig(partial, format="png", dpi=DOTS_PER_INCH)
    return path


def svg_bytes(figure):
    """The Figure as an SVG file, UTF-8, the same at every call: its letters are text, and nothing in it is a date."""
    file = io.BytesIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "figure"}):
        figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()
