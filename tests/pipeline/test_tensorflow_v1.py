import importlib

import pytest

from pipeline import tensorflow_v1
from support.deferred_module import DeferredModule


@pytest.mark.parametrize(
    "message, raised",
    [
        ("libtensorflow_cc.so.2: failed to map segment from shared object", MemoryError),
        ("libtensorflow_cc.so.2: failed to map segment from shared object: Operation not permitted", ImportError),
    ],
)
def test_a_library_that_memory_has_no_room_for_is_a_memory_error(message, raised, monkeypatch, capfd):
    def fail(name):
        raise ImportError(message)

    monkeypatch.setattr(importlib, "import_module", fail)
    tensorflow = DeferredModule("tensorflow.compat.v1", tensorflow_v1._import_tensorflow)
    with pytest.raises(raised):
        print(tensorflow.Graph)
