"""A network that delays every packet: a process between TUN devices, for kernels without tc's netem.

python -m bench.scale_out.delaying_relay MILLISECONDS ADDRESS=NAMESPACE ... creates a device named "wire" in each of the
network namespaces, prints "ready", and forwards each IPv4 packet to the namespace of its destination after the delay.
It ends when its standard input is closed.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import select
import socket
import struct
import sys
import time
from collections import deque

DEVICE = "wire"
CLONE_NEWNET = 0x40000000
# linux/if_tun.h
TUNSETIFF, TUNSETOFFLOAD = 0x400454CA, 0x400454D0
IFF_TUN, IFF_NO_PI, IFF_VNET_HDR = 0x0001, 0x1000, 0x4000
# The kernel hands over pieces of up to 64 KiB of a TCP stream, as it does to a network card: Python keeps up then.
TUN_F_CSUM, TUN_F_TSO4 = 1, 2
VNET_HEADER = 10  # bytes before each packet
LARGEST = VNET_HEADER + 2**16


def main() -> None:
    delay = float(sys.argv[1]) / 1e3
    devices = {}
    for word in sys.argv[2:]:
        address, _, namespace = word.partition("=")
        devices[socket.inet_aton(address)] = device_in(namespace)
    with contextlib.suppress(OSError):
        os.nice(-10)
    print("ready", flush=True)
    relay(devices, delay)


def device_in(namespace: str) -> int:
    """The descriptor of a new TUN device in the namespace; needs root."""
    with open(f"/run/netns/{namespace}") as entered:
        if ctypes.CDLL(None, use_errno=True).setns(entered.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), namespace)
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", DEVICE.encode(), IFF_TUN | IFF_NO_PI | IFF_VNET_HDR))
    fcntl.ioctl(device, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4)
    return device


def relay(devices: dict[bytes, int], delay: float) -> None:
    """devices: by the IPv4 address that is behind each. delay: seconds."""
    asked_to_end = sys.stdin.fileno()
    waiting: deque[tuple[float, int, bytes]] = deque()
    while True:
        timeout = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        readable, _, _ = select.select([asked_to_end, *devices.values()], [], [], timeout)
        if asked_to_end in readable:
            return
        for device in readable:
            with contextlib.suppress(BlockingIOError):
                packet = os.read(device, LARGEST)
                to = devices.get(packet[VNET_HEADER + 16 : VNET_HEADER + 20])
                if to is not None:
                    waiting.append((time.monotonic() + delay, to, packet))
        while waiting and waiting[0][0] <= time.monotonic():
            _, to, packet = waiting.popleft()
            # A device whose queue is full drops the packet, as a network does.
            with contextlib.suppress(BlockingIOError):
                os.write(to, packet)


if __name__ == "__main__":
    main()
