"""Writes joint positions as a table, row by row: CSV, or HDF5 if the file name ends in .h5."""

from __future__ import annotations

import contextlib
import csv
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import h5py
import numpy as np

from pipeline.joints import JOINT_NAMES
from support.atomic_write import atomic_write
from support.deferred_error_file import DeferredErrorFile
from support.user_error import UserError

ROWS_PER_CHUNK = 256  # of HDF5


@dataclass(frozen=True)
class Row:
    """The prediction for one frame; joints are in the order of JOINT_NAMES."""

    joints: np.ndarray  # (7, 2) pixels; NaN if unknown
    confidence: np.ndarray  # (7,), 0 to 1; NaN if unknown, as in a video's first frame
    is_outside: np.ndarray  # bool (7,), whether the joint is outside the picture
    seconds: float | None = None  # of videos and GIFs
    name: str | None = None  # of a picture in a folder


AddRow = Callable[[Row], None]


def check_table_name(path: str) -> None:
    """Raises UserError if the name ends in neither .csv nor .h5."""
    if not path.lower().endswith((".csv", ".h5")):
        raise UserError(f"{path} does not end in .csv or .h5; give --joints such a name")


@contextlib.contextmanager
def joint_table(path: str) -> Iterator[AddRow]:
    """Yields a function that adds a row. The file is written atomically.

    A CSV file has one row per frame: its number from 0, its time or file name, x and y of each joint to a hundredth of
    a pixel, each joint's confidence, and the names of the joints outside the picture, separated by semicolons. Unknown
    values are empty. An HDF5 file has `joints`, float32 (F, 7, 2), with the joints' names as an attribute,
    `confidence`, float32 (F, 7), `outside`, bool (F, 7), and `seconds`, float64 (F,), or `files`, UTF-8 (F,).
    """
    with atomic_write(path) as partial:
        rows = _hdf5_rows if path.lower().endswith(".h5") else _csv_rows
        with rows(partial) as add:
            yield add


@contextlib.contextmanager
def _csv_rows(path: str) -> Iterator[AddRow]:
    with open(path, "w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        writer = csv.writer(file)
        number = 0

        def add(row: Row) -> None:
            nonlocal number
            if number == 0:
                names = [joint.replace(" ", "_") for joint in JOINT_NAMES]
                columns = [f"{joint}_{axis}" for joint in names for axis in "xy"]
                confidences = [f"{joint}_confidence" for joint in names]
                place = "seconds" if row.name is None else "file"
                writer.writerow(["frame", place, *columns, *confidences, "outside"])
            values = ["" if np.isnan(value) else f"{value:.2f}" for value in [*np.ravel(row.joints), *row.confidence]]
            outside = ";".join(joint for joint, is_so in zip(JOINT_NAMES, row.is_outside, strict=True) if is_so)
            writer.writerow([number, f"{row.seconds:.3f}" if row.name is None else row.name, *values, outside])
            number += 1

        yield add


@contextlib.contextmanager
def _hdf5_rows(path: str) -> Iterator[AddRow]:
    with DeferredErrorFile(path) as output:
        with h5py.File(output, "w") as file:
            data_sets: list[h5py.Dataset] = []

            def add(row: Row) -> None:
                if not data_sets:
                    data_sets.extend(_create_data_sets(file, has_names=row.name is not None))
                last = row.seconds if row.name is None else os.fsencode(row.name)
                for data_set, value in zip(data_sets, (row.joints, row.confidence, row.is_outside, last), strict=True):
                    data_set.resize(len(data_set) + 1, axis=0)
                    data_set[-1] = value

            yield add
        output.check()


def _create_data_sets(file: h5py.File, has_names: bool) -> list[h5py.Dataset]:
    """Creates `joints`, `confidence`, `outside`, and `files` or `seconds`."""

    def create(name: str, kind: object, *shape: int) -> h5py.Dataset:
        return file.create_dataset(name, (0, *shape), kind, maxshape=(None, *shape), chunks=(ROWS_PER_CHUNK, *shape))

    count = len(JOINT_NAMES)
    joints = create("joints", np.float32, count, 2)
    joints.attrs["joints"] = list(JOINT_NAMES)
    joints.attrs["unit"] = "pixels"
    others = [create("confidence", np.float32, count), create("outside", np.bool_, count)]
    last = create("files", h5py.string_dtype()) if has_names else create("seconds", np.float64)
    return [joints, *others, last]
