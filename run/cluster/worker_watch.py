"""Notices within seconds that a worker of the cluster has died, and ends this process.

A broken cluster cannot go on: TensorFlow's server cannot be stopped or restarted within a process. All workers end and
are started again from the last checkpoint. A collective notices a death only while it waits for the very worker; the
chief's evaluation takes longer than that may, so each worker tries once a second whether all others still listen.
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

from run.cluster.own_address import host_and_port
from support.user_error import print_error

BROKEN = 3  # the exit status
SECONDS_BETWEEN_LOOKS = 1.0
SECONDS_TO_CONNECT = 2.0
# So many times in a row without an answer, and a machine is taken for dead. One that refuses a connection is there, and
# the worker is not.
TIMES_SILENT = 2
# Workers that have noticed a death stay reachable so long, so that nobody takes them for the dead one.
SECONDS_TO_NOTICE = 3.0


def unreachable_workers(addresses: Sequence[str], worker: int, seconds: float = SECONDS_TO_CONNECT) -> list[int]:
    """The numbers of those other workers that do not accept a connection."""
    return sorted(number for number, error in _failures(addresses, worker, seconds).items() if error is not None)


def _failures(addresses: Sequence[str], worker: int, seconds: float) -> dict[int, OSError | None]:
    """By the number of each other worker, why it cannot be connected to."""
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
    """Ends the process with status 3 and an `error:` line as soon as another worker is dead, until `stop` is called.

    addresses: of all workers, "host:port". worker: this one's number. named: workers by their numbers, in words.
    """

    def __init__(self, addresses: Sequence[str], worker: int, named: Callable[[Iterable[int]], str]) -> None:
        self._addresses = addresses
        self._worker = worker
        self._named = named
        self._stopped = threading.Event()
        threading.Thread(target=self._look, daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    def _look(self) -> None:
        silent = dict.fromkeys(range(len(self._addresses)), 0)
        while not self._stopped.wait(SECONDS_BETWEEN_LOOKS):
            for number, error in _failures(self._addresses, self._worker, SECONDS_TO_CONNECT).items():
                refused = isinstance(error, ConnectionRefusedError)
                silent[number] = 0 if error is None else silent[number] + (TIMES_SILENT if refused else 1)
            dead = [number for number, times in silent.items() if times >= TIMES_SILENT]
            if dead and not self._stopped.wait(SECONDS_TO_NOTICE):
                self._end(f"{self._named(dead)} has ended")

    def wait_for_the_end(self, suspects: Sequence[int], reason: str) -> NoReturn:
        """For the thread whose collective has failed: waits for the watch to end the process, or ends it itself.

        suspects: whom TensorFlow could not reach: a worker that was started again at once is there for the watch.
        reason: TensorFlow's.
        """
        time.sleep(SECONDS_BETWEEN_LOOKS + SECONDS_TO_CONNECT + SECONDS_TO_NOTICE)
        self._end(f"{self._named(suspects)} has ended" if suspects else f"the cluster is broken ({reason})")

    def _end(self, what: str) -> NoReturn:
        print_error(f"{what}; start all workers again, --resume goes on")
        end_process(BROKEN)


def end_process(status: int) -> NoReturn:
    """Ends this process, whatever its other threads wait for."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)


@contextlib.contextmanager
def certain_end(is_alone: bool) -> Iterator[None]:
    """Ends the process when what is inside it is over, as it would end: threads of TensorFlow's server go on else.

    is_alone: where there is no server; it then does nothing.
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
