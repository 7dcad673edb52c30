# SPDX-License-Identifier: Apache-2.0
"""Users, projects and tokens of the simulated Keystone."""

import dataclasses
import threading
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from masakari.simulator.records import CloudError

ADMIN = ("admin", "manager", "member", "reader")
SERVICE = (*ADMIN, "service")
MEMBER = ("member", "reader")

#: user: its project and its roles there
PEOPLE: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "admin": ("admin", ADMIN),
    "nova": ("service", SERVICE),
    "masakari": ("service", SERVICE),
    "demo": ("demo", MEMBER),
}


def known_id(kind: str, name: str) -> str:
    """The id of a project or user: the same in every simulator."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{kind}/{name}").hex


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """Times are epoch seconds; ``project`` None with ``system`` False is an
    unscoped token.
    """

    id: str
    user: str
    project: str | None
    system: bool
    roles: tuple[str, ...]
    issued_at: float
    expires_at: float
    method: str


class Tokens:
    """:param lifetime: seconds that a token is valid"""

    def __init__(
        self, clock: Callable[[], float], password: str, lifetime: float
    ) -> None:
        self._clock = clock
        self._password = password
        self._lifetime = lifetime
        self._issued: dict[str, Token] = {}
        self._lock = threading.Lock()

    def revoke_all(self) -> None:
        with self._lock:
            self._issued.clear()

    def revoke(self, token_id: str) -> None:
        with self._lock:
            self._issued.pop(token_id, None)

    def find(self, token_id: str | None) -> Token | None:
        """The token, if it is valid."""
        token = self._issued.get(token_id or "")
        if token is None or token.expires_at <= self._clock():
            return None
        return token

    def issue(self, auth: Mapping[str, Any]) -> Token:
        """Check ``auth`` of a request for a token and answer it.

        :raises CloudError: 400, 401
        """
        try:
            user, method = self._who(auth["identity"])
            project, system = self._scope(auth.get("scope"), user)
        except (AttributeError, KeyError, TypeError):
            raise CloudError(400, "Malformed authentication data.") from None
        home, roles = PEOPLE[user]
        allowed = system or project in (None, home) or "admin" in roles
        if not allowed or (system and "admin" not in roles):
            raise _unauthorized()
        now = self._clock()
        token = Token(
            id=uuid.uuid4().hex,
            user=user,
            project=project,
            system=system,
            roles=roles if project or system else (),
            issued_at=now,
            expires_at=now + self._lifetime,
            method=method,
        )
        with self._lock:
            self._issued[token.id] = token
        return token

    def _who(self, identity: Mapping[str, Any]) -> tuple[str, str]:
        if "token" in identity["methods"]:
            token = self.find(identity["token"]["id"])
            if token is None:
                raise _unauthorized()
            return token.user, "token"
        if "application_credential" in identity["methods"]:
            given = identity["application_credential"]
            return self._owner(given), "application_credential"
        user = identity["password"]["user"]
        name = _named("user", user)
        if name not in PEOPLE or user["password"] != self._password:
            raise _unauthorized()
        return name, "password"

    def _owner(self, given: Mapping[str, Any]) -> str:
        """Everybody has an application credential, with the password."""
        if given["secret"] != self._password:
            raise _unauthorized()
        for name in PEOPLE:
            if given["id"] == known_id("application_credential", name):
                return name
        raise _unauthorized()

    def _scope(
        self, scope: Mapping[str, Any] | str | None, user: str
    ) -> tuple[str | None, bool]:
        if scope == "unscoped":
            return None, False
        if scope is None:
            return PEOPLE[user][0], False
        if not isinstance(scope, Mapping):
            raise TypeError(scope)
        if "system" in scope:
            return None, True
        name = _named("project", scope["project"])
        if name not in {project for project, _ in PEOPLE.values()}:
            raise _unauthorized()
        return name, False


def _unauthorized() -> CloudError:
    return CloudError(
        401, "The request you have made requires authentication."
    )


def _named(kind: str, given: Mapping[str, Any]) -> str:
    """The name of a user or project given by name and domain or by id."""
    if "id" in given:
        for name, (project, _) in PEOPLE.items():
            for known in (name, project):
                if known_id(kind, known) == given["id"]:
                    return known
        raise _unauthorized()
    domain = given["domain"]
    if domain.get("id", "default") != "default":
        raise _unauthorized()
    if domain.get("name", "default").lower() != "default":
        raise _unauthorized()
    return str(given["name"])
