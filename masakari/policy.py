# SPDX-License-Identifier: Apache-2.0
"""Who may do what: oslo.policy with Masakari's default rules.

There is one enforcer for an application; it reads changed policy files by
itself.
"""

import contextlib
import logging
import pathlib
import re
import threading
from typing import Any

from oslo_config import cfg
from oslo_policy import policy

from masakari import conf as configuration
from masakari import exception, policies
from masakari.context import RequestContext

LOG = logging.getLogger(__name__)

_PARSER_LOG = logging.getLogger("oslo_policy._parser")

#: What the rules of operations begin with.
_PREFIX = "os_masakari_api:"


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
    """Keeps its rules until there are others that make sense.

    By itself, oslo.policy fails each request while a file cannot be read,
    and empties the rules before it reads files again, while other threads
    ask it.

    :raises ConfigurationError: the policy files make no sense
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        super().__init__(conf)
        self.register_defaults(policies.list_rules())
        self._loading = threading.Lock()
        self._seen = _state(self)
        self._take(read(conf))

    def load_rules(self, force_reload: bool = False) -> None:
        """Read what has changed, if anything has."""
        with self._loading:
            state = _state(self)
            if state == self._seen and not force_reload:
                return
            self._seen = state
            try:
                self._take(read(self.conf))
            except exception.ConfigurationError as error:
                LOG.error("The policies stay as they were: %s", error)

    def _take(self, fresh: policy.Enforcer) -> None:
        for remark in remarks(fresh):
            LOG.warning("%s", remark)
        self.file_rules = fresh.file_rules
        # At one stroke: other threads are asking.
        self.rules = fresh.rules


def make_enforcer(conf: cfg.ConfigOpts) -> policy.Enforcer:
    """An enforcer of the policy files that ``[oslo_policy]`` names.

    :raises ConfigurationError: they make no sense
    """
    return _Enforcer(conf)


def get_enforcer() -> policy.Enforcer:
    """The enforcer of the installed configuration, for oslo.policy's tools."""
    return _unread(configuration.load([], prog="masakari"))


def _unread(conf: cfg.ConfigOpts) -> policy.Enforcer:
    """One of oslo.policy, which has not looked for files yet."""
    enforcer = policy.Enforcer(conf)
    enforcer.register_defaults(policies.list_rules())
    return enforcer


def read(conf: cfg.ConfigOpts) -> policy.Enforcer:
    """An enforcer of oslo.policy, with what the files say now.

    :raises ConfigurationError: they make no sense
    """
    fresh = _unread(conf)
    file, directories = _places(fresh)
    if file is not None:
        _check(file)
    try:
        for directory in directories:
            for inside in _inside(directory):
                if inside.is_file():
                    _check(inside)
        fresh.load_rules(force_reload=True)
        fresh.check_rules(raise_on_violation=True)
    except policy.InvalidDefinitionError as error:
        raise exception.ConfigurationError(
            "A policy file refers to a rule that is not there, or that "
            f"refers to itself: {error}"
        ) from error
    except (OSError, ValueError, cfg.Error) as error:
        raise exception.ConfigurationError(
            f"The policy files cannot be read: {error}"
        ) from error
    return fresh


def remarks(enforcer: policy.Enforcer) -> list[str]:
    """What in the configuration of policies is in vain, in sentences."""
    found = []
    where = enforcer.conf.get_location("policy_file", "oslo_policy")
    asked_for = where is not None and where.location.is_user_controlled
    if asked_for and _places(enforcer)[0] is None:
        found.append(
            "[oslo_policy] policy_file: there is no file "
            f"{enforcer.policy_file}"
        )
    unknown = [
        name
        for name in enforcer.file_rules
        if name.startswith(_PREFIX) and name not in enforcer.registered_rules
    ]
    if unknown:
        found.append(
            "Policy files have rules that nothing asks for: "
            f"{', '.join(sorted(unknown))}"
        )
    return found


def _places(
    enforcer: policy.Enforcer,
) -> tuple[pathlib.Path | None, list[pathlib.Path]]:
    """The policy file, if it is there, and the directories that are."""
    file, *directories = (
        enforcer.conf.find_file(name)
        for name in (
            enforcer.policy_file,
            *enforcer.conf.oslo_policy.policy_dirs,
        )
    )
    return (
        pathlib.Path(file) if file else None,
        [pathlib.Path(found) for found in directories if found],
    )


def _inside(directory: pathlib.Path) -> list[pathlib.Path]:
    """What oslo.policy reads in a directory, and directories there.

    :raises OSError: it cannot be read
    """
    found = sorted(directory.iterdir())
    return [path for path in found if not path.name.startswith(".")]


def _state(enforcer: policy.Enforcer) -> list[object]:
    """What tells whether anything about the policy files has changed."""
    file, directories = _places(enforcer)
    state = [_stamp(file)] if file else []
    for directory in directories:
        state.append(_stamp(directory))
        with contextlib.suppress(OSError):
            state += [_stamp(path) for path in _inside(directory)]
    return state


def _stamp(path: pathlib.Path) -> object:
    try:
        found = path.stat()
    except OSError as error:
        return path, error.errno
    return path, found.st_ino, found.st_ctime_ns, found.st_size


def _check(file: pathlib.Path) -> None:
    """:raises ConfigurationError: it does not hold rules"""
    try:
        rules = policy.parse_file_contents(file.read_text())
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise exception.ConfigurationError(
            f"The policy file {file} cannot be read: "
            f"{' '.join(str(reason).split())}"
        ) from error
    if not isinstance(rules, dict):
        raise exception.ConfigurationError(
            f"The policy file {file} does not hold names with their rules."
        )
    for name, rule in rules.items():
        if not _is_understood(rule):
            raise exception.ConfigurationError(
                f"The policy file {file} has for {name} what is no rule: "
                f"{rule!r}"
            )


def _is_understood(rule: Any) -> bool:
    """Whether oslo.policy takes a rule for what it says.

    What it does not understand it logs, and takes for "!", which nobody
    passes.
    """
    if not (isinstance(rule, str) or _is_list(rule)):
        return False
    _PARSER_LOG.disabled = True
    try:
        check = policy.RuleDefault("rule", rule).check
    except TypeError:
        return False
    finally:
        _PARSER_LOG.disabled = False
    return _refusals(str(check)) == _refusals(_flat(rule))


def _is_list(rule: object) -> bool:
    """An older way to write a rule."""
    return isinstance(rule, list)


def _flat(rule: object) -> str:
    """The words of a rule."""
    if isinstance(rule, list):
        return " ".join(map(_flat, rule))
    return str(rule)


def _refusals(text: str) -> int:
    return re.split(r"[\s()]+", text).count("!")


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
