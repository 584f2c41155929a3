"""Lists the files of a submitted folder and its subfolders, and says what they are if no model is among them."""

from __future__ import annotations

import errno
import itertools
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field

MOST_ENTRIES = 100_000
MOST_NAMED = 5
# Created by archivers and other programs.
IGNORED_FOLDERS = {"__MACOSX", "__pycache__", "node_modules"}

SAVE_WITH_SAVER = "save the model with tf.train.Saver, which writes its graph and its weights"
# By the end of the file's name: what it is, and what to do.
OTHER_FILES = {
    "saved_model.pb": ("a SavedModel", SAVE_WITH_SAVER),
    ".pb": ("a graph without weights", SAVE_WITH_SAVER),
    ".keras": ("a Keras model", SAVE_WITH_SAVER),
    ".h5": ("an HDF5 file, as Keras saves it", SAVE_WITH_SAVER),
    ".hdf5": ("an HDF5 file, as Keras saves it", SAVE_WITH_SAVER),
    ".tflite": ("a TensorFlow Lite model", SAVE_WITH_SAVER),
    ".onnx": ("an ONNX model", SAVE_WITH_SAVER),
    ".pt": ("a PyTorch model", "train the model with TensorFlow"),
    ".pth": ("a PyTorch model", "train the model with TensorFlow"),
    **{
        ending: ("an archive", "unpack it")
        for ending in (".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst")
    },
}


@dataclass(frozen=True)
class Folder:
    path: str
    modes: dict[str, int]  # of each entry by name, in the order of names; links are not followed
    is_whole: bool = True  # whether all entries are listed


@dataclass
class Search:
    """The folders found so far below a submitted one, and whether more could be searched."""

    path: str
    folders: list[Folder] = field(default_factory=list)
    is_cut: bool = False

    def levels(self) -> Iterator[list[Folder]]:
        """The folder itself, its subfolders, and so on; links are not followed.

        It ends after MOST_ENTRIES files and folders. Folders that people do not look into come last.
        """
        level, entries_left = [self.path], MOST_ENTRIES
        ignored: list[str] = []
        while level or ignored:
            if not level:
                level, ignored = ignored, []
            folders: list[Folder] = []
            for path in level:
                folder = listed_folder(path, entries_left)
                entries_left -= len(folder.modes)
                folders.append(folder)
                self.is_cut |= not folder.is_whole
            self.folders += folders
            yield folders
            level = []
            for folder in folders:
                for name, mode in folder.modes.items():
                    if stat.S_ISDIR(mode):
                        (ignored if _is_ignored(name) else level).append(os.path.join(folder.path, name))


def _is_ignored(name: str) -> bool:
    return name in IGNORED_FOLDERS or name.startswith(".")


def listed_folder(path: str, most: int = MOST_ENTRIES) -> Folder:
    """Lists at most this many entries. Raises OSError if the folder cannot be read."""
    try:
        with os.scandir(path) as entries:
            first = sorted(itertools.islice(entries, most + 1), key=lambda entry: entry.name)
        modes = {entry.name: entry.stat(follow_symlinks=False).st_mode for entry in first[:most]}
    except OSError as error:
        # A deep tree has paths that are longer than the system accepts.
        if error.errno != errno.ENAMETOOLONG:
            raise
        return Folder(path, {}, is_whole=False)
    return Folder(path, modes, is_whole=len(first) <= most)


def why_no_model(search: Search) -> str:
    """One line on a folder without a saved model: what it contains, and what to do."""
    found = []
    if search.is_cut:
        found.append(("the folder is too large to be searched", "give the folder of the model"))
    for folder in search.folders:
        for name, mode in folder.modes.items():
            if described := _description(name, mode):
                path = os.path.relpath(os.path.join(folder.path, name), search.path)
                found.append((f"{path} is {described[0]}", described[1]))
    if not found:
        names = list(search.folders[0].modes)
        found = [(f"the folder contains {listed(names)}" if names else "the folder is empty", SAVE_WITH_SAVER)]
    return f"no saved model found: {listed([what for what, _ in found])}; {found[0][1]}"


def _description(name: str, mode: int) -> tuple[str, str] | None:
    """What this file is, and what to do; None if it says nothing about a model. mode: as in Folder."""
    if stat.S_ISLNK(mode):
        return "a link, which is not followed", "hand in the files themselves"
    if not stat.S_ISREG(mode) or name.startswith("._"):
        return None
    return next((OTHER_FILES[ending] for ending in OTHER_FILES if name.lower().endswith(ending)), None)


def listed(names: list[str]) -> str:
    """The first names, and the number of the others."""
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
