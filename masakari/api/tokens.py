# SPDX-License-Identifier: Apache-2.0
"""How the tokens of callers are checked: Keystone's middleware.

It meets most of what is wrong with its configuration in the first request,
and answers that one, and all others, with an error. It is looked at here
before that.
"""

from keystoneauth1 import exceptions as auth_exceptions
from keystoneauth1 import loading
from keystonemiddleware import auth_token
from oslo_config import cfg

from masakari import exception, keystone
from masakari.api import wsgi
from masakari.conf import defaults, needs

GROUP = keystone.TOKENS

#: Options that name a file, besides those of the credentials.
_MEMCACHE_FILES = (
    "memcache_tls_cafile",
    "memcache_tls_certfile",
    "memcache_tls_keyfile",
)


def register(conf: cfg.ConfigOpts) -> None:
    """Register the options of the middleware, with Masakari's defaults."""
    defaults.set_token_defaults()
    for group, options in auth_token.list_opts():
        conf.register_opts(options, group)


def check(conf: cfg.ConfigOpts) -> keystone.Credentials | None:
    """Refuse what the middleware could not check any token with.

    :returns: as whom it would ask Keystone; None when that is not set
    :raises ConfigurationError: it could not
    :raises oslo_config.cfg.Error: an option has a value that it cannot have
    """
    register(conf)
    for option in conf[GROUP]:
        needs.value(conf, option, GROUP)
    credentials = keystone.for_tokens(conf)
    if conf[GROUP].memcached_servers:
        _check_cache(conf)
    return credentials


def _check_cache(conf: cfg.ConfigOpts) -> None:
    group = conf[GROUP]
    option = f"[{GROUP}] memcached_servers"
    for name in _MEMCACHE_FILES:
        needs.file(f"[{GROUP}] {name}", group[name])
    if group.memcache_tls_enabled or group.memcache_sasl_enabled:
        needs.package(option, "bmemcached")
    else:
        needs.package(option, "memcache")
        _check_addresses(option, group.memcached_servers)
    strategy = group.memcache_security_strategy.upper()
    if strategy == "ENCRYPT":
        needs.package(f"[{GROUP}] memcache_security_strategy", "cryptography")
    if strategy != "NONE" and not needs.value(
        conf, "memcache_secret_key", GROUP
    ):
        raise exception.ConfigurationError(
            f"[{GROUP}] memcache_security_strategy needs "
            f"[{GROUP}] memcache_secret_key."
        )


def _check_addresses(option: str, servers: list[str]) -> None:
    import memcache

    try:
        # This does not connect.
        memcache.Client(servers)
    except ValueError as error:
        raise exception.ConfigurationError(
            f"{option} cannot be used: {error}"
        ) from error


def use_cloud(conf: cfg.ConfigOpts, cloud: keystone.Cloud) -> None:
    """Have tokens checked by a cloud's Keystone.

    :raises ConfigurationError: Keystone's address is not known, or there is
        no such plugin
    """
    address = cloud.values.get("auth_url")
    if address is None:
        raise exception.ConfigurationError(
            "It is not known where the cloud's Keystone is: there are no "
            f"credentials with its auth_url.\n{keystone.PLACES}"
        )
    register(conf)
    try:
        options = loading.get_auth_plugin_conf_options(cloud.kind)
    except auth_exceptions.ClientException as error:
        raise exception.ConfigurationError(
            f"The cloud's credentials cannot be used: {error}"
        ) from error
    conf.register_opts(options, GROUP)
    values = {
        "auth_type": cloud.kind,
        "www_authenticate_uri": address,
        "interface": cloud.interfaces["identity"],
        "region_name": cloud.regions["identity"],
        "cafile": cloud.verify if isinstance(cloud.verify, str) else None,
        "insecure": cloud.verify is False,
    }
    values |= {
        option.dest: cloud.values[option.dest]
        for option in options
        if option.dest in cloud.values
    }
    for option, value in values.items():
        conf.set_default(option, value, GROUP)


def guarded(application: wsgi.Application) -> wsgi.Application:
    """Keystone's middleware, in which nobody waits for all others.

    :param application: whatever else it is, it is left alone
    """
    if isinstance(application, auth_token.AuthProtocol):
        auth = application._auth
        if auth is not None:
            keystone.log_in_together(auth)
    return application


class Check:
    """Whether Keystone would check a token, asked with one of Masakari's.

    :param credentials: those of ``[keystone_authtoken]``
    """

    def __init__(
        self, conf: cfg.ConfigOpts, credentials: keystone.Credentials
    ) -> None:
        self._session = keystone.Session(credentials)
        self._keystone = {
            "service_type": "identity",
            "interface": conf[GROUP].interface,
            "region_name": conf[GROUP].region_name,
            "version": (3, 0),
        }

    def ask(self) -> None:
        """Have it check one's own, as the middleware would a caller's.

        :raises ServiceUnavailable: Keystone is away
        :raises ConfigurationError: it does not do it, and would not later
        """
        try:
            token = self._session.get_token()
            self._session.get(
                "/auth/tokens",
                endpoint_filter=self._keystone,
                headers={"X-Subject-Token": token or ""},
                params={"nocatalog": "1"},
            )
        except auth_exceptions.ClientException as error:
            if _may_pass(error):
                raise exception.ServiceUnavailable(str(error)) from error
            raise exception.ConfigurationError(str(error)) from error


def _may_pass(error: auth_exceptions.ClientException) -> bool:
    if isinstance(error, auth_exceptions.HttpError):
        return error.http_status in (408, 413, 429) or error.http_status >= 500
    if isinstance(error, auth_exceptions.SSLError):
        return False
    return isinstance(
        error,
        auth_exceptions.ConnectionError | auth_exceptions.DiscoveryFailure,
    )
