"""Turns TensorFlow's failure to write a file into a UserError."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

from pipeline.tensorflow_v1 import tf
from support.user_error import UserError


@contextlib.contextmanager
def user_errors_of_saving(folder: str) -> Iterator[None]:
    """Raises UserError where TensorFlow fails to write to the folder. An uninitialized variable is no such failure.

    TensorFlow has no error class of its own for this: a full disk is a ResourceExhaustedError, too large a file an
    OutOfRangeError. The operating system's reason follows the file's name in the message.
    """
    try:
        yield
    except tf.errors.FailedPreconditionError:
        raise
    except tf.errors.OpError as error:
        found = re.search(r"^\S.*?; (.+)$", error.message, re.MULTILINE)
        reason = found[1] if found else type(error).__name__
        raise UserError(f"{folder}: {reason}; free some disk space, then --resume goes on") from error
