"""Lists the ops of the training and the exported graph for which TensorFlow has no GPU kernel.

It needs no GPU: it compares the graphs with the kernels that the installed TensorFlow registers. What is listed is
computed on the CPU. The data set is meant to be: the window of frames, the gather and the augmentation.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from model.export.graph import build_inference_graph
from model.network_kinds import NETWORKS
from model.training.graph import build_training_graph
from pipeline.tensorflow_v1 import tf


def main() -> None:
    for network, kind in NETWORKS.items():
        training = build_training_graph(one_batch, network, kind.num_units, np.zeros((7, 2), np.float32), seed=0)
        exported = build_inference_graph(network, kind.num_units, averages_mirror=True)
        for title, graph in (("training", training.graph), ("exported", exported.graph)):
            operations = graph.get_operations()
            on_cpu = sorted({operation.type for operation in operations if not has_gpu_kernel(operation)})
            print(f"{network}, {title}: {len(operations)} ops; without a GPU kernel: {', '.join(on_cpu)}")


def one_batch() -> tf.data.Dataset:
    return tf.data.Dataset.from_tensors((np.zeros((2, 5, 64, 64, 3), np.uint8), np.zeros((2, 5, 7, 2), np.float32)))


def has_gpu_kernel(operation: tf.Operation) -> bool:
    """Whether a kernel for GPUs is registered for the operation and its types; some are registered for any device."""
    # TensorFlow has no public function that lists them.
    kernels = importlib.import_module("tensorflow.python.framework.kernels")
    registered = kernels.get_registered_kernels_for_op(operation.type).kernel
    return any(
        kernel.device_type in ("GPU", "DEFAULT") and all(_is_met(operation, each) for each in kernel.constraint)
        for kernel in registered
    )


def _is_met(operation: tf.Operation, constraint: Any) -> bool:
    """Whether the operation's attribute has types that a kernel's constraint allows."""
    types = operation.get_attr(constraint.name)
    allowed = constraint.allowed_values.list.type
    return all(each.as_datatype_enum in allowed for each in (types if isinstance(types, Sequence) else [types]))


if __name__ == "__main__":
    main()
