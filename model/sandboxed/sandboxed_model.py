"""Opens a stranger's model in a process of its own, and predicts with it from here.

Processes are forked from one that has imported TensorFlow and has done nothing else, Python's fork server: a model
costs no import, and none sees another. Where Linux is not what runs below, each process imports TensorFlow anew.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Iterator
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, NamedTuple

import numpy as np

from model.sandboxed.serving import BUG, LONGEST_VERSION, POSITIONS, REFUSAL, serve
from pipeline.sequence_shape import COURSE_SHAPE, SequenceShape
from support.sandbox.child_process import ending_signal
from support.sandbox.limits import Limits
from support.user_error import UserError

LARGEST_FACTS = 1 << 24
SECONDS_TO_END = 5.0
NO_LIMITS = Limits()
_PREPARING = threading.Lock()


class WalledModel(NamedTuple):
    """predictor: None where the model cannot be scored. breaches, warnings: one line each, as in ExaminedModel."""

    predictor: WalledPredictor | None
    breaches: list[str]
    warnings: list[str]
    tensorflow_version: str | None
    process: WalledProcess


@contextlib.contextmanager
def walled_model(
    directory: str, shape: SequenceShape = COURSE_SHAPE, trust: bool = False, limits: Limits = NO_LIMITS
) -> Iterator[WalledModel]:
    """Loads and checks the model in the folder in a process of its own; ends that process at the end.

    Arguments are those of examined_model. Raises UserError where there is no such folder, or where the process ends or
    goes beyond its limits, then or while it predicts.
    """
    with _walled_process(directory, shape, trust, limits) as process:
        facts = process.facts()
        predictor = WalledPredictor(process, shape) if facts["can_score"] else None
        yield WalledModel(predictor, facts["breaches"], facts["warnings"], facts["tensorflow_version"], process)


class WalledPredictor:
    """A PosePredictor whose model runs in another process. Raises UserError where that fails."""

    def __init__(self, process: WalledProcess, shape: SequenceShape) -> None:
        self._process = process
        self._shape = shape

    def predict(self, frames: np.ndarray) -> np.ndarray:
        """As PosePredictor.predict."""
        self._process.ask({"frames": frames.shape, "rows": None}, frames)
        return self._process.positions((len(frames), *self._shape.labels))

    def predict_block(self, frames: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """As PosePredictor.predict_block."""
        self._process.ask({"frames": frames.shape, "rows": rows.shape}, frames, rows.astype(np.int32))
        return self._process.positions((len(rows), *self._shape.labels))


class WalledProcess:
    """The process of one model, and the time that it may still take. directory: of the model, for messages."""

    def __init__(self, process: BaseProcess, connection: Connection, limits: Limits, directory: str) -> None:
        self._process = process
        self._connection = connection
        self._limits = limits
        self._directory = directory
        self._seconds_left = limits.seconds

    @property
    def number(self) -> int | None:
        """Its process number."""
        return self._process.pid

    def ask(self, request: dict[str, Any], *arrays: np.ndarray) -> None:
        """Sends a request and the arrays that belong to it."""
        with self._reported_end():
            self._connection.send_bytes(json.dumps(request).encode())
            for array in arrays:
                self._connection.send_bytes(np.ascontiguousarray(array).data.cast("B"))

    def positions(self, shape: tuple[int, ...]) -> np.ndarray:
        """The answer, float32 of this shape."""
        size = int(np.prod(shape)) * 4
        kind, contents = self._answer(size)
        if kind != POSITIONS or len(contents) != size:
            raise UserError(f"{self._directory}: the model's process gave no positions; look at what the model does")
        return np.frombuffer(contents, np.float32).reshape(shape)

    def facts(self) -> dict[str, Any]:
        """What `serving.facts` says, checked: it has seen the stranger's model."""
        _, contents = self._answer(LARGEST_FACTS)
        facts = json.loads(contents)
        version = facts["tensorflow_version"]
        return {
            "can_score": bool(facts["can_score"]),
            "breaches": [str(line) for line in facts["breaches"]],
            "warnings": [str(line) for line in facts["warnings"]],
            "tensorflow_version": None if version is None else str(version)[:LONGEST_VERSION],
            "peak_megabytes": facts["peak_megabytes"],
        }

    def peak_megabytes(self) -> float | None:
        """Ends the process in peace; returns the most memory that it had, in MB, where that is known."""
        self.ask({})
        return self.facts()["peak_megabytes"]

    def _answer(self, size: int) -> tuple[bytes, bytes]:
        """The next answer: its kind, and its contents of at most so many bytes, or as many as a refusal takes."""
        with self._reported_end():
            self._wait()
            answer = self._connection.recv_bytes(max(size, LARGEST_FACTS) + 1)
        kind, contents = answer[:1], answer[1:]
        if kind == REFUSAL:
            raise UserError(*(self._named(str(message)) for message in json.loads(contents)))
        if kind == BUG:
            raise RuntimeError(contents.decode(errors="replace"))
        return kind, contents

    def _named(self, message: str) -> str:
        """The message, with the model's folder where it does not say it."""
        return message if self._directory in message else f"{self._directory}: {message}"

    def _wait(self) -> None:
        """Until there is an answer; raises UserError when the time is over."""
        allowed = self._limits.answer_seconds
        if self._seconds_left is not None:
            allowed = min(allowed, self._seconds_left)
        began = time.monotonic()
        is_there = self._connection.poll(max(allowed, 0.0))
        if self._seconds_left is not None:
            self._seconds_left -= time.monotonic() - began
        if not is_there:
            limit = self._limits.seconds if self._limits.seconds is not None else self._limits.answer_seconds
            raise UserError(
                f"{self._directory}: the model takes longer than {limit:g} s; raise --time-limit, if it ends"
            )

    @contextlib.contextmanager
    def _reported_end(self) -> Iterator[None]:
        """Says why the process ended, where it did."""
        try:
            yield
        except (EOFError, BrokenPipeError, ConnectionResetError) as error:
            self._process.join(SECONDS_TO_END)
            raise UserError(f"{self._directory}: {_why_it_ended(self._process.exitcode, self._limits)}") from error
        except OSError as error:
            raise UserError(
                f"{self._directory}: the model's process answers at too great length; look at what the model does"
            ) from error


