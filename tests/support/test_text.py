import pytest

from support.text import counted


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 frames"), (1, "1 frame"), (2, "2 frames"), (21, "21 frames"), (-1, "-1 frames")]
)
def test_a_noun_gets_an_s_unless_the_number_is_1(number, text):
    assert counted(number, "frame") == text
