"""How TensorFlow runs the graph: in float32, or with bfloat16 in convolutions and matmuls."""

import os

from pipeline.tensorflow_v1 import tf

BFLOAT16_FLAGS = ("amx_bf16", "avx512_bf16")


def session_config(precision):
    """A tf.ConfigProto. precision: "float32" or "bfloat16", whose variables, gradients and losses stay float32."""
    config = tf.ConfigProto()
    if precision == "bfloat16":
        config.graph_options.rewrite_options.auto_mixed_precision_onednn_bfloat16 = 1
    return config


def resolve_precision(precision):
    """ "auto" becomes "bfloat16" where the processor multiplies it in hardware, "float32" elsewhere."""
    if precision != "auto":
        return precision
    return "bfloat16" if has_bfloat16() else "float32"


def has_bfloat16():
    """Whether Linux names one of the processor's bfloat16 instructions; False on other systems."""
    if not os.path.exists("/proc/cpuinfo"):
        return False
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        flags = next((line.split() for line in file if line.startswith("flags")), [])
    return any(flag in flags for flag in BFLOAT16_FLAGS)
