import numpy as np
import pytest
from matplotlib.colors import to_rgb

from pipeline.joints import JOINT_NAMES, LIMBS
from video.crop import Crop
from video.limbs import BETWEEN, LEFT, RIGHT, draw_crop, draw_limbs

# The person's own right is to the left of the picture, as in the labels.
POSE = np.array([[32, 12], [14, 44], [50, 40], [12, 32], [52, 30], [24, 20], [40, 20]], np.float32)
COLOURS = {"head": BETWEEN, "right": RIGHT, "left": LEFT}
LIMB_COLOURS = (RIGHT, RIGHT, BETWEEN, LEFT, LEFT, BETWEEN, BETWEEN)


def rgb(colour):
    return np.rint(np.array(to_rgb(colour)) * 255).astype(int)


def pixel_at(picture, position):
    return picture[int(position[1]), int(position[0])].tolist()


@pytest.mark.parametrize("scale", [1, 3, 20])
@pytest.mark.parametrize("brightness", [0, 128, 255])
def test_joints_and_limbs_have_the_colours_of_their_sides(scale, brightness):
    picture = np.full((64 * scale, 64 * scale, 3), brightness, np.uint8)
    drawn = draw_limbs(picture, POSE * scale)
    assert (drawn.dtype, drawn.shape) == (np.uint8, picture.shape) and (picture == brightness).all()
    for name, position in zip(JOINT_NAMES, POSE, strict=True):
        assert pixel_at(drawn, position * scale) == rgb(COLOURS[name.split()[0]]).tolist()
    for limb, colour in zip(LIMBS, LIMB_COLOURS, strict=True):
        first, second = (POSE[JOINT_NAMES.index(joint)] for joint in limb)
        assert pixel_at(drawn, (first + 0.5 * (second - first)) * scale) == rgb(colour).tolist()


def test_line_width_grows_with_the_picture_and_lines_have_outlines():
    for scale in (2, 10):
        drawn = draw_limbs(np.full((64 * scale, 64 * scale, 3), 255, np.uint8), POSE * scale)
        column = drawn[:, 32 * scale].astype(int)
        between_shoulders = np.flatnonzero((column == rgb(BETWEEN)).all(axis=-1))
        between_shoulders = between_shoulders[between_shoulders > 17 * scale]
        assert len(between_shoulders) == pytest.approx(64 * scale / 90, abs=1.5)
        assert (column[between_shoulders[0] - 1] == 0).all() and (column[between_shoulders[-1] + 1] == 0).all()


def test_a_dot_is_centered_on_its_joint():
    drawn = draw_limbs(np.full((9, 9, 3), 255, np.uint8), np.full((7, 2), 4.5, np.float32))
    np.testing.assert_array_equal(drawn, drawn[::-1])
    np.testing.assert_array_equal(drawn, drawn[:, ::-1])
    assert (drawn[4, 4] != 255).any() and (drawn[0] == 255).all()


@pytest.mark.parametrize("offset", [1000, -1000, 1e30])
def test_joints_far_outside_are_not_drawn(offset):
    picture = np.full((64, 64, 3), 90, np.uint8)
    np.testing.assert_array_equal(draw_limbs(picture, POSE + np.float32(offset)), picture)


def test_a_limb_that_leaves_the_picture_reaches_its_edge():
    pose = POSE.copy()
    pose[JOINT_NAMES.index("right wrist")] = (-500, 32)
    drawn = draw_limbs(np.full((64, 64, 3), 90, np.uint8), pose)
    assert pixel_at(drawn, (0, 32)) == rgb(RIGHT).tolist()


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 300, 3)])
def test_tiny_pictures_are_drawn_on(shape):
    assert draw_limbs(np.zeros(shape, np.uint8), POSE).shape == shape


def test_pictures_need_not_be_contiguous():
    picture = np.random.default_rng(0).integers(0, 256, (40, 64, 3), dtype=np.uint8)
    turned = np.rot90(picture)
    np.testing.assert_array_equal(draw_limbs(turned, POSE), draw_limbs(turned.copy(), POSE))


def coloured(picture, colour):
    """The number of pixels of this colour."""
    return np.count_nonzero((picture.astype(int) == rgb(colour)).all(axis=-1))


def test_limbs_to_joints_of_low_confidence_are_dotted():
    picture = np.full((640, 640, 3), 90, np.uint8)
    is_confident = np.array([joint != "right elbow" for joint in JOINT_NAMES])
    solid, dotted = (draw_limbs(picture, POSE * 10, values) for values in (None, is_confident))
    assert 0.1 < coloured(dotted, RIGHT) / coloured(solid, RIGHT) < 0.7
    assert coloured(dotted, LEFT) == coloured(solid, LEFT) and coloured(dotted, BETWEEN) == coloured(solid, BETWEEN)


def test_joints_that_are_nan_are_not_drawn():
    picture = np.full((640, 640, 3), 90, np.uint8)
    pose = POSE * 10
    pose[JOINT_NAMES.index("right wrist")] = np.nan
    whole, partly = draw_limbs(picture, POSE * 10), draw_limbs(picture, pose)
    assert 0 < coloured(partly, RIGHT) < 0.8 * coloured(whole, RIGHT)
    np.testing.assert_array_equal(draw_limbs(picture, np.full((7, 2), np.nan)), picture)


@pytest.mark.parametrize("crop", [(40, 20, 100, 60), (-50, 20, 100, 60), (-50, -50, 500, 500)])
def test_the_edges_of_the_crop_are_drawn_inside_it(crop):
    picture = np.full((128, 192, 3), 90, np.uint8)
    x, y, width, height = crop
    changed = (draw_crop(picture, Crop(*crop)) != picture).any(axis=-1)
    assert not changed[: max(0, y)].any() and not changed[:, : max(0, x)].any()
    assert not changed[max(0, y + height) :].any() and not changed[:, max(0, x + width) :].any()
    assert not changed[max(0, y + 12) : y + height - 12, max(0, x + 12) : x + width - 12].any()
    assert changed.any() == (crop != (-50, -50, 500, 500))
