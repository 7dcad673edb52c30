# SPDX-License-Identifier: Apache-2.0
"""The engine's interface on the bus, and the way there.

Callers ask for the lowest version that has the method, so that an engine of
an earlier release takes the call too.
"""

import importlib
from typing import Any

import oslo_messaging
from oslo_config import cfg
from oslo_messaging import opts

from masakari import exception
from masakari.conf import needs
from masakari.context import RequestContext

#: The methods of the engine's interface, and since which version each is
#: there. The first one is cast, the other one called.
METHODS = {
    "process_notification": "1.0",
    "get_notification_recovery_workflow_details": "1.1",
}

VERSION = "1.1"

_OPTION = "[DEFAULT] transport_url"


def target(**kwargs: Any) -> Any:
    """An oslo.messaging target."""
    return oslo_messaging.Target(**kwargs)


class ContextSerializer(oslo_messaging.NoOpSerializer):
    """Carries the request context; bodies are plain data already."""

    def serialize_context(self, context: RequestContext) -> dict[str, Any]:
        return context.to_dict()

    def deserialize_context(self, context: dict[str, Any]) -> RequestContext:
        return RequestContext.from_dict(context)


def get_transport(conf: cfg.ConfigOpts) -> Any:
    """The configured transport; nothing is connected yet.

    Errors of :mod:`masakari.exception` travel over it as themselves.

    :raises ConfigurationError: see :func:`check`
    """
    check(conf)
    _complete(conf)
    return oslo_messaging.get_rpc_transport(
        conf, allowed_remote_exmods=[exception.__name__]
    )


def url(conf: cfg.ConfigOpts) -> str:
    """Where the bus is.

    :raises ConfigurationError: ``transport_url`` makes no sense
    """
    conf.register_opts(dict(opts.list_opts())[None])
    return needs.bus_url(_OPTION, needs.value(conf, "transport_url"))


def check(conf: cfg.ConfigOpts) -> None:
    """Refuse a bus that can never be reached.

    :raises ConfigurationError: ``transport_url`` makes no sense, or needs
        what is not there
    """
    needs.bus_driver(_OPTION, url(conf))


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
    conf.register_opts(dict(opts.list_opts())[None])
    conf.set_default("transport_url", "fake://")
