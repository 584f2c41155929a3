"""Restricts a listening port to some of this machine's addresses.

TensorFlow's server listens on all addresses, and has no option for a single one. So the Linux kernel is asked to drop
packets for other addresses: a socket filter (socket(7), SO_ATTACH_FILTER), which needs no privileges. A dropped
connection gets no answer, as if nothing listened. Python's socket module has no call for this.
"""

from __future__ import annotations

import contextlib
import ctypes
import ipaddress
import os
import socket
import struct
import sys
from collections.abc import Collection, Iterator

SO_ATTACH_FILTER = 26
# linux/filter.h: operations, and the offset at which the IP header begins.
LOAD_BYTE, LOAD_WORD, MASK, EQUALS, RETURN = 0x30, 0x20, 0x54, 0x15, 0x06
IP_HEADER = 0xFFF00000
DESTINATION = {4: 16, 6: 24}
ALL_OF_THE_PACKET = 0xFFFFFFFF


def close_to_other_addresses(port: int, addresses: Collection[str]) -> bool:
    """Makes this process's listening sockets at `port` accept only packets to these IP addresses.

    Returns whether that was possible; it is on Linux.
    """
    if not sys.platform.startswith("linux"):
        return False
    program = _filter([ipaddress.ip_address(address.partition("%")[0]) for address in addresses])
    buffer = ctypes.create_string_buffer(program)
    # struct sock_fprog: the number of instructions and their address.
    described = struct.pack("HL", len(program) // 8, ctypes.addressof(buffer))
    closed = False
    for one in _own_sockets(port):
        try:
            one.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, described)
        except OSError:
            return False
        closed = True
    return closed


def _own_sockets(port: int) -> Iterator[socket.socket]:
    """This process's TCP sockets at this port, connections included, each as a duplicate that is closed afterwards."""
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as one:
            is_inet = one.family in (socket.AF_INET, socket.AF_INET6)
            if is_inet and one.type == socket.SOCK_STREAM and one.getsockname()[1] == port:
                yield one


def _filter(addresses: Collection[ipaddress.IPv4Address | ipaddress.IPv6Address]) -> bytes:
    """The program: struct sock_filter[], 8 bytes each."""
    parts = [_accept(address) for address in addresses]
    return b"".join(map(b"".join, parts)) + _instruction(RETURN, 0)


def _accept(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> list[bytes]:
    """Accepts a packet to this address; for any other, execution continues after the last instruction."""
    words = struct.unpack(f"!{len(address.packed) // 4}I", address.packed)
    tests = [(LOAD_BYTE, 0, address.version << 4)]
    tests += [(LOAD_WORD, DESTINATION[address.version] + 4 * place, word) for place, word in enumerate(words)]
    program = []
    for number, (load, offset, value) in enumerate(tests):
        program.append(_instruction(load, IP_HEADER + offset))
        rest = 2 * (len(tests) - number - 1) + 1
        if load == LOAD_BYTE:
            program.append(_instruction(MASK, 0xF0))
        program.append(_instruction(EQUALS, value, otherwise=rest))
    return [*program, _instruction(RETURN, ALL_OF_THE_PACKET)]


def _instruction(operation: int, value: int, otherwise: int = 0) -> bytes:
    return struct.pack("HBBI", operation, 0, otherwise, value)
