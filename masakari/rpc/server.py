# SPDX-License-Identifier: Apache-2.0
"""The engine's side of the bus."""

import functools
import logging
import threading
import time
from typing import Any

import oslo_messaging
from oslo_config import cfg

from masakari.rpc import bus

LOG = logging.getLogger(__name__)

#: Seconds that a broker may take to let go of a server.
STOP_TIMEOUT = 2

#: Seconds that a broker may take to see that a server has left.
_FORGETTING = 0.5

#: Seconds after which a broker that has not answered is said to be away.
START_PATIENCE = 5

#: Seconds between two attempts at a broker that refuses the engine.
RETRY_AFTER = 30


class EngineServer:
    """Has the bus call an endpoint, as long as there is a broker.

    :raises ConfigurationError: ``transport_url`` makes no sense
    """

    def __init__(self, conf: cfg.ConfigOpts, endpoint: Any) -> None:
        self._transport = bus.get_transport(conf)
        self._queue = f"{conf.masakari_topic}.{conf.host}"
        self._make = functools.partial(
            oslo_messaging.get_rpc_server,
            self._transport,
            bus.target(topic=conf.masakari_topic, server=conf.host),
            [endpoint],
            executor="threading",
            serializer=bus.ContextSerializer(),
            access_policy=oslo_messaging.DefaultRPCAccessPolicy,
        )
        # A bus in the process is there from the beginning.
        url = oslo_messaging.TransportURL.parse(conf)
        self._has_broker = url.transport != "fake"
        self._has_queues = url.transport == "rabbit"
        self._server: Any = None
        self._starting = threading.Thread(
            target=self._start, name="rpc", daemon=True
        )
        self._listening = threading.Event()
        self._over = threading.Event()

    @property
    def listening(self) -> bool:
        """Whether the broker has been there since :meth:`start`."""
        return self._listening.is_set()

    @property
    def trouble(self) -> str | None:
        """Why it will never listen; None as long as it may."""
        begun = self._starting.ident is not None
        if not begun or self._starting.is_alive():
            return None
        if self._listening.is_set() or self._over.is_set():
            return None
        return "Listening to the bus: the thread has died"

    def start(self) -> None:
        """Listen as soon as the broker is there; returns at once."""
        self._starting.start()

    def stop(self) -> None:
        """Take no more calls; takes ``STOP_TIMEOUT`` at most."""
        self._over.set()
        # While it waits for the broker it cannot be stopped: it would first
        # wait for its own start. The thread ends with the process.
        if self._server is None:
            return
        stopping = threading.Thread(target=self._leave, daemon=True)
        stopping.start()
        stopping.join(STOP_TIMEOUT)

    def _leave(self) -> None:
        """Stop listening, and take along what only this server listens to."""
        # It warns of the end of what is deleted while it is listened to.
        logging.getLogger("amqp").setLevel(logging.ERROR)
        self._server.stop()
        self._server.wait()
        if self._has_queues:
            self._delete_queue()
        self._transport.cleanup()

    def _delete_queue(self) -> None:
        """Delete the queue of the engines of this host after the last one.

        oslo.messaging makes it and has no way to delete it. Nothing is ever
        sent to it, and each engine that a container has run would leave one.
        """
        try:
            with self._transport._driver._get_connection() as pooled:
                connection = pooled.connection.connection.clone()
            with connection, connection.channel() as channel:
                _delete_unused(channel, self._queue)
        except Exception as error:
            LOG.info("Queue %s is left in the broker: %s", self._queue, error)

    def _start(self) -> None:
        """Try until it is let in: its user may be made later."""
        told = None
        while not self._over.is_set():
            refusal = self._listen()
            if refusal is None:
                return
            if refusal != told:
                LOG.error(
                    "The broker refuses the engine, which tries again every "
                    "%g seconds; meanwhile, notifications are found in the "
                    "database alone: %s",
                    RETRY_AFTER,
                    refusal,
                )
            told = refusal
            self._over.wait(RETRY_AFTER)

    def _listen(self) -> str | None:
        """Listen, once the broker is there; returns why it may not."""
        server = self._make()
        waiting = threading.Timer(START_PATIENCE, _tell_of_waiting)
        waiting.daemon = True
        waiting.start()
        try:
            server.start()
        except Exception as error:
            # Each driver's library has errors of its own for it.
            return str(error)
        finally:
            waiting.cancel()
        self._server = server
        self._listening.set()
        if self._has_broker:
            LOG.info("The broker is there; messages wake the engine")
        return None


def _delete_unused(channel: Any, queue: str) -> None:
    """Delete a queue, unless another engine of the host listens to it.

    A broker takes a moment to see that who has left is gone.
    """
    patience_ends_at = time.monotonic() + _FORGETTING
    while channel.queue_declare(queue, passive=True).consumer_count:
        if time.monotonic() > patience_ends_at:
            return
        time.sleep(0.05)
    channel.queue_delete(queue)


def _tell_of_waiting() -> None:
    LOG.warning(
        "The broker is not there yet; until it comes, notifications are "
        "found in the database alone"
    )
