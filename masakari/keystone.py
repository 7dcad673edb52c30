# SPDX-License-Identifier: Apache-2.0
"""Who Masakari is in Keystone, and how Keystone proves that it is Keystone.

All credentials are made here, by keystoneauth's plugins: those for Nova,
those by which tokens of callers are checked, and those of a cloud that is
described as for the ``openstack`` command. Nothing here talks to a network
but a :class:`Session` that is used.
"""

import dataclasses
import math
import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from keystoneauth1 import exceptions as auth_exceptions
from keystoneauth1 import loading, plugin
from keystoneauth1 import session as keystone_session
from keystoneauth1.identity import base as identity
from oslo_config import cfg

from masakari import exception
from masakari.conf import needs

#: The groups of the credentials for Nova, and of those for tokens.
NOVA = "nova"
TOKENS = "keystone_authtoken"

#: Connections kept open; more threads than that wait for nobody, but open
#: new ones.
_POOL_SIZE = 128

#: Seconds in which a token counts as just renewed.
_FRESH = 5.0

#: What ``os_privileged_user_*`` suffices for.
_WITH_PASSWORD = ("password", "v3password")

#: Options of ``[DEFAULT]``, by what keystoneauth calls them.
_PRIVILEGED_USER = {
    "auth_url": "os_privileged_user_auth_url",
    "username": "os_privileged_user_name",
    "password": "os_privileged_user_password",
    "project_name": "os_privileged_user_tenant",
    "user_domain_name": "os_user_domain_name",
    "project_domain_name": "os_project_domain_name",
    "system_scope": "os_system_scope",
}

_WORDS = {
    "auth_url": "URL of Keystone",
    "username": "user name",
    "application_credential_secret": "secret",
}

PLACES = (
    "They are looked for in clouds.yaml, as --os-cloud or OS_CLOUD says, or "
    "in OS_AUTH_URL and its companions."
)

#: What plugins raise that lack something: a value, or a package.
_NO_PLUGIN = (
    auth_exceptions.ClientException,
    AttributeError,
    ImportError,
)

Auth = plugin.BaseAuthPlugin
T = TypeVar("T")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Who Masakari is.

    :param place: the options that they are from, for people
    :param verify: False accepts any certificate; a text is the file with
        the authorities' certificates
    :param cert: the client's certificate, or certificate and key
    :param trust: the option that names the authorities, for people
    :param timeout: seconds after which a request is given up
    """

    auth: Auth
    place: str = "Masakari"
    verify: bool | str = True
    cert: str | tuple[str, str] | None = None
    trust: str = "the option for them"
    timeout: float = 30.0


def for_nova(conf: cfg.ConfigOpts) -> Credentials:
    """The user by whom Masakari acts in Nova.

    It is the one of ``[nova]`` or, without one, of ``os_privileged_user_*``.

    :raises ConfigurationError: they are incomplete
    """
    if is_set(conf, NOVA):
        auth = _of_group(conf, NOVA, "The credentials for Nova")
        place = f"[{NOVA}]"
    else:
        auth = _privileged_user(conf)
        place = "[DEFAULT] os_privileged_user_*"
    group = conf[NOVA]
    trust = f"[{NOVA}] cafile"
    authorities = group.cafile
    if not authorities:
        trust = "[DEFAULT] nova_ca_certificates_file"
        authorities = conf.nova_ca_certificates_file
    needs.file(trust, authorities)
    insecure = group.insecure or conf.nova_api_insecure
    return Credentials(
        auth=auth,
        place=place,
        verify=False if insecure else authorities or True,
        cert=_certificate(conf, NOVA),
        trust=trust,
        timeout=group.timeout or conf.nova_api_timeout,
    )


def are_set_for_nova(conf: cfg.ConfigOpts) -> bool:
    """Whether the configuration says at all who Masakari is in Nova."""
    user = ("auth_url", "username", "password", "project_name")
    return is_set(conf, NOVA) or any(
        needs.value(conf, _PRIVILEGED_USER[name]) for name in user
    )


def for_tokens(conf: cfg.ConfigOpts) -> Credentials | None:
    """By which Keystone's middleware has tokens checked.

    Its options have to be registered. None when ``[keystone_authtoken]``
    says nothing of it.

    :raises ConfigurationError: they are incomplete
    """
    if not is_set(conf, TOKENS):
        return None
    group = conf[TOKENS]
    auth = _of_group(
        conf, TOKENS, f"[{TOKENS}] cannot be used: the credentials"
    )
    needs.file(f"[{TOKENS}] cafile", group.cafile)
    return Credentials(
        auth=auth,
        place=f"[{TOKENS}]",
        verify=False if group.insecure else group.cafile or True,
        cert=_certificate(conf, TOKENS),
        trust=f"[{TOKENS}] cafile",
        timeout=group.http_connect_timeout,
    )


def is_set(conf: cfg.ConfigOpts, group: str) -> bool:
    """Whether a group says which credentials to use."""
    return bool(conf[group].auth_type or conf[group].auth_section)


def _certificate(
    conf: cfg.ConfigOpts, group: str
) -> str | tuple[str, str] | None:
    """The client's."""
    cert, key = conf[group].certfile, conf[group].keyfile
    needs.file(f"[{group}] certfile", cert)
    needs.file(f"[{group}] keyfile", key)
    return (cert, key) if cert and key else cert


