"""Event files for TensorBoard: a run's losses and errors, example predictions, and its graph.

TensorFlow writes them. The package `tensorboard` is needed only to view them.
"""

from __future__ import annotations

import io
import os
import re
import socket
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from evaluation.examples import FrameExamples
from model.tensorflow_errors import user_errors_of_saving
from pipeline.tensorflow_v1 import tf
from report.overlays import overlays_figure
from report.plots import DOTS_PER_INCH

SCALARS = {
    "train_loss": "loss/training [px²]",
    "validation_loss": "loss/validation [px²]",
    "validation_pixel_error": "pixel error/validation [px]",
}
LEARNING_RATE = "learning rate"
PREDICTIONS = "predictions"
NUMBER_IN_NAME = re.compile(r"events\.out\.tfevents\.(\d+)\.")


class EventFile:
    """A new event file; a context manager that closes it. Raises UserError if it cannot be written.

    Unlike tf.summary.FileWriter, which writes in a thread, it reports a full disk.
    """

    def __init__(self, path: str) -> None:
        self._folder = os.path.dirname(path)
        with user_errors_of_saving(self._folder):
            self._writer = tf.python_io.TFRecordWriter(path)
        self.add(file_version="brain.Event:2")

    def __enter__(self) -> EventFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._writer.close()

    def add(self, **fields: Any) -> None:
        """Writes and flushes a tf.Event with these fields."""
        with user_errors_of_saving(self._folder):
            self._writer.write(tf.Event(wall_time=time.time(), **fields).SerializeToString())
            self._writer.flush()


def _next_name(folder: str) -> str:
    """A name that TensorBoard sorts after the existing ones, even if the clock was set back: it sorts by the number."""
    numbers = [int(match[1]) for match in map(NUMBER_IN_NAME.match, os.listdir(folder)) if match]
    return f"events.out.tfevents.{max([int(time.time()), *(number + 1 for number in numbers)])}.{socket.gethostname()}"


def begun_event_file(folder: str, graph: tf.Graph, first_step: int) -> EventFile:
    """Starts an event file in `folder`, which it creates if necessary, with a graph.

    first_step: the step from which the run starts or resumes. TensorBoard discards later steps of earlier files.
    """
    os.makedirs(folder, exist_ok=True)
    file = EventFile(os.path.join(folder, _next_name(folder)))
    file.add(graph_def=graph.as_graph_def(add_shapes=True).SerializeToString())
    file.add(session_log=tf.SessionLog(status=tf.SessionLog.START), step=first_step)
    return file


def write_events(file: EventFile, row: Mapping[str, float], learning_rate: float, examples: FrameExamples) -> None:
    """Writes one evaluation: a row of history.csv, the learning rate of the last step, and example predictions."""
    values = [tf.Summary.Value(tag=tag, simple_value=row[column]) for column, tag in SCALARS.items()]
    values.append(tf.Summary.Value(tag=LEARNING_RATE, simple_value=learning_rate))
    values.append(tf.Summary.Value(tag=PREDICTIONS, image=_image(examples)))
    file.add(summary=tf.Summary(value=values), step=row["step"])


def _image(examples: FrameExamples) -> tf.Summary.Image:
    figure, file = overlays_figure(examples), io.BytesIO()
    figure.savefig(file, format="png", dpi=DOTS_PER_INCH)
    width, height = (round(inches * DOTS_PER_INCH) for inches in figure.get_size_inches())
    return tf.Summary.Image(height=height, width=width, colorspace=4, encoded_image_string=file.getvalue())
