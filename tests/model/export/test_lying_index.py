"""Weights with a false index whose checksums are valid: each gives one message."""

import sys

import pytest

from model.export.contract import examined_model
from model.sandboxed.sandboxed_model import sandboxed_model
from pipeline.tensorflow_v1 import tf
from support.sandbox.limits import Limits
from support.user_error import MemoryLimitError
from tests.model.checkpoint_writer import LARGE_LIES, LIES, write_checkpoint
from tests.model.export.foreign_model import foreign_network, save_foreign_model


@pytest.fixture
def folder(tmp_path):
    return save_foreign_model(tmp_path / "model", foreign_network)


def write_weights(folder, **lie):
    """Rewrites the weights of the model in the folder."""
    values = tf.train.load_checkpoint(str(folder / "my_model"))
    weights = {name: values.get_tensor(name) for name in values.get_variable_to_shape_map()}
    write_checkpoint(folder / "my_model", weights, **lie)


def test_true_weights_are_restored(folder):
    write_weights(folder)
    with examined_model(str(folder)) as model:
        assert model.breaches == [] and model.predictor is not None


@pytest.mark.promise("A model that cannot be loaded is rejected with a message of one line")
@pytest.mark.promise("A saved model can read only the files in its own folder")
@pytest.mark.parametrize("lie", LIES)
def test_a_false_index_is_one_message(lie, folder):
    """A missing data file is reported by its path, which is in the folder."""
    write_weights(folder, **LIES[lie])
    with examined_model(str(folder)) as model:
        [line] = model.breaches
        assert model.predictor is None
        assert line.startswith(f"{folder}/my_model: the weights cannot be restored: ") and "\n" not in line
        assert (f"restored: {folder}/my_model.data-" in line) == ("file" in lie or "2^63 - 1" in lie)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux enforces a memory limit")
@pytest.mark.promise("A saved model uses no more memory than --memory-limit allows (Linux)")
def test_a_shape_over_the_memory_limit_is_one_message(folder):
    write_weights(folder, **LARGE_LIES["a shape of 4 terabytes"])
    with (
        pytest.raises(MemoryLimitError, match="runs out of memory: OOM when allocating.*1048576"),
        sandboxed_model(str(folder), limits=Limits(megabytes=2000)),
    ):
        pass
