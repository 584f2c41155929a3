import socket
import sys

import pytest

from run.cluster.socket_filter import close_to_other_addresses

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="socket filters exist only on Linux")


def accepts(address, port):
    try:
        socket.create_connection((address, port), timeout=0.3).close()
    except TimeoutError:
        return False
    return True


@pytest.mark.promise("TensorFlow's server can be reached only at the address given in TF_CONFIG (Linux)")
def test_a_port_on_all_addresses_is_closed_except_on_the_given_ones():
    with socket.create_server(("0.0.0.0", 0)) as server:
        port = server.getsockname()[1]
        addresses = ["127.0.0.1", "127.0.0.2", "127.0.1.1"]
        assert [accepts(address, port) for address in addresses] == [True, True, True]
        assert close_to_other_addresses(port, ["127.0.0.2", "::1"])
        assert [accepts(address, port) for address in addresses] == [False, True, False]


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="needs IPv6")
@pytest.mark.parametrize("named", ["127.0.0.1", "::1"])
def test_a_socket_for_ipv4_and_ipv6(named):
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        port = server.getsockname()[1]
        assert close_to_other_addresses(port, [named])
        assert {address for address in ("127.0.0.1", "::1") if accepts(address, port)} == {named}


def test_a_port_without_listener_is_reported():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert not close_to_other_addresses(port, ["127.0.0.1"])
