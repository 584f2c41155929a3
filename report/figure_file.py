"""Figures become PNG files; they are never shown, so they need no pyplot and none of its state."""

from pipeline.atomic_file import written_beside

DOTS_PER_INCH = 120


def write_png(path, figure):
    """Writes a matplotlib Figure to `path`, whole or not at all, and returns `path`; raises OSError if it cannot."""
    with written_beside(path) as partial:
        figure.savefig(partial, format="png", dpi=DOTS_PER_INCH)
    return path
