"""The sandboxed process: loads one model and answers requests for positions until the connection closes.

The parent trusts nothing that this process sends: answers are JSON or float32 values, never pickles.
"""

from __future__ import annotations

import contextlib
import json
import traceback
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from model.export.contract import ExaminedModel, examined_model
from model.export.machine_trouble import error_of_the_machine
from model.tensorflow_errors import failure_cause
from pipeline.sequence_shape import SequenceShape
from pipeline.tensorflow_v1 import tf
from support.machine_errors import is_machine_trouble
from support.sandbox.child_process import end_with_parent, silence
from support.sandbox.limits import Limits, enforce, peak_megabytes
from support.text import LONGEST_MESSAGE
from support.user_error import MachineError, MemoryLimitError, UserError

MOST_LINES = 100
LONGEST_VERSION = 40
# The first byte of an answer.
STARTED, POSITIONS, EXAMINATION, REFUSAL, BUG = b"S", b"P", b"E", b"R", b"B"
# Where the fault of a refusal lies, by the exception that the parent raises.
INPUT, MEMORY, MACHINE = "input", "memory", "machine"


def serve(connection: Connection, directory: str, shape: SequenceShape, trust: bool, limits: Limits) -> None:
    """Sends the examination of the model in `directory`, then answers requests until the connection closes.

    Before that, STARTED tells whether the system grants all the memory of the limits.

    A request is JSON, {"frames": shape, "rows": shape or null}, followed by the arrays, uint8 and int32. {} ends the
    process: the answer is the examination again, with the final peak memory.
    """
    silence()
    end_with_parent(connection.fileno())
    with contextlib.suppress(EOFError, OSError), _errors_sent(connection):
        # TensorFlow cannot be imported under the limits. In a forked process it already is.
        _ = tf.Session
        _send(connection, STARTED, json.dumps(enforce(limits)).encode())
        with examined_model(directory, shape, trust, limits.threads) as examined:
            _send_examination(connection, examined)
            while request := json.loads(connection.recv_bytes()):
                _send(connection, POSITIONS, _positions(examined, request, connection).tobytes())
            _send_examination(connection, examined)


def _send_examination(connection: Connection, examined: ExaminedModel) -> None:
    examination = {
        "can_score": examined.predictor is not None,
        "breaches": _cut(examined.breaches),
        "notes": _cut(examined.notes),
        "warnings": _cut(examined.warnings),
        "tensorflow_version": examined.tensorflow_version and examined.tensorflow_version[:LONGEST_VERSION],
        "peak_megabytes": peak_megabytes(),
    }
    _send(connection, EXAMINATION, json.dumps(examination).encode())


def _cut(lines: Sequence[str]) -> list[str]:
    """Limits the number and the length of lines: an untrusted model can make them megabytes long."""
    omitted = len(lines) - MOST_LINES
    more = [f"{omitted} more lines are omitted"] if omitted > 0 else []
    return [line[:LONGEST_MESSAGE] for line in lines[:MOST_LINES]] + more


def _positions(examined: ExaminedModel, request: dict[str, Any], connection: Connection) -> np.ndarray:
    """Reads the arrays of a request; returns float32 (B, 10, 7, 2) in pixels. Raises UserError if the graph fails."""
    assert examined.predictor is not None
    frames = np.frombuffer(connection.recv_bytes(), np.uint8).reshape(request["frames"])
    try:
        if request["rows"] is None:
            predicted = examined.predictor.predict(frames)
        else:
            rows = np.frombuffer(connection.recv_bytes(), np.int32).reshape(request["rows"])
            predicted = examined.predictor.predict_block(frames, rows)
    except Exception as error:
        raise error_of_the_machine(error) or UserError(
            f"the model fails on these frames: {failure_cause(error)}"
        ) from error
    return np.ascontiguousarray(predicted, np.float32)


def _send(connection: Connection, kind: bytes, contents: bytes) -> None:
    connection.send_bytes(kind + contents)


@contextlib.contextmanager
def _errors_sent(connection: Connection) -> Iterator[None]:
    """Sends exceptions to the parent, which raises them there."""
    try:
        yield
    except MachineError as error:
        _refuse(connection, MACHINE, error.messages)
    except MemoryLimitError as error:
        _refuse(connection, MEMORY, error.messages)
    except UserError as error:
        _refuse(connection, INPUT, error.messages)
    except MemoryError:
        _refuse(connection, MEMORY, ["the model exceeds its memory limit; raise --memory-limit"])
    except (EOFError, BrokenPipeError, ConnectionResetError):
        pass
    except OSError as error:
        if is_machine_trouble(error):
            _refuse(connection, MACHINE, [f"the model cannot be read: {error.strerror}"])
        else:
            _send(connection, BUG, traceback.format_exc().encode())
    except Exception:
        _send(connection, BUG, traceback.format_exc().encode())


def _refuse(connection: Connection, fault: str, messages: Sequence[str]) -> None:
    _send(connection, REFUSAL, json.dumps([fault, *_cut(messages)]).encode())
