"""Tells failures of the machine from those of the model: a full disk, missing memory, a missing GPU."""

from __future__ import annotations

import os
import re

from model.tensorflow_errors import failure_cause
from pipeline.tensorflow_v1 import tf
from support.machine_errors import MACHINE_ERRORS
from support.user_error import MachineError, MemoryLimitError, UserError

# TensorFlow's messages end with the operating system's.
REASONS = "|".join(re.escape(os.strerror(number)) for number in sorted(MACHINE_ERRORS))
REASON = re.compile(rf"; ({REASONS})\s*$", re.MULTILINE)
# dnnl_out_of_memory
ONEDNN_OUT_OF_MEMORY = "Operation received an exception:Status: 1,"
NO_KERNEL = re.compile(
    r"No OpKernel was registered to support Op '(?P<op>\w+)' used by \{\{node (?P<node>[^}]*)\}\} ?"
    r"with these attrs: \[(?P<attributes>.*)\]\n.*\n?Registered kernels:\n(?P<kernels>(?: +device=.*\n?)*)"
)


def error_of_the_machine(error: Exception) -> UserError | None:
    """The MachineError or MemoryLimitError for an exception of TensorFlow's; None if the model is at fault."""
    if isinstance(error, MemoryError):
        return MemoryLimitError("the model runs out of memory")
    if not isinstance(error, tf.errors.OpError):
        return None
    message = error.message
    if lacking := NO_KERNEL.search(message):
        op, node = lacking["op"], lacking["node"]
        if op.startswith("Cudnn") or _has_kernel(lacking["kernels"], lacking["attributes"], "GPU"):
            reason = f"TensorFlow computes {op} (node {node}) only on one"
            return MachineError(f"the model needs a GPU: {reason}; grade it on a machine with a GPU")
    is_reading = error.op is not None and error.op.type == "RestoreV2"
    if is_reading and (found := REASON.search(message)):
        return MachineError(f"the model cannot be read: {found[1]}")
    if isinstance(error, tf.errors.ResourceExhaustedError) or ONEDNN_OUT_OF_MEMORY in message:
        return MemoryLimitError(f"the model runs out of memory: {failure_cause(error)}")
    return None


def _has_kernel(kernels: str, attributes: str, device: str) -> bool:
    """Whether a kernel for this device fits the types of an op; both are lists in TensorFlow's message."""
    types = dict(re.findall(r"(\w+)=(DT_\w+)", attributes))
    return any(
        all(types.get(name, "") in allowed.split(", ") for name, allowed in re.findall(r"(\w+) in \[(.*?)\]", line))
        for line in kernels.splitlines()
        if f"device='{device}'" in line
    )
