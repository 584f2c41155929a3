"""The two nodes of an exported graph that separate what depends on one frame from what depends on the sequence.

Overlapping sequences share the former: it is computed once a frame.
"""

from __future__ import annotations

from typing import NamedTuple

from pipeline.tensorflow_v1 import tf

FRAME_FEATURES = "frame_features"
FRAME_ROWS = "frame_rows"


class SharedNodes(NamedTuple):
    """Two tensors that can be fed.

    features: float32 (B*10, D), one row for each frame. rows: int32 (B, 10), the rows of `features` that each sequence
    consists of.
    """

    features: tf.Tensor
    rows: tf.Tensor


def shared_nodes(graph: tf.Graph) -> SharedNodes | None:
    """The SharedNodes of a graph, or None where it lacks one."""
    try:
        return SharedNodes(*(graph.get_tensor_by_name(f"{name}:0") for name in (FRAME_FEATURES, FRAME_ROWS)))
    except KeyError:
        return None
