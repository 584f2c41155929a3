"""What the user got wrong is one line on standard error and exit status 2, never a traceback."""

import argparse
import contextlib
import errno
import math
import sys

LONGEST_MESSAGE = 2000


class UserError(Exception):
    """Something that the user can put right; the message is one line and says what to do."""


class ArgumentParser(argparse.ArgumentParser):
    """argparse's parser, whose complaints are `error:` lines like all others."""

    def error(self, message):
        raise UserError(f"{message} ({self.prog} --help lists the options)")


def positive(kind):
    """What argparse takes as the type of an option that is more than 0 and finite. kind: int or float."""

    def parse(text):
        value = kind(text)
        if not 0 < value < math.inf:
            raise ValueError(text)
        return value

    parse.__name__ = "positive number" if kind is float else "positive whole number"
    return parse


@contextlib.contextmanager
def reported_user_errors():
    """Prints a UserError, or the operating system's refusal to read or write a file, as one `error:` line.

    Raises SystemExit with status 2 in its place, and with 130 for Ctrl-C.
    """
    try:
        yield
    except UserError as error:
        message = str(error)
    except MemoryError:
        message = "out of memory; close other programs or use a smaller --batch-size"
    except OSError as error:
        if error.errno is None:
            raise
        message = _operating_system_message(error)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        raise SystemExit(130) from None
    else:
        return
    print_error(message)
    raise SystemExit(2) from None


def print_error(message):
    """Prints one `error:` line. A name from a stranger's file may hold anything; it can write nothing to the terminal."""
    characters = " ".join(message.split())[:LONGEST_MESSAGE]
    line = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in characters)
    print("error:", line, file=sys.stderr)


def _operating_system_message(error):
    advice = {
        errno.ENOENT: "check the path",
        errno.EACCES: "choose a place that you may read and write",
        errno.EPERM: "choose a place that you may read and write",
        errno.EROFS: "choose a place that can be written",
        errno.ENOSPC: "free some disk space or choose another place",
        errno.EFBIG: "free some disk space or choose another place",
        errno.ENOTDIR: "choose a path whose parent is a folder",
        errno.EISDIR: "give a file, not a folder",
    }.get(error.errno, "try again or choose another place")
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror}; {advice}"
