"""Converts the course's pickle to an HDF5 file that holds each different frame once."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor

from tqdm import tqdm

from command_line.user_error import ArgumentParser, UserError, reported_user_errors
from files.atomic_write import atomic_write
from files.destination import check_destination
from pipeline.sequence_shape import COURSE_SHAPE
from pipeline.sources.conversion_summary import print_counts, warn_of_labels_outside
from pipeline.sources.label_range import LabelRange
from pipeline.sources.pickle_reader import locate_arrays, open_source, read_frames, read_labels
from pipeline.store.writer import StoreWriter

SEQUENCES_PER_BLOCK = 64
BYTES_PER_HASHING = 1 << 20


def main():
    with reported_user_errors():
        arguments = parse_arguments()
        source = arguments.source
        destination = arguments.destination or os.path.splitext(source)[0] + ".h5"
        check_paths(source, destination, arguments.overwrite)
        arrays, counts, label_range = convert(source, destination)
        print_findings(source, destination, arrays, counts, label_range)


def parse_arguments():
    parser = ArgumentParser(
        description=__doc__ + " Nothing in the pickle is executed.",
        epilog="example: python convert_pkl_to_h5.py youtube_train_data.pkl",
    )
    parser.add_argument("source", metavar="SOURCE", help="the pickle, or the .zip that holds it")
    parser.add_argument(
        "destination",
        metavar="DESTINATION.h5",
        nargs="?",
        help="default: beside SOURCE, under its name with .h5 in place of .pkl or .zip",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace DESTINATION.h5 if it exists")
    return parser.parse_args()


def check_paths(source, destination, overwrite):
    """Raises OSError if the source cannot be read, UserError if the destination cannot or must not be written."""
    with open(source, "rb"):
        pass
    check_destination(destination, source, overwrite)


def convert(source_path, destination):
    """Returns the LocatedArrays of the source, the StoredCounts of the destination and the LabelRange.

    Raises UserError where the source changes meanwhile, and OSError where it vanishes.
    """
    before = version_of_file(source_path)
    with open_source(source_path) as source, ThreadPoolExecutor(1) as thread:
        arrays = locate_arrays(source)
        sha256 = thread.submit(sha256_of_file, source_path)
        with atomic_write(destination) as partial, StoreWriter(partial) as writer:
            copy_frames(source, arrays, writer)
            label_range = copy_labels(source, arrays, writer)
            name, size = os.path.basename(source_path), os.path.getsize(source_path)
            counts = writer.finish(name, size, sha256.result())
            if version_of_file(source_path) != before:
                raise UserError("it changed while it was read; convert it again once it is whole")
    return arrays, counts, label_range


def version_of_file(path):
    status = os.stat(path)
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def copy_frames(source, arrays, writer):
    with tqdm(total=arrays.sequences, unit=" sequences", leave=False, disable=None) as progress:
        for frames in read_frames(source, arrays, SEQUENCES_PER_BLOCK):
            writer.add_frames(frames)
            progress.update(len(frames))


def copy_labels(source, arrays, writer):
    label_range = LabelRange()
    for labels in read_labels(source, arrays, SEQUENCES_PER_BLOCK):
        writer.add_labels(label_range.add(labels))
    label_range.check_finite()
    return label_range


def sha256_of_file(path):
    digest = hashlib.sha256()
    buffer = bytearray(BYTES_PER_HASHING)
    with open(path, "rb", buffering=0) as file:
        while count := file.readinto(buffer):
            digest.update(memoryview(buffer)[:count])
    return digest.hexdigest()


def print_findings(source, destination, arrays, counts, label_range):
    sizes = os.path.getsize(source), os.path.getsize(destination)
    print_counts(*sizes, counts, label_range, COURSE_SHAPE.length)
    if arrays.frames_dtype == "int8":
        print("The frames are int8: their bytes were reinterpreted as uint8, none was changed.")
    if arrays.labels_dtype.itemsize == 8:
        rounding = label_range.largest_rounding
        print(f"The labels are float64: rounding to float32 moved them by {rounding:.2g} px at most.")
    warn_of_labels_outside(label_range)
    print(f"wrote {destination}")


if __name__ == "__main__":
    main()
