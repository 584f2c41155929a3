"""How TensorFlow runs a graph: in float32 or with bfloat16 in convolutions and matmuls, and on how many threads."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np

from pipeline.tensorflow_v1 import tf
from support.machine import CPUINFO, processor_flags, usable_cores
from support.user_error import UserError

BFLOAT16_FLAGS = {"amx_bf16", "avx512_bf16"}


def session_config(precision: str) -> tf.ConfigProto:
    """The configuration of a session.

    precision: "float32", or "bfloat16", with which variables, gradients and losses are still float32.
    """
    config = tf.ConfigProto()
    if precision == "bfloat16":
        config.graph_options.rewrite_options.auto_mixed_precision_onednn_bfloat16 = 1
    return config


def keep_each_op_on_a_thread(branches: int) -> None:
    """Makes TensorFlow compute each op on one thread if the graph has at least as many branches as there are cores.

    branches: parts of the graph that can run at the same time. By default each op is split over all cores, so branches
    evict each other's data from the caches; docs/EXPERIMENTS.md has the cost. The threads belong to the process and are
    created with the first session or data set; calls after that have no effect. ConfigProto and tf.config.threading
    have the same setting, but each is ignored if the other's session or data set came first; this environment variable
    applies to both. A value that the user has set is kept.
    """
    if usable_cores() <= branches:
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")


def has_gpu() -> bool:
    """Whether TensorFlow can use a GPU."""
    return bool(tf.config.list_physical_devices("GPU"))


def tensorflow_version() -> str:
    return str(tf.version.VERSION)


def resolve_precision(precision: str, say: Callable[[str], None] = print) -> str:
    """The precision to train with: "float32" or "bfloat16".

    precision: "float32", "bfloat16" or "auto", which is bfloat16 if the processor has instructions for it, TensorFlow
    can use them, and there is no GPU, whose ops it would not affect. say: gets one line if the processor has the
    instructions but TensorFlow cannot use them. Raises UserError for "bfloat16" if TensorFlow cannot compute with it.
    """
    if precision == "float32" or (precision == "auto" and (not has_bfloat16() or has_gpu())):
        return "float32"
    failure = bfloat16_failure()
    if failure is None:
        return "bfloat16"
    if precision == "bfloat16":
        raise UserError(f"TensorFlow cannot compute with bfloat16 on this machine ({failure}); omit --precision")
    say(f"training in float32: the processor has bfloat16, but TensorFlow cannot use it ({failure})")
    return "float32"


def has_bfloat16(cpuinfo: str = CPUINFO) -> bool:
    """Whether the processor has bfloat16 instructions; always False on other systems than Linux."""
    return not BFLOAT16_FLAGS.isdisjoint(processor_flags(cpuinfo))


def bfloat16_failure() -> str | None:
    """Why TensorFlow cannot compute with bfloat16, in one line; None if it can.

    It runs small convolutions and a matmul, forward and backward, because the processor's flags, oneDNN's limit
    (ONEDNN_MAX_CPU_ISA) and the instructions that a virtual machine supports may contradict each other.
    """
    with tf.Graph().as_default() as graph:
        frames = tf.placeholder(tf.float32, [None, 8, 8, 4])
        filters, weights = tf.get_variable("filters", [3, 3, 4, 8]), tf.get_variable("weights", [512, 16])
        maps = tf.nn.relu(tf.nn.conv2d(frames, filters, strides=2, padding="SAME"))
        maps = tf.nn.relu(tf.nn.conv2d(maps, tf.get_variable("more", [3, 3, 8, 32]), strides=1, padding="SAME"))
        loss = tf.reduce_mean(tf.square(tf.matmul(tf.reshape(maps, [-1, 512]), weights)))
        gradients = tf.gradients(loss, [filters, weights])
        with tf.Session(graph=graph, config=session_config("bfloat16")) as session:
            try:
                session.run(tf.global_variables_initializer())
                session.run(gradients, {frames: np.ones((2, 8, 8, 4), np.float32)})
            except tf.errors.OpError as error:
                first_line = error.message.strip().partition("\n")[0]
                return " ".join(first_line.split()) or type(error).__name__
    return None
