# SPDX-License-Identifier: Apache-2.0
"""The cloud that a program serves, found as the ``openstack`` command does."""

import dataclasses
import os
from collections.abc import Mapping

from keystoneauth1 import exceptions as auth_exceptions
from keystoneauth1 import loading
from keystonemiddleware import auth_token
from oslo_config import cfg

from masakari import exception

_GROUP = "keystone_authtoken"

_PLACES = (
    "They are looked for in clouds.yaml, as --os-cloud or OS_CLOUD says, or "
    "in OS_AUTH_URL and its companions."
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Who Masakari is when it asks Keystone about a token.

    :param kind: the name of a keystoneauth plugin
    :param values: what the plugin knows by, ``auth_url`` among it
    :param interface: the endpoint of Keystone to use
    :param cafile: certificates of the authorities; None takes the system's
    """

    kind: str
    values: Mapping[str, str]
    region: str | None = None
    interface: str = "public"
    cafile: str | None = None
    insecure: bool = False


def find(name: str | None = None) -> Credentials:
    """What ``clouds.yaml`` or the environment (``OS_*``) says.

    :param name: an entry of ``clouds.yaml``; None takes ``OS_CLOUD`` or
        the credentials in the environment
    :raises ConfigurationError: there are none
    """
    try:
        from openstack import config
        from openstack import exceptions as sdk_exceptions
    except ImportError:
        return _from_environment(name)
    try:
        region = config.OpenStackConfig().get_one(cloud=name)
    except (sdk_exceptions.SDKException, auth_exceptions.ClientException) as e:
        raise exception.ConfigurationError(
            f"The cloud's credentials cannot be used: {e}\n{_PLACES}"
        ) from e
    verify, _ = region.get_requests_verify_args()
    interface = region.get_interface("identity") or "public"
    return Credentials(
        kind=region.config["auth_type"],
        values={k: v for k, v in region.config["auth"].items() if v},
        region=region.get_region_name("identity"),
        interface=interface if isinstance(interface, str) else interface[0],
        cafile=verify if isinstance(verify, str) else None,
        insecure=verify is False,
    )


def _from_environment(name: str | None) -> Credentials:
    if name is not None:
        raise exception.ConfigurationError(
            "Clouds are found by name only where openstacksdk is installed: "
            "pip install openstacksdk"
        )
    values = {
        variable.removeprefix("OS_").lower(): value
        for variable, value in os.environ.items()
        if variable.startswith("OS_") and value
    }
    return Credentials(
        kind=values.get("auth_type", "password"),
        values=values,
        region=values.get("region_name"),
        interface=values.get("interface", "public").removesuffix("URL"),
        cafile=values.get("cacert"),
    )


def check_tokens_with(conf: cfg.ConfigOpts, credentials: Credentials) -> None:
    """Have tokens checked by that Keystone, where ``conf`` names none.

    :raises ConfigurationError: Keystone's address is not among them, or
        there is no such plugin
    """
    if conf.keystone_authtoken.auth_type is not None:
        return
    address = credentials.values.get("auth_url")
    if address is None:
        raise exception.ConfigurationError(
            f"It is not known where the cloud's Keystone is: there "
            f"are no credentials with its auth_url.\n{_PLACES}"
        )
    for group, options in auth_token.list_opts():
        conf.register_opts(options, group)
    try:
        options = loading.get_auth_plugin_conf_options(credentials.kind)
    except auth_exceptions.ClientException as error:
        raise exception.ConfigurationError(
            f"The cloud's credentials cannot be used: {error}"
        ) from error
    conf.register_opts(options, _GROUP)
    defaults = {
        "auth_type": credentials.kind,
        "www_authenticate_uri": address,
        "interface": credentials.interface,
        "region_name": credentials.region,
        "cafile": credentials.cafile,
        "insecure": credentials.insecure,
    }
    defaults |= {
        option.dest: credentials.values[option.dest]
        for option in options
        if option.dest in credentials.values
    }
    for option, value in defaults.items():
        conf.set_default(option, value, _GROUP)
