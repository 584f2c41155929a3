"""Joint positions as a table that is written row by row: CSV, or HDF5 where the file's name ends in .h5."""

from __future__ import annotations

import contextlib
import csv
import os
from collections.abc import Iterator
from typing import NamedTuple, Protocol

import h5py
import numpy as np

from pipeline.joints import JOINT_NAMES
from support.atomic_write import atomic_write
from support.guarded_hdf5_file import GuardedHDF5File
from support.user_error import UserError

ROWS_PER_CHUNK = 256


class Row(NamedTuple):
    """What was predicted of one frame, in the order of JOINT_NAMES.

    joints: (7, 2) pixels; NaN where nobody was found. confidence: (7,), from 0 to 1; NaN where it is not known, as in a
    video's first frame. is_outside: bool (7,), whether a
    joint lies beyond the picture's edges.
    """

    joints: np.ndarray
    confidence: np.ndarray
    is_outside: np.ndarray


class AddRow(Protocol):
    """Adds one frame to a table."""

    def __call__(self, row: Row, seconds: float | None = None, name: str | None = None) -> None:
        """Either seconds, of a video, or the name of a picture."""


def check_table_name(path: str) -> None:
    """Raises UserError where the name ends in neither .csv nor .h5."""
    if not path.lower().endswith((".csv", ".h5")):
        raise UserError(f"{path}: joint positions are written as .csv or .h5; give --joints a name that ends so")


@contextlib.contextmanager
def joint_table(path: str) -> Iterator[AddRow]:
    """Yields a function that adds a row. The file is written atomically.

    A CSV file has a row for each frame: its number from 0, its second or file, x and y of each joint to a hundredth of
    a pixel, each joint's confidence, and the names of those outside the picture, separated by semicolons. What is not
    known is empty. An HDF5 file holds `joints`, float32 (F, 7, 2), with the joints' names as an attribute,
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

        def add(row: Row, seconds: float | None = None, name: str | None = None) -> None:
            nonlocal number
            if number == 0:
                names = [joint.replace(" ", "_") for joint in JOINT_NAMES]
                columns = [f"{joint}_{axis}" for joint in names for axis in "xy"]
                confidences = [f"{joint}_confidence" for joint in names]
                writer.writerow(["frame", "seconds" if name is None else "file", *columns, *confidences, "outside"])
            positions = ["" if np.isnan(value) else f"{value:.2f}" for value in np.ravel(row.joints)]
            confidences = ["" if np.isnan(value) else f"{value:.2f}" for value in row.confidence]
            outside = ";".join(joint for joint, is_so in zip(JOINT_NAMES, row.is_outside, strict=True) if is_so)
            place = f"{seconds:.3f}" if name is None else name
            writer.writerow([number, place, *positions, *confidences, outside])
            number += 1

        yield add


@contextlib.contextmanager
def _hdf5_rows(path: str) -> Iterator[AddRow]:
    with GuardedHDF5File(path) as output:
        with h5py.File(output, "w") as file:
            rows: list[tuple[np.ndarray, np.ndarray, np.ndarray, float | bytes | None]] = []
            data_sets: list[h5py.Dataset] = []

            def write() -> None:
                if not data_sets:
                    data_sets.extend(_create(file, is_named=isinstance(rows[0][-1], bytes)))
                for data_set, values in zip(data_sets, zip(*rows, strict=True), strict=True):
                    data_set.resize(len(data_set) + len(rows), axis=0)
                    data_set[-len(rows) :] = values
                rows.clear()

            def add(row: Row, seconds: float | None = None, name: str | None = None) -> None:
                rows.append((*row, seconds if name is None else os.fsencode(name)))
                if len(rows) == ROWS_PER_CHUNK:
                    write()

            yield add
            if rows:
                write()
        output.check()


def _create(file: h5py.File, is_named: bool) -> list[h5py.Dataset]:
    """The data sets `joints`, `confidence`, `outside` and, of pictures that have names, `files`, else `seconds`."""

    def data_set(name: str, kind: object, *shape: int) -> h5py.Dataset:
        return file.create_dataset(name, (0, *shape), kind, maxshape=(None, *shape), chunks=(ROWS_PER_CHUNK, *shape))

    count = len(JOINT_NAMES)
    joints = data_set("joints", np.float32, count, 2)
    joints.attrs["joints"] = list(JOINT_NAMES)
    joints.attrs["unit"] = "pixels"
    others = [data_set("confidence", np.float32, count), data_set("outside", np.bool_, count)]
    last = data_set("files", h5py.string_dtype()) if is_named else data_set("seconds", np.float64)
    return [joints, *others, last]
