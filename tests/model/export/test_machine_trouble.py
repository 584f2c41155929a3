"""What the machine lacks is an error of its own, and no breach of the model."""

import errno
import os

import pytest

from model.export import contract, saved_model
from model.export.contract import examined_model
from model.export.machine_trouble import error_of_the_machine
from pipeline.tensorflow_v1 import tf
from support.user_error import MachineError, MemoryLimitError
from tests.model.export.foreign_model import foreign_network, save_foreign_model


def examine(folder):
    with examined_model(str(folder)) as model:
        return model


def save_unrun(folder, change_positions):
    """The foreign model, whose graph has what `change_positions` adds to it, although no session has run that."""
    save_foreign_model(folder, foreign_network)
    with tf.Graph().as_default():
        foreign_network(change_positions=change_positions)
        tf.train.Saver().export_meta_graph(str(folder / "my_model.meta"))
    return folder


def lstm_of_cudnn(element_type):
    def lstm(positions):
        values, state = tf.cast(tf.reshape(positions, [-1, 1, 14]), element_type), tf.zeros([1, 1, 14], element_type)
        params = tf.zeros([4 * (14 * 14 * 2 + 2 * 14)], element_type)
        output = tf.raw_ops.CudnnRNN(input=values, input_h=state, input_c=state, params=params, name="recurrent").output
        return tf.cast(tf.reshape(output, [-1, 10, 7, 2]), tf.float32)

    return lstm


@pytest.mark.parametrize("element_type", ["float32", "float16"])
@pytest.mark.parametrize("wrap", [lambda lstm: lstm, lambda lstm: tf.function(lstm, autograph=False)])
def test_a_model_that_needs_a_gpu(element_type, wrap, tmp_path):
    with pytest.raises(MachineError) as raised:
        examine(save_unrun(tmp_path / "model", wrap(lstm_of_cudnn(element_type))))
    assert str(raised.value) == (
        "the model needs a GPU: TensorFlow computes CudnnRNN (node recurrent) only on one; "
        "grade it on a machine with a GPU"
    )


NO_KERNEL = """No OpKernel was registered to support Op 'Shrink' used by {{{{node b}}}} with these attrs: [T=DT_HALF]
Registered devices: [CPU]
Registered kernels:
  device='CPU'; T in [DT_FLOAT]
  device='{device}'; T in [{type}]

\t [[b]]"""


@pytest.mark.parametrize(
    "device, element_type, needs_gpu",
    [("GPU", "DT_HALF", True), ("GPU", "DT_DOUBLE", False), ("TPU", "DT_HALF", False)],
)
def test_a_gpu_is_needed_if_it_has_a_kernel_for_the_type(device, element_type, needs_gpu):
    error = tf.errors.InvalidArgumentError(None, None, NO_KERNEL.format(device=device, type=element_type))
    assert isinstance(error_of_the_machine(error), MachineError) == needs_gpu


def test_an_op_without_a_kernel_on_any_device_is_the_models_fault(tmp_path):
    def limited(positions):
        with tf.control_dependencies(
            tf.raw_ops.QuantizedReluX(features=tf.zeros([1], tf.quint8), max_value=1, min_features=0, max_features=1)
        ):
            return tf.identity(positions)

    [breach] = examine(save_unrun(tmp_path / "model", limited)).breaches
    assert "No OpKernel was registered to support Op 'QuantizedReluX'" in breach


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ENOMEM, errno.EROFS])
@pytest.mark.parametrize("where", ["read_meta_graph", "find_model", "restored_session"])
def test_an_error_of_the_system_is_no_breach(number, where, folder, monkeypatch):
    def fail(*arguments):
        raise OSError(number, os.strerror(number), "a file")

    monkeypatch.setattr(contract, where, fail)
    with pytest.raises(MachineError, match=f"^a file: {os.strerror(number)}; "):
        examine(folder)


def test_a_full_temporary_folder_is_no_breach(folder, monkeypatch):
    def fail():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/tmp/x")

    renamed = folder.rename(folder.parent / "[model]")
    monkeypatch.setattr(saved_model.tempfile, "TemporaryDirectory", fail)
    with pytest.raises(MachineError, match="^/tmp/x: No space left on device; "):
        examine(renamed)


def test_a_name_that_is_too_long_is_a_breach(folder, monkeypatch):
    def fail(*arguments):
        raise OSError(errno.ENAMETOOLONG, "File name too long")

    monkeypatch.setattr(contract, "read_meta_graph", fail)
    [breach] = examine(folder).breaches
    assert "my_model.meta cannot be examined: [Errno" in breach and "File name too long" in breach


def test_missing_file_descriptors_while_weights_are_restored_are_no_breach(folder):
    resource = pytest.importorskip("resource")
    graph = saved_model.import_graph(str(folder / "my_model.meta"))
    with tf.Session(graph=graph) as session:
        session.run(tf.constant(0))
        earlier = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, earlier[1]))
        try:
            with pytest.raises(MachineError, match="^the model cannot be read: Too many open files$"):
                saved_model.restore_weights(str(folder / "my_model"), graph, session)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, earlier)


def test_onednn_without_memory_is_told_from_a_model_that_fails():
    for status, expected in ((1, MemoryLimitError), (3, type(None))):
        text = f"Operation received an exception:Status: {status}, message: could not create a primitive"
        assert type(error_of_the_machine(tf.errors.AbortedError(None, None, text))) is expected


@pytest.mark.parametrize("error", [MemoryError(), MemoryLimitError("the model runs out of memory")])
@pytest.mark.parametrize("where", ["read_meta_graph", "imported_graph", "probe"])
def test_missing_memory_is_no_breach(error, where, folder, monkeypatch):
    def fail(*arguments):
        raise error

    monkeypatch.setattr(contract, where, fail)
    with pytest.raises(type(error)):
        examine(folder)


@pytest.mark.parametrize("function", ["import_meta_graph", "Session"])
def test_missing_memory_in_tensorflow_is_no_breach(function, folder, monkeypatch):
    def fail(*arguments, **options):
        raise MemoryError

    monkeypatch.setattr(tf.train if function == "import_meta_graph" else tf, function, fail)
    with pytest.raises((MemoryError, MemoryLimitError)):
        examine(folder)


def test_a_model_cannot_claim_that_the_disk_is_full(tmp_path):
    def claim(positions):
        with tf.control_dependencies([tf.Assert(tf.constant(False), ["a file; No space left on device"])]):
            return tf.identity(positions)

    [breach] = examine(save_foreign_model(tmp_path / "model", lambda: foreign_network(change_positions=claim))).breaches
    assert "joint_pos cannot be computed" in breach
