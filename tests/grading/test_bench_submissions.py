import os
import zipfile

import pytest

from bench import submissions
from bench.student_models.catalogue import CATALOGUE
from bench.student_models.names import name_of_submission
from bench.submissions import write_submissions
from grading.stored_grade import VERDICTS

FOUR_FILES = ["checkpoint", "my_model.data-00000-of-00001", "my_model.index", "my_model.meta"]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The path of each of three submissions, by its kind."""
    folder = tmp_path_factory.mktemp("submissions")
    written = {one.kind: folder / one.name for one in write_submissions(folder, ["zip", "linux-path", "empty"])}
    assert sorted(folder.iterdir()) == sorted(written.values())
    return written


def test_a_zip_has_the_four_files(written):
    assert written["zip"].suffix == ".zip"
    with zipfile.ZipFile(written["zip"]) as archive:
        assert archive.testzip() is None
        assert sorted(archive.namelist()) == FOUR_FILES


def test_a_folder_has_the_four_files(written):
    assert written["linux-path"].name.endswith("_assignsubmission_file")
    assert sorted(file.name for file in written["linux-path"].iterdir()) == FOUR_FILES
    assert '"/home/ada/my_model"' in (written["linux-path"] / "checkpoint").read_text()


def test_an_empty_submission_has_no_files(written):
    assert list(written["empty"].iterdir()) == []


def test_a_kind_always_has_the_same_weights(written, tmp_path):
    [again] = write_submissions(tmp_path, ["linux-path"])
    data = FOUR_FILES[1]
    assert (tmp_path / again.name / data).read_bytes() == (written["linux-path"] / data).read_bytes()


def test_each_kind_has_a_description_and_a_unique_name():
    names = {name_of_submission(one.form, place) for place, one in enumerate(CATALOGUE.values())}
    assert len(names) == len(CATALOGUE) >= 40
    for kind, submission in CATALOGUE.items():
        assert submission.verdict in VERDICTS, kind
        assert submission.reads, kind


def test_the_table_is_written_beside_the_folder_and_printed(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(submissions, "CATALOGUE", {kind: CATALOGUE[kind] for kind in ("empty", "rar")})
    monkeypatch.setattr("sys.argv", ["submissions", f"{tmp_path / 'made'}/"])
    submissions.main()
    assert sorted(os.listdir(tmp_path)) == ["made", "made.tsv"]
    table = (tmp_path / "made.tsv").read_text(encoding="utf-8")
    assert table == capsys.readouterr().out
    rows = [line.split("\t") for line in table.splitlines()]
    assert [row[1:] for row in rows] == [
        [kind, CATALOGUE[kind].verdict, CATALOGUE[kind].reads] for kind in ("empty", "rar")
    ]
    assert sorted(row[0] for row in rows) == sorted(os.listdir(tmp_path / "made"))


@pytest.mark.parametrize("name", ["made", "made.tsv"])
def test_nothing_is_overwritten(name, tmp_path, monkeypatch, capsys):
    (tmp_path / name).touch()
    monkeypatch.setattr("sys.argv", ["submissions", str(tmp_path / "made")])
    with pytest.raises(SystemExit):
        submissions.main()
    assert f"{name} exists" in capsys.readouterr().err
    assert os.listdir(tmp_path) == [name]
