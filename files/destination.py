"""Whether there is a place for a result, looked at before the work on it begins."""

import os

from command_line.user_error import UserError


def check_destination(path, source, overwrite, is_folder=False):
    """Raises UserError where a file, or folder, at `path` cannot or must not be written.

    source: the path of what it is made from, which nothing overwrites. overwrite: whether anything else may go.
    """
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise UserError(f"{folder} is not a folder; create it or choose another destination")
    if os.path.isdir(path) and not is_folder:
        raise UserError(f"{path} is a folder; give the name of a file")
    if os.path.exists(path):
        if os.path.samefile(source, path):
            raise UserError(f"{path} is the source itself; give another destination")
        if not overwrite:
            raise UserError(f"{path} exists; give another destination, or --overwrite to replace it")
        if is_folder and not os.path.isdir(path):
            raise UserError(f"{path} is a file; give the name of a folder")
    if not os.access(folder, os.W_OK):
        raise UserError(f"{folder} cannot be written; choose another destination")
