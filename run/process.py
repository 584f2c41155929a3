"""The process of a training command: how it reports errors, how it is stopped, and how it ends."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType

from run.cluster.tf_config import Cluster, cluster_of
from run.cluster.worker_watch import certain_end
from support.signals import print_nothing_on, reported_sudden_end
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

    A second Ctrl-C interrupts at once. SIGHUP is sent when the terminal closes: output to it is dropped from then on.
    If SIGHUP is ignored, as under nohup, it stays ignored.
    """
    received: list[int] = []
    terminals = [stream.fileno() for stream in (sys.__stdout__, sys.__stderr__) if stream and stream.isatty()]

    def remember(number: int, frame: FrameType | None) -> None:
        if received and number == signal.SIGINT:
            raise KeyboardInterrupt
        if number not in (signal.SIGINT, signal.SIGTERM):
            print_nothing_on(terminals)
        received.append(number)

    numbers = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    earlier = {number: signal.signal(number, remember) for number in numbers}
    try:
        yield lambda: bool(received)
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
