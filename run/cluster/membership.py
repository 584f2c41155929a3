"""The workers of a run meet, see that all are alike, and part.

The engine is TensorFlow's own runtime, tf.train.Server over gRPC. tf.distribute's MultiWorkerMirroredStrategy was
considered: it watches its workers, and recovers, in eager mode only.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from model.training.collectives import Collectives
from model.training.shared_step import Sharing
from pipeline.batch_part import worker_part
from pipeline.tensorflow_v1 import tf
from run.cluster.bound_address import close_to_other_addresses
from run.cluster.own_address import host_and_port, own_addresses
from run.cluster.tf_config import JOB, VARIABLE, Cluster
from run.cluster.worker_watch import BROKEN, WorkerWatch, unreachable_workers
from support.user_error import UserError, print_error

# Of each batch, where sums are exact. A number of workers that divides it can share it.
EXACT_SHARDS = 4
# Together they are less than a minute.
SECONDS_TO_MEET = 35.0
SECONDS_TO_COMPARE = 15.0
SECONDS_BETWEEN_TRIES = 0.5
# In the message of an error, whom TensorFlow could not reach.
REMOTE_TASK = re.compile(rf"remote target /job:{JOB}/replica:0/task:(\d+)")
# Each chain of collectives has its own number.
STEPS, VARIABLES, COMPARISON, ARRIVAL, END = range(1, 6)
# So many facts are compared at most: the row has the same length in every version of this project.
FACTS = 63


class Membership(NamedTuple):
    """A worker that has met the others. first_step: of the run, the chief's.

    server: the running tf.train.Server. watch: what notices that another worker has died. None for a worker alone.
    """

    cluster: Cluster
    first_step: int
    server: Any
    watch: WorkerWatch | None

    @property
    def target(self) -> str:
        """What sessions connect to."""
        return self.server.target if self.server else ""

    def session_config(self, config: tf.ConfigProto) -> tf.ConfigProto:
        """The same for sessions that connect to `target`."""
        return config if self.cluster.is_alone else _clustered(config, self.cluster)

    def sharing(self, is_exact: bool) -> Sharing | None:
        """How a graph's steps are shared, or None where they are not. Raises UserError where they cannot be exact."""
        workers, worker = len(self.cluster.addresses), self.cluster.worker
        if workers == 1 and not is_exact:
            return None
        part = worker_part(worker, workers, EXACT_SHARDS if is_exact else workers)
        steps, variables = (_chain(self.cluster, chain) for chain in (STEPS, VARIABLES))
        return Sharing(self.cluster.device, steps, variables, part, is_exact)

    def leave(self) -> None:
        """Waits until all workers are here, so that none takes the end of another for its death."""
        if self.watch is None:
            return
        nothing = np.zeros(1, np.int64)
        with self.broken_cluster():
            _exchanged(self.cluster, self.target, ARRIVAL, nothing)
        self.watch.stop()
        # Whoever is not here any more has seen all others arrive.
        with contextlib.suppress(tf.errors.OpError):
            _exchanged(self.cluster, self.target, END, nothing)

    @contextlib.contextmanager
    def broken_cluster(self) -> Iterator[None]:
        """Ends the process, with an `error:` line that names who has ended, where TensorFlow cannot reach a worker."""
        try:
            yield
        except _errors_where_another_ended() as error:
            if self.watch is None:
                raise
            # One worker passes on what it has heard of another: the last one named is the first that failed.
            suspects = [int(number) for number in REMOTE_TASK.findall(error.message)]
            suspects = [number for number in suspects if number != self.cluster.worker]
            self.watch.wait_for_the_end(suspects[-1:], _first_line(error))


def require_divisible(cluster: Cluster, is_exact: bool) -> None:
    """Raises UserError where so many workers cannot share a batch's shards."""
    workers = len(cluster.addresses)
    if is_exact and EXACT_SHARDS % workers:
        raise UserError(
            f"--exact cuts a batch into {EXACT_SHARDS} shards, which {workers} workers cannot share evenly; "
            "start 1, 2 or 4 of them, or leave it out"
        )


def join(cluster: Cluster, facts: Mapping[str, str], first_step: int, say: Callable[[str], None] = print) -> Membership:
    """Meets the other workers; returns as soon as all are there.

    facts: what has to be the same on all workers, by what it is called. first_step: of the run; the chief's counts.
    say: gets a line on where this worker listens, and one on whom it waits for. Raises UserError within a minute where
    a worker is missing, its own address is wrong or taken, or facts differ: it names who and what. Exits with status 3
    where another worker ends meanwhile, as those of a broken run do while this one is started again at once.
    """
    if cluster.is_alone:
        return Membership(cluster, first_step, None, None)
    server = _start_server(cluster, say)
    _meet(cluster, say)
    # From here on, for those that were met may belong to a broken run that is ending.
    watch = WorkerWatch(cluster.addresses, cluster.worker, cluster.named)
    row = np.array([[first_step, *map(_fingerprint, facts.values()), *[0] * (FACTS - len(facts))]], np.int64)
    try:
        rows = _exchanged(cluster, server.target, COMPARISON, row, SECONDS_TO_COMPARE)
    except _errors_where_another_ended() as error:
        others = cluster.named(_others(cluster))
        print_error(f"{others}: not there any more, or still ending ({_first_line(error)}); start all workers again")
        raise SystemExit(BROKEN) from error
    except tf.errors.OpError as error:
        raise UserError(_not_understood(cluster, error)) from error
    different = [_differences(cluster, list(facts), rows, number) for number in range(1, len(rows))]
    if any(different):
        # Whoever has not read the rows yet does so before this process ends.
        time.sleep(SECONDS_BETWEEN_TRIES)
        raise UserError(*filter(None, different))
    return Membership(cluster, int(rows[0, 0]), server, watch)


