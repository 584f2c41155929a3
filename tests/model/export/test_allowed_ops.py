from collections import Counter

import numpy as np
import pytest

from model.export.allowed_ops import ALLOWED_OPS
from model.export.contract import examined_model
from model.export.refused_ops import REFUSED_OPS, refusal_reason
from pipeline.tensorflow_v1 import tf
from tests.model.export.foreign_model import foreign_network, save_foreign_model
from tests.model.export.tensorflow_1_15_registry import registry


def decisions():
    """Each name on either list, as often as it is on it."""
    return [*ALLOWED_OPS, *(name for names in REFUSED_OPS.values() for name in names)]


@pytest.mark.promise("No graph is run that holds more than the ops of a network, but with --trust")
def test_each_op_of_tensorflow_1_15_is_decided_on_once():
    count = Counter(decisions())
    assert len(registry()["ops"]) > 1300
    assert [name for name in registry()["ops"] if count[name] != 1] == []


def test_no_name_is_decided_on_twice():
    assert [name for name, times in Counter(decisions()).items() if times > 1] == []


def test_each_name_that_is_decided_on_is_an_op():
    unknown = {name for name in decisions() if name not in registry()["ops"] and not hasattr(tf.raw_ops, name)}
    assert unknown == set()


@pytest.mark.promise("No graph is run that holds more than the ops of a network, but with --trust")
def test_a_name_that_only_resembles_a_refused_op_is_not_decided_on():
    for name in ("ReadFiles", "MyDataset", "SwishGrad", "XlaOfALaterTensorFlow", "readfile", ""):
        assert refusal_reason(name) is None and name not in ALLOWED_OPS


@pytest.mark.parametrize(
    "op, reason",
    [
        ("ReadFile", "it reads or writes files"),
        ("Skipgram", "it reads or writes files"),
        ("PyFunc", "it runs Python or another program"),
        ("Print", "it writes to the terminal, to logs or to a debugger"),
        ("RemoteCall", "it speaks to other machines or waits for them"),
        ("QueueDequeueV2", "it waits for something else"),
        ("IteratorGetNext", "it is an input or a data set"),
        ("ReluGrad", "it only serves training"),
        ("DecodeJpeg", "it decodes or encodes files or messages"),
        ("LoadTPUEmbeddingADAMParametersGradAccumDebug", "it needs a TPU or XLA"),
        ("XlaLaunch", "it needs a TPU or XLA"),
        ("BoostedTreesMakeStatsSummary", "it only serves training"),
        ("InitializeTableFromTextFileV2", "it reads or writes files"),
        ("DatasetToTFRecord", "it reads or writes files"),
        ("StatsAggregatorSummary", "it is an input or a data set"),
        ("ImportEvent", "it writes to the terminal, to logs or to a debugger"),
        ("ShardedFilename", "it works on text"),
        ("Empty", "it shows what its memory held before"),
        ("ShuffleDatasetV3", "it is an input or a data set"),
        ("OfALaterTensorFlow", None),
        ("Conv2D", None),
    ],
)
def test_why_an_op_is_refused(op, reason):
    assert refusal_reason(op) == reason


def sparse(positions):
    return tf.SparseTensor([[0, 0], [1, 2]], [1.0, 2.0], [3, 14])


COMPUTING = {
    "AccumulateNV2": lambda positions: tf.raw_ops.AccumulateNV2(inputs=[positions[:1] * 0], shape=[1, 10, 7, 2]),
    "SparseTensorDenseMatMul": lambda positions: tf.sparse.sparse_dense_matmul(
        sparse(positions), tf.reshape(positions, [-1, 14])[:10], adjoint_b=True
    ),
    "SparseToDense": lambda positions: tf.raw_ops.SparseToDense(
        sparse_indices=[1, 3], output_shape=[5], sparse_values=[1.0, 2.0], default_value=positions[0, 0, 0, 0]
    ),
    "ExtractVolumePatches": lambda positions: tf.raw_ops.ExtractVolumePatches(
        input=positions[..., tf.newaxis], ksizes=[1, 2, 2, 2, 1], strides=[1, 2, 2, 2, 1], padding="VALID"
    ),
    "UpperBound": lambda positions: tf.raw_ops.UpperBound(sorted_inputs=[[1.0, 2.0]], values=positions[0, 0, :1]),
    "LowerBound": lambda positions: tf.raw_ops.LowerBound(sorted_inputs=[[1.0, 2.0]], values=positions[0, 0, :1]),
    "NonMaxSuppressionV3": lambda positions: tf.raw_ops.NonMaxSuppressionV3(
        boxes=tf.reshape(positions[0, 0, :6], [3, 4]),
        scores=[0.1, 0.2, 0.3],
        max_output_size=2,
        iou_threshold=0.5,
        score_threshold=0.0,
    ),
    "CumulativeLogsumexp": lambda positions: tf.raw_ops.CumulativeLogsumexp(x=positions, axis=1),
    "Lu": lambda positions: tf.linalg.lu(positions[0, 0, :2] + tf.eye(2) * 100)[0],
    "DeepCopy": lambda positions: tf.raw_ops.DeepCopy(x=positions),
}


@pytest.mark.parametrize("op", COMPUTING)
def test_an_op_that_only_computes_is_run(op, people, tmp_path):
    def add_nothing(positions):
        return positions + 0 * tf.reduce_sum(tf.cast(COMPUTING[op](positions), tf.float32))

    folder = save_foreign_model(tmp_path / "model", lambda: foreign_network(change_positions=add_nothing))
    meta_graph = tf.MetaGraphDef.FromString((folder / "my_model.meta").read_bytes())
    assert op in {node.op for node in meta_graph.graph_def.node}
    with examined_model(str(folder)) as model:
        assert model.breaches == []
        assert np.isfinite(model.predictor.predict(people.frames[:2])).all()
