"""The workers of a run, from the environment variable TF_CONFIG. Imports no TensorFlow.

TF_CONFIG is how users of TensorFlow describe a cluster: see tf.distribute.cluster_resolver.TFConfigClusterResolver,
which was considered but checks almost nothing. docs/CLUSTER.md explains how to set it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from support.user_error import UserError

VARIABLE = "TF_CONFIG"
EXAMPLE = '{"cluster": {"worker": ["10.0.0.1:2222", "10.0.0.2:2222"]}, "task": {"type": "worker", "index": 0}}'
# What TensorFlow's cluster resolver and cloud services write.
KEYS = {"cluster", "task", "rpc_layer", "environment", "job"}
# The name of the job of all workers, the chief included, in TensorFlow's server.
JOB = "worker"


@dataclass(frozen=True)
class Cluster:
    """The workers of a run."""

    addresses: tuple[str, ...]  # "host:port" of each, the chief's first
    worker: int  # the number of this one

    @property
    def is_chief(self) -> bool:
        return self.worker == 0

    @property
    def is_alone(self) -> bool:
        return len(self.addresses) == 1

    @property
    def device(self) -> str | None:
        """The name of this worker's devices; None for a single worker."""
        return None if self.is_alone else f"/job:{JOB}/replica:0/task:{self.worker}"

    def named(self, workers: Iterable[int]) -> str:
        """The workers with these numbers, for a message."""
        return " and ".join(
            f"{f'worker {number}' if number else 'the chief'} at {self.addresses[number]}" for number in workers
        )


ALONE = Cluster(("",), 0)


def cluster_of(environment: Mapping[str, str]) -> Cluster:
    """The cluster that TF_CONFIG describes, or ALONE if it is not set, has no cluster, or has one worker.

    Workers are numbered in the order of TF_CONFIG, "chief" before "worker". Raises UserError if it is malformed.
    """
    text = environment.get(VARIABLE, "")
    if not text.strip():
        return ALONE
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _malformed(f"is not JSON ({error})") from None
    if _describes_no_cluster(config):
        return ALONE
    jobs = _part(config, "cluster", dict)
    if others := sorted(jobs.keys() - {"chief", "worker"}):
        raise _malformed(f"names unsupported jobs: {', '.join(map(str, others))}")
    lists = {job: _addresses(jobs[job], job) for job in ("chief", "worker") if job in jobs}
    addresses = tuple(address for of_job in lists.values() for address in of_job)
    if len(lists.get("chief", [])) > 1 or not addresses:
        raise _malformed("has more than one chief" if addresses else "has no workers")
    if twice := sorted({address for address in addresses if addresses.count(address) > 1}):
        raise _malformed(f"lists {twice[0]} twice")
    task = _part(config, "task", dict)
    kind, index = task.get("type"), task.get("index")
    if not isinstance(kind, str) or kind not in lists:
        raise _malformed(f"has task type {kind!r}, which is not in its cluster")
    if type(index) is not int or not 0 <= index < len(lists[kind]):
        raise _malformed(f"has task index {index!r}; {kind} indices go from 0 to {len(lists[kind]) - 1}")
    before = len(lists.get("chief", [])) if kind == "worker" else 0
    return ALONE if len(addresses) == 1 else Cluster(addresses, before + index)


def precision_of(cluster: Cluster, is_exact: bool, precision: str) -> str:
    """The requested precision, but float32 instead of "auto" if steps are shared or exact.

    In bfloat16, a session on TensorFlow's server rejects convolutions that a local session computes. Raises UserError
    if bfloat16 is requested in a cluster.
    """
    if precision == "bfloat16" and not cluster.is_alone:
        raise UserError("a cluster trains in float32; leave --precision out")
    return "float32" if precision == "auto" and (is_exact or not cluster.is_alone) else precision


def _describes_no_cluster(config: Any) -> bool:
    """Whether the parsed TF_CONFIG is that of a machine on its own, as cloud services set it: {} or an empty cluster.

    A task other than the first belongs to some cluster, so it is not on its own. Neither is one with an unknown name
    in place of "cluster".
    """
    if not isinstance(config, dict) or config.get("cluster", {}) != {} or config.keys() - KEYS:
        return False
    task = config.get("task", {})
    return isinstance(task, dict) and task.get("index", 0) in (0, "0")


def _malformed(what: str) -> UserError:
    return UserError(f"{VARIABLE} {what}; set it like {EXAMPLE}, or unset it to train on this machine alone")


def _part(config: Any, name: str, kind: type) -> Any:
    if not isinstance(config, dict) or not isinstance(config.get(name), kind):
        raise _malformed(f'has no object "{name}"')
    return config[name]


def _addresses(listed: Any, job: str) -> list[str]:
    if not isinstance(listed, list) or not all(isinstance(address, str) for address in listed):
        raise _malformed(f'has no list of addresses for "{job}"')
    for address in listed:
        host, _, port = address.rpartition(":")
        if not host or not (port.isascii() and port.isdigit()) or not 0 < int(port) < 2**16 or "/" in host:
            raise _malformed(f"has the address {address!r}, which is not host:port")
    return listed
