"""Free ports for tests."""

import socket
from pathlib import Path

from deploy.local.ports import free_port, is_free


def test_ports_are_different_and_out_of_the_way_of_outgoing_connections() -> None:
    given = [free_port() for _ in range(50)]
    lowest_ephemeral = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])

    assert len(set(given)) == 50
    assert all(1024 < port < lowest_ephemeral for port in given)
    assert all(map(is_free, given))


def test_a_port_that_somebody_listens_on_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert not is_free(server.getsockname()[1])
