"""Errors that the user can correct: one `error:` line each on standard error and exit status 2, without a traceback."""

import contextlib
import errno
import sys
from collections.abc import Iterator

from support.standard_streams import prepare_standard_streams
from support.text import printable

OUT_OF_MEMORY = "out of memory; close other programs"

# What to do, by the operating system's error number.
ADVICE = {
    errno.ENOENT: "check the path",
    errno.EACCES: "choose a place where you may read and write",
    errno.EPERM: "choose a place where you may read and write",
    errno.EROFS: "choose a writable place",
    errno.ENOSPC: "free some disk space or choose another place",
    errno.EFBIG: "free some disk space or choose another place",
    errno.ENOTDIR: "choose a path whose parent is a folder",
    errno.EISDIR: "give a file, not a folder",
}


class UserError(Exception):
    """Something that the user can correct.

    messages: one or more errors, each one line that says what to do. str() joins them with "; ".
    """

    def __init__(self, *messages: str) -> None:
        super().__init__(*messages)
        self.messages = messages

    def __str__(self) -> str:
        return "; ".join(self.messages)


class MachineError(UserError):
    """Something that is wrong with this machine and not with the input: for example, its disk is full."""


class MemoryLimitError(UserError):
    """The input needs more memory than the process that reads it may use."""


@contextlib.contextmanager
def reported_user_errors(out_of_memory: str = OUT_OF_MEMORY) -> Iterator[None]:
    """Turns errors that the user can correct into `error:` lines and SystemExit with status 2.

    These are UserError, OSError with an error number, and lack of memory. All other exceptions are bugs and pass
    through. Ctrl-C prints `stopped` and exits with status 130. Standard output and standard error are prepared as
    prepare_standard_streams says: `command | head` prints no error, and the command finishes its work.

    out_of_memory: the message when memory or threads run out; name the option that saves memory, if there is one.
    """
    prepare_standard_streams()
    messages: tuple[str, ...]
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except UserError as error:
        messages = error.messages
    except MemoryError:
        messages = (out_of_memory,)
    except RuntimeError as error:
        # There is no memory for its stack, or the user has as many threads as the system allows.
        if str(error) != "can't start new thread":
            raise
        messages = (out_of_memory,)
    except OSError as error:
        if error.errno is None:
            raise
        where = f"{error.filename}: " if error.filename else ""
        messages = (f"{where}{error.strerror}; {ADVICE.get(error.errno, 'try again or choose another place')}",)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        raise SystemExit(130) from None
    else:
        return
    for message in messages:
        print_error(message)
    raise SystemExit(2) from None


def print_error(message: str) -> None:
    """Prints one `error:` line to standard error; untrusted text in it is made printable."""
    print("error:", printable(message), file=sys.stderr)


def print_warning(message: str) -> None:
    """Prints one `warning:` line to standard error; untrusted text in it is made printable."""
    print("warning:", printable(message), file=sys.stderr)
