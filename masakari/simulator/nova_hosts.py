# SPDX-License-Identifier: Apache-2.0
"""Services, hypervisors, migrations and aggregates of the simulated Nova."""

from collections.abc import Mapping

from masakari.simulator import views
from masakari.simulator.nova import Caller, Nova, page, parse_time
from masakari.simulator.records import CloudError, HostRecord, MigrationRecord
from masakari.simulator.web import Body, Request, Response

_CONTROLLERS = ("nova-scheduler", "nova-conductor")


class Hosts:
    """Adds its routes to those of :class:`masakari.simulator.nova.Nova`."""

    def __init__(self, nova: Nova) -> None:
        self._nova = nova
        self._cloud = nova.cloud
        for method, path, answer in (
            ("GET", "/os-services", self._services),
            ("PUT", "/os-services/{uuid}", self._update_service),
            ("GET", "/os-hypervisors", self._hypervisors),
            ("GET", "/os-hypervisors/detail", self._hypervisors),
            ("GET", "/os-hypervisors/{uuid}", self._hypervisor),
            ("GET", "/os-migrations", self._migrations),
            ("GET", "/os-aggregates", self._aggregates),
            ("GET", "/os-aggregates/{id}", self._aggregate),
            ("POST", "/os-aggregates/{id}/action", self._change_hosts),
            ("GET", "/flavors", self._flavors),
            ("GET", "/flavors/detail", self._flavors),
            ("GET", "/flavors/{id}", self._flavor),
        ):
            nova.routes.add(method, f"/v2.1{path}", answer)

    def _services(self, request: Request) -> Response:
        caller = self._nova.caller(request)
        query = request.query
        binary = query.get("binary")
        shown = []
        if binary in (None, "nova-compute"):
            found = self._nova.ask(
                self._cloud.compute.services(query.get("host"))
            )
            shown = [self._service(caller, record) for record in found]
        if query.get("host") in (None, "controller"):
            shown += [
                views.controller(name, n, caller.version, self._cloud.now)
                for n, name in enumerate(_CONTROLLERS, start=1)
                if binary in (None, name)
            ]
        return Response(200, {"services": shown})

    def _service(self, caller: Caller, record: HostRecord) -> Body:
        interval = self._cloud.settings.report_interval
        return views.service(
            record,
            caller.version,
            self._cloud.is_up(record.name),
            record.seen_at(self._cloud.now, interval),
        )

    def _update_service(self, request: Request, uuid: str) -> Response:
        caller = self._nova.caller(request)
        body = request.body()
        compute = self._cloud.compute
        if body.get("status") not in (None, "enabled", "disabled"):
            raise CloudError(400, "Invalid input for field/attribute status.")
        if not {"status", "forced_down"} & body.keys():
            raise CloudError(400, "No updates were requested.")
        if body.get("status") == "enabled":
            self._nova.ask(compute.enable_service(uuid))
        if body.get("status") == "disabled":
            reason = body.get("disabled_reason")
            self._nova.ask(compute.disable_service(uuid, reason))
        if "forced_down" in body:
            self._nova.ask(compute.force_down(uuid, bool(body["forced_down"])))
        for record in self._cloud.hosts.values():
            if record.service_id == uuid:
                shown = self._service(caller, record)
                return Response(200, {"service": shown})
        raise CloudError(404, f"Service {uuid} could not be found.")

    def _hypervisor_views(self, caller: Caller) -> list[Body]:
        servers = self._cloud.servers.values()
        return [
            views.hypervisor(
                record,
                caller.version,
                self._cloud.is_up(record.name),
                sum(server.host == record.name for server in servers),
            )
            for record in self._cloud.hosts.values()
        ]

    def _hypervisors(self, request: Request) -> Response:
        shown = self._hypervisor_views(self._nova.caller(request))
        pattern = request.query.get("hypervisor_hostname_pattern", "")
        if pattern:
            shown = [h for h in shown if pattern in h["hypervisor_hostname"]]
        return Response(200, {"hypervisors": shown})

    def _hypervisor(self, request: Request, uuid: str) -> Response:
        for shown in self._hypervisor_views(self._nova.caller(request)):
            if uuid == str(shown["id"]):
                return Response(200, {"hypervisor": shown})
        raise CloudError(404, f"Compute host {uuid} could not be found.")

    def _migrations(self, request: Request) -> Response:
        caller = self._nova.caller(request)
        query = request.query
        since = None
        if caller.version >= (2, 59) and "changes-since" in query:
            since = parse_time(query["changes-since"])
        source = query.get("source_compute")
        found = self._nova.ask(self._cloud.compute.evacuations(source, since))
        wanted = [m for m in found if _wanted(m, query)]
        if caller.version < (2, 59):
            shown = [views.migration(m, caller.version) for m in wanted]
            return Response(200, {"migrations": shown[::-1]})
        records, links = page(request, wanted, lambda m: m.uuid)
        body: Body = {
            "migrations": [views.migration(m, caller.version) for m in records]
        }
        if links:
            body["migrations_links"] = links
        return Response(200, body)

    def _aggregates(self, request: Request) -> Response:
        version = self._nova.caller(request).version
        found = self._nova.ask(self._cloud.compute.aggregates())
        shown = [views.aggregate(record, version) for record in found]
        return Response(200, {"aggregates": shown})

    def _aggregate(self, request: Request, id: str) -> Response:
        version = self._nova.caller(request).version
        for record in self._nova.ask(self._cloud.compute.aggregates()):
            if id in (str(record.id), record.uuid):
                shown = views.aggregate(record, version)
                return Response(200, {"aggregate": shown})
        raise CloudError(404, f"Aggregate {id} could not be found.")

    def _change_hosts(self, request: Request, id: str) -> Response:
        self._nova.caller(request)
        body = request.body()
        compute = self._cloud.compute
        for name, change in (
            ("add_host", compute.add_host_to_aggregate),
            ("remove_host", compute.remove_host_from_aggregate),
        ):
            action = body.get(name)
            if isinstance(action, dict) and id.isdigit():
                self._nova.ask(change(int(id), str(action.get("host"))))
                return self._aggregate(request, id)
        raise CloudError(400, "Only add_host and remove_host are known.")

    def _flavors(self, request: Request) -> Response:
        self._nova.caller(request, admin=False)
        return Response(200, {"flavors": [views.FLAVOR]})

    def _flavor(self, request: Request, id: str) -> Response:
        self._nova.caller(request, admin=False)
        if id not in (views.FLAVOR["id"], views.FLAVOR["name"]):
            raise CloudError(404, f"Flavor {id} could not be found.")
        return Response(200, {"flavor": views.FLAVOR})


def _wanted(record: MigrationRecord, query: Mapping[str, str]) -> bool:
    host = query.get("host")
    return (
        query.get("migration_type") in (None, "evacuation")
        and query.get("status") in (None, record.status)
        and query.get("instance_uuid") in (None, record.instance_uuid)
        and host in (None, record.source_host, record.dest_host)
    )
