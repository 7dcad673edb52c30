# SPDX-License-Identifier: Apache-2.0
"""Where Nova is, and the connections to it.

Nothing here talks to a network; the first call to Nova does.
"""

import dataclasses
from typing import Any

from keystoneauth1 import session as keystone_session
from oslo_config import cfg

from masakari import exception, keystone
from masakari.nova import port

#: Seconds that a caller of the API waits for one answer of Nova or Keystone.
_PATIENCE = 10.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The way to Nova.

    :param service_name: None takes whatever name the catalogue has
    :param interface: ``public``, ``internal`` or ``admin``
    :param region_name: None takes the first in the catalogue
    :param retries: how often a call that only reads is repeated
    """

    credentials: keystone.Credentials
    service_type: str = "compute"
    service_name: str | None = None
    interface: str = "public"
    region_name: str | None = None
    retries: int = 3


def from_conf(conf: cfg.ConfigOpts) -> Settings:
    """As the configuration says.

    :raises ConfigurationError: it is incomplete
    """
    service_type, service_name, interface = _catalog(
        conf.nova_catalog_admin_info
    )
    return Settings(
        credentials=keystone.for_nova(conf),
        service_type=service_type,
        service_name=service_name,
        interface=interface,
        region_name=conf.os_region_name,
        retries=conf.nova_api_retries,
    )


def _catalog(info: str) -> tuple[str, str | None, str]:
    """:raises ConfigurationError: not three parts"""
    parts = info.split(":")
    if len(parts) != 3:
        raise exception.ConfigurationError(
            f"nova_catalog_admin_info is not of the form "
            f"<type>:<name>:<endpoint type>: {info}"
        )
    return parts[0], parts[1] or None, parts[2].removesuffix("URL")


def from_cloud(cloud: keystone.Cloud) -> Settings:
    """The Nova of a cloud that is described for the ``openstack`` command.

    :raises ConfigurationError: its credentials are incomplete
    """
    return Settings(
        credentials=cloud.credentials(),
        interface=cloud.interfaces["compute"],
        region_name=cloud.regions["compute"],
    )


def impatient(settings: Settings) -> Settings:
    """The same way, for one who has somebody else waiting."""
    known = settings.credentials
    return dataclasses.replace(
        settings,
        credentials=dataclasses.replace(
            known, timeout=min(known.timeout, _PATIENCE)
        ),
        retries=0,
    )


class _FencedAdapter(keystone_session.TCPKeepAliveAdapter):
    """Sends only what may still be sent."""

    def send(self, *args: Any, **kwargs: Any) -> Any:
        port.about_to_send()
        return super().send(*args, **kwargs)


def connect(settings: Settings) -> keystone.Session:
    """A session whose requests are fenced; connects when it is used."""
    return keystone.Session(settings.credentials, adapter=_FencedAdapter)
