# SPDX-License-Identifier: Apache-2.0
"""Who Masakari is in Nova, where Nova is, and the connections to it.

Nothing here talks to a network; the first call to Nova does.
"""

import dataclasses
import os
import threading
import time
from typing import Any

from keystoneauth1 import exceptions as auth_exceptions
from keystoneauth1 import loading, plugin
from keystoneauth1 import session as keystone_session
from keystoneauth1.identity import base as identity
from oslo_config import cfg

from masakari import exception
from masakari.nova import port

#: Connections kept open; more threads than that wait for nobody, but open
#: new ones.
_POOL_SIZE = 128

#: Seconds in which a token counts as just renewed.
_FRESH = 5.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The way to Nova.

    :param auth: the keystoneauth plugin that gets tokens
    :param service_name: None takes whatever name the catalogue has
    :param interface: ``public``, ``internal`` or ``admin``
    :param region_name: None takes the first in the catalogue
    :param verify: False accepts any certificate; a text is the file with
        the authorities' certificates
    :param cert: the client's certificate, or certificate and key
    :param timeout: seconds after which a call is given up
    :param retries: how often a call that only reads is repeated
    """

    auth: plugin.BaseAuthPlugin
    service_type: str = "compute"
    service_name: str | None = None
    interface: str = "public"
    region_name: str | None = None
    verify: bool | str = True
    cert: str | tuple[str, str] | None = None
    timeout: float = 30.0
    retries: int = 3


def _plugin(
    kind: str, values: dict[str, str | None], password: str
) -> plugin.BaseAuthPlugin:
    """The plugin ``kind`` from those values that it knows.

    :param password: where an operator sets it
    :raises ConfigurationError: no such plugin, or a value is missing
    """
    if kind.endswith("password") and not values.get("password"):
        raise exception.ConfigurationError(
            f"The credentials for Nova have no password: set {password}."
        )
    try:
        loader: loading.BaseLoader[plugin.BaseAuthPlugin] = (
            loading.get_plugin_loader(kind)
        )
        known = {option.dest for option in loader.get_options()}
        given = {
            name: value
            for name, value in values.items()
            if name in known and value is not None
        }
        return loader.load_from_options(**given)
    except auth_exceptions.ClientException as error:
        raise exception.ConfigurationError(
            f"The credentials for Nova cannot be used: {error}"
        ) from error


def from_conf(conf: cfg.ConfigOpts) -> Settings:
    """What ``[DEFAULT] os_privileged_user_*`` and its neighbours say.

    :raises ConfigurationError: they are incomplete
    """
    scope = conf.os_system_scope
    values = {
        "auth_url": conf.os_privileged_user_auth_url,
        "username": conf.os_privileged_user_name,
        "password": conf.os_privileged_user_password,
        "user_domain_name": conf.os_user_domain_name,
        "system_scope": scope,
    }
    if scope is None:
        values["project_name"] = conf.os_privileged_user_tenant
        values["project_domain_name"] = conf.os_project_domain_name
    kind = conf.keystone_authtoken.auth_type or "password"
    service_type, service_name, interface = _catalog(
        conf.nova_catalog_admin_info
    )
    authorities = conf.nova_ca_certificates_file or True
    return Settings(
        auth=_plugin(kind, values, "[DEFAULT] os_privileged_user_password"),
        service_type=service_type,
        service_name=service_name,
        interface=interface,
        region_name=conf.os_region_name,
        verify=False if conf.nova_api_insecure else authorities,
        timeout=conf.nova_api_timeout,
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


def from_cloud(name: str | None = None) -> Settings:
    """What ``clouds.yaml`` or the environment (``OS_*``) says.

    :param name: an entry of ``clouds.yaml``; None takes ``OS_CLOUD`` or
        the credentials in the environment
    :raises ConfigurationError: there are none, or they are incomplete
    """
    try:
        from openstack import config
        from openstack import exceptions as sdk_exceptions
    except ImportError:
        return _from_environment()
    try:
        region = config.OpenStackConfig().get_one(cloud=name)
    except (sdk_exceptions.SDKException, auth_exceptions.ClientException) as e:
        raise exception.ConfigurationError(
            f"The cloud's credentials cannot be used: {e}"
        ) from e
    auth = region.get_auth()
    if auth is None:
        raise exception.ConfigurationError("The cloud has no credentials.")
    verify, cert = region.get_requests_verify_args()
    interface = region.get_interface("compute") or "public"
    return Settings(
        auth=auth,
        interface=interface if isinstance(interface, str) else interface[0],
        region_name=region.get_region_name("compute"),
        verify=True if verify is None else verify,
        cert=cert,
    )


def _from_environment() -> Settings:
    values: dict[str, str | None] = {
        variable.removeprefix("OS_").lower(): value
        for variable, value in os.environ.items()
        if variable.startswith("OS_")
    }
    kind = values.get("auth_type") or "password"
    interface = values.get("interface") or "public"
    return Settings(
        auth=_plugin(kind, values, "OS_PASSWORD"),
        interface=interface.removesuffix("URL"),
        region_name=values.get("region_name"),
        verify=values.get("cacert") or True,
    )


class _FencedAdapter(keystone_session.TCPKeepAliveAdapter):
    """See :func:`masakari.nova.port.fenced`."""

    def send(self, *args: Any, **kwargs: Any) -> Any:
        port.about_to_send()
        return super().send(*args, **kwargs)


class Session(keystone_session.Session):
    """A session whose threads together renew a rejected token once."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(
            auth=settings.auth,
            verify=settings.verify,
            cert=settings.cert,
            timeout=settings.timeout,
            user_agent="masakari",
        )
        for scheme in ("http://", "https://"):
            self.session.mount(
                scheme,
                _FencedAdapter(pool_maxsize=_POOL_SIZE),
            )
        self._renewal = threading.Lock()
        self._renewed_at: float | None = None

    def invalidate(self, auth: plugin.BaseAuthPlugin | None = None) -> bool:
        """Replace a token that was rejected, unless somebody just did.

        The old one stays in its place until the new one is there, since
        other threads are reading it.
        """
        used = auth or self.auth
        if not isinstance(used, identity.BaseIdentityPlugin):
            return super().invalidate(auth)
        with self._renewal:
            now = time.monotonic()
            if self._renewed_at is None or now - self._renewed_at > _FRESH:
                used.auth_ref = used.get_auth_ref(self)
                self._renewed_at = time.monotonic()
        return True
