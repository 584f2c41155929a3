import csv
import os
from dataclasses import replace

import h5py
import numpy as np
import pytest

from pipeline.joints import JOINT_NAMES, LIMBS
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


@pytest.fixture
def sleap_file(tmp_path):
    """Written for SLEAP: 300 rows, of which the second has no person, and the third lacks its wrists."""
    path = str(tmp_path / "a.analysis.h5")
    with joint_table(path, "videos/in.mp4") as add:
        for number, row in enumerate(ROWS[:300]):
            joints = row.joints.copy()
            if number == 1:
                joints[:] = np.nan
            if number == 2:
                joints[1:3] = np.nan
            add(replace(row, joints=joints, seconds=number / 30))
    return path


def test_a_file_for_sleap_has_its_layout(sleap_file):
    # https://docs.sleap.ai, "Analysis HDF5": (track, xy, node, frame).
    with h5py.File(sleap_file) as file:
        assert file["tracks"].shape == (1, 2, 7, 300) and file["track_occupancy"].shape == (300, 1)
        np.testing.assert_array_equal(file["tracks"][0, :, :, 0].T, JOINTS[0])
        np.testing.assert_array_equal(file["tracks"][0, :, 6, 299], JOINTS[299, 6])
        np.testing.assert_array_equal(file["point_scores"][0, :, 5], CONFIDENCE[5])
        assert np.isnan(file["tracks"][..., 1]).all() and file["track_occupancy"][:3, 0].tolist() == [1, 0, 1]
        names = [name.decode() for name in file["node_names"]]
        assert tuple(names) == JOINT_NAMES and file["track_names"][:].tolist() == [b"person"]
        for (first, second), edge in zip(file["edge_inds"][:], file["edge_names"][:], strict=True):
            assert [names[first].encode(), names[second].encode()] == edge.tolist()


def test_sleap_s_own_reader_opens_it(sleap_file):
    analysis = pytest.importorskip("sleap_io.io.analysis_h5", exc_type=ImportError)
    assert analysis.is_analysis_h5_file(sleap_file)
    labels = analysis.read_labels(sleap_file)
    assert [node.name for node in labels.skeleton.nodes] == list(JOINT_NAMES)
    assert {(edge.source.name, edge.destination.name) for edge in labels.skeleton.edges} == set(LIMBS)
    assert labels.video.filename == "videos/in.mp4" and [track.name for track in labels.tracks] == ["person"]
    assert [frame.frame_idx for frame in labels.labeled_frames] == [0, *range(2, 300)]
    positions = np.stack([frame.instances[0].numpy() for frame in labels.labeled_frames])
    np.testing.assert_array_equal(positions[0], JOINTS[0])
    np.testing.assert_array_equal(positions[2:], JOINTS[3:300])
    assert np.isnan(positions[1, 1:3]).all() and np.isfinite(positions[1, 3:]).all()
    np.testing.assert_array_equal(labels.labeled_frames[4].instances[0].points["score"], CONFIDENCE[5])


@pytest.mark.parametrize("name", ["a.csv", "a.h5", "a.analysis.h5"])
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
