"""Errors that the user can correct: one `error:` line each on standard error and exit status 2, without a traceback."""

import contextlib
import errno
import sys
from collections.abc import Iterator

from support.standard_streams import prepare_standard_streams

LONGEST_MESSAGE = 2000
OUT_OF_MEMORY = ("out of memory; close other programs or use a smaller --batch-size",)


class UserError(Exception):
    """Something that the user can correct.

    messages: one or more errors, each one line that says what to do. str() joins them with "; ".
    """

    def __init__(self, *messages: str) -> None:
        super().__init__(*messages)
        self.messages = messages

    def __str__(self) -> str:
        return "; ".join(self.messages)


@contextlib.contextmanager
def reported_user_errors() -> Iterator[None]:
    """Prints an `error:` line for each message of a UserError, or one for a file that cannot be read or written.

    Raises SystemExit in its place, with status 2. Ctrl-C prints `stopped`, with status 130. An OSError without an error
    number is a bug and passes through, as all other exceptions do. Standard output and standard error are made to take
    whatever is printed, as prepare_standard_streams says.
    """
    prepare_standard_streams()
    messages: tuple[str, ...]
    try:
        yield
    except UserError as error:
        messages = error.messages
    except MemoryError:
        messages = OUT_OF_MEMORY
    except RuntimeError as error:
        # There is no memory for its stack, or the user has as many as are allowed.
        if str(error) != "can't start new thread":
            raise
        messages = OUT_OF_MEMORY
    except OSError as error:
        if error.errno is None:
            raise
        messages = (_operating_system_message(error),)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        raise SystemExit(130) from None
    else:
        return
    for message in messages:
        print_error(message)
    raise SystemExit(2) from None


def print_error(message: str) -> None:
    """Prints one `error:` line of at most LONGEST_MESSAGE characters to standard error.

    Messages quote names from untrusted files, so characters that are not printable are escaped: none can control the
    terminal.
    """
    print("error:", printable(message), file=sys.stderr)


def print_warning(message: str) -> None:
    """Prints one `warning:` line, as print_error does."""
    print("warning:", printable(message), file=sys.stderr)


def printable(message: str) -> str:
    """The message in one line of at most LONGEST_MESSAGE characters, all of which are printable."""
    characters = " ".join(message.split())[:LONGEST_MESSAGE]
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in characters)


def _operating_system_message(error: OSError) -> str:
    advice = {
        errno.ENOENT: "check the path",
        errno.EACCES: "choose a place that you may read and write",
        errno.EPERM: "choose a place that you may read and write",
        errno.EROFS: "choose a place that can be written",
        errno.ENOSPC: "free some disk space or choose another place",
        errno.EFBIG: "free some disk space or choose another place",
        errno.ENOTDIR: "choose a path whose parent is a folder",
        errno.EISDIR: "give a file, not a folder",
    }
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror}; {advice.get(error.errno or 0, 'try again or choose another place')}"
