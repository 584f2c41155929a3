"""How TensorFlow runs the graph: in float32, or with bfloat16 in convolutions and matmuls."""

from __future__ import annotations

import os

import numpy as np

from command_line.user_error import UserError
from pipeline.tensorflow_v1 import tf

BFLOAT16_FLAGS = ("amx_bf16", "avx512_bf16")


def session_config(precision):
    """A tf.ConfigProto. precision: "float32" or "bfloat16", whose variables, gradients and losses stay float32."""
    config = tf.ConfigProto()
    if precision == "bfloat16":
        config.graph_options.rewrite_options.auto_mixed_precision_onednn_bfloat16 = 1
    return config


def resolve_precision(precision, say=print):
    """What to train with: "float32" or "bfloat16".

    precision: "float32", which is what it says; "bfloat16", which is tried first, and raises UserError where it fails;
    or "auto", which is bfloat16 where the processor multiplies it in hardware and the try succeeds. say: a function
    that gets one line where a processor that claims bfloat16 fails to compute with it.
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


def has_bfloat16():
    """Whether Linux names one of the processor's bfloat16 instructions; False on other systems."""
    if not os.path.exists("/proc/cpuinfo"):
        return False
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        flags = next((line.split() for line in file if line.startswith("flags")), [])
    return any(flag in flags for flag in BFLOAT16_FLAGS)


def bfloat16_failure():
    """Why TensorFlow cannot compute in bfloat16, one line, or None where it can.

    It is asked by a convolution and a matmul of a few values, forward and backward: the processor's flags, oneDNN's
    limits (ONEDNN_MAX_CPU_ISA) and what a virtual machine lets through may contradict each other.
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
