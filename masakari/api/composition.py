# SPDX-License-Identifier: Apache-2.0
"""The parts that an API application is put together from.

What the configuration lacks is refused here, and not by each request.
"""

import dataclasses
import functools
import logging
from collections.abc import Callable

from oslo_config import cfg
from oslo_policy import policy as oslo_policy

from masakari import exception, keystone, policy
from masakari.api import tokens
from masakari.db import session
from masakari.events import publisher
from masakari.nova import port
from masakari.rpc import bus, client
from masakari.services.environment import Compute, EngineClient, Services

LOG = logging.getLogger(__name__)


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
    :raises ConfigurationError: ``conf`` cannot work
    """
    bus.check(conf)
    if conf.auth_strategy == "keystone" and tokens.check(conf) is None:
        LOG.warning(
            "No token can be checked: [keystone_authtoken] auth_type is not "
            "set"
        )
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
        compute=_nova(conf),
        engine_client=client.EngineClient(conf),
        events=events,
    )


def _nova(conf: cfg.ConfigOpts) -> Callable[[], port.ComputePort]:
    """What makes the way to Nova when it is needed first.

    :raises ConfigurationError: its credentials are incomplete
    """
    if keystone.are_set_for_nova(conf):
        keystone.for_nova(conf)
    else:
        LOG.warning(
            "No host can be added or renamed: Masakari has no credentials for "
            "Nova, neither [nova] auth_type nor [DEFAULT] "
            "os_privileged_user_auth_url is set"
        )
    return functools.partial(_connect, conf)


def _connect(conf: cfg.ConfigOpts) -> port.ComputePort:
    """Imported when it is needed: most requests do without Nova.

    :raises ServiceUnavailable: there are no credentials for it
    """
    from masakari.nova import client, session

    try:
        settings = session.from_conf(conf)
    except exception.ConfigurationError as error:
        raise exception.ServiceUnavailable(str(error)) from error
    return client.NovaClient(session.impatient(settings))
