"""What runs in the walled process: it loads the model and answers with positions until nobody asks any more.

The parent trusts nothing that comes back: answers are JSON or float32 values, never pickles.
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
from model.export.failure_cause import failure_cause
from pipeline.sequence_shape import SequenceShape
from pipeline.tensorflow_v1 import tf
from support.sandbox.child_process import end_with_parent, silence
from support.sandbox.limits import Limits, enforce, peak_megabytes
from support.text import LONGEST_MESSAGE
from support.user_error import UserError

MOST_LINES = 100
LONGEST_VERSION = 40
POSITIONS, FACTS, REFUSAL, BUG = b"P", b"F", b"R", b"B"


def serve(connection: Connection, directory: str, shape: SequenceShape, trust: bool, limits: Limits) -> None:
    """Sends what there is to say of the model in the folder, then answers each request; returns when there is no more.

    A request is JSON, {"frames": shape, "rows": shape or null}, followed by uint8 and int32 values; {} asks for facts.
    """
    silence()
    end_with_parent(connection.fileno())
    with contextlib.suppress(EOFError, OSError), answered_errors(connection):
        # Under the limits it could not be imported. It is already, if the process that this one was forked from has it.
        _ = tf.Session
        enforce(limits)
        with examined_model(directory, shape, trust, limits.threads) as examined:
            send(connection, FACTS, json.dumps(facts(examined)).encode())
            while request := json.loads(connection.recv_bytes()):
                send(connection, POSITIONS, positions(examined, request, connection).tobytes())
            send(connection, FACTS, json.dumps(facts(examined)).encode())


def facts(examined: ExaminedModel) -> dict[str, Any]:
    """What the parent may know, as JSON takes it."""
    return {
        "can_score": examined.predictor is not None,
        "breaches": _cut(examined.breaches),
        "warnings": _cut(examined.warnings),
        "tensorflow_version": examined.tensorflow_version and examined.tensorflow_version[:LONGEST_VERSION],
        "peak_megabytes": peak_megabytes(),
    }


def _cut(lines: Sequence[str]) -> list[str]:
    """The lines, no more and no longer than anybody reads: a stranger's model may make any of them megabytes long."""
    left_out = len(lines) - MOST_LINES
    more = [f"{left_out} more lines are left out"] if left_out > 0 else []
    return [line[:LONGEST_MESSAGE] for line in lines[:MOST_LINES]] + more


def positions(examined: ExaminedModel, request: dict[str, Any], connection: Connection) -> np.ndarray:
    """Reads the arrays of a request; returns float32 (B, 10, 7, 2), pixels. Raises UserError where the graph fails."""
    assert examined.predictor is not None
    frames = np.frombuffer(connection.recv_bytes(), np.uint8).reshape(request["frames"])
    try:
        if request["rows"] is None:
            predicted = examined.predictor.predict(frames)
        else:
            rows = np.frombuffer(connection.recv_bytes(), np.int32).reshape(request["rows"])
            predicted = examined.predictor.predict_block(frames, rows)
    except Exception as error:
        raise UserError(f"the model fails on these frames: {failure_cause(error)}") from error
    return np.ascontiguousarray(predicted, np.float32)


def send(connection: Connection, kind: bytes, contents: bytes) -> None:
    """Sends an answer; kind: one byte, POSITIONS, FACTS, REFUSAL or BUG."""
    connection.send_bytes(kind + contents)


@contextlib.contextmanager
def answered_errors(connection: Connection) -> Iterator[None]:
    """Sends an exception to the parent, which raises it there."""
    try:
        yield
    except UserError as error:
        send(connection, REFUSAL, json.dumps(_cut(error.messages)).encode())
    except MemoryError:
        send(connection, REFUSAL, json.dumps(["the model takes more memory than it is allowed"]).encode())
    except (EOFError, BrokenPipeError, ConnectionResetError):
        pass
    except Exception:
        send(connection, BUG, traceback.format_exc().encode())
