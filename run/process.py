"""The process of a training command: how it reports errors, how it is stopped, and how it ends."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from types import FrameType

from run.cluster.tf_config import Cluster, cluster_of
from run.cluster.worker_watch import certain_end
from support.signals import handled_signals, reported_sudden_end
from support.user_error import reported_user_errors

OUT_OF_MEMORY = "out of memory; close other programs or use a smaller --batch-size"
KILLED = (
    "the run was killed or aborted, as happens when memory runs out; close other programs or use a smaller "
    "--batch-size, then continue from the last evaluation with --resume"
)


@contextlib.contextmanager
def training_process() -> Iterator[Cluster]:
    """Yields the Cluster that TF_CONFIG describes. Inside, what the user can correct ends in `error:` lines.

    If the process is killed, an `error:` line says so; in a cluster, the other workers report it. A worker of a cluster
    ends its process at the end, because the threads of TensorFlow's server would keep it alive.
    """
    with reported_user_errors():
        cluster = cluster_of(os.environ)
    report_kill = reported_sudden_end(KILLED) if cluster.is_alone else contextlib.nullcontext()
    with certain_end(cluster.is_alone), reported_user_errors(OUT_OF_MEMORY), report_kill:
        yield cluster


@contextlib.contextmanager
def stop_signals() -> Iterator[Callable[[], bool]]:
    """Yields a function that returns whether SIGINT (Ctrl-C), SIGTERM or SIGHUP was received.

    A second Ctrl-C interrupts at once. SIGHUP, which is sent when the terminal is closed, stays ignored under nohup.
    """
    received: list[int] = []

    def remember(number: int, frame: FrameType | None) -> None:
        if received and number == signal.SIGINT:
            raise KeyboardInterrupt
        received.append(number)

    with handled_signals(remember, signal.SIGINT):
        yield lambda: bool(received)
