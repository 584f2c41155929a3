"""The workers of a run meet, check that they train the same model, share its steps, and leave together.

They communicate through TensorFlow's own runtime, tf.train.Server over gRPC. tf.distribute's
MultiWorkerMirroredStrategy was considered: it detects dead workers, and recovers, in eager mode only.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from model.session_config import has_gpu
from model.training.collectives import Collectives
from model.training.shared_step import Sharing
from pipeline.batch_order import worker_part
from pipeline.tensorflow_v1 import tf
from run.cluster.addresses import host_and_port, own_addresses
from run.cluster.comparison import compared_properties, differences, fingerprints
from run.cluster.socket_filter import close_to_other_addresses
from run.cluster.tf_config import JOB, VARIABLE, Cluster
from run.cluster.worker_watch import BROKEN, WorkerWatch, unreachable_workers
from run.data import DataIdentity
from run.settings import Settings
from support.machine import usable_cores
from support.user_error import UserError, print_error

# Of each batch with --exact. A number of workers that divides it can share them.
EXACT_SHARDS = 4
# Sequences in a shard without --exact.
SMALLEST_SHARD = 2
# Together less than a minute.
SECONDS_TO_MEET = 35.0
SECONDS_TO_COMPARE = 15.0
SECONDS_BETWEEN_TRIES = 0.5
# The worker that TensorFlow could not reach, in the message of an error.
REMOTE_TASK = re.compile(rf"remote target /job:{JOB}/replica:0/task:(\d+)")
# The numbers of the chains of collectives.
STEPS, VARIABLES, COMPARISON, ARRIVAL, END = range(1, 6)


@dataclass(frozen=True)
class Workers:
    """The workers that train a run together, as this one sees them; a single one has no server and no watch."""

    cluster: Cluster
    first_step: int  # of the run, the chief's
    server: Any = None  # the running tf.train.Server
    watch: WorkerWatch | None = None  # ends the process if another worker dies

    @property
    def is_chief(self) -> bool:
        """Whether this worker evaluates the weights and writes the run's folder."""
        return self.cluster.is_chief

    @property
    def target(self) -> str:
        """What sessions connect to."""
        return self.server.target if self.server else ""

    def session_config(self, config: tf.ConfigProto) -> tf.ConfigProto:
        """The same configuration for sessions that connect to `target`."""
        return config if self.cluster.is_alone else _clustered(config, self.cluster)

    def sharing(self, settings: Settings) -> Sharing:
        """How the steps of a run are shared."""
        workers = len(self.cluster.addresses)
        part = worker_part(self.cluster.worker, workers, workers * shards_per_worker(self.cluster, settings))
        steps, variables = (_chain(self.cluster, chain) for chain in (STEPS, VARIABLES))
        return Sharing(self.cluster.device, steps, variables, part, settings.exact)

    def leave(self) -> None:
        """Waits until all workers have arrived here, so that no worker takes a normal exit for a crash."""
        if self.watch is None:
            return
        nothing = np.zeros(1, np.int64)
        with self.broken_cluster():
            _exchanged(self.cluster, self.target, ARRIVAL, nothing)
        self.watch.stop()
        # An error here is harmless: a worker that has already exited saw all others arrive.
        with contextlib.suppress(tf.errors.OpError):
            _exchanged(self.cluster, self.target, END, nothing)

    @contextlib.contextmanager
    def broken_cluster(self) -> Iterator[None]:
        """Ends the process, with an `error:` line that names the worker that ended, if TensorFlow cannot reach it."""
        try:
            yield
        except _errors_of_an_ended_worker() as error:
            if self.watch is None:
                raise
            # An error is forwarded from worker to worker, so the last name in it is the origin.
            suspects = [int(number) for number in REMOTE_TASK.findall(error.message)]
            suspects = [number for number in suspects if number != self.cluster.worker]
            self.watch.wait_for_the_end(suspects[-1:], _first_line(error))


