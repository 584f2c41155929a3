"""Who the workers of a run are: what the environment variable TF_CONFIG says. Imports no TensorFlow.

TF_CONFIG is what users of TensorFlow on several machines set: tf.distribute.cluster_resolver.TFConfigClusterResolver.
That class reads it too, and checks next to nothing. docs/CLUSTER.md is for those who set it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from support.user_error import UserError

VARIABLE = "TF_CONFIG"
EXAMPLE = '{"cluster": {"worker": ["10.0.0.1:2222", "10.0.0.2:2222"]}, "task": {"type": "worker", "index": 0}}'
# How TensorFlow's server calls the workers, the chief among them.
JOB = "worker"


class Cluster(NamedTuple):
    """The workers of a run. addresses: "host:port" of each, the chief's first. worker: the number of this one."""

    addresses: tuple[str, ...]
    worker: int

    @property
    def is_chief(self) -> bool:
        return self.worker == 0

    @property
    def is_alone(self) -> bool:
        return len(self.addresses) == 1

    @property
    def device(self) -> str | None:
        """The name of this worker's devices, None for a worker alone."""
        return None if self.is_alone else f"/job:{JOB}/replica:0/task:{self.worker}"

    def named(self, workers: Iterable[int]) -> str:
        """The workers with these numbers, in words."""
        return " and ".join(
            f"{f'worker {number}' if number else 'the chief'} at {self.addresses[number]}" for number in workers
        )


ALONE = Cluster(("",), 0)


def cluster_of(environment: Mapping[str, str]) -> Cluster:
    """The cluster that TF_CONFIG names, or ALONE where it is not set or names one worker; imports no TensorFlow.

    Workers are numbered in the order of TF_CONFIG, "chief" before "worker". Raises UserError where it is malformed.
    """
    text = environment.get(VARIABLE, "")
    if not text.strip():
        return ALONE
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _malformed(f"is not JSON ({error})") from None
    jobs = _part(config, "cluster", dict)
    if others := sorted(jobs.keys() - {"chief", "worker"}):
        raise _malformed(f"names jobs that there are none of here: {', '.join(map(str, others))}")
    lists = {job: _addresses(jobs[job], job) for job in ("chief", "worker") if job in jobs}
    addresses = tuple(address for of_job in lists.values() for address in of_job)
    if len(lists.get("chief", [])) > 1 or not addresses:
        raise _malformed("names several chiefs" if addresses else "names no worker")
    if twice := sorted({address for address in addresses if addresses.count(address) > 1}):
        raise _malformed(f"names {twice[0]} twice")
    task = _part(config, "task", dict)
    kind, index = task.get("type"), task.get("index")
    if not isinstance(kind, str) or kind not in lists:
        raise _malformed(f"has the task of a {kind!r}, of which the cluster has none")
    if type(index) is not int or not 0 <= index < len(lists[kind]):
        raise _malformed(f"has task index {index!r}; the cluster's {kind} takes 0 to {len(lists[kind]) - 1}")
    before = len(lists.get("chief", [])) if kind == "worker" else 0
    return ALONE if len(addresses) == 1 else Cluster(addresses, before + index)


def precision_of(cluster: Cluster, is_exact: bool, precision: str) -> str:
    """The precision to ask for: that given, but float32 in place of "auto" where steps are shared or sums exact.

    In bfloat16, a session that runs on TensorFlow's server refuses convolutions that a session without one computes.
    Raises UserError where bfloat16 is asked for in a cluster.
    """
    if precision == "bfloat16" and not cluster.is_alone:
        raise UserError("several workers compute in float32; leave --precision out")
    return "float32" if precision == "auto" and (is_exact or not cluster.is_alone) else precision


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
            raise _malformed(f"names {address!r}, which is no host:port")
    return listed
