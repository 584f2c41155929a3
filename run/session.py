"""The TensorFlow session of a run: its precision, its connection to other workers, and the errors that it raises."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from model.session_config import keep_each_op_on_a_thread, resolve_precision, session_config
from model.training.graph import TrainingGraph
from pipeline.dataset import user_errors_of_dataset
from pipeline.tensorflow_v1 import tf
from run.cluster.membership import EXACT_SHARDS, Workers, shards_per_worker
from run.cluster.tf_config import Cluster, precision_of
from run.settings import Settings


def prepare_tensorflow(settings: Settings, cluster: Cluster) -> str:
    """Configures TensorFlow's threads; returns the precision to train with, "float32" or "bfloat16".

    Raises UserError if the precision is not available, or if this number of workers cannot share the steps.
    """
    shards = shards_per_worker(cluster, settings)
    # With --exact, each op must run on as many threads on any number of workers.
    keep_each_op_on_a_thread(EXACT_SHARDS if settings.exact else shards)
    return resolve_precision(precision_of(cluster, settings.exact, settings.precision))


@contextlib.contextmanager
def training_session(training: TrainingGraph, workers: Workers, precision: str) -> Iterator[tf.Session]:
    """A session for the training graph, on this machine or connected to the other workers.

    Raises UserError if the data set turns out to be damaged, MemoryError if TensorFlow runs out of memory. Ends the
    process if another worker ended.
    """
    config = workers.session_config(session_config(precision))
    with (
        workers.broken_cluster(),
        tf.Session(workers.target, training.graph, config) as session,
        user_errors_of_dataset(),
        memory_errors(),
    ):
        yield session


@contextlib.contextmanager
def memory_errors() -> Iterator[None]:
    """Raises MemoryError if TensorFlow runs out of memory."""
    try:
        yield
    except tf.errors.ResourceExhaustedError as error:
        raise MemoryError from error
