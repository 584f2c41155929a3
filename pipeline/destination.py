"""Where a conversion may write: checked before it begins."""

import os

from pipeline.user_error import UserError


def check_destination(destination, source, overwrite):
    """Raises UserError where a file at `destination` cannot or must not be written.

    source: a path that exists, which it must not be. overwrite: whether a file that is there may be replaced.
    """
    folder = os.path.dirname(os.path.abspath(destination))
    if not os.path.isdir(folder):
        raise UserError(f"{folder} is not a folder; create it or choose another destination")
    if os.path.isdir(destination):
        raise UserError(f"{destination} is a folder; give the name of a file")
    if os.path.exists(destination):
        if os.path.samefile(source, destination):
            raise UserError(f"{destination} is the source itself; give another destination")
        if not overwrite:
            raise UserError(f"{destination} exists; give another destination, or --overwrite to replace it")
    if not os.access(folder, os.W_OK):
        raise UserError(f"{folder} cannot be written; choose another destination")
