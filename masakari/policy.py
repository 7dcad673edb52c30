# SPDX-License-Identifier: Apache-2.0
"""Who may do what: oslo.policy with Masakari's default rules.

There is one enforcer for an application; it reads changed policy files by
itself.
"""

import copy
import threading
from typing import Any

from oslo_config import cfg
from oslo_policy import policy

from masakari import conf as configuration
from masakari import exception, policies
from masakari.context import RequestContext


@policy.register("is_admin")
class IsAdminCheck(policy.Check):
    """``is_admin:True`` and ``is_admin:False`` in a policy file."""

    def __call__(
        self,
        target: Any,
        creds: Any,
        enforcer: policy.Enforcer,
        current_rule: str | None = None,
    ) -> bool:
        del target, enforcer, current_rule
        wanted = self.match.lower() == "true"
        return bool(creds.get("is_admin")) == wanted


class _Enforcer(policy.Enforcer):
    """Replaces its rules at one stroke, for many threads ask it at once.

    oslo.policy empties the rules before it reads files again; who asks in
    between would be refused.
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        super().__init__(conf)
        self._loading = threading.Lock()

    def load_rules(self, force_reload: bool = False) -> None:
        """Read what has changed."""
        with self._loading:
            aside = copy.copy(self)
            super(_Enforcer, aside).load_rules(force_reload)
            self.__dict__.update(aside.__dict__)


def make_enforcer(conf: cfg.ConfigOpts) -> policy.Enforcer:
    """An enforcer of the policy files that ``[oslo_policy]`` names."""
    enforcer = _Enforcer(conf)
    enforcer.register_defaults(policies.list_rules())
    return enforcer


def get_enforcer() -> policy.Enforcer:
    """The enforcer of the installed configuration, for oslo.policy's tools."""
    return make_enforcer(configuration.load([], prog="masakari"))


def is_admin(enforcer: policy.Enforcer, context: RequestContext) -> bool:
    """Whether the rule ``context_is_admin`` holds for the caller."""
    return enforcer.authorize("context_is_admin", _target(context), context)


def permits(
    enforcer: policy.Enforcer, context: RequestContext, rule: str
) -> bool:
    """Whether the rule holds for the caller."""
    return enforcer.authorize(rule, _target(context), context)


def authorize(
    enforcer: policy.Enforcer, context: RequestContext, rule: str
) -> None:
    """Let the caller pass.

    :raises Forbidden: the rule does not hold for the caller
    """
    if not permits(enforcer, context, rule):
        raise exception.Forbidden(action=rule)


def _target(context: RequestContext) -> dict[str, Any]:
    return {"project_id": context.project_id, "user_id": context.user_id}
