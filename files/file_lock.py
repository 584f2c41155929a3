"""A lock that the operating system releases when the process ends, however it ends."""

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None
    import msvcrt

# Windows renames and removes no file that is open, and lets no one else write to what is locked.
CAN_LOCK_WHAT_IS_WRITTEN = fcntl is not None


def lock(file):
    """Locks a file that is open for writing, until it is closed. Raises OSError where another process has locked it."""
    if fcntl is not None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    else:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
