# SPDX-License-Identifier: Apache-2.0
"""What happens around every routed request."""

from typing import Any

import webob
import webob.exc
from oslo_policy import policy as oslo_policy
from pecan import hooks

from masakari import policy
from masakari.api import faults, resource, versions
from masakari.services.environment import Services


class ContextHook(hooks.PecanHook):  # type: ignore[misc]
    """Brings what operations need to the request, versions to the answer."""

    def __init__(
        self, services: Services, enforcer: oslo_policy.Enforcer
    ) -> None:
        self.services = services
        self.enforcer = enforcer

    def on_route(self, state: Any) -> None:
        environ = state.request.environ
        environ[resource.SERVICES] = self.services
        environ[resource.ENFORCER] = self.enforcer
        context = environ[resource.CONTEXT]
        if not context.is_admin:
            context.is_admin = policy.is_admin(self.enforcer, context)

    def after(self, state: Any) -> None:
        version = state.request.environ.get(resource.VERSION)
        if version is not None:
            state.response.headers.update(versions.response_headers(version))


class FaultHook(hooks.PecanHook):  # type: ignore[misc]
    """Turns every exception into its answer."""

    def on_error(self, state: Any, error: Exception) -> webob.Response:
        if isinstance(error, webob.exc.HTTPNotFound):
            return faults.not_routed(state.request)
        return faults.response(error, state.request.environ)
