"""Weights whose index says what no program writes, with right checksums: each is a line."""

import sys

import pytest

from model.export.contract import examined_model
from model.sandboxed.sandboxed_model import walled_model
from pipeline.tensorflow_v1 import tf
from support.sandbox.limits import Limits
from tests.model.checkpoint_writer import LARGE_LIES, LIES, write_checkpoint
from tests.model.export.foreign_model import foreign_network, save_foreign_model


@pytest.fixture
def folder(tmp_path):
    return save_foreign_model(tmp_path / "model", foreign_network)


def write_weights(folder, **lie):
    """Writes the weights of the model in the folder anew."""
    values = tf.train.load_checkpoint(str(folder / "my_model"))
    weights = {name: values.get_tensor(name) for name in values.get_variable_to_shape_map()}
    write_checkpoint(folder / "my_model", weights, **lie)


def test_true_weights_are_restored(folder):
    write_weights(folder)
    with examined_model(str(folder)) as model:
        assert model.breaches == [] and model.predictor is not None


@pytest.mark.promise("A model that cannot be loaded is refused in one line")
@pytest.mark.promise("A saved model reads no file but those of its folder")
@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_a_line(lie, folder):
    """A file of data that is not there is named, and lies in the folder."""
    write_weights(folder, **LIES[lie])
    with examined_model(str(folder)) as model:
        [line] = model.breaches
        assert model.predictor is None
        assert line.startswith(f"{folder}/my_model: the weights cannot be restored: ") and "\n" not in line
        assert (f"restored: {folder}/my_model.data-" in line) == ("file" in lie or "2^63 - 1" in lie)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to a limit of memory")
@pytest.mark.promise("A saved model takes no more memory than it is allowed")
def test_a_shape_of_more_than_the_memory_is_a_line(folder):
    write_weights(folder, **LARGE_LIES["a shape of 4 terabytes"])
    with walled_model(str(folder), limits=Limits(megabytes=2000)) as model:
        [line] = model.breaches
        assert model.predictor is None and "OOM when allocating" in line
        peak = model.process.peak_megabytes()
        assert peak is None or peak < 1000
