# SPDX-License-Identifier: Apache-2.0
"""Sends events to the message bus, without anybody waiting for it."""

import dataclasses
import enum
import logging
import queue
import socket
import threading
from collections.abc import Mapping
from typing import Any, Protocol

import oslo_messaging
from oslo_config import cfg
from oslo_messaging import opts

from masakari.conf import needs
from masakari.context import RequestContext

LOG = logging.getLogger(__name__)

#: Where consumers listen, whatever ``topics`` of
#: ``[oslo_messaging_notifications]`` says.
TOPIC = "versioned_notifications"

#: Events waiting for the broker; more are dropped.
BACKLOG = 10000

#: How often sending is tried again: a broker that was restarted is noticed
#: by the first failure, and one that is away holds up nobody else.
RETRIES = 1

#: Seconds for which a program that ends still sends what is waiting.
CLOSE_TIMEOUT = 2.0

_GROUP = "oslo_messaging_notifications"

_DRIVERS = "oslo.messaging.notify.drivers"

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

    def close(self) -> None:
        """The program ends; takes a bounded time."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    """What is to be sent."""

    binary: Binary
    context: RequestContext
    type: str
    phase: Phase
    payload: Mapping[str, Any]


class _Serializer(oslo_messaging.NoOpSerializer):
    """Payloads are plain data already."""

    def serialize_context(self, context: RequestContext) -> dict[str, Any]:
        return context.to_dict()


class Notifier:
    """A :class:`Publisher` on the configured message bus.

    One thread sends, in order. It is made with the first event, which is
    after a server has forked, and does not outlive the process.

    :param binary: who publishes, unless an event says otherwise
    :raises ConfigurationError: the transport's URL makes no sense, or a
        driver is not there
    """

    def __init__(self, conf: cfg.ConfigOpts, binary: Binary) -> None:
        self._binary = binary
        self._host = socket.gethostname()
        self._lock = threading.Lock()
        self._waiting: queue.SimpleQueue[_Event | None] = queue.SimpleQueue()
        self._dropping = False
        self._closed = False
        self._sender: threading.Thread | None = None
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
        event = _Event(
            binary=binary or self._binary,
            context=context,
            type=f"{action}.{phase}",
            phase=phase,
            payload=payload,
        )
        with self._lock:
            if self._closed or not self._has_room():
                return
            self._waiting.put(event)
            if self._sender is None:
                self._sender = threading.Thread(
                    target=self._send_all, name="events", daemon=True
                )
                self._sender.start()

    def close(self) -> None:
        """Send what is waiting; takes ``CLOSE_TIMEOUT`` at most.

        What happens later is not told any more.
        """
        with self._lock:
            self._closed = True
            self._waiting.put(None)
            sender = self._sender
        if sender is not None:
            sender.join(CLOSE_TIMEOUT)

    def _has_room(self) -> bool:
        """Whether one more may wait; warns when the first one may not."""
        waiting = self._waiting.qsize()
        if waiting >= BACKLOG:
            if not self._dropping:
                LOG.warning(
                    "%d events wait for the message bus; others are dropped "
                    "until there is room",
                    waiting,
                )
            self._dropping = True
            return False
        if waiting <= BACKLOG // 2:
            self._dropping = False
        return True

    def _send_all(self) -> None:
        while (event := self._waiting.get()) is not None:
            try:
                self._send(event)
            except Exception as error:
                LOG.warning(
                    "Event %s could not be sent: %r", event.type, error
                )

    def _send(self, event: _Event) -> None:
        notifier = self._notifier(event.binary)
        failed = event.phase is Phase.ERROR
        send = notifier.error if failed else notifier.info
        send(event.context, event.type, event.payload)

    def _notifier(self, binary: Binary) -> Any:
        if binary not in self._notifiers:
            self._notifiers[binary] = oslo_messaging.Notifier(
                self._transport,
                publisher_id=f"{binary}:{self._host}",
                topics=[TOPIC],
                serializer=_Serializer(),
                retry=RETRIES,
            )
        return self._notifiers[binary]


def _transport(conf: cfg.ConfigOpts) -> Any:
    """The transport of notifications; None when nothing is to be sent.

    Nothing is connected yet.

    :raises ConfigurationError: its URL makes no sense, or a driver is not
        there
    """
    options = dict(opts.list_opts())
    conf.register_opts(options[_GROUP], _GROUP)
    conf.register_opts(options[None])
    chosen = set(conf[_GROUP].driver)
    for driver in chosen - _SILENT:
        needs.driver(f"[{_GROUP}] driver", _DRIVERS, driver)
    if chosen <= _SILENT:
        return None
    group = _GROUP
    url = needs.value(conf, "transport_url", group)
    if not url:
        group = "DEFAULT"
        url = needs.value(conf, "transport_url")
    option = f"[{group}] transport_url"
    needs.bus_driver(option, needs.bus_url(option, url))
    return oslo_messaging.get_notification_transport(conf)
