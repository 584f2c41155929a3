import importlib.util

import pytest

from tests.conftest import ROOT

specification = importlib.util.spec_from_file_location("make_trust_table", ROOT / "docs" / "make_trust_table.py")
make_trust_table = importlib.util.module_from_spec(specification)
specification.loader.exec_module(make_trust_table)

MARKED = """
import pytest

@pytest.mark.promise("It lasts")
@pytest.mark.parametrize("a", [1, 2])
def test_a_thing_lasts(a):
    pass

def test_something_else():
    pass

@pytest.mark.promise("It ends")
@pytest.mark.promise("It lasts")
def test_b():
    pass
"""


def test_the_document_has_the_table_of_the_tests():
    text = (ROOT / "docs" / "TRUST.md").read_text(encoding="utf-8")
    made = make_trust_table.with_table(text, make_trust_table.promises(ROOT / "tests"))
    if text != made:
        pytest.fail("docs/TRUST.md is out of date; run python docs/make_trust_table.py")


def test_promises_are_those_of_the_marks(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "test_c.py").write_text(MARKED)
    (tmp_path / "one" / "other.py").write_text(MARKED)
    lasting = [("one/test_c.py", "test_a_thing_lasts"), ("one/test_c.py", "test_b")]
    assert make_trust_table.promises(tmp_path) == {"It ends": lasting[1:], "It lasts": lasting}


def test_a_table_takes_the_place_of_the_one_before():
    text = f"before\n{make_trust_table.BEGINNING}yesterday's\n{make_trust_table.END}after\n"
    made = make_trust_table.with_table(text, {"It lasts": [("a/test_c.py", "test_d_e")]})
    assert "| It lasts | [d e](../tests/a/test_c.py) |\n" in made and "yesterday" not in made
    assert made.startswith("before\n") and made.endswith("after\n")
    assert make_trust_table.with_table(made, {"It lasts": [("a/test_c.py", "test_d_e")]}) == made
