"""The data sets that are measured, and the folder for files that are made from them."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.larger_data import enlarge
from pipeline.sequence_shape import SequenceShape
from pipeline.store.reader import SequenceStore
from support.user_error import UserError

# Bytes of disk or memory, for whatever else is running.
LEFT_FREE = 2**30


@dataclass(frozen=True)
class Data:
    """A store."""

    path: str
    name: str  # for the files that are made from it
    sequences: int
    frames: int  # distinct ones
    shape: SequenceShape

    def bytes_of(self, what: str) -> int:
        """The bytes of all "sequences", each with all of its frames, or of the distinct "frames"; labels included."""
        frames = self.frames if what == "frames" else self.sequences * self.shape.length
        frame_bytes, labels_bytes = self.shape.height * self.shape.width * 3, self.shape.length * 7 * 2 * 4
        return frames * frame_bytes + self.sequences * labels_bytes


@contextlib.contextmanager
def folder_for_files(keep: str | None) -> Iterator[str]:
    """Yields a folder: the one to keep, or one that is removed at the end."""
    if keep is None:
        with tempfile.TemporaryDirectory() as folder:
            yield folder
    else:
        os.makedirs(keep, exist_ok=True)
        yield os.path.abspath(keep)


def data_of_size(path: str, copies: int, folder: str) -> Data:
    """A data set `copies` times as large as that at `path`; it is made in the folder unless it exists.

    Raises UserError if `path` is not a data set or the larger one does not fit on the disk.
    """
    with SequenceStore(path) as store:
        name = f"{Path(path).stem}-{store.source_sha256[:12]}-{len(store)}-times-{copies}"
    if copies > 1:
        source, path = path, os.path.join(folder, f"{name}.h5")
        if not os.path.exists(path):
            missing = missing_disk_space(folder, copies * os.path.getsize(source))
            if missing:
                raise UserError(f"{folder}: {missing}; use fewer --copies, or a folder on another disk with --keep")
            enlarge(source, path, copies)
    with SequenceStore(path) as store:
        return Data(path, name, len(store), store.number_of_frames, store.shape)


def missing_disk_space(folder: str, needed: int) -> str:
    """A message if the disk has no room for this many bytes, or ""."""
    return missing_space("disk", needed, shutil.disk_usage(folder).free)


def missing_space(where: str, needed: int, free: int) -> str:
    """A message if this many bytes do not fit on the "disk" or into "memory" with LEFT_FREE to spare, or ""."""
    if needed + LEFT_FREE < free:
        return ""
    gigabytes = [f"{count / 1e9:.1f} GB" for count in (needed, LEFT_FREE, free)]
    return f"does not fit: {gigabytes[0]} of {where}, and {gigabytes[1]} to spare; {gigabytes[2]} are free"
