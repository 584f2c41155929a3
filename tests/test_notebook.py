import json
import os
import re
import zipfile

import nbclient
import nbformat
import pytest

from tests.conftest import ROOT

NOTEBOOK = ROOT / "notebook.ipynb"
FOUR_FILES = ["checkpoint", "my_model.data-00000-of-00001", "my_model.index", "my_model.meta"]
OPTIONS = "--epochs 1 --evaluations 2 --no-augment --num-units 8 --validation-sequences 20"

# Stands for the module google.colab, which Colab imports before the first cell. Mounting makes the Drive's file appear.
MADE_COLAB = """
import os
import shutil
import sys
import types

colab = types.ModuleType("google.colab")
colab.drive = types.SimpleNamespace(
    mount=lambda path: (print("mounted", path), shutil.copy(os.environ["MADE_SOURCE"], os.environ["POSE_PICKLE"]))
)
colab.files = types.SimpleNamespace(download=lambda path: print("downloaded", path))
sys.modules["google.colab"] = colab
"""


def execute(folder, pickle, **variables):
    """Runs the cells in the folder, with the given environment variables; returns the notebook with its outputs."""
    environment = {**os.environ, "POSE_PICKLE": str(pickle), "POSE_OPTIONS": OPTIONS, **variables}
    # 0 turns pip's build isolation off: everything needed is installed, so nothing is downloaded.
    environment["PIP_NO_BUILD_ISOLATION"] = "0"
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}})
    client.execute(env=environment)
    return notebook


@pytest.fixture(scope="module")
def executed(people, tmp_path_factory):
    """A folder with nothing but the project, and the notebook after its cells ran there as on Colab, on six videos."""
    folder = tmp_path_factory.mktemp("notebook")
    packages = [path.parent for path in ROOT.glob("*/__init__.py") if path.parent.name != "tests"]
    for path in (ROOT / "pyproject.toml", *ROOT.glob("*.py"), *packages):
        (folder / path.name).symlink_to(path)
    startup = tmp_path_factory.mktemp("ipython") / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "made_colab.py").write_text(MADE_COLAB)
    drive = tmp_path_factory.mktemp("content") / "drive" / "My Drive"
    drive.mkdir(parents=True)
    variables = {"IPYTHONDIR": str(startup.parent.parent), "MADE_SOURCE": str(people.path.with_suffix(".pkl"))}
    return folder, execute(folder, drive / "people.pkl", **variables)


def outputs_of(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def printed_by(notebook):
    return "".join(output.text for output in outputs_of(notebook) if output.output_type == "stream")


def test_the_notebook_mounts_installs_converts_trains_and_packs(executed):
    folder, notebook = executed
    printed = printed_by(notebook)
    [run] = (folder / "runs").iterdir()
    steps = ["mounted /content/drive\n", "wrote data.h5", "final average pixel error: ", "submission.zip: "]
    places = [printed.index(step) for step in steps]
    assert places == sorted(places) and "errors on the 22 validation sequences" in printed
    assert printed.endswith(f"downloaded runs/{run.name}/submission.zip\n")
    with zipfile.ZipFile(run / "submission.zip") as archive:
        assert {*FOUR_FILES, "report.html", "code/train.py"} <= set(archive.namelist())


def test_the_notebook_shows_the_report_and_the_plots(executed):
    _, notebook = executed
    shown = [output.data for output in outputs_of(notebook) if output.output_type in ("display_data", "execute_result")]
    assert [("image/png" in data, "text/html" in data) for data in shown] == [(False, True)] + [(True, False)] * 4
    assert "&lt;!DOCTYPE html&gt;" in shown[0]["text/html"]


def test_a_wrong_path_stops_with_one_line(tmp_path):
    pickle = tmp_path / "MyDrive" / "youtube_train_data.pkl"
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    notebook.cells = notebook.cells[: next(n for n, cell in enumerate(notebook.cells) if "## Install" in cell.source)]
    client = nbclient.NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(tmp_path)}})
    with pytest.raises(nbclient.exceptions.CellExecutionError):
        client.execute(env={**os.environ, "POSE_PICKLE": str(pickle)})
    [output] = outputs_of(notebook)
    assert output.traceback == [
        f"error: {pickle} does not exist; set PICKLE in the first cell to the path of the course's file"
    ]
    assert os.listdir(tmp_path) == []


def test_its_settings_are_those_of_make_hand_in():
    makefile = (ROOT / "Makefile").read_text()
    epochs = re.search(r"^HAND_IN_EPOCHS \?= (\d+)$", makefile, re.MULTILINE)[1]
    [command] = re.findall(r"train\.py --data .*?\.h5\" (.*?) --out runs/hand-in", makefile, re.DOTALL)
    options = " ".join(command.replace("\\\n", " ").replace("$(HAND_IN_EPOCHS)", epochs).split())
    assert f'OPTIONS = "{options}"' in "".join(json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"][1]["source"])


def test_the_notebook_is_stored_without_outputs():
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    nbformat.validate(nbformat.from_dict(notebook))
    for cell in notebook["cells"]:
        assert not cell.get("outputs") and cell.get("execution_count") is None
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert not re.search(r"/home/|/root/|/tmp/", text)
