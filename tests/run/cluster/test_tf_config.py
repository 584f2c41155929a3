import json
import socket
from types import SimpleNamespace

import pytest

from run.cluster import membership
from run.cluster.addresses import own_addresses
from run.cluster.membership import shards_per_worker
from run.cluster.tf_config import ALONE, Cluster, cluster_of, precision_of
from support.user_error import UserError

WORKERS = ["10.0.0.1:2222", "10.0.0.2:2222", "[fd00::3]:2222"]


def cluster_with(cluster, kind="worker", index=0):
    return cluster_of({"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})})


def test_without_tf_config_a_worker_is_alone():
    assert cluster_of({}) == cluster_of({"TF_CONFIG": " "}) == cluster_with({"worker": WORKERS[:1]}) == ALONE
    assert ALONE.is_chief and ALONE.is_alone


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        '{"cluster": {}}',
        '{"task": {"type": "worker", "index": 0}}',
        '{"cluster": {}, "task": {"type": "master", "index": 0, "trial": "1"}, "environment": "cloud"}',
    ],
)
def test_a_tf_config_without_a_cluster_means_alone(text):
    assert cluster_of({"TF_CONFIG": text}) == ALONE


def test_the_first_worker_is_the_chief():
    assert cluster_with({"worker": WORKERS}, index=2) == Cluster(tuple(WORKERS), 2)
    assert [cluster_with({"worker": WORKERS}, index=index).is_chief for index in range(3)] == [True, False, False]


def test_a_separate_chief_is_numbered_before_the_workers():
    cluster = {"worker": WORKERS[1:], "chief": WORKERS[:1]}
    assert cluster_with(cluster, "chief") == Cluster(tuple(WORKERS), 0)
    assert cluster_with(cluster, "worker", 1) == Cluster(tuple(WORKERS), 2)


TASK = {"type": "worker", "index": 0}


@pytest.mark.promise("A malformed TF_CONFIG is reported in one error line that says what is wrong")
@pytest.mark.parametrize(
    ("config", "what"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("null", 'has no object "cluster"'),
        ([], 'has no object "cluster"'),
        ({"cluster": WORKERS, "task": TASK}, 'has no object "cluster"'),
        ({"cluster": {"worker": WORKERS}}, 'has no object "task"'),
        ({"cluster": {}, "task": {"type": "worker", "index": 1}}, "has no workers"),
        ({"task": {"type": "worker", "index": 1}}, 'has no object "cluster"'),
        ({"Cluster": {"worker": WORKERS}, "task": TASK}, 'has no object "cluster"'),
        ({"cluster": {"worker": []}, "task": TASK}, "has no workers"),
        ({"cluster": {"worker": WORKERS, "ps": WORKERS}, "task": TASK}, "names unsupported jobs: ps"),
        ({"cluster": {"chief": WORKERS[:2], "worker": WORKERS[2:]}, "task": TASK}, "has more than one chief"),
        ({"cluster": {"worker": "10.0.0.1:2222"}, "task": TASK}, 'has no list of addresses for "worker"'),
        ({"cluster": {"worker": [2222]}, "task": TASK}, 'has no list of addresses for "worker"'),
        ({"cluster": {"worker": WORKERS * 2}, "task": TASK}, "lists 10.0.0.1:2222 twice"),
        *(
            ({"cluster": {"worker": [address, WORKERS[1]]}, "task": TASK}, "which is not host:port")
            for address in ("", "10.0.0.1", ":2222", "10.0.0.1:", "10.0.0.1:http", "a:0", "a:65536", "a:²", "a/b:22")
        ),
        *(
            ({"cluster": {"worker": WORKERS}, "task": {"type": "worker", "index": index}}, "has task index")
            for index in (-1, 3, "0", None, True, 1.0)
        ),
        ({"cluster": {"worker": WORKERS}, "task": {"type": "chief", "index": 0}}, "has task type 'chief'"),
        ({"cluster": {"worker": WORKERS}, "task": {"index": 0}}, "has task type None"),
        ({"cluster": {"worker": WORKERS}, "task": {"type": [], "index": 0}}, "has task type []"),
    ],
)
def test_a_malformed_tf_config_is_rejected(config, what):
    text = config if isinstance(config, str) else json.dumps(config)
    with pytest.raises(UserError, match="^TF_CONFIG ") as raised:
        cluster_of({"TF_CONFIG": text})
    assert what in str(raised.value)


def cluster_of_workers(number):
    return Cluster(tuple(map(str, range(number))), 0)


def test_exact_sums_need_1_2_or_4_workers():
    settings = SimpleNamespace(exact=True, batch_size=1)
    for number in (1, 2, 4):
        assert shards_per_worker(cluster_of_workers(number), settings) == 4 // number
    for number in (3, 5, 6, 7, 8):
        with pytest.raises(UserError, match="start 1, 2 or 4 workers"):
            shards_per_worker(cluster_of_workers(number), settings)


@pytest.mark.parametrize(
    ("cores", "workers", "batch_size", "expected"),
    [
        (1, 1, 16, 1),
        (2, 1, 16, 2),
        (8, 1, 16, 8),
        (16, 1, 16, 8),
        (2, 1, 1, 1),
        (4, 2, 16, 4),
        (8, 4, 16, 2),
        (8, 9, 16, 1),
    ],
)
def test_each_core_gets_a_shard_of_at_least_two_sequences(cores, workers, batch_size, expected, monkeypatch):
    monkeypatch.setattr(membership, "usable_cores", lambda: cores)
    settings = SimpleNamespace(exact=False, batch_size=batch_size)
    assert shards_per_worker(cluster_of_workers(workers), settings) == expected


def test_a_loopback_address_is_rejected_among_other_machines(monkeypatch):
    """On some systems, /etc/hosts maps the machine's name to 127.0.1.1."""
    places = {"here": "127.0.1.1", "there": "10.0.0.2"}

    def look_up(host, port, type):
        return [(socket.AF_INET, type, 0, "", (places[host], port))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with pytest.raises(UserError, match=r"here:2222, .* is 127.0.1.1 on this machine, which others cannot reach"):
        own_addresses(Cluster(("here:2222", "there:2222"), 0), seconds=0)


def test_an_unresolvable_name_is_an_error(monkeypatch):
    def look_up(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with pytest.raises(UserError, match="nowhere:2222, this worker's address in TF_CONFIG, cannot be resolved"):
        own_addresses(Cluster(("nowhere:2222", "there:2222"), 0), seconds=0)


def test_a_cluster_trains_in_float32():
    two = Cluster(("a:1", "b:2"), 0)
    assert [precision_of(ALONE, False, name) for name in ("auto", "float32", "bfloat16")] == [
        "auto",
        "float32",
        "bfloat16",
    ]
    assert precision_of(two, False, "auto") == precision_of(ALONE, True, "auto") == "float32"
    assert precision_of(two, True, "float32") == "float32"
    with pytest.raises(UserError, match="a cluster trains in float32"):
        precision_of(two, False, "bfloat16")
