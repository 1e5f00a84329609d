"""Ports for peers that must know their port before anybody listens on it.

A port that the system hands out for ``port 0`` and that is given back may be handed to the next connection of any other
test before it is bound again. These lie below the range that the system hands out from.
"""

import os
import socket
from itertools import count

_FIRST = 20_000
_COUNT = 10_000
_STRIDE = 97  # processes side by side begin far apart
_TURN = count()


def free_port() -> int:
    """Return a TCP port of loopback that nobody listens on, another one at every call."""
    while True:
        port = _FIRST + (os.getpid() * _STRIDE + next(_TURN)) % _COUNT
        with socket.socket() as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
