import re

import numpy as np
import pytest

from model.export.allowed_ops import ALLOWED_OPS
from model.export.contract import examined_model
from pipeline.tensorflow_v1 import tf
from tests.model.export.foreign_model import foreign_network, save_foreign_model

# Parts of the names of ops that reach beyond the values in memory: files, terminals, Python, other machines, data sets.
FORBIDDEN = """
    Abort Barrier Collective Dataset Debug File Fingerprint ImmutableConst Iterator Print PyFunc Queue Reader Recv
    RemoteCall Restore Rpc Save Send Stage Summary Table Vocab
"""

# Why the other ops of this TensorFlow are not allowed.
REFUSED = {
    "files": r"""(Read|Write)File|.*Reader.*|MatchingFiles|Save.*|Restore.*|MergeV2Checkpoints|ShardedFile.*|.*Summary.*
        |ImmutableConst|RecordInput|LoadAndRemapMatrix|GenerateVocabRemapping|FixedUnigramCandidateSampler|ImportEvent
        |FileSystemSetConfiguration|DistributedSave|(Decode|Encode)Proto.*""",
    "terminals, Python, the process itself": r"Print.*|(Eager)?PyFunc.*|Abort|Debug.*|Copy(Host)?|Timestamp|Empty",
    "other devices and processes": r"""Send|Recv|RemoteCall|Collective.*|Nccl.*|.*TPU.*|Xla.*|.*Xla(Concat|Split)ND
        |(Inf|Outf)eed.*|AllToAll|CrossReplicaSum|WorkerHeartbeat|SyncDevice|.*SparseCore.*|GetMinibatch.*
        |StoreMinibatch.*|ConvertToCooTensor|GlobalIterId|Prelinearize.*|ComputeBatchSize|CheckPinned""",
    "waiting": r"""(?!.*Dataset).*Queue.*|Barrier.*|Mutex.*|ConsumeMutexLock|Stage.*|Unstage
        |(Ordered)?Map(Stage|Unstage.*|Clear|IncompleteSize|Peek|Size)|.*Accumulator.*|Batch|BatchFunction|Unbatch(Grad)?""",
    "data sets": r""".*Dataset.*|.*Iterator.*|.*MemoryCache|.*SeedGenerator|ExperimentalStats.*|StatsAggregator.*
        |.*ThreadPoolHandle|MapDefun|GetElementAtIndex|(Unc|C)ompressElement|DummyIterationCounter|GetOptions|WindowOp""",
    "tables and handles": r""".*Table.*|.*TensorsMap|(Get|Delete)Session.*|ParseTensor|SerializeTensor
        |(Des|S)erialize(Many)?Sparse|DestroyResourceOp""",
    "media and other formats": r"""(Decode|Encode)(And.*|Bmp|CSV|Compressed|Gif|Image|J.*|Png|W.*)|ExtractJpegShape
        |Parse(Example|Sequence|Single).*|Fingerprint|Fact""",
    "training": r"""(Resource)?(Sparse)?Apply.*|Sdca.*|(Is)?BoostedTrees(?!Bucketize).*|(Resource)?CountUpTo
        |SymbolicGradient""",
}


def test_each_op_of_this_tensorflow_is_either_allowed_or_refused_for_a_reason():
    refused = re.compile("|".join(REFUSED.values()), re.VERBOSE)
    ops = {name for name in dir(tf.raw_ops) if name[0].isupper()}
    assert len(ops) > 1400
    assert sorted(op for op in ops if (op in ALLOWED_OPS) == bool(refused.fullmatch(op))) == []


@pytest.mark.promise("A graph with ops outside the allow-list runs only with --trust")
def test_no_op_that_reaches_beyond_memory_is_allowed():
    assert [op for op in ALLOWED_OPS if any(part in op for part in FORBIDDEN.split())] == []
    assert not ALLOWED_OPS & {"FixedUnigramCandidateSampler", "DecodeJpeg", "Timestamp", "Empty"}


def test_every_op_of_the_exported_networks_is_allowed(inference_model):
    inference, _ = inference_model
    ops = {op.type for op in inference.graph.get_operations()}
    assert "Conv2D" in ops and ops - ALLOWED_OPS == {"SaveV2", "RestoreV2"}


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
def test_an_op_that_only_computes_runs(op, people, tmp_path):
    def add_zero(positions):
        return positions + 0 * tf.reduce_sum(tf.cast(COMPUTING[op](positions), tf.float32))

    folder = save_foreign_model(tmp_path / "model", lambda: foreign_network(change_positions=add_zero))
    meta_graph = tf.MetaGraphDef.FromString((folder / "my_model.meta").read_bytes())
    assert op in {node.op for node in meta_graph.graph_def.node}
    with examined_model(str(folder)) as model:
        assert model.breaches == []
        assert np.isfinite(model.predictor.predict(people.frames[:2])).all()
