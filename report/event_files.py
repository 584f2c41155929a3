"""Event files for TensorBoard: the curves of a run, its predictions as they become better, and its graph.

TensorFlow writes them by itself; the package `tensorboard` is needed only to look at them.
"""

from __future__ import annotations

import io
import os
import re
import socket
import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from evaluation.examples import FrameExamples
from model.save_errors import user_errors_of_saving
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
NUMBER_OF_FILE = re.compile(r"events\.out\.tfevents\.(\d+)\.")


class EventFile:
    """A new event file in `folder`; a context manager that closes it. Raises UserError where it cannot be written.

    tf.summary.FileWriter was considered: it writes in a thread, and a disk that is full goes unnoticed there.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        os.makedirs(folder, exist_ok=True)
        with user_errors_of_saving(folder):
            self._writer = tf.python_io.TFRecordWriter(os.path.join(folder, _next_name(folder)))
        self.add(file_version="brain.Event:2")

    def __enter__(self) -> EventFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._writer.close()

    def add(self, **fields: Any) -> None:
        """Writes a tf.Event of these fields, on disk when it returns."""
        with user_errors_of_saving(self._folder):
            self._writer.write(tf.Event(wall_time=time.time(), **fields).SerializeToString())
            self._writer.flush()


def _next_name(folder: str) -> str:
    """A name with the time in it, as TensorBoard's files have, and after all that are there, by which it sorts them."""
    numbers = [int(match[1]) for match in map(NUMBER_OF_FILE.match, os.listdir(folder)) if match]
    return f"events.out.tfevents.{max([int(time.time()), *(number + 1 for number in numbers)])}.{socket.gethostname()}"


def begun_event_file(folder: str, graph: tf.Graph, first_step: int) -> EventFile:
    """A new EventFile in `folder` that begins with the tf.Graph.

    first_step: int, the step that the run goes on from, 0 for a new one. What earlier files say of later steps is
    marked as not having been.
    """
    file = EventFile(folder)
    file.add(graph_def=graph.as_graph_def(add_shapes=True).SerializeToString())
    file.add(session_log=tf.SessionLog(status=tf.SessionLog.START), step=first_step)
    return file


def write_events(file: EventFile, row: Mapping[str, float], learning_rate: float, examples: FrameExamples) -> None:
    """Writes one evaluation.

    row: a row of history.csv, a dict. learning_rate: that of the last step. examples: what is drawn.
    """
    values = [tf.Summary.Value(tag=tag, simple_value=row[column]) for column, tag in SCALARS.items()]
    values.append(tf.Summary.Value(tag=LEARNING_RATE, simple_value=learning_rate))
    values.append(tf.Summary.Value(tag=PREDICTIONS, image=_picture(overlays_figure(*examples))))
    file.add(summary=tf.Summary(value=values), step=row["step"])


def _picture(figure: Figure) -> tf.Summary.Image:
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=DOTS_PER_INCH)
    width, height = (round(inches * DOTS_PER_INCH) for inches in figure.get_size_inches())
    return tf.Summary.Image(height=height, width=width, colorspace=4, encoded_image_string=file.getvalue())
