# SPDX-License-Identifier: Apache-2.0
"""The servers of the simulated Nova's REST API."""

from collections.abc import Callable, Mapping

from masakari.simulator import views
from masakari.simulator.gate import Answer
from masakari.simulator.nova import Caller, Nova, page, parse_time
from masakari.simulator.records import CloudError, ServerRecord
from masakari.simulator.tokens import known_id
from masakari.simulator.web import Body, Request, Response

_TRUE = ("1", "t", "true", "on", "y", "yes")


class Servers:
    """Adds its routes to those of :class:`masakari.simulator.nova.Nova`."""

    def __init__(self, nova: Nova) -> None:
        self._nova = nova
        self._cloud = nova.cloud
        for method, path, answer in (
            ("GET", "/servers", self._list),
            ("GET", "/servers/detail", self._detail),
            ("POST", "/servers", self._create),
            ("GET", "/servers/{uuid}", self._show),
            ("DELETE", "/servers/{uuid}", self._delete),
            ("POST", "/servers/{uuid}/action", self._act),
        ):
            nova.routes.add(method, f"/v2.1{path}", answer)

    def _view(
        self, request: Request, caller: Caller, of: ServerRecord
    ) -> Body:
        shown = views.server(of, caller.version, request.base)
        if caller.is_admin:
            shown |= views.server_hosts(of, self._host_status(of.host))
        return shown

    def _host_status(self, host: str | None) -> str:
        if host is None:
            return ""
        if not self._cloud.is_up(host):
            return "DOWN"
        enabled = self._cloud.hosts[host].enabled
        return "UP" if enabled else "MAINTENANCE"

    def _select(
        self, request: Request, caller: Caller
    ) -> tuple[list[ServerRecord], list[Body]]:
        query = request.query
        wide = query.get("all_tenants", "0").lower() in (*_TRUE, "")
        if wide and not caller.is_admin:
            raise CloudError(403, "Policy doesn't allow all_tenants.")
        compute = self._cloud.compute
        host = query.get("host") if caller.is_admin else None
        answer = compute.servers_on(host) if host else compute.servers()
        project = None if wide else caller.project_id
        found = [
            record
            for record in self._nova.ask(answer)
            if project in (None, record.project_id) and _wanted(record, query)
        ]
        return page(request, found, lambda record: record.uuid)

    def _list(self, request: Request) -> Response:
        caller = self._nova.caller(request, admin=False)
        records, links = self._select(request, caller)
        shown = [views.server_summary(r, request.base) for r in records]
        return _listed(shown, links)

    def _detail(self, request: Request) -> Response:
        caller = self._nova.caller(request, admin=False)
        records, links = self._select(request, caller)
        shown = [self._view(request, caller, record) for record in records]
        return _listed(shown, links)

    def _find(self, caller: Caller, uuid: str) -> ServerRecord:
        record = self._nova.ask(self._cloud.compute.server(uuid))
        if caller.is_admin or record.project_id == caller.project_id:
            return record
        raise CloudError(404, f"Instance {uuid} could not be found.")

    def _show(self, request: Request, uuid: str) -> Response:
        caller = self._nova.caller(request, admin=False)
        record = self._find(caller, uuid)
        return Response(200, {"server": self._view(request, caller, record)})

    def _create(self, request: Request) -> Response:
        caller = self._nova.caller(request, admin=False)
        wanted = request.body().get("server")
        if not isinstance(wanted, dict) or "name" not in wanted:
            raise CloudError(400, "Invalid input for field/attribute server.")
        record = self._cloud.build_server(
            str(wanted["name"]),
            wanted.get("host") if caller.is_admin else None,
            metadata=wanted.get("metadata"),
            project_id=caller.project_id,
            user_id=known_id("user", caller.token.user),
        )
        shown = views.server_summary(record, request.base)
        return Response(202, {"server": {**shown, "adminPass": "none"}})

    def _delete(self, request: Request, uuid: str) -> Response:
        caller = self._nova.caller(request, admin=False)
        self._find(caller, uuid)
        self._cloud.delete_server(uuid)
        return Response(204)

    def _act(self, request: Request, uuid: str) -> Response:
        caller = self._nova.caller(request, admin=False)
        body = request.body()
        if len(body) != 1:
            raise CloudError(400, "There must be exactly one action.")
        name, arguments = next(iter(body.items()))
        given = arguments if isinstance(arguments, dict) else {}
        compute = self._cloud.compute
        known: dict[str, Callable[[], Answer[None]]] = {
            "evacuate": lambda: self._evacuate(caller, uuid, given),
            "os-resetState": lambda: self._reset(uuid, given),
            "os-stop": lambda: compute.stop(uuid),
            "os-start": lambda: compute.start(uuid),
            "reboot": lambda: self._reboot(uuid, given),
            "lock": lambda: compute.lock(uuid),
            "unlock": lambda: compute.unlock(uuid),
        }
        if name not in known:
            raise CloudError(400, f"There is no such action: {name}")
        self._check(caller, uuid, name)
        self._nova.ask(known[name]())
        if name == "evacuate":
            return Response(200, {"adminPass": "none"})
        return Response(202)

    def _check(self, caller: Caller, uuid: str, name: str) -> None:
        """An administrator may do everything, to locked servers too."""
        if caller.is_admin:
            return
        record = self._cloud.servers.get(uuid)
        if record is None or record.project_id != caller.project_id:
            raise CloudError(404, f"Instance {uuid} could not be found.")
        if name in ("evacuate", "os-resetState"):
            raise CloudError(403, f"Policy doesn't allow {name}.")
        if record.locked and name != "unlock":
            raise CloudError(409, f"Instance {uuid} is locked")

    def _evacuate(
        self, caller: Caller, uuid: str, given: Mapping[str, str]
    ) -> Answer[None]:
        return self._cloud.compute.evacuate(
            uuid,
            target=given.get("host"),
            stopped=caller.version >= (2, 95),
        )

    def _reboot(self, uuid: str, given: Mapping[str, str]) -> Answer[None]:
        if given.get("type") != "HARD":
            raise CloudError(400, "Only hard reboots are simulated.")
        return self._cloud.compute.reboot(uuid)

    def _reset(self, uuid: str, given: Mapping[str, str]) -> Answer[None]:
        state = given.get("state", "")
        if state not in ("active", "error"):
            raise CloudError(400, f"Invalid state {state}")
        return self._cloud.compute.reset_state(uuid, state)


def _listed(shown: list[Body], links: list[Body]) -> Response:
    body: Body = {"servers": shown}
    if links:
        body["servers_links"] = links
    return Response(200, body)


def _wanted(record: ServerRecord, query: Mapping[str, str]) -> bool:
    changed = query.get("changes-since")
    return (
        query.get("status", "").upper() in ("", views.status(record))
        and query.get("name", "") in record.name
        and (not changed or record.updated_at >= parse_time(changed))
    )
