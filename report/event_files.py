"""Event files for TensorBoard: the curves of a run, its predictions as they become better, and its graph.

TensorFlow writes them by itself; the package `tensorboard` is needed only to look at them.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from evaluation.examples import FrameExamples
from pipeline.tensorflow_v1 import tf
from report.figure_file import DOTS_PER_INCH
from report.overlays import overlays_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SCALARS = {
    "train_loss": "loss/training [px²]",
    "validation_loss": "loss/validation [px²]",
    "validation_pixel_error": "pixel error/validation [px]",
}
LEARNING_RATE = "learning rate"
PREDICTIONS = "predictions"


@contextlib.contextmanager
def event_files(folder: str, graph: tf.Graph, first_step: int) -> Iterator[tf.summary.FileWriter]:
    """Yields a tf.summary.FileWriter into `folder`, which gets the tf.Graph, and closes it at the end.

    first_step: int, the step that the run goes on from, 0 for a new one. What earlier files say of later steps is
    marked as not having been.
    """
    writer = tf.summary.FileWriter(folder, graph)
    try:
        writer.add_session_log(tf.SessionLog(status=tf.SessionLog.START), first_step)
        yield writer
    finally:
        writer.close()


def write_events(
    writer: tf.summary.FileWriter, row: Mapping[str, float], learning_rate: float, examples: FrameExamples
) -> None:
    """Writes one evaluation, on disk when it returns.

    row: a row of history.csv, a dict. learning_rate: that of the last step. examples: what is drawn.
    """
    values = [tf.Summary.Value(tag=tag, simple_value=row[column]) for column, tag in SCALARS.items()]
    values.append(tf.Summary.Value(tag=LEARNING_RATE, simple_value=learning_rate))
    values.append(tf.Summary.Value(tag=PREDICTIONS, image=_picture(overlays_figure(*examples))))
    writer.add_summary(tf.Summary(value=values), row["step"])
    writer.flush()


def _picture(figure: Figure) -> tf.Summary.Image:
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=DOTS_PER_INCH)
    width, height = (round(inches * DOTS_PER_INCH) for inches in figure.get_size_inches())
    return tf.Summary.Image(height=height, width=width, colorspace=4, encoded_image_string=file.getvalue())
