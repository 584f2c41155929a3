import subprocess
import sys

import h5py
import numpy as np
import pytest

import inspect_h5
from tests.commands.in_process import run_command, run_refused_command
from tests.conftest import ROOT, write_arrays
from tests.report.chromium import CHROMIUM, chromium_page


@pytest.fixture
def run(monkeypatch, capfd):
    return lambda *arguments: run_command(inspect_h5, arguments, monkeypatch, capfd)


@pytest.fixture
def refused(monkeypatch, capfd, tmp_path):
    def run(*arguments):
        output = run_refused_command(inspect_h5, arguments, monkeypatch, capfd, tmp_path)
        assert output.out == "" and output.err.startswith("error: ") and output.err.count("\n") == 1
        return output.err

    return run


@pytest.fixture(scope="module")
def implausible(made_data, tmp_path_factory):
    """A data set with warnings, whose source has the name of an element of HTML."""
    frames, labels = made_data.frames.copy(), made_data.labels.copy()
    frames[3], labels[50, 2] = 0, 10
    sequences, videos = made_data.sequences, made_data.videos
    path = write_arrays(tmp_path_factory.mktemp("implausible") / "data.h5", frames, sequences, labels, videos)
    with h5py.File(path, "r+") as file:
        file.attrs["source_name"] = np.bytes_("<script>alert(1)</script>")
    return path


def test_prints_facts_and_warnings(implausible, run):
    output = run(implausible)
    lines = dict(line.split("  ", 1) for line in output.out.splitlines())
    assert lines["sequences"].strip().startswith("600; ") and lines["split random"].strip()
    assert "warning: 1 frame of a single colour, 1 of them black\n" in output.err
    assert "warning: all joints are in one place in 1 labelled frame\n" in output.err


def test_runs_as_a_program_without_tensorflow(people, tmp_path):
    code = "import sys, inspect_h5; inspect_h5.main(); assert 'tensorflow' not in sys.modules"
    command = [sys.executable, "-c", code, people.path, "--out", tmp_path / "page.html"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(f"wrote {tmp_path / 'page.html'}\n")


def test_the_page_is_never_half_written_and_replaced_only_with_overwrite(people, run, refused, tmp_path):
    page = tmp_path / "page.html"
    page.write_text("mine")
    assert "page.html exists" in refused(people.path, "--out", page)
    run(people.path, "--out", page, "--overwrite")
    assert page.read_text(encoding="utf-8").endswith("</html>")
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_refuses_other_files(people, refused, tmp_path):
    (tmp_path / "data.h5").write_bytes(people.path.read_bytes()[:-1000])
    page = tmp_path / "page.html"
    assert "not a complete HDF5 file" in refused(tmp_path / "data.h5", "--out", page)
    assert "No such file" in refused(tmp_path / "nothing.h5", "--out", page)
    assert "nowhere is not a folder" in refused(people.path, "--out", tmp_path / "nowhere" / "page.html")
    assert "is the source itself" in refused(people.path, "--out", people.path, "--overwrite")


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium, which is not installed")
def test_the_page_in_a_browser(implausible, run, tmp_path):
    run(implausible, "--out", tmp_path / "page.html")
    with chromium_page() as page:
        for width in (1200, 400):
            page.resize(width, 900)
            page.open(tmp_path / "page.html")
            # Nothing is wider than the window, requested or executed.
            assert page.evaluate("document.documentElement.scrollWidth") == width
            methods = {event["method"] for event in page.events}
            assert not {"Runtime.exceptionThrown", "Log.entryAdded", "Page.javascriptDialogOpening"} & methods
            urls = [e["params"]["request"]["url"] for e in page.events if e["method"] == "Network.requestWillBeSent"]
            assert {url.split(":")[0] for url in urls[1:]} <= {"data"}
        sections = ["warnings", "facts", "sheet", "examples", "sequence", "mean", "heat", "splits"]
        assert page.evaluate("[...document.querySelectorAll('section')].map(s => s.id)") == sections
        assert "<script>alert(1)</script>" in page.evaluate("document.querySelector('#facts').innerText")
        assert page.evaluate("document.querySelectorAll('#sheet figure').length") == 48
        assert page.evaluate("document.querySelectorAll('#heat img').length") == 7
        assert page.evaluate("[...document.images].every(image => image.naturalWidth === 64)")
        # One frame of the sequence is visible at a time, until the animation is paused.
        running = "document.querySelector('.film').getAnimations({subtree: true}).map(a => a.playState)"
        assert set(page.evaluate(running)) == {"running"}
        page.evaluate("document.querySelector('#sequence input').click()")
        assert set(page.evaluate(running)) == {"paused"}
