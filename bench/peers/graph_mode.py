"""Delivers a `tf.data` data set in TensorFlow's graph mode, without copying batches out of TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING

from bench.peers.task import Delivery

if TYPE_CHECKING:
    import tensorflow as tf  # noqa: TID251


def deliver_dataset(tensorflow_v1: ModuleType, make_dataset: Callable[[], tf.data.Dataset]) -> Delivery:
    """Delivers the data set. make_dataset: makes it in the current graph. tensorflow_v1: `tensorflow.compat.v1`."""
    with tensorflow_v1.Graph().as_default():
        iterator = tensorflow_v1.data.make_initializable_iterator(make_dataset())
        batch = iterator.get_next()
        session = tensorflow_v1.Session()
        session.run(tensorflow_v1.local_variables_initializer())
        session.run(iterator.initializer)
        return Delivery(session.make_callable(tensorflow_v1.group(*batch)), session.make_callable(batch))
