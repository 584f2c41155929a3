import pytest

from support.counted import counted


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 frames"), (1, "1 frame"), (2, "2 frames"), (21, "21 frames"), (-1, "-1 frames")]
)
def test_a_noun_gets_an_s_unless_there_is_one(number, text):
    assert counted(number, "frame") == text
