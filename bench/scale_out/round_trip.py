"""Measures an open TCP connection: python -m bench.scale_out.round_trip serve ADDRESS, then ... ask ADDRESS.

The second prints the median round trip of one byte, in ms, and the rate at which megabytes arrive, in Gbit/s.
"""

from __future__ import annotations

import socket
import statistics
import sys
import time

PORT = 23999
TIMES = 200
BULK = 2**24  # bytes


def main() -> None:
    role, address = sys.argv[1:]
    serve(address) if role == "serve" else ask(address)


def serve(address: str) -> None:
    with socket.create_server((address, PORT)) as server:
        print("ready", flush=True)
        connection, _ = server.accept()
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for _ in range(TIMES):
                connection.sendall(connection.recv(1))
            left = BULK
            while left:
                left -= len(connection.recv(min(left, 2**20)))
            connection.sendall(b".")


def ask(address: str) -> None:
    with socket.create_connection((address, PORT)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        seconds = []
        for _ in range(TIMES):
            began = time.perf_counter()
            connection.sendall(b".")
            connection.recv(1)
            seconds.append(time.perf_counter() - began)
        round_trip = statistics.median(seconds)
        began = time.perf_counter()
        connection.sendall(bytes(BULK))
        connection.recv(1)
        rate = 8 * BULK / (time.perf_counter() - began - round_trip)
    print(f"{1e3 * round_trip:.3f} {rate / 1e9:.3f}")


if __name__ == "__main__":
    main()
