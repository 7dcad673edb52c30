# SPDX-License-Identifier: Apache-2.0
"""Sends events to the message bus, without anybody waiting for it."""

import enum
import functools
import logging
import socket
import threading
from collections.abc import Mapping
from concurrent import futures
from typing import Any, Protocol

import oslo_messaging
from oslo_config import cfg

from masakari import exception
from masakari.context import RequestContext

LOG = logging.getLogger(__name__)

#: Where consumers listen, whatever ``topics`` of
#: ``[oslo_messaging_notifications]`` says.
TOPIC = "versioned_notifications"

#: Events waiting for the broker; more are dropped.
BACKLOG = 10000

#: Seconds for which a program that ends still sends what is waiting.
CLOSE_TIMEOUT = 2.0

#: Drivers that send nothing.
_SILENT = frozenset({"", "noop"})


class Phase(enum.StrEnum):
    START = "start"
    END = "end"
    ERROR = "error"


class Binary(enum.StrEnum):
    """Who publishes."""

    API = "masakari-api"
    ENGINE = "masakari-engine"


class Publisher(Protocol):
    def emit(
        self,
        context: RequestContext,
        action: str,
        phase: Phase,
        payload: Mapping[str, Any],
        *,
        binary: Binary | None = None,
    ) -> None:
        """Tell of an event; returns at once and never fails.

        :param action: what is done to what, as in ``segment.create``
        :param binary: publishes it, if not who usually does
        """


class Silent:
    """A :class:`Publisher` that says nothing."""

    def emit(self, *args: Any, **kwargs: Any) -> None:
        """Nothing is told."""


class _Serializer(oslo_messaging.NoOpSerializer):
    """Payloads are plain data already."""

    def serialize_context(self, context: RequestContext) -> dict[str, Any]:
        return context.to_dict()


class Notifier:
    """A :class:`Publisher` on the configured message bus.

    One thread sends, in order. It is made with the first event, which is
    after a server has forked.

    :param binary: who publishes, unless an event says otherwise
    :raises ConfigurationError: the transport's URL makes no sense
    """

    def __init__(self, conf: cfg.ConfigOpts, binary: Binary) -> None:
        self._binary = binary
        self._host = socket.gethostname()
        self._lock = threading.Lock()
        self._waiting = 0
        self._dropping = False
        self._sender: futures.ThreadPoolExecutor | None = None
        self._notifiers: dict[Binary, Any] = {}
        self._transport = _transport(conf)

    def emit(
        self,
        context: RequestContext,
        action: str,
        phase: Phase,
        payload: Mapping[str, Any],
        *,
        binary: Binary | None = None,
    ) -> None:
        """See :meth:`Publisher.emit`."""
        if self._transport is None:
            return
        with self._lock:
            if self._waiting >= BACKLOG:
                self._drop()
                return
            self._dropping = False
            self._waiting += 1
            if self._sender is None:
                self._sender = futures.ThreadPoolExecutor(
                    1, thread_name_prefix="events"
                )
            self._sender.submit(
                self._send,
                binary or self._binary,
                context,
                f"{action}.{phase}",
                phase,
                payload,
            ).add_done_callback(self._sent)

    def close(self) -> None:
        """Send what is waiting; takes ``CLOSE_TIMEOUT`` at most."""
        with self._lock:
            sender = self._sender
        if sender is None:
            return
        closing = threading.Thread(
            target=functools.partial(sender.shutdown, wait=True), daemon=True
        )
        closing.start()
        closing.join(CLOSE_TIMEOUT)

    def _drop(self) -> None:
        if not self._dropping:
            self._dropping = True
            LOG.warning(
                "%d events wait for the message bus; others are dropped "
                "until there is room",
                self._waiting,
            )

    def _send(
        self,
        binary: Binary,
        context: RequestContext,
        event: str,
        phase: Phase,
        payload: Mapping[str, Any],
    ) -> None:
        notifier = self._notifier(binary)
        send = notifier.error if phase is Phase.ERROR else notifier.info
        send(context, event, payload)

    def _notifier(self, binary: Binary) -> Any:
        if binary not in self._notifiers:
            self._notifiers[binary] = oslo_messaging.Notifier(
                self._transport,
                publisher_id=f"{binary}:{self._host}",
                topics=[TOPIC],
                serializer=_Serializer(),
                retry=0,
            )
        return self._notifiers[binary]

    def _sent(self, sending: "futures.Future[None]") -> None:
        with self._lock:
            self._waiting -= 1
        error = None if sending.cancelled() else sending.exception()
        if error is not None:
            LOG.warning("An event could not be sent: %r", error)


def _transport(conf: cfg.ConfigOpts) -> Any:
    """The transport of notifications; None when nothing is to be sent.

    Nothing is connected yet.

    :raises ConfigurationError: its URL makes no sense
    """
    try:
        transport = oslo_messaging.get_notification_transport(conf)
    except (
        oslo_messaging.DriverLoadFailure,
        oslo_messaging.InvalidTransportURL,
    ) as error:
        raise exception.ConfigurationError(
            "transport_url of [oslo_messaging_notifications], or of "
            f"[DEFAULT], cannot be used: {error}"
        ) from error
    drivers = conf.oslo_messaging_notifications.driver
    return None if set(drivers) <= _SILENT else transport
