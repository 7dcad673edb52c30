# SPDX-License-Identifier: Apache-2.0
"""Who the caller is. ``api-paste.ini`` files name these classes."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from masakari.api import faults, paste, resource, tokens, wsgi
from masakari.context import RequestContext

LOG = logging.getLogger(__name__)


class MasakariKeystoneContext:
    """Makes the context of what Keystone's middleware has found out.

    A request without a user's id is refused.

    :param use_forwarded_for: take the client's address from the header
        ``X-Forwarded-For``
    """

    def __init__(
        self,
        application: wsgi.Application,
        *,
        use_forwarded_for: bool = False,
    ) -> None:
        self.application = application
        self.use_forwarded_for = use_forwarded_for

    @classmethod
    def factory(
        cls, global_conf: Mapping[str, str], **local_conf: str
    ) -> wsgi.Middleware:
        """For PasteDeploy."""
        del global_conf, local_conf
        use_forwarded_for = paste.current().conf.use_forwarded_for

        def identify(application: wsgi.Application) -> wsgi.Application:
            return cls(application, use_forwarded_for=use_forwarded_for)

        return identify

    def __call__(
        self, environ: wsgi.Environ, start_response: wsgi.StartResponse
    ) -> Iterable[bytes]:
        context = self._context(environ)
        if context.user_id is None:
            fault = faults.Fault(401, "The request does not say who sends it.")
            refusal = faults.response(fault, environ)
            return wsgi.respond(refusal, environ, start_response)
        environ[resource.CONTEXT] = context
        return self.application(environ, start_response)

    def _context(self, environ: wsgi.Environ, **known: Any) -> RequestContext:
        address = environ.get("REMOTE_ADDR")
        if self.use_forwarded_for:
            address = environ.get("HTTP_X_FORWARDED_FOR", address)
        return RequestContext.from_environ(
            environ, remote_address=address, **known
        )


class NoAuthMiddleware(MasakariKeystoneContext):
    """Believes the headers it gets; everybody is an administrator."""

    def __init__(
        self,
        application: wsgi.Application,
        *,
        use_forwarded_for: bool = False,
    ) -> None:
        super().__init__(application, use_forwarded_for=use_forwarded_for)
        LOG.warning(
            "Callers are not checked: whoever reaches the API is an "
            "administrator (auth_strategy = noauth2)"
        )

    def __call__(
        self, environ: wsgi.Environ, start_response: wsgi.StartResponse
    ) -> Iterable[bytes]:
        environ[resource.CONTEXT] = self._context(environ, is_admin=True)
        return self.application(environ, start_response)


def pipeline_factory_v1(
    loader: Any, global_conf: Mapping[str, str], **local_conf: str
) -> wsgi.Application:
    """For PasteDeploy: the pipeline under the name of ``auth_strategy``.

    :raises LookupError: there is none
    """
    del global_conf
    strategy = paste.current().conf.auth_strategy
    if strategy not in local_conf:
        raise LookupError(f"There is no line for auth_strategy {strategy}.")
    *filters, name = local_conf[strategy].split()
    application: wsgi.Application = loader.get_app(name)
    for middleware in [loader.get_filter(name) for name in filters][::-1]:
        application = tokens.guarded(middleware(application))
    return application
