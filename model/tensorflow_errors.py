"""Turns TensorFlow's exceptions into one-line messages."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

from pipeline.tensorflow_v1 import tf
from support.user_error import UserError

LONGEST_CAUSE = 400
# Lines of an error report that do not name the cause.
FRAME_OF_REPORT = re.compile(
    r"Graph execution error:|\d+ root error\(s\) found\.|Detected at node .*|Node: .*|\[\[.*|<stack traces.*"
)


def failure_cause(error: BaseException) -> str:
    """The line of an exception's message that names the cause; the exception's type if it has no message.

    TensorFlow's reports begin with "Graph execution error:" and list where the nodes were created. The cause follows a
    line `Node: 'name'`. Of several numbered errors, the first is given.
    """
    message = getattr(error, "message", None)
    text = message if isinstance(message, str) and message.strip() else str(error)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    after_node = [place + 1 for place, line in enumerate(lines) if line.startswith("Node: ")]
    candidates = lines[after_node[0] :] if after_node else lines
    cause = next((line for line in candidates if not FRAME_OF_REPORT.fullmatch(line)), "")
    cause = re.sub(r"^\(\d+\)\s*(\w+: )?", "", cause)
    cause = re.sub(r"\s*\[\[.*$", "", cause) or type(error).__name__
    if "Could not find callback" in cause:
        cause = "it calls a Python function, which is not saved with a graph"
    node = re.fullmatch(r"Node: '(.*)'", lines[after_node[0] - 1]) if after_node else None
    return cause[:LONGEST_CAUSE] + (f" (node {node[1]})" if node else "")


@contextlib.contextmanager
def user_errors_of_saving(folder: str) -> Iterator[None]:
    """Raises UserError if TensorFlow fails to write to the folder; an uninitialized variable is not such a failure.

    TensorFlow has no error class for this: a full disk is a ResourceExhaustedError, a file over the size limit an
    OutOfRangeError. The operating system's reason follows the file's name in the message.
    """
    try:
        yield
    except tf.errors.FailedPreconditionError:
        raise
    except tf.errors.OpError as error:
        found = re.search(r"^\S.*?; (.+)$", error.message, re.MULTILINE)
        reason = found[1] if found else type(error).__name__
        raise UserError(f"{folder}: {reason}; free some disk space, then continue with --resume") from error
