# SPDX-License-Identifier: Apache-2.0
"""The simulated Keystone's REST API, version 3."""

import datetime
from collections.abc import Mapping

from masakari.simulator.gate import Gate
from masakari.simulator.records import CloudError
from masakari.simulator.tokens import PEOPLE, Token, Tokens, known_id
from masakari.simulator.web import Body, Request, Response, Router

REGION = "RegionOne"
_DOMAIN = {"id": "default", "name": "Default"}


def _time(moment: float) -> str:
    aware = datetime.datetime.fromtimestamp(moment, datetime.UTC)
    return aware.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def error_body(error: CloudError) -> Body:
    """An error as Keystone writes it."""
    title = "Unauthorized" if error.code == 401 else "Error"
    return {
        "error": {"code": error.code, "message": str(error), "title": title}
    }


def _projects() -> dict[str, Body]:
    names = dict.fromkeys(project for project, _ in PEOPLE.values())
    return {
        known_id("project", name): {
            "id": known_id("project", name),
            "name": name,
            "domain_id": "default",
            "enabled": True,
            "is_domain": False,
            "parent_id": "default",
            "description": "",
            "options": {},
            "tags": [],
        }
        for name in names
    }


def _users() -> dict[str, Body]:
    return {
        known_id("user", name): {
            "id": known_id("user", name),
            "name": name,
            "domain_id": "default",
            "enabled": True,
            "options": {},
        }
        for name in PEOPLE
    }


class Keystone:
    """:param catalog: service type: its name and its address, where
    ``{base}`` stands for the server's own
    """

    def __init__(
        self,
        gate: Gate,
        tokens: Tokens,
        catalog: Mapping[str, tuple[str, str]],
    ) -> None:
        self._gate = gate
        self._tokens = tokens
        self._catalog = catalog
        self.routes = Router()
        for path in ("", "/"):
            self.routes.add("GET", path, self._versions)
            self.routes.add("GET", f"/v3{path}", self._version)
        tokens_path = "/v3/auth/tokens"
        self.routes.add("POST", tokens_path, self._authenticate)
        self.routes.add("GET", tokens_path, self._validate)
        self.routes.add("HEAD", tokens_path, self._validate)
        self.routes.add("DELETE", tokens_path, self._revoke)
        self.routes.add("GET", "/v3/auth/projects", self._list_projects)
        for kind in ("projects", "users", "domains"):
            self.routes.add("GET", f"/v3/{kind}", self._list)
            self.routes.add("GET", f"/v3/{kind}/{{id}}", self._show)

    def _document(self, request: Request) -> Body:
        link = {"rel": "self", "href": f"{request.base}/identity/v3/"}
        return {
            "id": "v3.14",
            "status": "stable",
            "updated": "2020-04-07T00:00:00Z",
            "links": [link],
            "media-types": [
                {
                    "base": "application/json",
                    "type": "application/vnd.openstack.identity-v3+json",
                }
            ],
        }

    def _versions(self, request: Request) -> Response:
        document = self._document(request)
        return Response(300, {"versions": {"values": [document]}})

    def _version(self, request: Request) -> Response:
        return Response(200, {"version": self._document(request)})

    def _authenticate(self, request: Request) -> Response:
        auth = request.body().get("auth", {})
        answer = self._gate.read(
            "authenticate", lambda: self._tokens.issue(auth)
        )
        body = self._describe(request, answer.value)
        headers = {"X-Subject-Token": answer.value.id}
        return Response(201, body, headers)

    def _validate(self, request: Request) -> Response:
        def validate() -> Token:
            self._require(request)
            token = self._tokens.find(request.header("X-Subject-Token"))
            if token is None:
                raise CloudError(404, "Could not find token.")
            return token

        token = self._gate.read("validate_token", validate).value
        headers = {"X-Subject-Token": token.id}
        return Response(200, self._describe(request, token), headers)

    def _revoke(self, request: Request) -> Response:
        self._require(request)
        self._tokens.revoke(request.header("X-Subject-Token") or "")
        return Response(204)

    def _require(self, request: Request) -> Token:
        token = self._tokens.find(request.header("X-Auth-Token"))
        if token is None:
            raise CloudError(
                401, "The request you have made requires authentication."
            )
        return token

    def _describe(self, request: Request, token: Token) -> Body:
        described: Body = {
            "methods": [token.method],
            "audit_ids": [token.id[:22]],
            "issued_at": _time(token.issued_at),
            "expires_at": _time(token.expires_at),
            "user": {
                "id": known_id("user", token.user),
                "name": token.user,
                "domain": _DOMAIN,
                "password_expires_at": None,
            },
        }
        if token.roles:
            described["roles"] = [
                {"id": known_id("role", role), "name": role}
                for role in token.roles
            ]
        if token.system:
            described["system"] = {"all": True}
        if token.project:
            described["project"] = {
                "id": known_id("project", token.project),
                "name": token.project,
                "domain": _DOMAIN,
            }
        if token.roles and "nocatalog" not in request.query:
            described["catalog"] = self._entries(request)
        return {"token": described}

    def _entries(self, request: Request) -> list[Body]:
        return [
            {
                "id": known_id("service", kind),
                "type": kind,
                "name": name,
                "endpoints": [
                    {
                        "id": known_id(interface, kind),
                        "interface": interface,
                        "region": REGION,
                        "region_id": REGION,
                        "url": url.replace("{base}", request.base),
                    }
                    for interface in ("public", "internal", "admin")
                ],
            }
            for kind, (name, url) in self._catalog.items()
        ]

    def _known(self, request: Request) -> tuple[str, dict[str, Body]]:
        """The kind that the path names, and all of that kind by id."""
        kind = request.path.split("/")[2]
        if kind == "domains":
            return kind, {"default": {**_DOMAIN, "enabled": True}}
        return kind, _projects() if kind == "projects" else _users()

    def _list(self, request: Request) -> Response:
        self._require(request)
        kind, known = self._known(request)
        name = request.query.get("name")
        found = [r for r in known.values() if name in (None, r["name"])]
        return Response(200, {kind: found, "links": {"next": None}})

    def _list_projects(self, request: Request) -> Response:
        self._require(request)
        projects = list(_projects().values())
        return Response(200, {"projects": projects, "links": {}})

    def _show(self, request: Request, id: str) -> Response:
        self._require(request)
        kind, known = self._known(request)
        if id not in known:
            raise CloudError(404, f"Could not find {kind[:-1]}: {id}.")
        return Response(200, {kind.removesuffix("s"): known[id]})
