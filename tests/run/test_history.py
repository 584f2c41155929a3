import math

import pytest

from run.history import COLUMNS, append_to_history, read_history, start_history
from support.user_error import UserError


def row(step):
    return {
        "step": step,
        "epoch": step // 10,
        "seconds": step / 8,
        "train_loss": 1 / 3 + step,
        "validation_loss": 1e-7 * step,
        "validation_pixel_error": 12.5,
    }


@pytest.fixture
def path(tmp_path):
    """A history with rows for steps 5, 10 and 25."""
    path = tmp_path / "history.csv"
    start_history(path)
    for step in (5, 10, 25):
        append_to_history(path, row(step))
    return path


def test_a_new_history_has_only_the_header(tmp_path):
    start_history(tmp_path / "history.csv")
    header = "step,epoch,seconds,train_loss,validation_loss,validation_pixel_error"
    assert (tmp_path / "history.csv").read_text().splitlines() == [header]
    assert ",".join(COLUMNS) == header
    assert read_history(tmp_path / "history.csv") == []


def test_rows_read_back_equal_those_written(path):
    rows = read_history(path)
    assert rows == [row(5), row(10), row(25)]
    assert [type(value) for value in rows[0].values()] == [int, int, float, float, float, float]


def test_a_row_is_written_immediately(path):
    append_to_history(path, row(30))
    assert path.read_text().splitlines()[-1] == f"30,3,3.75,{30 + 1 / 3},3e-06,12.5"


@pytest.mark.promise("On --resume, incomplete rows and rows after the checkpoint are removed from history.csv")
@pytest.mark.parametrize("last_step, kept", [(0, []), (4, []), (10, [5, 10]), (24, [5, 10]), (25, [5, 10, 25])])
def test_resuming_keeps_the_rows_up_to_the_checkpoint(last_step, kept, path):
    start_history(path, last_step)
    append_to_history(path, row(30))
    assert read_history(path) == [row(step) for step in [*kept, 30]]
    assert [file.name for file in path.parent.iterdir()] == ["history.csv"]


def test_resuming_without_a_history_starts_one(tmp_path):
    start_history(tmp_path / "history.csv", last_step=10)
    assert read_history(tmp_path / "history.csv") == []


CUTS = ["30", "30,", "30,3,3.75,1.", "30,3,3.75,1.5,2.5,", "30,3,3.75,1.5,2.5,1e", "30,3,3.75,1.5,2.5,1", "30\0\0"]


@pytest.mark.promise("On --resume, incomplete rows and rows after the checkpoint are removed from history.csv")
@pytest.mark.parametrize("cut", CUTS)
def test_a_truncated_last_line_is_ignored(cut, path):
    with open(path, "a") as file:
        file.write(cut)
    assert read_history(path) == [row(5), row(10), row(25)]
    start_history(path, 30)
    append_to_history(path, row(40))
    assert read_history(path) == [row(5), row(10), row(25), row(40)]


@pytest.mark.promise("Truncated or damaged input is reported in an error line, never as a traceback")
@pytest.mark.parametrize("place", ["header", "row"])
def test_an_oversized_field_is_reported_as_damage(place, path):
    text, field = path.read_text(), "1" * 200_000
    path.write_text(f"{field},{text}" if place == "header" else f"{text}{field},3,3.75,1.5,2.5,1\n")
    before = path.read_bytes()
    for read in (read_history, start_history):
        with pytest.raises(UserError, match=r"history.csv is damaged \(field larger than .*start a new run"):
            read(path)
    assert path.read_bytes() == before


@pytest.mark.promise("Truncated or damaged input is reported in an error line, never as a traceback")
@pytest.mark.parametrize("header", ["", "step", "x" * 50, ",".join(COLUMNS[1:]), ",".join(COLUMNS[::-1])])
def test_a_header_with_other_columns_is_reported_as_damage(header, path):
    path.write_text("\n".join([header, *path.read_text().splitlines()[1:], ""]))
    before = path.read_bytes()
    for read in (read_history, start_history):
        with pytest.raises(UserError, match=r"history.csv is damaged \(its first line is not step,.*start a new run"):
            read(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("step", ["1" + "0" * 400, str(2**63), "-1", "1" + "0" * 5000])
def test_a_row_with_an_impossible_step_is_ignored(step, path):
    with open(path, "a") as file:
        file.write(f"{step},3,3.75,1.5,2.5,1\n")
    assert read_history(path) == [row(5), row(10), row(25)]


@pytest.mark.parametrize("loss", ["-1", "1e101", "-inf"])
def test_a_row_with_an_impossible_loss_is_ignored(loss, path):
    with open(path, "a") as file:
        file.write(f"30,3,3.75,{loss},2.5,1\n31,3,3.75,inf,1e77,0\n")
    [kept] = read_history(path)[3:]
    assert (kept["step"], kept["train_loss"], kept["validation_pixel_error"]) == (31, math.inf, 0)


@pytest.mark.promise("A full disk ends a command with one error line, and files that were complete stay complete")
def test_a_full_disk_keeps_earlier_rows(path, limited_file_size):
    size = path.stat().st_size
    with limited_file_size(size + 10), pytest.raises(OSError):
        append_to_history(path, row(30))
    with limited_file_size(size - 10), pytest.raises(OSError):
        start_history(path, 25)
    assert read_history(path) == [row(5), row(10), row(25)]
