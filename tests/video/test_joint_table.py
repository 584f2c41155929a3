import csv
import os
from dataclasses import replace

import h5py
import numpy as np
import pytest

from pipeline.joints import JOINT_NAMES
from support.user_error import UserError
from video.joint_table import Row, check_table_name, joint_table

JOINTS = np.random.default_rng(0).uniform(-50, 2000, (600, 7, 2)).astype(np.float32)
CONFIDENCE = np.random.default_rng(1).uniform(0, 1, (600, 7)).astype(np.float32)
OUTSIDE = np.random.default_rng(2).uniform(0, 1, (600, 7)) < 0.2
ROWS = [Row(*values) for values in zip(JOINTS, CONFIDENCE, OUTSIDE, strict=True)]
COLUMNS = ["head_x", "head_y", "right_wrist_x", "right_wrist_y", "left_wrist_x", "left_wrist_y"]


def rows_of(path):
    with open(path, newline="", encoding="utf-8", errors="surrogateescape") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize("count", [1, 3])
def test_a_csv_file_has_one_row_per_frame(count, tmp_path):
    with joint_table(str(tmp_path / "a.csv")) as add:
        for number in range(count):
            add(replace(ROWS[number], seconds=number / 30))
        assert not (tmp_path / "a.csv").exists()
    header, *rows = rows_of(tmp_path / "a.csv")
    assert header[:8] == ["frame", "seconds", *COLUMNS] and len(header) == 24
    assert header[16:18] == ["head_confidence", "right_wrist_confidence"] and header[-1] == "outside"
    assert [row[0] for row in rows] == [str(number) for number in range(count)]
    positions = np.array([row[2:16] for row in rows], np.float64).reshape(-1, 7, 2)
    np.testing.assert_allclose(positions, JOINTS[:count], atol=0.0051)
    np.testing.assert_allclose([float(row[1]) for row in rows], np.arange(count) / 30, atol=0.00051)
    np.testing.assert_allclose(np.array([row[16:23] for row in rows], np.float64), CONFIDENCE[:count], atol=0.0051)
    for row, is_outside in zip(rows, OUTSIDE, strict=False):
        assert row[-1].split(";") == ([JOINT_NAMES[joint] for joint in np.flatnonzero(is_outside)] or [""])


def test_unknown_values_are_empty_in_a_csv_file(tmp_path):
    nothing = np.full(7, np.nan, np.float32)
    with joint_table(str(tmp_path / "a.csv")) as add:
        add(Row(np.stack([nothing, nothing], axis=1), nothing, np.zeros(7, bool), seconds=0.0))
    assert rows_of(tmp_path / "a.csv")[1] == ["0", "0.000", *[""] * 22]


def test_pictures_are_identified_by_name(tmp_path):
    names = ["a,b.png", 'quo"te.png', "ö.png", os.fsdecode(b"\xff.png")]
    for ending in (".csv", ".H5"):
        with joint_table(str(tmp_path / f"a{ending}")) as add:
            for row, name in zip(ROWS, names, strict=False):
                add(replace(row, name=name))
    header, *rows = rows_of(tmp_path / "a.csv")
    assert header[:2] == ["frame", "file"] and [row[1] for row in rows] == names
    with h5py.File(tmp_path / "a.H5") as file:
        assert [os.fsdecode(name) for name in file["files"][:]] == names and "seconds" not in file


@pytest.mark.parametrize("count", [1, 255, 256, 257, 600])
def test_an_hdf5_file_has_arrays(count, tmp_path):
    with joint_table(str(tmp_path / "a.h5")) as add:
        for number in range(count):
            add(replace(ROWS[number], seconds=number / 30))
    with h5py.File(tmp_path / "a.h5") as file:
        assert (file["joints"].dtype, file["seconds"].dtype) == (np.float32, np.float64)
        np.testing.assert_array_equal(file["joints"][:], JOINTS[:count])
        np.testing.assert_array_equal(file["confidence"][:], CONFIDENCE[:count])
        np.testing.assert_array_equal(file["outside"][:], OUTSIDE[:count])
        np.testing.assert_array_equal(file["seconds"][:], np.arange(count) / 30)
        assert tuple(file["joints"].attrs["joints"]) == JOINT_NAMES and file["joints"].attrs["unit"] == "pixels"


@pytest.mark.parametrize("name", ["a.csv", "a.h5"])
def test_an_error_leaves_no_file(name, tmp_path):
    with pytest.raises(KeyError), joint_table(str(tmp_path / name)) as add:
        add(replace(ROWS[0], seconds=0.0))
        raise KeyError
    assert os.listdir(tmp_path) == []


def test_other_extensions_are_refused():
    check_table_name("a.CSV")
    check_table_name("a.h5")
    with pytest.raises(UserError, match="does not end in .csv or .h5"):
        check_table_name("a.xlsx")
