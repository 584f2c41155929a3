"""A worker's own address: whether it belongs to this machine, is free, and can be reached by the others."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import time
from typing import Any

from run.cluster.tf_config import VARIABLE, Cluster
from support.user_error import UserError

SECONDS_BETWEEN_TRIES = 0.5


def own_addresses(cluster: Cluster, seconds: float) -> list[str]:
    """The IP addresses of this worker's host name, on which it can listen.

    seconds: how long to retry if the name cannot be resolved. Raises UserError if it still cannot be resolved, if the
    address is not this machine's or others cannot reach it, or if the port is in use.
    """
    deadline = time.monotonic() + seconds
    own = cluster.addresses[cluster.worker]
    host, port = host_and_port(own)
    while True:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            break
        except OSError as error:
            if time.monotonic() > deadline:
                raise UserError(
                    f"{own}, this worker's address in {VARIABLE}, cannot be resolved ({error.strerror})"
                ) from None
            time.sleep(SECONDS_BETWEEN_TRIES)
    if all(_is_loopback(address[0]) for *_, address in found) and not _are_all_local(cluster):
        raise UserError(
            f"{own}, this worker's address in {VARIABLE}, is {found[0][4][0]} on this machine, which others cannot "
            "reach; use its IP address, or correct this machine's /etc/hosts"
        )
    for family, kind, protocol, _, address in found:
        with socket.socket(family, kind, protocol) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind(address)
            except OSError as error:
                raise UserError(
                    f"cannot listen at {own}, this worker's address in {VARIABLE} ({error.strerror}); use an address "
                    "of this machine and a free port, and check the task index"
                ) from None
    return sorted({str(address[0]) for *_, address in found})


def _is_loopback(address: Any) -> bool:
    return ipaddress.ip_address(str(address).partition("%")[0]).is_loopback


def _are_all_local(cluster: Cluster) -> bool:
    """Whether all workers whose names can be resolved are on the loopback interface."""
    found = []
    for host, port in map(host_and_port, cluster.addresses):
        with contextlib.suppress(OSError):
            found += [address[0] for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    return all(map(_is_loopback, found))


def host_and_port(address: str) -> tuple[str, int]:
    """The two parts of "host:port"; an IPv6 address loses its brackets."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)