def _of_group(conf: cfg.ConfigOpts, group: str, who: str) -> Auth:
    """What a group says, or the one that its ``auth_section`` names."""
    section = conf[group].auth_section or group
    loading.register_auth_conf_options(conf, section)
    kind = conf[section].auth_type
    option = f"[{section}] auth_type"
    if not kind:
        raise exception.ConfigurationError(f"{option} has to be set.")
    options = loading.get_auth_plugin_conf_options(_loader(kind, option))
    conf.register_opts(options, section)
    return _plugin(
        kind,
        who,
        value=lambda name: needs.value(conf, name, section),
        option=lambda name: f"[{section}] {name}",
    )


def _privileged_user(conf: cfg.ConfigOpts) -> Auth:
    """What ``os_privileged_user_*`` says.

    The kind is the one of ``[keystone_authtoken]``, as far as that has a
    password.
    """
    kind = conf[TOKENS].auth_type or "password"
    _loader(kind, f"[{TOKENS}] auth_type")
    scopeless = {"project_name", "project_domain_name"}

    def value(name: str) -> Any:
        if conf.os_system_scope and name in scopeless:
            return None
        option = _PRIVILEGED_USER.get(name)
        return needs.value(conf, option) if option else None

    return _plugin(
        kind if kind in _WITH_PASSWORD else "password",
        "The credentials for Nova",
        value=value,
        option=lambda name: f"[DEFAULT] {_PRIVILEGED_USER.get(name, name)}",
        instead="or, for other kinds of credentials, [nova] auth_type",
    )


def _loader(kind: str, option: str) -> Any:
    """keystoneauth's, for plugins of a kind.

    :raises ConfigurationError: there is none
    """
    try:
        return loading.get_plugin_loader(kind)
    except _NO_PLUGIN as error:
        raise exception.ConfigurationError(
            f"{option} cannot be used: {error}"
        ) from error


def _plugin(
    kind: str,
    who: str,
    *,
    value: Callable[[str], Any],
    option: Callable[[str], str],
    instead: str = "",
) -> Auth:
    """A plugin of a kind from the values that it knows.

    :param who: who lacks what is not there, as the beginning of a sentence
    :param option: where an operator sets a value
    :param instead: what else may be set
    :raises ConfigurationError: no such plugin, or a value is missing
    """
    loader = _loader(kind, option("auth_type"))
    options = loader.get_options()
    given = {known.dest: value(known.dest) for known in options}
    wanted = {known.dest for known in options if known.required}
    if kind in _WITH_PASSWORD:
        wanted.add("password")
        wanted.add("user_id" if given.get("user_id") else "username")
    missing = sorted(name for name in wanted if not given.get(name))
    if missing:
        lacked = " and no ".join(_WORDS.get(name, name) for name in missing)
        places = ", ".join(map(option, missing))
        raise exception.ConfigurationError(
            f"{who} have no {lacked}: set {places}"
            f"{f', {instead}' if instead and len(missing) > 1 else ''}."
        )
    try:
        made: Auth = loader.load_from_options(
            **{name: text for name, text in given.items() if text is not None}
        )
    except (*_NO_PLUGIN, TypeError) as error:
        raise exception.ConfigurationError(
            f"{who} cannot be used, see {option('auth_type')}: "
            f"{' '.join(str(error).split())}"
        ) from error
    return made


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """One that is described as for the ``openstack`` command.

    :param kind: the name of a keystoneauth plugin
    :param values: what the plugin knows by, ``auth_url`` among it
    :param interfaces: the kind of endpoint to use, by type of service
    :param regions: the same for regions; None takes the first one
    :param verify: as for :class:`Credentials`
    :param cert: as for :class:`Credentials`
    :param option: where a value is set, for people
    """

    kind: str
    values: Mapping[str, Any]
    interfaces: Mapping[str, str]
    regions: Mapping[str, str | None]
    verify: bool | str = True
    cert: str | tuple[str, str] | None = None
    option: Callable[[str], str] = "{} of the cloud".format

    def credentials(self) -> Credentials:
        """:raises ConfigurationError: they are incomplete"""
        return Credentials(
            auth=_plugin(
                self.kind,
                "The cloud's credentials",
                value=self.values.get,
                option=self.option,
            ),
            place=self.option("auth_url"),
            verify=self.verify,
            cert=self.cert,
            trust=self.option("cacert"),
        )


_SERVICES = ("compute", "identity")


