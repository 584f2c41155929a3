import numpy as np
import pytest

from model.training.checkpoint import newest_checkpoint
from model.training.checkpoint_index import is_sound_index
from support.user_error import UserError
from tests.model.checkpoint_writer import LARGE_LIES, LIES, write_checkpoint

VALUES = {
    "global_step": np.array(3),
    "training_seconds": np.array(1.5),
    "weights": np.arange(12, dtype=np.float32).reshape(3, 4),
}
OF_HEADER_OR_DATA = ["2^31 - 1 files of data", "no file of data", "-1 files of data", "another checksum"]


def test_what_is_true_is_sound(tmp_path):
    write_checkpoint(tmp_path / "training-3", VALUES)
    assert is_sound_index(str(tmp_path / "training-3"))
    checkpoint = newest_checkpoint(str(tmp_path))
    assert (checkpoint.step, checkpoint.damaged) == (3, [])


@pytest.mark.promise("A checkpoint whose index lies is noticed, its checksums right or not, and takes no memory")
@pytest.mark.parametrize("lie", {**LIES, **LARGE_LIES})
def test_a_lie_gives_way_to_the_checkpoint_before_it(lie, tmp_path):
    write_checkpoint(tmp_path / "training-5", VALUES, **{**LIES, **LARGE_LIES}[lie])
    assert is_sound_index(str(tmp_path / "training-5")) == (lie in OF_HEADER_OR_DATA)
    with pytest.raises(UserError, match="holds no whole checkpoint to go on from"):
        newest_checkpoint(str(tmp_path))
    write_checkpoint(tmp_path / "training-3", VALUES)
    checkpoint = newest_checkpoint(str(tmp_path))
    assert (checkpoint.step, checkpoint.damaged) == (3, ["training-5"])


def test_an_index_of_any_bytes_is_not_sound(tmp_path):
    write_checkpoint(tmp_path / "training-5", VALUES)
    index, random = tmp_path / "training-5.index", np.random.default_rng(0)
    whole = index.read_bytes()
    for length in range(0, len(whole), 7):
        index.write_bytes(whole[:length])
        assert not is_sound_index(str(tmp_path / "training-5"))
    for _ in range(200):
        index.write_bytes(random.bytes(200))
        assert not is_sound_index(str(tmp_path / "training-5"))
