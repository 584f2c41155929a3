"""Writes joint positions as a table, row by row: CSV, HDF5 if the file name ends in .h5, or SLEAP's layout of HDF5."""

from __future__ import annotations

import contextlib
import csv
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import h5py
import numpy as np

from pipeline.joints import JOINT_NAMES, LIMBS
from support.atomic_write import atomic_write
from support.deferred_error_file import DeferredErrorFile
from support.user_error import UserError

ROWS_PER_CHUNK = 256  # of HDF5
SLEAP_EXTENSION = ".analysis.h5"  # SLEAP names these files so
TRACK = "person"


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
def joint_table(path: str, source: str = "") -> Iterator[AddRow]:
    """Yields a function that adds a row. The file is written atomically. source: path of the video.

    A CSV file has one row per frame: its number from 0, its time or file name, x and y of each joint to a hundredth of
    a pixel, each joint's confidence, and the names of the joints outside the picture, separated by semicolons. Unknown
    values are empty. An HDF5 file has `joints`, float32 (F, 7, 2), with the joints' names as an attribute,
    `confidence`, float32 (F, 7), `outside`, bool (F, 7), and `seconds`, float64 (F,), or `files`, UTF-8 (F,). If the
    name ends in SLEAP_EXTENSION, it has SLEAP's analysis layout instead, which SLEAP, movement and others open.
    """
    with atomic_write(path) as partial:
        if path.lower().endswith(SLEAP_EXTENSION):
            rows = _sleap_rows(partial, source)
        else:
            rows = (_hdf5_rows if path.lower().endswith(".h5") else _csv_rows)(partial)
        with rows as add:
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


@contextlib.contextmanager
def _sleap_rows(path: str, source: str) -> Iterator[AddRow]:
    """SLEAP's analysis layout, with one track: https://io.sleap.ai, "SLEAP Analysis HDF5"."""
    count = len(JOINT_NAMES)
    with DeferredErrorFile(path) as output:
        with h5py.File(output, "w") as file:

            def create(name: str, *shape: int) -> h5py.Dataset:
                """A data set (*shape, F)."""
                chunks = (*shape, ROWS_PER_CHUNK)
                return file.create_dataset(name, (*shape, 0), np.float64, maxshape=(*shape, None), chunks=chunks)

            tracks, scores = create("tracks", 1, 2, count), create("point_scores", 1, count)
            totals = [create("instance_scores", 1), create("tracking_scores", 1)]
            occupancy = file.create_dataset("track_occupancy", (0, 1), np.uint8, maxshape=(None, 1), chunks=True)
            file["track_names"] = np.array([TRACK], "S")
            file["node_names"] = np.array(JOINT_NAMES, "S")
            file["edge_names"] = np.array(LIMBS, "S")
            file["edge_inds"] = np.array([[JOINT_NAMES.index(joint) for joint in limb] for limb in LIMBS])
            file["video_path"], file["video_ind"] = os.fsencode(source), 0
            file["labels_path"], file["provenance"] = b"", b"{}"

            def add(row: Row) -> None:
                number = len(occupancy)
                for data_set in (tracks, scores, *totals):
                    data_set.resize(number + 1, axis=data_set.ndim - 1)
                occupancy.resize(number + 1, axis=0)
                tracks[0, :, :, number] = row.joints.T
                scores[0, :, number] = row.confidence
                is_found = not np.isnan(row.joints).all()
                known = row.confidence[~np.isnan(row.confidence)]
                totals[0][0, number] = known.mean() if is_found and known.size else np.nan
                totals[1][0, number] = np.nan
                occupancy[number] = is_found

            yield add
        output.check()
