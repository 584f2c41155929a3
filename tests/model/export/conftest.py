import shutil

import pytest

from tests.model.export.foreign_model import foreign_network, save_foreign_model


@pytest.fixture(scope="module")
def fine_model(tmp_path_factory):
    return save_foreign_model(tmp_path_factory.mktemp("foreign") / "model", foreign_network)


@pytest.fixture
def folder(fine_model, tmp_path):
    """A copy of the valid model."""
    return shutil.copytree(fine_model, tmp_path / "model")
