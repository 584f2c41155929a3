"""The two nodes of an exported graph by which overlapping sequences share what is computed of a frame alone."""

from __future__ import annotations

from typing import NamedTuple

from pipeline.tensorflow_v1 import tf

FRAME_FEATURES = "frame_features"
FRAME_ROWS = "frame_rows"


class SharedNodes(NamedTuple):
    """features: float32 (B*10, D), a row for each frame. rows: int32 (B, 10), which of them each sequence is made of.

    Both can be fed: features of frames that are computed once, and the rows that put sequences together.
    """

    features: tf.Tensor
    rows: tf.Tensor


def shared_nodes(graph):
    """The SharedNodes of a graph, or None where it has not both."""
    try:
        return SharedNodes(*(graph.get_tensor_by_name(f"{name}:0") for name in (FRAME_FEATURES, FRAME_ROWS)))
    except KeyError:
        return None
