"""How TensorFlow runs the graph: in float32, or with bfloat16 in convolutions and matmuls."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np

from pipeline.tensorflow_v1 import tf
from support.machine import processor_flags, usable_cores
from support.user_error import UserError

BFLOAT16_FLAGS = {"amx_bf16", "avx512_bf16"}


def session_config(precision: str) -> tf.ConfigProto:
    """The configuration of a session.

    precision: "float32"; or "bfloat16", in which variables, gradients and losses are still float32.
    """
    config = tf.ConfigProto()
    if precision == "bfloat16":
        config.graph_options.rewrite_options.auto_mixed_precision_onednn_bfloat16 = 1
    return config


def keep_each_op_on_a_thread(branches: int) -> None:
    """Has each op computed by one thread, where the graph has as many independent branches as there are cores.

    By default an op is split over all cores. Two networks side by side then send the parts of each other's ops, and
    what is in the cores' caches, back and forth: bench/README.md has what that costs. The threads are those of the
    whole process, and made with the first session or data set: from then on this changes nothing. A ConfigProto and
    tf.config.threading have the same setting; each is ignored where the other's session or data set came first, but
    this variable of TensorFlow's holds for both. One that the user has set stays.
    """
    if usable_cores() <= branches:
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")


def tensorflow_version() -> str:
    """The version of TensorFlow."""
    return str(tf.version.VERSION)


def resolve_precision(precision: str, say: Callable[[str], None] = print) -> str:
    """The precision to train with: "float32" or "bfloat16".

    precision: "float32"; "bfloat16", which raises UserError where TensorFlow cannot compute with it; or "auto", which
    is bfloat16 where the processor has instructions for it and TensorFlow can compute with it. say: gets one line where
    the processor claims bfloat16, but TensorFlow cannot compute with it.
    """
    if precision == "float32" or (precision == "auto" and not has_bfloat16()):
        return "float32"
    failure = bfloat16_failure()
    if failure is None:
        return "bfloat16"
    if precision == "bfloat16":
        raise UserError(f"TensorFlow cannot compute in bfloat16 here ({failure}); leave --precision out")
    say(f"in float32: the processor claims bfloat16, but TensorFlow cannot compute with it here ({failure})")
    return "float32"


def has_bfloat16() -> bool:
    """Whether the processor has a bfloat16 instruction set; False where the operating system is not Linux."""
    return not BFLOAT16_FLAGS.isdisjoint(processor_flags())


def bfloat16_failure() -> str | None:
    """Why TensorFlow cannot compute in bfloat16, one line, or None where it can.

    Found out by running convolutions and a matmul of a few values, forward and backward: the processor's flags,
    oneDNN's limit (ONEDNN_MAX_CPU_ISA) and what a virtual machine passes through may contradict each other.
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
