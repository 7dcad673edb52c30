# SPDX-License-Identifier: Apache-2.0
"""The WSGI application: what a request goes through, from outside in.

Under ``/v1``: CORS; headers of proxies; the request id; the guard that
answers whatever fails inside; the limit of the body's size; who the caller
is; the resources. CORS is outermost because browsers have to be able to read
errors too, and the identity innermost because checking it costs most.
"""

import logging
import pathlib
from collections.abc import Callable, Mapping

import oslo_middleware
import pecan
from keystoneauth1 import exceptions as auth_exceptions
from keystonemiddleware import auth_token
from oslo_config import cfg
from oslo_middleware import cors, healthcheck, http_proxy_to_wsgi
from oslo_middleware.healthcheck import opts as healthcheck_opts

from masakari import exception
from masakari.api import (
    auth,
    composition,
    faults,
    hooks,
    paste,
    readiness,
    requests,
    tokens,
    urlmap,
    versions,
    wsgi,
)
from masakari.api.v1 import root
from masakari.db import session
from masakari.events.publisher import Publisher
from masakari.services.environment import Compute, EngineClient

LOG = logging.getLogger(__name__)

_DISABLE_FILE = "/etc/masakari/healthcheck_disable"

#: What Keystone's middleware says to a configuration that will not do.
_NO_TOKENS = (
    auth_exceptions.ClientException,
    auth_token.ConfigurationError,
    cfg.Error,
)


def build(
    conf: cfg.ConfigOpts,
    *,
    database: session.Database,
    compute: Compute,
    engine_client: EngineClient,
    events: Publisher | None = None,
    identify: wsgi.Middleware | None = None,
) -> wsgi.Application:
    """The API over these collaborators.

    :param compute: a port to Nova, or what makes one when it is needed
    :param events: where changes are told; None takes what ``conf`` says
    :param identify: puts a request's context into its environment; None
        takes what ``[DEFAULT] auth_strategy`` names
    """
    parts = composition.compose(
        conf,
        database=database,
        compute=compute,
        engine_client=engine_client,
        events=events,
    )
    return assemble(parts, identify)


def load(
    conf: cfg.ConfigOpts,
    directory: pathlib.Path | None = None,
    *,
    events: Publisher | None = None,
) -> wsgi.Application:
    """The API as ``conf`` and the deployment's ``api-paste.ini`` say.

    :param directory: where to look for that file first
    :param events: where changes are told; None takes what ``conf`` says
    :raises ConfigurationError: it cannot be put together
    """
    parts = composition.from_conf(conf, events)
    path = paste.find(conf, directory)
    try:
        if path is not None:
            return paste.load(parts, path)
        LOG.info("There is no api-paste.ini: the API is built as usual.")
        return assemble(parts)
    except _NO_TOKENS as error:
        raise exception.ConfigurationError(
            f"[keystone_authtoken] cannot be used: {error}"
        ) from error


def assemble(
    parts: composition.Composition, identify: wsgi.Middleware | None = None
) -> wsgi.Application:
    """The pipeline that is otherwise written in ``api-paste.ini``."""
    conf = parts.conf
    if identify is None:
        identify = _STRATEGIES[conf.auth_strategy](conf)
    proxied = http_proxy_to_wsgi.HTTPProxyToWSGI
    limited = oslo_middleware.RequestBodySizeLimiter(identify(v1(parts)), conf)
    api = oslo_middleware.RequestId(faults.FaultWrapper(limited), conf)
    beside = versions.Versions(parts.services.settings.link_prefix)
    mounted = urlmap.URLMap()
    mounted["/v1"] = cors.CORS(proxied(api, conf), conf)
    mounted["/healthcheck"] = _healthcheck(conf)
    mounted["/healthcheck/ready"] = faults.Guard(readiness.Ready.of(parts))
    mounted["/"] = faults.FaultWrapper(proxied(beside, conf))
    return mounted


def v1(parts: composition.Composition) -> wsgi.Application:
    """The resources below ``/v1``, for a caller who is known already."""
    application: wsgi.Application = pecan.Pecan(
        root.Root(parts.conf.osapi_v1.project_id_regex),
        hooks=[
            hooks.ContextHook(parts.services, parts.enforcer),
            hooks.FaultHook(),
        ],
        force_canonical=False,
        guess_content_type_from_ext=False,
        use_context_locals=False,
        request_cls=requests.Request,
    )
    return application


def _keystone(conf: cfg.ConfigOpts) -> wsgi.Middleware:
    tokens.register(conf)

    def identify(application: wsgi.Application) -> wsgi.Application:
        known = auth.MasakariKeystoneContext(
            application, use_forwarded_for=conf.use_forwarded_for
        )
        return tokens.guarded(
            auth_token.AuthProtocol(known, {"oslo_config_config": conf})
        )

    return identify


def _noauth2(conf: cfg.ConfigOpts) -> wsgi.Middleware:
    def identify(application: wsgi.Application) -> wsgi.Application:
        return auth.NoAuthMiddleware(
            application, use_forwarded_for=conf.use_forwarded_for
        )

    return identify


_STRATEGIES: Mapping[str, Callable[[cfg.ConfigOpts], wsgi.Middleware]] = {
    "keystone": _keystone,
    "noauth2": _noauth2,
}


def _healthcheck(conf: cfg.ConfigOpts) -> wsgi.Application:
    """``OK``, unless the operator has put a file there."""
    options = (
        *healthcheck_opts.HEALTHCHECK_OPTS,
        *healthcheck_opts.DISABLE_BY_FILE_OPTS,
    )
    conf.register_opts(options, "healthcheck")
    conf.set_default("backends", ["disable_by_file"], "healthcheck")
    conf.set_default("disable_by_file_path", _DISABLE_FILE, "healthcheck")
    return faults.Guard(healthcheck.Healthcheck(None, conf))
