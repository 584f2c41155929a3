"""Tells errors of the machine, such as a full disk, from errors of the input."""

import contextlib
import errno
from collections.abc import Iterator

from support.user_error import ADVICE, MachineError

# Not ENAMETOOLONG, EILSEQ, EINVAL, EEXIST and the like: names in an archive can cause those.
MACHINE_ERRORS = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EIO,
    errno.ENOMEM,
    errno.EMFILE,
    errno.ENFILE,
    errno.EAGAIN,
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.ESTALE,
}


def is_machine_trouble(error: OSError) -> bool:
    """Whether the machine is the cause, for example a full disk, lack of memory, or a missing permission."""
    return error.errno in MACHINE_ERRORS


@contextlib.contextmanager
def machine_errors() -> Iterator[None]:
    """Raises MachineError in place of an OSError that is the machine's fault."""
    try:
        yield
    except OSError as error:
        if not is_machine_trouble(error):
            raise
        where = f"{error.filename}: " if error.filename else ""
        raise MachineError(f"{where}{error.strerror}; {ADVICE.get(error.errno or 0, 'try again')}") from error
