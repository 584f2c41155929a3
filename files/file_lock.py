"""A lock on an open file, which the operating system releases when the process ends, however it ends.

`filelock` was considered: it opens the path itself and truncates the file, so it must not be pointed at a file that
another process may be writing. `portalocker` locks open files as this module does, but needs pywin32 on Windows.
"""

import sys
from typing import IO

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

# Windows does not rename or remove a file that is open, and a lock on it keeps out all other handles.
CAN_LOCK_WHILE_WRITING = sys.platform != "win32"


def lock(file: IO[bytes] | IO[str]) -> None:
    """Locks a file that is open for writing, until it is closed. Raises OSError if another process has locked it."""
    if sys.platform == "win32":
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
