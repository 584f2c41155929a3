"""Detects within seconds that a worker of the cluster has died, and ends this process.

A broken cluster cannot continue: TensorFlow's server cannot be stopped or restarted within a process. All workers end
and are restarted from the last checkpoint. A collective notices a death only while it waits for that very worker, and
the chief's evaluation can take longer, so each worker checks once a second whether all others still listen.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NoReturn

from run.cluster.addresses import host_and_port
from support.user_error import print_error

BROKEN = 3  # the exit status
SECONDS_BETWEEN_CHECKS = 1.0
SECONDS_TO_CONNECT = 2.0
# A worker counts as dead after this many checks without an answer, or one refused connection.
CHECKS_WITHOUT_ANSWER = 2
# Workers that have noticed a death stay reachable this long, so that they are not mistaken for the dead one.
SECONDS_TO_NOTICE = 3.0


def unreachable_workers(addresses: Sequence[str], worker: int, seconds: float = SECONDS_TO_CONNECT) -> list[int]:
    """The numbers of the other workers that do not accept a connection."""
    return sorted(number for number, error in _failures(addresses, worker, seconds).items() if error is not None)


def _failures(addresses: Sequence[str], worker: int, seconds: float) -> dict[int, OSError | None]:
    """Why each other worker cannot be connected to, by its number; None if it can."""
    others = [number for number in range(len(addresses)) if number != worker]
    with ThreadPoolExecutor(len(others)) as pool:
        failures = pool.map(lambda number: _failure(addresses[number], seconds), others)
        return dict(zip(others, failures, strict=True))


def _failure(address: str, seconds: float) -> OSError | None:
    try:
        socket.create_connection(host_and_port(address), timeout=seconds).close()
    except OSError as error:
        return error
    return None


class WorkerWatch:
    """Ends the process with status 3 and an `error:` line if another worker dies, until `stop` is called.

    addresses: of all workers, "host:port". worker: this one's number. named: formats numbers of workers for a message.
    """

    def __init__(self, addresses: Sequence[str], worker: int, named: Callable[[Iterable[int]], str]) -> None:
        self._addresses = addresses
        self._worker = worker
        self._named = named
        self._stopped = threading.Event()
        threading.Thread(target=self._check_repeatedly, daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    def _check_repeatedly(self) -> None:
        unanswered = dict.fromkeys(range(len(self._addresses)), 0)
        while not self._stopped.wait(SECONDS_BETWEEN_CHECKS):
            for number, error in _failures(self._addresses, self._worker, SECONDS_TO_CONNECT).items():
                refused = isinstance(error, ConnectionRefusedError)
                unanswered[number] = (
                    0 if error is None else unanswered[number] + (CHECKS_WITHOUT_ANSWER if refused else 1)
                )
            dead = [number for number, checks in unanswered.items() if checks >= CHECKS_WITHOUT_ANSWER]
            if dead and not self._stopped.wait(SECONDS_TO_NOTICE):
                self._end(f"{self._named(dead)} has ended")

    def wait_for_the_end(self, suspects: Sequence[int], reason: str) -> NoReturn:
        """Called after a failed collective: waits for the watch to end the process, or ends it itself.

        suspects: the workers that TensorFlow could not reach; the watch does not notice one that was restarted at once.
        reason: TensorFlow's.
        """
        time.sleep(SECONDS_BETWEEN_CHECKS + SECONDS_TO_CONNECT + SECONDS_TO_NOTICE)
        self._end(f"{self._named(suspects)} has ended" if suspects else f"the cluster is broken ({reason})")

    def _end(self, what: str) -> NoReturn:
        print_error(f"{what}; start all workers again with --resume")
        end_process(BROKEN)


def end_process(status: int) -> NoReturn:
    """Ends this process without waiting for its other threads."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)


@contextlib.contextmanager
def certain_end(is_alone: bool) -> Iterator[None]:
    """Ends the process after the `with` block, with the status that it would have had.

    The threads of TensorFlow's server would keep it alive. is_alone: there is no server, so there is nothing to do.
    """
    if is_alone:
        yield
        return
    status: object = 0
    try:
        yield
    except SystemExit as stopped:
        status = stopped.code
    except BaseException:
        traceback.print_exc()
        status = 1
    end_process(status if isinstance(status, int) else int(status is not None))