@contextlib.contextmanager
def _walled_process(directory: str, shape: SequenceShape, trust: bool, limits: Limits) -> Iterator[WalledProcess]:
    context = _prepared_context()
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(there, directory, shape, trust, limits), daemon=True)
    process.start()
    there.close()
    try:
        yield WalledProcess(process, here, limits, directory)
    finally:
        here.close()
        process.join(0.1)
        if process.is_alive():
            process.kill()
            process.join(SECONDS_TO_END)


def _prepared_context() -> Any:
    """The way to start processes: on Linux the fork server, running; elsewhere a fork is not safe, or not there."""
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    with _PREPARING:
        context.set_forkserver_preload(["model.sandboxed.imports"])
        before = os.environ.get("PYTHONPATH")
        # Python before 3.14 does not tell the fork server where to import from.
        os.environ["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        try:
            forkserver.ensure_running()
        finally:
            if before is None:
                del os.environ["PYTHONPATH"]
            else:
                os.environ["PYTHONPATH"] = before
    return context


def _why_it_ended(exit_code: int | None, limits: Limits) -> str:
    """A process's end in words, and what to do about it."""
    name = ending_signal(exit_code)
    if name is None:
        return "the model's process ended before it answered; look at what the model does"
    if name == "SIGXCPU":
        return "the model takes longer than it may; raise --time-limit, if it ends"
    if name in ("SIGABRT", "SIGBUS") and limits.megabytes is not None:
        memory = f"{limits.megabytes} MB"
        return f"TensorFlow gave up ({name}), as it does where memory runs out; raise --memory-limit above {memory}"
    if name == "SIGKILL":
        return "the system ended the model's process (SIGKILL), as it does where memory runs out; give it more memory"
    return f"the model crashed TensorFlow ({name}); it cannot be scored"
