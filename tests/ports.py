# SPDX-License-Identifier: Apache-2.0
"""Ports for servers that tests start."""

import random
import socket

#: Below those that systems give to clients (32768 and up on Linux, 49152 and
#: up elsewhere): what is free now, no connection takes until a server listens.
_PORTS = range(10000, 32000)

#: Not seeded, so that tests that run side by side choose differently.
_random = random.SystemRandom()


def free_port(family: int = socket.AF_INET) -> int:
    """A port of this machine on which nothing listens."""
    host = "::1" if family == socket.AF_INET6 else "127.0.0.1"
    while True:
        port = _random.choice(_PORTS)
        with socket.socket(family, socket.SOCK_STREAM) as bound:
            try:
                bound.bind((host, port))
            except OSError:
                continue
        return port
