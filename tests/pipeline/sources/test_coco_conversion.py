import hashlib
import json

import h5py
import numpy as np
import pytest

from pipeline.sequence_shape import SequenceShape
from pipeline.sources.coco_conversion import Box, convert_coco, scaled_box, surroundings
from pipeline.store.reader import SequenceStore
from support.user_error import UserError
from tests.pipeline.sources.coco_files import CocoFile

SHAPE = SequenceShape(3, 16, 8)


@pytest.fixture
def coco(tmp_path):
    (tmp_path / "pictures").mkdir()
    return CocoFile(tmp_path / "pictures")


@pytest.fixture
def converted(coco, tmp_path):
    """Converts the file; returns the summary and the arrays of the result by name, frames by sequence."""

    def converted(names=None, crop="none", shape=SHAPE):
        summary = convert_coco(*coco.write(), str(tmp_path / "out.h5"), names or {}, crop, shape)
        with SequenceStore(tmp_path / "out.h5") as store:
            frames, labels = store.read_sequences(np.arange(len(store)))
            return summary, {"frames": frames, "labels": labels, "videos": store.videos, "sha256": store.source_sha256}

    return converted


def scaled_by_mean(pixels):
    """A picture of 80×48 px scaled to SHAPE's 8×16 by the mean of each block of 10×3 pixels."""
    return np.rint(pixels.reshape(16, 3, 8, 10, 3).mean(axis=(1, 3))).astype(np.uint8)


def test_frames_of_a_video_become_sequences_and_other_pictures_repeat(coco, converted):
    for number in (4, 0, 1, 3, 2):
        coco.picture(f"clip/{number}.png", size=(48, 80), video_id="clip", frame_id=10 * number)
    coco.picture("still.png", size=(48, 80))
    summary, data = converted()
    names = [f"clip/{number}.png" for number in range(5)]
    # Of five frames and length 3: two starts at stride 1, of which the course omits the last, and one at stride 2.
    expected = [names[0:3], names[1:4], names[0:5:2], ["still.png"] * 3]
    assert data["videos"].tolist() == [0, 0, 0, 1]
    for sequence, pictures in enumerate(expected):
        for frame, name in enumerate(pictures):
            np.testing.assert_array_equal(data["frames"][sequence, frame], scaled_by_mean(coco.pictures[name]))
            label = np.float32(coco.joints[name][0] * [8 / 80, 16 / 48])
            np.testing.assert_allclose(data["labels"][sequence, frame], label, rtol=1e-6)
    assert summary.lines[-1] == "people           6, of which 1 give a sequence that repeats a frame"


def test_the_source_is_all_that_was_read(coco, converted, tmp_path):
    coco.picture("b.png")
    coco.picture("a.png")
    _, data = converted()
    contents = coco.path.read_bytes() + b"".join((coco.folder / name).read_bytes() for name in ("a.png", "b.png"))
    with h5py.File(tmp_path / "out.h5") as file:
        assert file.attrs["source_name"] == b"people.json" and file.attrs["source_size"] == len(contents)
    assert data["sha256"] == hashlib.sha256(contents).hexdigest()


def sequences_of_videos(coco, converted):
    """How many sequences move and how many repeat a frame, and their number by video."""
    _, data = converted()
    moves = (data["labels"] != data["labels"][:, :1]).any(axis=(1, 2, 3))
    return int(moves.sum()), int((~moves).sum()), np.bincount(data["videos"]).tolist()


@pytest.mark.parametrize("fields", [("vid_id", "frame_index"), ("video_id", "frame_number")])
def test_two_tracks_of_a_video_are_one_video(fields, coco, converted):
    video, frame = fields
    for number in range(5):
        coco.picture(f"{number}.png", people=2, tracks=["a", 7], **{video: 12, frame: number})
    assert sequences_of_videos(coco, converted) == (6, 0, [6])


def test_people_without_tracks_are_tracked_only_where_they_are_alone(coco, converted):
    for number in range(5):
        coco.picture(f"alone/{number}.png", video_id=1, frame_id=number)
        coco.picture(f"two/{number}.png", people=2, video_id=2, frame_id=number)
    assert sequences_of_videos(coco, converted) == (3, 10, [3, 10])


def test_a_track_is_cut_where_frames_are_missing(coco, converted):
    for number in [0, 2, 4, 6, 20, 22, 40]:
        coco.picture(f"{number}.png", video_id=1, frame_id=number)
    # One sequence from four frames at stride 1; two frames and one frame are too few.
    assert sequences_of_videos(coco, converted) == (1, 3, [4])


def test_who_cannot_be_used_is_counted(coco, converted):
    coco.picture("a.png", people=2)
    joints = coco.joints["a.png"][0]
    coco.person("n0", joints, visibility=[[2], [2], [0], [1], [2], [2], [2]])
    coco.person("n0", joints, visibility=1)
    coco.person("nowhere", joints)
    coco.content["annotations"].append({"image_id": "n0", "category_id": 9, "bbox": [1, 2, 3, 4]})
    summary, data = converted()
    assert len(data["videos"]) == 3 and data["videos"].tolist() == [0, 0, 0]
    assert set(summary.warnings) >= {
        "skipped 1 annotation without all seven joints",
        "skipped 1 annotation whose picture is not listed",
        "skipped 1 annotation without keypoints",
    }


