# SPDX-License-Identifier: Apache-2.0
"""Whether anybody is there where the bus is."""

import socket
from typing import Any

import oslo_messaging
from oslo_config import cfg

from masakari.rpc import bus

#: Seconds to try in all whether a broker takes connections.
_CONNECTING = 1.5

#: Of AMQP, without and with TLS, where the URL names none.
_PORTS = (5672, 5671)


class Broker:
    """Where the message bus is, to see whether anybody is there.

    :raises ConfigurationError: ``transport_url`` makes no sense
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        url = oslo_messaging.TransportURL.parse(conf, bus.url(conf))
        self._addresses = _addresses(url)

    def ping(self) -> None:
        """Connect to one of its hosts and leave again.

        A bus in the process is always there, and so is one of which it is
        not known where it listens.

        :raises OSError: no host takes connections
        """
        refused = None
        for address in self._addresses:
            try:
                socket.create_connection(
                    address, _CONNECTING / len(self._addresses)
                ).close()
            except OSError as error:
                refused = error
            else:
                return
        if refused is not None:
            raise refused


def _addresses(url: Any) -> list[tuple[str, int]]:
    hosts = [(host.hostname or "localhost", host.port) for host in url.hosts]
    is_amqp = url.transport in ("rabbit", "amqp")
    if is_amqp and not hosts:
        hosts = [("localhost", None)]
    unknown = _PORTS if is_amqp else ()
    return [
        (name, number)
        for name, port in hosts
        for number in ((port,) if port else unknown)
    ]
