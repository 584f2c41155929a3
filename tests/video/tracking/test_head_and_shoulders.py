import numpy as np
import pytest

from pipeline.joints import JOINT_NAMES
from video.tracking.head_and_shoulders import ends_below_shoulders, head_and_shoulders
from video.tracking.upper_body import UpperBody

PERSON = UpperBody(88, 105, 90)


@pytest.mark.parametrize("height, expected", [(144, True), (190, True), (200, False)])
def test_which_pictures_end_below_the_shoulders(height, expected):
    assert ends_below_shoulders(PERSON, height) == expected


def test_the_arms_are_nowhere():
    joints = dict(zip(JOINT_NAMES, head_and_shoulders(PERSON), strict=True))
    assert joints["head"][0] == 88 and joints["head"][1] < 105
    # The person's own right is to the left of the picture.
    assert joints["right shoulder"].tolist() == [43, 105] and joints["left shoulder"].tolist() == [133, 105]
    arms = [joints[f"{side} {joint}"] for side in ("left", "right") for joint in ("elbow", "wrist")]
    assert np.isnan(arms).all()
