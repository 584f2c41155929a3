"""Opens an untrusted model in a separate process, and predicts with it from this one.

On Linux, these processes are forked from a fork server that has imported TensorFlow and done nothing else: opening a
model costs no import, and no model sees another. On other systems each process imports TensorFlow itself.
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
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

import numpy as np

from model.sandboxed.sandboxed_process import (
    BUG,
    INPUT,
    LONGEST_VERSION,
    MACHINE,
    MEMORY,
    POSITIONS,
    REFUSAL,
    STARTED,
    serve,
)
from pipeline.sequence_shape import COURSE_SHAPE, SequenceShape
from support.sandbox.child_process import ending_signal
from support.sandbox.limits import Limits
from support.user_error import MachineError, MemoryLimitError, UserError

LARGEST_EXAMINATION = 1 << 24  # bytes
SECONDS_TO_END = 5.0
NO_LIMITS = Limits()
# No model sends these to its own process: the filter of system calls and the list of ops keep it from that.
ENDED_FROM_OUTSIDE = {"SIGKILL", "SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"}
_STARTING = threading.Lock()


@dataclass(frozen=True)
class SandboxedModel:
    predictor: SandboxedPredictor | None  # None if the model cannot be scored
    breaches: list[str]  # one line each, as in ExaminedModel
    notes: list[str]  # one line each, as in ExaminedModel
    warnings: list[str]  # one line each, as in ExaminedModel
    tensorflow_version: str | None  # that saved the model
    process: ModelProcess


@contextlib.contextmanager
def sandboxed_model(
    directory: str, shape: SequenceShape = COURSE_SHAPE, trust: bool = False, limits: Limits = NO_LIMITS
) -> Iterator[SandboxedModel]:
    """Loads and checks the model in the folder in a separate process, which ends with the `with` block.

    The arguments are those of examined_model. Raises UserError if there is no such folder, or if the process crashes or
    exceeds its limits, while the model is loaded or while it predicts; MemoryLimitError if it needs more memory, and
    MachineError if the machine is at fault: for example, something killed the process.
    """
    with _model_process(directory, shape, trust, limits) as process:
        process.wait_until_started()
        examination = process.examination()
        yield SandboxedModel(
            SandboxedPredictor(process, shape) if examination["can_score"] else None,
            examination["breaches"],
            examination["notes"],
            examination["warnings"],
            examination["tensorflow_version"],
            process,
        )


class SandboxedPredictor:
    """A PosePredictor whose model runs in another process. Raises UserError if that fails."""

    def __init__(self, process: ModelProcess, shape: SequenceShape) -> None:
        self._process = process
        self._shape = shape

    def predict(self, frames: np.ndarray) -> np.ndarray:
        """As PosePredictor.predict."""
        self._process.request({"frames": frames.shape, "rows": None}, frames)
        return self._process.positions((len(frames), *self._shape.labels))

    def predict_block(self, frames: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """As PosePredictor.predict_block."""
        self._process.request({"frames": frames.shape, "rows": rows.shape}, frames, rows.astype(np.int32))
        return self._process.positions((len(rows), *self._shape.labels))


class ModelProcess:
    """The process of one model, with the time that it has left. directory: that of the model, for messages."""

    def __init__(self, process: BaseProcess, connection: Connection, limits: Limits, directory: str) -> None:
        self._process = process
        self._connection = connection
        self._limits = limits
        self._directory = directory
        self._seconds_left = limits.seconds
        self._has_started = False
        self._has_all_memory = True

    @property
    def pid(self) -> int | None:
        return self._process.pid

    def wait_until_started(self) -> None:
        """Waits until the process is ready to load the model; raises MachineError if that fails."""
        kind, contents = self._answer(LARGEST_EXAMINATION)
        if kind != STARTED:
            raise RuntimeError(f"the process answered {kind!r} before it started")
        self._has_started, self._has_all_memory = True, bool(json.loads(contents))

    def request(self, request: dict[str, Any], *arrays: np.ndarray) -> None:
        """Sends a request and its arrays: see model.sandboxed.sandboxed_process.serve."""
        with self._reported_end():
            self._connection.send_bytes(json.dumps(request).encode())
            for array in arrays:
                self._connection.send_bytes(np.ascontiguousarray(array).data.cast("B"))

    def positions(self, shape: tuple[int, ...]) -> np.ndarray:
        """Receives the answer to a request: float32 of this shape."""
        size = int(np.prod(shape)) * 4
        kind, contents = self._answer(size)
        if kind != POSITIONS or len(contents) != size:
            raise UserError(f"{self._directory}: the model's process sent invalid data; the model cannot be scored")
        return np.frombuffer(contents, np.float32).reshape(shape)

    def examination(self) -> dict[str, Any]:
        """Receives the examination of the model. Its types are enforced: the process that sends it is untrusted."""
        _, contents = self._answer(LARGEST_EXAMINATION)
        examination = json.loads(contents)
        version = examination["tensorflow_version"]
        return {
            "can_score": bool(examination["can_score"]),
            "breaches": [str(line) for line in examination["breaches"]],
            "notes": [str(line) for line in examination["notes"]],
            "warnings": [str(line) for line in examination["warnings"]],
            "tensorflow_version": None if version is None else str(version)[:LONGEST_VERSION],
            "peak_megabytes": examination["peak_megabytes"],
        }

    def peak_megabytes(self) -> float | None:
        """Ends the process; returns its peak memory in MB, or None on systems that do not report it."""
        self.request({})
        return self.examination()["peak_megabytes"]

    def _answer(self, size: int) -> tuple[bytes, bytes]:
        """The next answer: its kind, and its contents. size: the most bytes to accept, unless it is a refusal."""
        with self._reported_end():
            self._wait()
            answer = self._connection.recv_bytes(max(size, LARGEST_EXAMINATION) + 1)
        kind, contents = answer[:1], answer[1:]
        if kind == REFUSAL:
            fault, *messages = map(str, json.loads(contents))
            raise self._error(fault, *map(self._with_directory, messages))
        if kind == BUG:
            raise RuntimeError(contents.decode(errors="replace"))
        return kind, contents

    def _error(self, fault: str, *messages: str) -> UserError:
        """The exception for a refusal or an end with this fault."""
        if fault == MEMORY and not self._has_all_memory:
            advice = "the system grants less memory than --memory-limit; free some memory"
            return MachineError(*messages[:-1], f"{messages[-1].split('; ')[0]}; {advice}")
        errors = {MEMORY: MemoryLimitError, MACHINE: MachineError}
        return errors.get(fault, UserError)(*messages)

    def _with_directory(self, message: str) -> str:
        return message if self._directory in message else f"{self._directory}: {message}"

    def _wait(self) -> None:
        """Waits for an answer; raises UserError when the time is up."""
        allowed = self._limits.answer_seconds
        if self._seconds_left is not None:
            allowed = min(allowed, self._seconds_left)
        began = time.monotonic()
        has_answered = self._connection.poll(max(allowed, 0.0))
        if self._seconds_left is not None:
            self._seconds_left -= time.monotonic() - began
        if not has_answered:
            limit = self._limits.seconds if self._limits.seconds is not None else self._limits.answer_seconds
            raise UserError(
                f"{self._directory}: the model takes longer than {limit:g} s; if it is only slow, raise --time-limit"
            )

    @contextlib.contextmanager
    def _reported_end(self) -> Iterator[None]:
        """Raises UserError, with the reason, if the process has ended."""
        try:
            yield
        except (EOFError, BrokenPipeError, ConnectionResetError) as error:
            self._process.join(SECONDS_TO_END)
            fault, reason = _why_it_ended(self._process.exitcode, self._limits)
            fault = fault if self._has_started else MACHINE
            raise self._error(fault, f"{self._directory}: {reason}") from error
        except OSError as error:
            raise UserError(
                f"{self._directory}: the model's process sent an oversized answer; the model cannot be scored"
            ) from error


@contextlib.contextmanager
def _model_process(directory: str, shape: SequenceShape, trust: bool, limits: Limits) -> Iterator[ModelProcess]:
    context = _start_context()
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(there, directory, shape, trust, limits), daemon=True)
    try:
        process.start()
    except (OSError, EOFError) as error:
        reason = error.strerror if isinstance(error, OSError) else "the server of processes ended"
        raise MachineError(f"the model's process cannot be started: {reason}") from error
    there.close()
    try:
        yield ModelProcess(process, here, limits, directory)
    finally:
        here.close()
        process.join(0.1)
        if process.is_alive():
            process.kill()
            process.join(SECONDS_TO_END)


def _start_context() -> Any:
    """The multiprocessing context: a running fork server on Linux; spawn elsewhere, where forking is unsafe."""
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    with _STARTING:
        context.set_forkserver_preload(["model.sandboxed.preload"])
        before = os.environ.get("PYTHONPATH")
        # Before Python 3.14, the fork server does not get the parent's sys.path.
        os.environ["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        try:
            forkserver.ensure_running()
        finally:
            if before is None:
                del os.environ["PYTHONPATH"]
            else:
                os.environ["PYTHONPATH"] = before
    return context


def _why_it_ended(exit_code: int | None, limits: Limits) -> tuple[str, str]:
    """Whose fault the end of a process is, and why it ended and what to do about it."""
    name = ending_signal(exit_code)
    if name is None:
        return MACHINE, "the model's process ended without an answer; try again"
    if name in ENDED_FROM_OUTSIDE:
        return MACHINE, f"something on this machine ended the model's process ({name}); free some memory and try again"
    if name == "SIGXCPU":
        return INPUT, "the model exceeds its time limit; if it is only slow, raise --time-limit"
    if name in ("SIGABRT", "SIGBUS") and limits.megabytes is not None:
        reason = f"TensorFlow aborted ({name}), probably out of memory; raise --memory-limit above"
        return MEMORY, f"{reason} {limits.megabytes} MB"
    # Libraries crash when memory is missing, so this is the model's fault only if it had all the memory of its limits.
    return MEMORY, f"the model crashed TensorFlow ({name}); it cannot be scored"
