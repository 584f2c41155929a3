"""Joint positions as a table that is written row by row: CSV, or HDF5 where the file's name ends in .h5."""

from __future__ import annotations

import contextlib
import csv
import os
from collections.abc import Iterator
from typing import Protocol

import h5py
import numpy as np

from command_line.user_error import UserError
from files.atomic_write import atomic_write
from files.guarded_hdf5_file import GuardedHDF5File
from pipeline.joints import JOINT_NAMES

ROWS_PER_CHUNK = 256


class AddRow(Protocol):
    """Adds one frame to a table."""

    def __call__(self, joints: np.ndarray, seconds: float | None = None, name: str | None = None) -> None:
        """joints: (7, 2) pixels, in the order of JOINT_NAMES. Either seconds, of a video, or the name of a picture."""


def check_table_name(path: str) -> None:
    """Raises UserError where the name ends in neither .csv nor .h5."""
    if not path.lower().endswith((".csv", ".h5")):
        raise UserError(f"{path}: joint positions are written as .csv or .h5; give --joints a name that ends so")


@contextlib.contextmanager
def joint_table(path: str) -> Iterator[AddRow]:
    """Yields a function that adds a row. The file is written atomically.

    A CSV file has a row for each frame: its number from 0, its second or file, and x and y of each joint to a hundredth
    of a pixel. An HDF5 file holds `joints`, float32 (F, 7, 2), with the joints' names as an attribute, and `seconds`,
    float64 (F,), or `files`, UTF-8 (F,).
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

        def add(joints: np.ndarray, seconds: float | None = None, name: str | None = None) -> None:
            nonlocal number
            if number == 0:
                columns = [f"{joint.replace(' ', '_')}_{axis}" for joint in JOINT_NAMES for axis in "xy"]
                writer.writerow(["frame", "seconds" if name is None else "file", *columns])
            positions = [f"{value:.2f}" for value in np.ravel(joints)]
            writer.writerow([number, f"{seconds:.3f}" if name is None else name, *positions])
            number += 1

        yield add


@contextlib.contextmanager
def _hdf5_rows(path: str) -> Iterator[AddRow]:
    with GuardedHDF5File(path) as output:
        with h5py.File(output, "w") as file:
            rows: list[tuple[np.ndarray, float | bytes | None]] = []
            data_sets: list[h5py.Dataset] = []

            def write() -> None:
                if not data_sets:
                    data_sets.extend(_create(file, is_named=isinstance(rows[0][1], bytes)))
                for data_set, values in zip(data_sets, zip(*rows, strict=True), strict=True):
                    data_set.resize(len(data_set) + len(rows), axis=0)
                    data_set[-len(rows) :] = values
                rows.clear()

            def add(joints: np.ndarray, seconds: float | None = None, name: str | None = None) -> None:
                rows.append((joints, seconds if name is None else os.fsencode(name)))
                if len(rows) == ROWS_PER_CHUNK:
                    write()

            yield add
            if rows:
                write()
        output.check()


def _create(file: h5py.File, is_named: bool) -> tuple[h5py.Dataset, h5py.Dataset]:
    """The data sets `joints` and, of pictures that have names, `files`, else `seconds`."""
    rows = {"maxshape": (None,), "shape": (0,), "chunks": (ROWS_PER_CHUNK,)}
    shape = (len(JOINT_NAMES), 2)
    chunks = (ROWS_PER_CHUNK, *shape)
    joints = file.create_dataset("joints", (0, *shape), np.float32, maxshape=(None, *shape), chunks=chunks)
    joints.attrs["joints"] = list(JOINT_NAMES)
    joints.attrs["unit"] = "pixels"
    if is_named:
        return joints, file.create_dataset("files", dtype=h5py.string_dtype(), **rows)
    return joints, file.create_dataset("seconds", dtype=np.float64, **rows)