def test_joints_may_have_other_names(coco, converted):
    coco.picture("a.png")
    _, data = converted()
    coco.content["categories"][0]["keypoints"] = [
        "top",
        "x",
        "l sh",
        "r sh",
        "left_elbow",
        "right_elbow",
        "lw",
        "right_wrist",
    ]
    with pytest.raises(
        UserError, match=r"has no head or face or nose; give the name of its head with --joints 'head=NAME'"
    ):
        converted()
    names = {"head": "Top", "left shoulder": "l_sh", "right shoulder": "r sh", "left wrist": "lw"}
    np.testing.assert_array_equal(converted(names)[1]["labels"], data["labels"])


def test_the_surroundings_are_the_same_in_all_frames_of_a_track(coco, converted):
    for number in range(4):
        coco.picture(f"{number}.png", size=(120, 160), video_id=1, frame_id=number)
    _, data = converted(crop="person")
    joints = np.array([coco.joints[f"{number}.png"][0] for number in range(3)])
    # One scale and one offset map the joints of all frames, x and y each.
    for axis in (0, 1):
        scale, offset = np.polyfit(joints[..., axis].ravel(), data["labels"][0, ..., axis].ravel(), 1)
        np.testing.assert_allclose(joints[..., axis] * scale + offset, data["labels"][0, ..., axis], atol=1e-4)
        assert 0 < scale < 1


def test_joints_are_inside_their_surroundings():
    random = np.random.default_rng(3)
    for _ in range(200):
        size = random.integers(40, 700, 2)
        points = random.uniform(0, 1, 2) * size, random.uniform(0, 1, 2) * size
        low, high = np.minimum(*points), np.maximum(*points)
        box = surroundings(low, high, *size)
        assert box.width <= 2 * size[0] + 1 and box.height <= 2 * size[1] + 1
        assert abs(box.width / box.height - 4 / 3) < 0.1
        if (high - low).max() * 2.4 < size.min():
            assert (np.array([box.left, box.top]) <= low).all()
            assert (high <= [box.left + box.width, box.top + box.height]).all()


def test_a_box_beyond_the_picture_repeats_its_edge():
    picture = np.random.default_rng(0).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    frame = scaled_box(picture, Box(-2, -3, 10, 12), SequenceShape(1, 12, 10))
    np.testing.assert_array_equal(frame, np.pad(picture, ((3, 4), (2, 2), (0, 0)), mode="edge"))


@pytest.mark.parametrize(
    "change, message",
    [
        (
            lambda content: content.pop("images"),
            "is not a COCO keypoints file (Object missing required field `images`)",
        ),
        (
            lambda content: content["annotations"][0].update(keypoints="x"),
            "is not a COCO keypoints file (Expected `array`",
        ),
        (lambda content: content["annotations"][0].update(keypoints=[1.0] * 10), "has 10 numbers in keypoints"),
        (lambda content: content["annotations"][0].update(keypoints=[1e300] * 24), "at an impossible position"),
        (lambda content: content["annotations"].clear(), "has nobody with all seven joints"),
        (lambda content: content["categories"][0].pop("keypoints"), "has no category with keypoints"),
        (lambda content: content["images"].append(content["images"][0]), "two of its images have the same id"),
        (lambda content: content["images"][0].update(file_name="b.png"), "1 of 1 pictures are missing, the first is"),
        (lambda content: content["images"][0].update(file_name="a\0.png"), "1 of 1 pictures are missing, the first is"),
        (lambda content: content["images"][0].update(file_name="../people.json"), "1 of 1 pictures are missing"),
    ],
)
def test_malformed_files_are_refused(change, message, coco, converted, tmp_path):
    coco.picture("a.png")
    change(coco.content)
    with pytest.raises(UserError) as refused:
        converted()
    assert message in str(refused.value) and "\n" not in str(refused.value)
    assert not (tmp_path / "out.h5").exists()


@pytest.mark.promise("Truncated or damaged input is reported in an error line, never as a traceback")
@pytest.mark.parametrize("text", [b"", b"[]", b'{"images": ', b"\xff\xfe", b"[" * 100_000, b'{"images": [NaN]}'])
def test_other_files_are_refused(text, coco, converted, tmp_path):
    coco.picture("a.png")
    coco.write()
    coco.path.write_bytes(text)
    with pytest.raises(UserError, match="is not a COCO keypoints file"):
        convert_coco(str(coco.path), str(coco.folder), str(tmp_path / "out.h5"), {})


def test_pictures_outside_the_folder_are_refused(coco, converted, tmp_path):
    coco.picture("a.png")
    (tmp_path / "secret.png").write_bytes((coco.folder / "a.png").read_bytes())
    for name in ("../secret.png", str(tmp_path / "secret.png")):
        coco.content["images"][0]["file_name"] = name
        with pytest.raises(UserError, match="out of its folder"):
            converted()


def test_a_damaged_picture_is_refused(coco, converted, tmp_path):
    coco.picture("a.png")
    (coco.folder / "a.png").write_bytes((coco.folder / "a.png").read_bytes()[:500])
    with pytest.raises(UserError, match=r"a\.png"):
        converted()
    assert json.loads(coco.path.read_text()) and not (tmp_path / "out.h5").exists()
