# SPDX-License-Identifier: Apache-2.0
"""The API's side of the bus."""

import functools
import logging
import threading
from concurrent import futures
from typing import Any

import oslo_messaging
from oslo_config import cfg

from masakari.context import RequestContext
from masakari.domain.model import Notification
from masakari.rpc import bus, wire

LOG = logging.getLogger(__name__)

#: Casts waiting for the broker; the rest are dropped. Engines find the
#: notifications by themselves a little later.
BACKLOG = 1000


class EngineClient:
    """Wakes the engines; does not keep anybody waiting for the broker.

    :param transport: an oslo.messaging transport; None makes the configured
        one when it is first needed, which is after a server has forked
    """

    def __init__(self, conf: cfg.ConfigOpts, transport: Any = None) -> None:
        self._conf = conf
        self._transport = transport
        self._client: Any = None
        self._backlog = threading.BoundedSemaphore(BACKLOG)
        self._sender = futures.ThreadPoolExecutor(1, thread_name_prefix="cast")

    def process_notification(
        self, context: RequestContext, notification: Notification
    ) -> None:
        """Tell an engine of a notification; returns at once.

        A cast that fails is logged: engines look into the database anyway.
        """
        if self._backlog.acquire(blocking=False):
            self._sender.submit(
                self._cast, context, wire.to_wire(notification)
            ).add_done_callback(
                functools.partial(self._sent, notification.uuid)
            )

    def _cast(
        self, context: RequestContext, notification: dict[str, Any]
    ) -> None:
        method = "process_notification"
        send = functools.partial(
            self._prepared(bus.METHODS[method]).cast,
            context,
            method,
            notification=notification,
        )
        try:
            send()
        except oslo_messaging.MessageDeliveryFailure:
            # That the broker has closed a connection meanwhile, as it does
            # when it starts anew, is found out by using it.
            send()

    def _sent(self, uuid: str, cast: "futures.Future[None]") -> None:
        self._backlog.release()
        error = cast.exception()
        if error is not None:
            LOG.warning(
                "No engine could be woken for notification %s, they will "
                "find it by themselves: %r",
                uuid,
                error,
            )

    def _prepared(self, version: str) -> Any:
        if self._client is None:
            transport = self._transport or bus.get_transport(self._conf)
            self._client = oslo_messaging.get_rpc_client(
                transport,
                bus.target(topic=self._conf.masakari_topic),
                serializer=bus.ContextSerializer(),
                retry=0,
            )
        return self._client.prepare(version=version)
