# SPDX-License-Identifier: Apache-2.0
"""The message bus between API and engine, where a cast only saves a wait.

Callers ask for the lowest version that has the method, so that an engine of
an earlier release takes the call too. A notification
travels as the versioned object that releases up to 21.0.0 exchange, so that
either side may be one of those during an upgrade.
"""

import datetime
import functools
import importlib
import logging
import socket
import threading
from collections.abc import Sequence
from concurrent import futures
from typing import Any

import oslo_messaging
from oslo_config import cfg
from oslo_messaging import opts

from masakari import exception
from masakari.context import RequestContext
from masakari.domain.model import Notification, TaskProgress

LOG = logging.getLogger(__name__)

#: The methods of the engine's interface, and since which version each is
#: there. The first one is cast, the other one called.
METHODS = {
    "process_notification": "1.0",
    "get_notification_recovery_workflow_details": "1.1",
}

VERSION = "1.1"

#: Casts waiting for the broker; the rest are dropped. Engines find the
#: notifications by themselves a little later.
BACKLOG = 1000

#: Seconds that a broker may take to let go of a server.
STOP_TIMEOUT = 2

#: Seconds after which a broker that has not answered is said to be away.
START_PATIENCE = 5

#: Seconds between two attempts at a broker that refuses the engine.
RETRY_AFTER = 30

#: Seconds to try in all whether a broker takes connections.
_CONNECTING = 1.5

#: Of AMQP, without and with TLS, where the URL names none.
_PORTS = (5672, 5671)


def target(**kwargs: Any) -> Any:
    """An oslo.messaging target."""
    return oslo_messaging.Target(**kwargs)


class ContextSerializer(oslo_messaging.NoOpSerializer):
    """Carries the request context; bodies are plain data already."""

    def serialize_context(self, context: RequestContext) -> dict[str, Any]:
        return context.to_dict()

    def deserialize_context(self, context: dict[str, Any]) -> RequestContext:
        return RequestContext.from_dict(context)


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
                self._cast, context, to_wire(notification)
            ).add_done_callback(
                functools.partial(self._sent, notification.uuid)
            )

    def _cast(
        self, context: RequestContext, notification: dict[str, Any]
    ) -> None:
        method = "process_notification"
        send = functools.partial(
            self._prepared(METHODS[method]).cast,
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
            transport = self._transport or get_transport(self._conf)
            self._client = oslo_messaging.get_rpc_client(
                transport,
                target(topic=self._conf.masakari_topic),
                serializer=ContextSerializer(),
                retry=0,
            )
        return self._client.prepare(version=version)


def get_transport(conf: cfg.ConfigOpts) -> Any:
    """The configured transport; nothing is connected yet.

    Errors of :mod:`masakari.exception` travel over it as themselves.

    :raises ConfigurationError: ``transport_url`` makes no sense
    """
    _complete(conf)
    try:
        return oslo_messaging.get_rpc_transport(
            conf, allowed_remote_exmods=[exception.__name__]
        )
    except (
        oslo_messaging.DriverLoadFailure,
        oslo_messaging.InvalidTransportURL,
        ValueError,
    ) as error:
        raise exception.ConfigurationError(
            f"transport_url cannot be used: {error}"
        ) from error


def _complete(conf: cfg.ConfigOpts) -> None:
    """Register what oslo.messaging registers on ``cfg.CONF`` alone.

    Releases that measure or trace calls look it up for every call.
    """
    for name in ("metrics", "tracing"):
        group = f"oslo_messaging_{name}"
        try:
            module = importlib.import_module(f"oslo_messaging._{name}.client")
        except ImportError:
            continue
        conf.register_opts(getattr(module, group, []), group)


def stay_in_process(conf: cfg.ConfigOpts) -> None:
    """Have casts stay in this process, unless ``conf`` names a broker."""
    for group, options in opts.list_opts():
        if group is None:
            conf.register_opts(options)
    conf.set_default("transport_url", "fake://")


class EngineServer:
    """Has the bus call an endpoint, as long as there is a broker.

    :raises ConfigurationError: ``transport_url`` makes no sense
    """

    def __init__(self, conf: cfg.ConfigOpts, endpoint: Any) -> None:
        self._make = functools.partial(
            oslo_messaging.get_rpc_server,
            get_transport(conf),
            target(topic=conf.masakari_topic, server=conf.host),
            [endpoint],
            executor="threading",
            serializer=ContextSerializer(),
            access_policy=oslo_messaging.DefaultRPCAccessPolicy,
        )
        self._has_broker = _has_broker(oslo_messaging.TransportURL.parse(conf))
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
        stopping = threading.Thread(target=self._server.stop, daemon=True)
        stopping.start()
        stopping.join(STOP_TIMEOUT)

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


def _tell_of_waiting() -> None:
    LOG.warning(
        "The broker is not there yet; until it comes, notifications are "
        "found in the database alone"
    )


class Broker:
    """Where the message bus is, to see whether anybody is there.

    :raises ConfigurationError: ``transport_url`` makes no sense
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        try:
            url = oslo_messaging.TransportURL.parse(conf)
        except (oslo_messaging.InvalidTransportURL, ValueError) as error:
            raise exception.ConfigurationError(
                f"transport_url cannot be used: {error}"
            ) from error
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


def _has_broker(url: Any) -> bool:
    """Whether the bus is outside of this process."""
    return bool(url.transport != "fake")


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


def to_wire(notification: Notification) -> dict[str, Any]:
    """The ``Notification`` object, version 1.2, in its wire form."""
    return _object(
        "Notification",
        "1.2",
        {
            "id": notification.id,
            "notification_uuid": notification.uuid,
            "generated_time": _time(notification.generated_time),
            "source_host_uuid": notification.source_host_uuid,
            "failover_segment_uuid": notification.failover_segment_uuid,
            "type": str(notification.type),
            "payload": dict(notification.payload),
            "status": str(notification.status),
            "message": notification.message,
            "created_at": _time(notification.created_at),
            "updated_at": _time(notification.updated_at),
            "deleted_at": _time(notification.deleted_at),
            "deleted": notification.deleted,
        },
    )


def with_details(
    notification: dict[str, Any], progress: Sequence[TaskProgress]
) -> dict[str, Any]:
    """A ``Notification`` in wire form, with its progress filled in."""
    details = [
        _object(
            "NotificationProgressDetails",
            "1.0",
            {
                "name": task.name,
                "progress": task.progress,
                "state": task.state,
                "progress_details": [
                    {
                        "timestamp": entry.timestamp,
                        "progress": entry.progress,
                        "message": entry.message,
                    }
                    for entry in task.entries
                ],
            },
        )
        for task in progress
    ]
    data = notification["masakari_object.data"]
    return {
        **notification,
        "masakari_object.data": {**data, "recovery_workflow_details": details},
    }


def _object(name: str, version: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "masakari_object.name": name,
        "masakari_object.namespace": "masakari",
        "masakari_object.version": version,
        "masakari_object.data": data,
    }


def _time(moment: datetime.datetime | None) -> str | None:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None
