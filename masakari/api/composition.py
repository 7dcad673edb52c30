# SPDX-License-Identifier: Apache-2.0
"""The parts that an API application is put together from."""

import dataclasses
import functools

from oslo_config import cfg
from oslo_policy import policy as oslo_policy

from masakari import policy
from masakari.db import session
from masakari.events import publisher
from masakari.nova import port
from masakari.rpc import client
from masakari.services.environment import Compute, EngineClient, Services


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Composition:
    """Configuration, collaborators and policy of one application."""

    conf: cfg.ConfigOpts
    services: Services
    enforcer: oslo_policy.Enforcer


def compose(
    conf: cfg.ConfigOpts,
    *,
    database: session.Database,
    compute: Compute,
    engine_client: EngineClient,
    events: publisher.Publisher | None = None,
) -> Composition:
    """Put an application's parts together.

    :param compute: a port to Nova, or what makes one when it is needed
    :param events: where changes are told; None takes what ``conf`` says
    :raises ConfigurationError: they cannot be told there
    """
    if events is None:
        events = publisher.Notifier(conf, publisher.Binary.API)
    return Composition(
        conf=conf,
        services=Services.from_conf(
            conf,
            database=database,
            compute=compute,
            engine_client=engine_client,
            events=events,
        ),
        enforcer=policy.make_enforcer(conf),
    )


def from_conf(
    conf: cfg.ConfigOpts, events: publisher.Publisher | None = None
) -> Composition:
    """The parts as ``conf`` describes them; nothing is connected yet.

    :param events: as for :func:`compose`
    :raises ConfigurationError: ``conf`` lacks something
    """
    return compose(
        conf,
        database=session.Database.from_conf(conf),
        compute=functools.partial(_nova, conf),
        engine_client=client.EngineClient(conf),
        events=events,
    )


def _nova(conf: cfg.ConfigOpts) -> port.ComputePort:
    """Imported when it is needed: most requests do without Nova."""
    from masakari.nova import client

    return client.NovaClient.from_conf(conf)
