import json
import os
import re

import nbclient
import nbformat
import pytest

from tests.conftest import ROOT

NOTEBOOK = ROOT / "notebook.ipynb"


@pytest.fixture(scope="module")
def executed(people, tmp_path_factory):
    """A folder that contains only the project, and the notebook after its cells ran there on six videos."""
    folder = tmp_path_factory.mktemp("notebook")
    packages = [path.parent for path in ROOT.glob("*/__init__.py") if path.parent.name != "tests"]
    for path in (ROOT / "pyproject.toml", *ROOT.glob("*.py"), *packages):
        (folder / path.name).symlink_to(path)
    options = "--epochs 1 --evaluations 2 --no-augment --num-units 8 --validation-sequences 20"
    environment = {**os.environ, "POSE_PICKLE": str(people.path.with_suffix(".pkl")), "POSE_OPTIONS": options}
    # 0 turns pip's build isolation off: everything needed is installed, so nothing is downloaded.
    environment["PIP_NO_BUILD_ISOLATION"] = "0"
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}})
    client.execute(env=environment)
    return folder, notebook


def outputs_of(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def test_the_notebook_installs_converts_trains_and_writes_the_four_files(executed):
    folder, notebook = executed
    printed = "".join(output.text for output in outputs_of(notebook) if output.output_type == "stream")
    assert "wrote data.h5" in printed and "errors on the 22 validation sequences" in printed
    [run] = (folder / "runs").iterdir()
    four_files = ["checkpoint", "my_model.data-00000-of-00001", "my_model.index", "my_model.meta"]
    handed_in = [f"runs/{run.name}/model/{name}" for name in four_files] + [f"runs/{run.name}/report.html"]
    assert printed.endswith("\n".join(handed_in) + "\n")
    assert all((folder / path).stat().st_size > 0 for path in handed_in)


def test_the_notebook_shows_the_plots_and_the_report(executed):
    _, notebook = executed
    shown = [output.data for output in outputs_of(notebook) if output.output_type in ("display_data", "execute_result")]
    assert [("image/png" in data, "text/html" in data) for data in shown] == [(True, False)] * 4 + [(False, True)]
    assert "&lt;!DOCTYPE html&gt;" in shown[-1]["text/html"]


def test_the_notebook_is_stored_without_outputs():
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    nbformat.validate(nbformat.from_dict(notebook))
    for cell in notebook["cells"]:
        assert not cell.get("outputs") and cell.get("execution_count") is None
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert not re.search(r"/home/|/root/|/tmp/", text)