def shards_per_worker(cluster: Cluster, settings: Settings) -> int:
    """The number of shards of each batch that this worker computes at the same time.

    One for each core, if batch normalization then has at least SMALLEST_SHARD sequences to compute statistics of; one
    for a GPU. With --exact, EXACT_SHARDS in the whole batch; raises UserError if the workers cannot share them evenly.
    """
    workers = len(cluster.addresses)
    if not settings.exact:
        return 1 if has_gpu() else max(1, min(usable_cores(), settings.batch_size // workers // SMALLEST_SHARD))
    if EXACT_SHARDS % workers:
        raise UserError(
            f"--exact divides each batch into {EXACT_SHARDS} shards, which {workers} workers cannot share evenly; "
            "start 1, 2 or 4 workers, or leave --exact out"
        )
    return EXACT_SHARDS // workers


def join(
    cluster: Cluster,
    settings: Settings,
    identity: DataIdentity,
    precision: str,
    first_step: int,
    say: Callable[[str], None] = print,
) -> Workers:
    """Meets the other workers; returns when all are there and train the same model.

    first_step: of the run; each worker passes its own, and the chief's is used. say: gets a line on where this worker
    listens, and one on the workers it waits for. Raises UserError within a minute if a worker is missing, if this
    worker's address is wrong or in use, or if properties differ; the message names workers and properties. Exits with
    status 3 if another worker ends meanwhile, as the workers of a broken run do while this one is already restarted.
    """
    if cluster.is_alone:
        return Workers(cluster, first_step)
    server = _start_server(cluster, say)
    _meet(cluster, say)
    # Watch from here on: the workers that were met may belong to a broken run that is ending.
    watch = WorkerWatch(cluster.addresses, cluster.worker, cluster.named)
    properties = compared_properties(settings, identity, precision)
    row = np.array([[first_step, *fingerprints(properties)]], np.int64)
    try:
        rows = _exchanged(cluster, server.target, COMPARISON, row, SECONDS_TO_COMPARE)
    except _errors_of_an_ended_worker() as error:
        others = cluster.named(_others(cluster))
        print_error(f"{others}: ended, or still ending ({_first_line(error)}); start all workers again")
        raise SystemExit(BROKEN) from error
    except tf.errors.OpError as error:
        raise UserError(_no_comparison(cluster, error)) from error
    if different := differences(cluster, properties, rows[:, 1:]):
        # The other workers must have read the rows before this process ends.
        time.sleep(SECONDS_BETWEEN_TRIES)
        raise UserError(*different)
    return Workers(cluster, int(rows[0, 0]), server, watch)


def _no_comparison(cluster: Cluster, error: tf.errors.OpError) -> str:
    others = cluster.named(_others(cluster))
    return (
        f"{others} did not join within {SECONDS_TO_COMPARE:.0f} s ({_first_line(error)}); check that this program "
        f"runs there, that {VARIABLE} lists the same workers in the same order everywhere, and "
        "what the other workers print"
    )


def _errors_of_an_ended_worker() -> tuple[type[tf.errors.OpError], ...]:
    """What TensorFlow raises if another worker has ended, or another process has taken its address."""
    errors = tf.errors
    return errors.UnavailableError, errors.AbortedError, errors.CancelledError, errors.FailedPreconditionError


def _others(cluster: Cluster) -> list[int]:
    return [number for number in range(len(cluster.addresses)) if number != cluster.worker]


def _first_line(error: tf.errors.OpError) -> str:
    """The first line of the message that does not locate the op in the graph."""
    about_the_graph = ("Graph execution error", "Detected at", "File ", "Node: ", "From /job")
    lines = [" ".join(line.split()) for line in error.message.splitlines()]
    return next((line for line in lines if line and not line.startswith(about_the_graph)), type(error).__name__)


def _start_server(cluster: Cluster, say: Callable[[str], None]) -> Any:
    """The running tf.train.Server of this worker. say: gets a line on the addresses where it can be reached."""
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
            f"TensorFlow cannot listen at {own} ({_first_line(error)}); use another port in {VARIABLE}"
        ) from error
    where = f"only at {own}" if is_closed else f"at port {port} of all addresses of this machine"
    say(
        f"worker {cluster.worker} of {len(cluster.addresses)} listens {where}. Anyone who can connect to it can run "
        "code on this machine (docs/CLUSTER.md explains how to prevent that)"
    )
    return server


def _meet(cluster: Cluster, say: Callable[[str], None]) -> None:
    """Waits until all other workers listen; raises UserError with those that never did."""
    deadline = time.monotonic() + SECONDS_TO_MEET
    never = set(_others(cluster))
    is_waiting_announced = False
    while missing := unreachable_workers(cluster.addresses, cluster.worker):
        never &= set(missing)
        if time.monotonic() > deadline:
            who = cluster.named(sorted(never) or missing)
            raise UserError(f"no answer from {who} within {SECONDS_TO_MEET:.0f} s; start it, or correct {VARIABLE}")
        if not is_waiting_announced:
            say(f"waiting for {cluster.named(missing)}")
            is_waiting_announced = True
        time.sleep(SECONDS_BETWEEN_TRIES)


def _clustered(config: tf.ConfigProto, cluster: Cluster) -> tf.ConfigProto:
    config.experimental.collective_group_leader = f"/job:{JOB}/replica:0/task:0"
    # Without filters, a session waits for all workers. It needs only its own devices and those of the leader.
    config.device_filters.extend(f"/job:{JOB}/replica:0/task:{number}" for number in {0, cluster.worker})
    return config


def _chain(cluster: Cluster, chain: int, seconds: float = 0.0) -> Collectives:
    processor = None if cluster.is_alone else f"{cluster.device}/device:CPU:0"
    return Collectives(len(cluster.addresses), cluster.worker, processor, chain, seconds)


def _exchanged(cluster: Cluster, target: str, chain: int, values: np.ndarray, seconds: float = 0.0) -> np.ndarray:
    """The values of all workers, concatenated along the first axis."""
    with tf.Graph().as_default() as graph:
        with tf.device(cluster.device):
            gathered = _chain(cluster, chain, seconds).gathered(tf.constant(values))
        with tf.Session(target, graph=graph, config=_clustered(tf.ConfigProto(), cluster)) as session:
            return session.run(gathered)