def find_cloud(name: str | None = None) -> Cloud:
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
            f"The cloud's credentials cannot be used: {e}\n{PLACES}"
        ) from e
    verify, cert = region.get_requests_verify_args()
    interfaces = {
        service: region.get_interface(service) or "public"
        for service in _SERVICES
    }
    return Cloud(
        kind=region.config["auth_type"],
        values={k: v for k, v in region.config["auth"].items() if v},
        interfaces={
            service: found if isinstance(found, str) else found[0]
            for service, found in interfaces.items()
        },
        regions={s: region.get_region_name(s) for s in _SERVICES},
        verify=True if verify is None else verify,
        cert=cert,
    )


def _from_environment(name: str | None) -> Cloud:
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
    if "auth_url" not in values:
        raise exception.ConfigurationError(
            f"The cloud has no credentials. {PLACES}"
        )
    interface = values.get("interface", "public").removesuffix("URL")
    return Cloud(
        kind=values.get("auth_type", "password"),
        values=values,
        interfaces=dict.fromkeys(_SERVICES, interface),
        regions=dict.fromkeys(_SERVICES, values.get("region_name")),
        verify=values.get("cacert") or True,
        option=lambda name: f"OS_{name.upper()}",
    )


class _Together:
    """Has threads do something one by one, and fail together.

    Whoever has waited while somebody failed would fail the same way, after
    as long a time: with a Keystone that says nothing each thread would wait
    for all before it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failed_at = -math.inf
        self._error: Exception | None = None

    def do(self, action: Callable[[], T]) -> T:
        """Do it, or raise what it has ended with meanwhile."""
        arrived = time.monotonic()
        with self._lock:
            if self._error is not None and self._failed_at >= arrived:
                raise self._error
            try:
                return action()
            except auth_exceptions.ClientException as error:
                self._failed_at, self._error = time.monotonic(), error
                raise


def log_in_together(auth: Auth) -> Auth:
    """Have threads that wait for a token of a plugin fail together."""
    if isinstance(auth, identity.BaseIdentityPlugin):
        together, get_access = _Together(), auth.get_access

        def shared(session: keystone_session.Session, **kwargs: Any) -> Any:
            return together.do(lambda: get_access(session, **kwargs))

        auth.get_access = shared  # type: ignore[method-assign]
    return auth


class Session(keystone_session.Session):
    """A session whose threads together renew a rejected token once.

    Its errors name the options that they may be about.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        adapter: type[keystone_session.TCPKeepAliveAdapter] = (
            keystone_session.TCPKeepAliveAdapter
        ),
    ) -> None:
        super().__init__(
            auth=log_in_together(credentials.auth),
            verify=credentials.verify,
            cert=credentials.cert,
            timeout=credentials.timeout,
            user_agent="masakari",
        )
        self.credentials = credentials
        for scheme in ("http://", "https://"):
            self.session.mount(scheme, adapter(pool_maxsize=_POOL_SIZE))
        self._renewal = _Together()
        self._renewed_at = -math.inf

    def request(self, *args: Any, **kwargs: Any) -> Any:
        """As keystoneauth's, with errors that say what to look at."""
        try:
            return super().request(*args, **kwargs)
        except auth_exceptions.SSLError as error:
            self._hint(error, self._authorities)
            raise
        except auth_exceptions.Unauthorized as error:
            self._hint(error, f"see {self.credentials.place}")
            raise
        except OSError as error:
            # A file with certificates that is not there any more.
            raise auth_exceptions.ConnectFailure(
                f"{error}; {self._authorities}"
            ) from error

    @property
    def _authorities(self) -> str:
        verify, trust = self.credentials.verify, self.credentials.trust
        if isinstance(verify, str):
            return f"the authorities are those of {trust} = {verify}"
        return f"the authorities are those of the system, {trust} is not set"

    @staticmethod
    def _hint(error: Exception, text: str) -> None:
        # It passes here again when it was about getting a token.
        if text not in str(error):
            error.args = (f"{error}; {text}",)

    def invalidate(self, auth: Auth | None = None) -> bool:
        """Replace a token that was rejected, unless somebody just did.

        The old one stays in its place until the new one is there, since
        other threads are reading it.
        """
        used = auth or self.auth
        if not isinstance(used, identity.BaseIdentityPlugin):
            return super().invalidate(auth)

        def renew() -> None:
            if time.monotonic() - self._renewed_at > _FRESH:
                used.auth_ref = used.get_auth_ref(self)
                self._renewed_at = time.monotonic()

        self._renewal.do(renew)
        return True

    def user(self) -> str:
        """Who it has logged in as, for people; asks nobody."""
        access = getattr(self.auth, "auth_ref", None)
        if access is None:
            return f"The user of {self.credentials.place}"
        return f"User {access.username} of project {access.project_name}"

    @property
    def is_system_scoped(self) -> bool:
        """Whether its token is one for the whole system."""
        access = getattr(self.auth, "auth_ref", None)
        return access is not None and bool(access.system_scoped)
