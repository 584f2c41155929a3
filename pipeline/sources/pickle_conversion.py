"""Converts the course's pickle to an HDF5 store."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from tqdm import tqdm

from pipeline.sequence_shape import COURSE_SHAPE
from pipeline.sources.conversion_summary import ConversionSummary, LabelRange, summarize
from pipeline.sources.pickle_reader import LocatedArrays, Source, locate_arrays, open_source, read_frames, read_labels
from pipeline.store.writer import StoreWriter
from support.atomic_write import atomic_write
from support.user_error import UserError

if TYPE_CHECKING:
    from _typeshed import StrPath

SEQUENCES_PER_BLOCK = 64
BYTES_PER_HASHING = 1 << 20


def convert_pickle(source_path: StrPath, destination: StrPath) -> ConversionSummary:
    """Writes the sequences of a pickle, or of the .zip that contains it, to an HDF5 file.

    The file appears at `destination` when it is complete. Raises UserError if the pickle is malformed, contains
    anything but frames and labels in the course's form, or changes while it is read; OSError if a file cannot be read
    or written.
    """
    before = _version_of_file(source_path)
    with open_source(source_path) as source, ThreadPoolExecutor(1) as thread:
        arrays = locate_arrays(source)
        sha256 = thread.submit(_sha256_of_file, source_path)
        with atomic_write(destination) as partial, StoreWriter(partial) as writer:
            _copy_frames(source, arrays, writer)
            label_range = _copy_labels(source, arrays, writer)
            source_size = os.path.getsize(source_path)
            counts = writer.finish(os.path.basename(source_path), source_size, sha256.result())
            if _version_of_file(source_path) != before:
                raise UserError("the file changed while it was read; wait until it is complete, then convert it again")
    summary = summarize(destination, destination, source_size, counts, label_range, COURSE_SHAPE.length)
    if arrays.frames_dtype == "int8":
        summary.lines.append("The frames are int8. Their bytes are stored unchanged, as uint8.")
    if arrays.labels_dtype.itemsize == 8:
        rounding = label_range.largest_rounding
        summary.lines.append(f"The labels are float64. Rounding to float32 changes them by at most {rounding:.2g} px.")
    return summary


def _version_of_file(path: StrPath) -> tuple[int, int, int, int]:
    status = os.stat(path)
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _copy_frames(source: Source, arrays: LocatedArrays, writer: StoreWriter) -> None:
    with tqdm(total=arrays.sequences, desc="converting", unit=" sequences", leave=False, disable=None) as progress:
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
