"""Converts the course's pickle to an HDF5 store."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from tqdm import tqdm

from pipeline.sources.label_range import LabelRange
from pipeline.sources.pickle_reader import LocatedArrays, Source, locate_arrays, open_source, read_frames, read_labels
from pipeline.store.writer import StoredCounts, StoreWriter
from support.atomic_write import atomic_write
from support.destination import claimed_destination
from support.user_error import UserError

if TYPE_CHECKING:
    from _typeshed import StrPath

SEQUENCES_PER_BLOCK = 64
BYTES_PER_HASHING = 1 << 20


class ConvertedPickle(NamedTuple):
    """arrays: as they are in the pickle. counts: of what was written. label_range: of the labels in pixels."""

    arrays: LocatedArrays
    counts: StoredCounts
    label_range: LabelRange


@contextlib.contextmanager
def claimed_pickle_paths(source: StrPath, destination: StrPath, overwrite: bool) -> Iterator[None]:
    """Keeps other conversions from writing the destination until the end.

    Raises OSError if the source cannot be read, UserError if the destination cannot or must not be written.
    """
    with open(source, "rb"):
        pass
    with claimed_destination(destination, source, overwrite):
        yield


def convert_pickle(source_path: StrPath, destination: StrPath) -> ConvertedPickle:
    """Writes the sequences of a pickle, or of the .zip that holds it, to an HDF5 file, which appears at the end.

    Raises UserError if the pickle is malformed, holds anything but frames and labels in the course's form, or changes
    while it is read; OSError if a file cannot be read or written.
    """
    before = _version_of_file(source_path)
    with open_source(source_path) as source, ThreadPoolExecutor(1) as thread:
        arrays = locate_arrays(source)
        sha256 = thread.submit(_sha256_of_file, source_path)
        with atomic_write(destination) as partial, StoreWriter(partial) as writer:
            _copy_frames(source, arrays, writer)
            label_range = _copy_labels(source, arrays, writer)
            name, size = os.path.basename(source_path), os.path.getsize(source_path)
            counts = writer.finish(name, size, sha256.result())
            if _version_of_file(source_path) != before:
                raise UserError("it changed while it was read; convert it again once it is whole")
    return ConvertedPickle(arrays, counts, label_range)


def _version_of_file(path: StrPath) -> tuple[int, int, int, int]:
    status = os.stat(path)
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _copy_frames(source: Source, arrays: LocatedArrays, writer: StoreWriter) -> None:
    with tqdm(total=arrays.sequences, unit=" sequences", leave=False, disable=None) as progress:
        for frames in read_frames(source, arrays, SEQUENCES_PER_BLOCK):
            writer.add_frames(frames)
            progress.update(len(frames))


def _copy_labels(source: Source, arrays: LocatedArrays, writer: StoreWriter) -> LabelRange:
    label_range = LabelRange()
    for labels in read_labels(source, arrays, SEQUENCES_PER_BLOCK):
        writer.add_labels(label_range.add(labels))
    label_range.require_finite()
    return label_range


def _sha256_of_file(path: StrPath) -> str:
    digest = hashlib.sha256()
    buffer = bytearray(BYTES_PER_HASHING)
    with open(path, "rb", buffering=0) as file:
        while count := file.readinto(buffer):
            digest.update(memoryview(buffer)[:count])
    return digest.hexdigest()