def _fingerprint(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big", signed=True)


def _differences(cluster: Cluster, names: list[str], rows: np.ndarray, number: int) -> str:
    unequal = np.flatnonzero(rows[number, 1:] != rows[0, 1:])
    if not len(unequal):
        return ""
    what = ", ".join(names[place] if place < len(names) else "version of the program" for place in unequal)
    return f"{cluster.named([number])} differs from the chief in: {what}; start all with the same command and files"


def _not_understood(cluster: Cluster, error: tf.errors.OpError) -> str:
    others = cluster.named(_others(cluster))
    return (
        f"{others} did not join within {SECONDS_TO_COMPARE:.0f} s ({_first_line(error)}); check that this program "
        f"listens there, that {VARIABLE} names the same workers in the same order everywhere, and "
        "what the others print"
    )


def _errors_where_another_ended() -> tuple[type[tf.errors.OpError], ...]:
    """What TensorFlow raises where another worker has ended, or another process has taken its address."""
    errors = tf.errors
    return errors.UnavailableError, errors.AbortedError, errors.CancelledError, errors.FailedPreconditionError


def _others(cluster: Cluster) -> list[int]:
    return [number for number in range(len(cluster.addresses)) if number != cluster.worker]


def _first_line(error: tf.errors.OpError) -> str:
    """The first line of the message that is not about where in the graph it happened."""
    about_the_graph = ("Graph execution error", "Detected at", "File ", "Node: ", "From /job")
    lines = [" ".join(line.split()) for line in error.message.splitlines()]
    return next((line for line in lines if line and not line.startswith(about_the_graph)), type(error).__name__)


def _start_server(cluster: Cluster, say: Callable[[str], None]) -> Any:
    """The running tf.train.Server of this worker; say: gets the line on who may reach it."""
    own = cluster.addresses[cluster.worker]
    _, port = host_and_port(own)
    addresses = own_addresses(cluster, SECONDS_TO_MEET)
    config = _clustered(tf.ConfigProto(), cluster)
    try:
        server = tf.train.Server(
            tf.train.ClusterSpec({JOB: list(cluster.addresses)}), JOB, cluster.worker, "grpc", config, start=False
        )
        is_closed = close_to_other_addresses(port, addresses)
        server.start()
    except tf.errors.OpError as error:
        raise UserError(
            f"TensorFlow cannot listen at {own} ({_first_line(error)}); name another port in {VARIABLE}"
        ) from error
    where = f"at {own} alone" if is_closed else f"at port {port} of all addresses of this machine"
    say(
        f"worker {cluster.worker} of {len(cluster.addresses)}, listening {where}: whoever can connect there can run "
        "anything on this machine (docs/CLUSTER.md says how to keep others out)"
    )
    return server


def _meet(cluster: Cluster, say: Callable[[str], None]) -> None:
    """Waits until all other workers listen; raises UserError with those who never did."""
    deadline = time.monotonic() + SECONDS_TO_MEET
    never = set(_others(cluster))
    is_said = False
    while missing := unreachable_workers(cluster.addresses, cluster.worker):
        never &= set(missing)
        if time.monotonic() > deadline:
            who = cluster.named(sorted(never) or missing)
            raise UserError(f"no answer from {who} within {SECONDS_TO_MEET:.0f} s; start it, or correct {VARIABLE}")
        if not is_said:
            say(f"waiting for {cluster.named(missing)}")
            is_said = True
        time.sleep(SECONDS_BETWEEN_TRIES)


def _clustered(config: tf.ConfigProto, cluster: Cluster) -> tf.ConfigProto:
    config.experimental.collective_group_leader = f"/job:{JOB}/replica:0/task:0"
    # Sessions wait for no other devices than these.
    config.device_filters.extend(f"/job:{JOB}/replica:0/task:{number}" for number in {0, cluster.worker})
    return config


def _chain(cluster: Cluster, chain: int, seconds: float = 0.0) -> Collectives:
    processor = None if cluster.is_alone else f"{cluster.device}/device:CPU:0"
    return Collectives(len(cluster.addresses), cluster.worker, processor, chain, seconds)


def _exchanged(cluster: Cluster, target: str, chain: int, values: np.ndarray, seconds: float = 0.0) -> np.ndarray:
    """The values of all workers, one after another along the first axis."""
    with tf.Graph().as_default() as graph:
        with tf.device(cluster.device):
            gathered = _chain(cluster, chain, seconds).gathered(tf.constant(values))
        with tf.Session(target, graph=graph, config=_clustered(tf.ConfigProto(), cluster)) as session:
            return session.run(gathered)
