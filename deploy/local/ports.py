"""Ports: free ones for tests, and whether one is taken."""

import random
import socket

_BELOW_EPHEMERAL = range(20_000, 32_000)
"""Linux gives outgoing connections ports from 32768 on: a port from there may be taken before its server starts."""

_given: set[int] = set()


def free_port() -> int:
    """A port that is free on 127.0.0.1 right now, and not given to this process before. OSError if all are taken."""
    candidates = [port for port in _BELOW_EPHEMERAL if port not in _given]
    # seeded by the system: parallel test processes must not walk through the same ports
    random.SystemRandom().shuffle(candidates)
    for port in candidates:
        if is_free(port):
            _given.add(port)
            return port
    raise OSError("no free port on 127.0.0.1")


def is_free(port: int) -> bool:
    """Whether a server could listen on 127.0.0.1 at this port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
