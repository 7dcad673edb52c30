# SPDX-License-Identifier: Apache-2.0
"""The compute port over python-novaclient and keystoneauth1.

Calls that only read are repeated when Nova does not answer; calls that
change something are not, since whoever makes them has to look first whether
they were done.
"""

import contextlib
import copy
import datetime
import threading
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import tenacity
from novaclient import api_versions
from novaclient import client as nova_client
from oslo_config import cfg

from masakari import keystone
from masakari.domain.server import (
    Aggregate,
    ComputeService,
    Migration,
    Server,
)
from masakari.nova import answers, port, session

#: The semantics that recoveries are written for: services have uuids, and
#: an evacuated server ends in the state it had.
_USUAL = "2.53"

#: From here on the list of migrations knows "changes-since" and pages.
_MIGRATIONS = "2.59"

#: From here on an evacuated server stays stopped at its destination.
_STOPPED = "2.95"

_LONGEST_PAUSE = 10.0

#: What to do about a token for the whole system.
_NO_SYSTEM = (
    "(with a token for the whole system, which Nova does not take by default: "
    "set [DEFAULT] os_privileged_user_tenant and not os_system_scope, or in "
    "[nova] project_name and not system_scope)"
)


class _Nova:
    """What every copy of a client shares: the session and what Nova can."""

    def __init__(self, settings: session.Settings) -> None:
        self.settings = settings
        self.session = session.connect(settings)
        self.lock = threading.Lock()
        self.newest: api_versions.APIVersion | None = None


def _pause(state: tenacity.RetryCallState) -> float:
    """Seconds until the next attempt: what Nova asked for, or growing."""
    growing = tenacity.wait_random_exponential(
        multiplier=0.2, max=_LONGEST_PAUSE
    )
    error = state.outcome.exception() if state.outcome else None
    asked = getattr(error, "retry_after", None)
    return growing(state) if asked is None else min(asked, _LONGEST_PAUSE)


class NovaClient:
    """A :class:`masakari.nova.port.ComputePort`; one for a process.

    It has one pool of connections and one token for all threads, and does
    not use the network before its first call.
    """

    def __init__(self, settings: session.Settings) -> None:
        self._nova = _Nova(settings)
        self._request_id: str | None = None
        self._check: Callable[[], None] | None = None
        self._clients: dict[str, Any] = {}

    @classmethod
    def from_conf(cls, conf: cfg.ConfigOpts) -> "NovaClient":
        """:raises ConfigurationError: the credentials are incomplete"""
        return cls(session.from_conf(conf))

    @classmethod
    def from_cloud(cls, cloud: keystone.Cloud) -> "NovaClient":
        """:raises ConfigurationError: the credentials are incomplete"""
        return cls(session.from_cloud(cloud))

    def log_in(self) -> None:
        """Have Keystone say who it is, as the first call would.

        :raises Refused: Keystone does not take the credentials
        :raises Unavailable: it does not answer
        """
        with answers.translated():
            self._nova.session.get_token()

    def for_claim(
        self,
        request_id: str | None,
        check: Callable[[], None] | None = None,
    ) -> "NovaClient":
        other = copy.copy(self)
        other._request_id = request_id
        other._check = check
        other._clients = {}
        return other

    def _client(self, version: str = _USUAL) -> Any:
        if version not in self._clients:
            settings = self._nova.settings
            self._clients[version] = nova_client.Client(
                version,
                session=self._nova.session,
                service_type=settings.service_type,
                service_name=settings.service_name,
                endpoint_type=settings.interface,
                region_name=settings.region_name,
                global_request_id=self._request_id,
            )
        return self._clients[version]

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        """Around each call that changes something."""
        with port.fenced(self._check), answers.translated():
            yield

    def _retrying(self) -> tenacity.Retrying:
        return tenacity.Retrying(
            stop=tenacity.stop_after_attempt(self._nova.settings.retries + 1),
            wait=_pause,
            retry=tenacity.retry_if_exception_type(port.Unavailable),
            reraise=True,
        )

    def _get(
        self, path: str, key: str, *, version: str = _USUAL
    ) -> tuple[Any, bool]:
        """What Nova has at ``path`` under ``key``, and whether more follows.

        The managers of novaclient drop the link to the next page.
        """

        def get() -> tuple[Any, bool]:
            with answers.translated():
                _, body = self._client(version).client.get(path)
            if not isinstance(body, Mapping) or key not in body:
                raise port.Unavailable(f"Nova's answer has no {key}.")
            return body[key], bool(body.get(f"{key}_links"))

        return self._retrying()(get)

    def _list(
        self,
        path: str,
        key: str,
        query: dict[str, str],
        *,
        marker: str = "id",
        version: str = _USUAL,
    ) -> list[answers.Fields]:
        """All pages.

        :param marker: the field that names an item in a marker
        """
        found: list[answers.Fields] = []
        more = True
        while more:
            address = f"{path}?{urllib.parse.urlencode(query)}"
            page, more = self._get(address, key, version=version)
            found += page
            if more and page:
                query = {**query, "marker": page[-1][marker]}
            more = more and bool(page)
        return found

    def _knows(self, version: str) -> bool:
        """Whether this Nova has a microversion, asked only once."""
        shared = self._nova
        if shared.newest is None:
            newest = self._retrying()(self._read_newest)
            with shared.lock:
                shared.newest = newest
        return bool(shared.newest >= api_versions.APIVersion(version))

    def _read_newest(self) -> api_versions.APIVersion:
        with answers.translated():
            found = self._client().versions.get_current()
        newest = getattr(found, "version", None)
        if not newest:
            raise port.Unavailable("Nova does not tell its version.")
        return api_versions.APIVersion(newest)

    @property
    def account(self) -> str:
        connected = self._nova.session
        if connected.is_system_scoped:
            return f"{connected.user()} {_NO_SYSTEM}"
        return connected.user()

    @property
    def evacuates_stopped(self) -> bool:
        return self._knows(_STOPPED)

    def compute_service(self, host: str) -> ComputeService:
        for service in self._services({"host": host}):
            if service.host == host:
                return service
        raise port.NotFound(f"Nova: no nova-compute service on host {host}.")

    def compute_services(self) -> list[ComputeService]:
        return self._services({})

    def _services(self, query: dict[str, str]) -> list[ComputeService]:
        found = self._list(
            "/os-services", "services", {**query, "binary": "nova-compute"}
        )
        return [answers.service(fields) for fields in found]

    def enable_service(self, service_id: str) -> None:
        with self._changing():
            self._client().services.enable(service_id)

    def disable_service(self, service_id: str, reason: str | None) -> None:
        services = self._client().services
        with self._changing():
            if reason:
                services.disable_log_reason(service_id, reason)
            else:
                services.disable(service_id)

    def force_down(self, service_id: str, forced_down: bool) -> None:
        with self._changing():
            self._client().services.force_down(service_id, forced_down)

    def servers_on(self, host: str) -> list[Server]:
        query = {"all_tenants": "True", "host": host}
        found = self._list("/servers/detail", "servers", query)
        return [answers.server(fields) for fields in found]

    def any_server(self) -> Server | None:
        query = urllib.parse.urlencode({"all_tenants": "True", "limit": "1"})
        found, _ = self._get(f"/servers/detail?{query}", "servers")
        return answers.server(found[0]) if found else None

    def server(self, uuid: str) -> Server:
        name = urllib.parse.quote(uuid, safe="")
        fields, _ = self._get(f"/servers/{name}", "server")
        return answers.server(fields)

    def evacuate(
        self, uuid: str, *, target: str | None = None, stopped: bool = False
    ) -> None:
        version = _STOPPED if stopped else _USUAL
        with self._changing():
            self._client(version).servers.evacuate(uuid, host=target)

    def evacuations(
        self, source_host: str, since: datetime.datetime | None = None
    ) -> list[Migration]:
        """As the port says; Nova keeps whole seconds.

        With ``since``, a record that was never changed is left out.
        """
        query = {"migration_type": "evacuation", "source_compute": source_host}
        version = _MIGRATIONS if self._knows(_MIGRATIONS) else _USUAL
        whole = None if since is None else since.replace(microsecond=0)
        if whole is not None and version == _MIGRATIONS:
            query["changes-since"] = f"{whole.isoformat()}Z"
        found = self._list(
            "/os-migrations",
            "migrations",
            query,
            marker="uuid",
            version=version,
        )
        records = [answers.migration(fields) for fields in found]
        return sorted(
            (r for r in records if whole is None or _changed(r, whole)),
            key=lambda record: record.id,
        )

    def stop(self, uuid: str) -> None:
        with self._changing():
            self._client().servers.stop(uuid)

    def start(self, uuid: str) -> None:
        with self._changing():
            self._client().servers.start(uuid)

    def reboot(self, uuid: str) -> None:
        with self._changing():
            self._client().servers.reboot(uuid, "HARD")

    def reset_state(self, uuid: str, state: str) -> None:
        with self._changing():
            self._client().servers.reset_state(uuid, state)

    def lock(self, uuid: str) -> None:
        with self._changing():
            self._client().servers.lock(uuid)

    def unlock(self, uuid: str) -> None:
        with self._changing():
            self._client().servers.unlock(uuid)

    def aggregates(self) -> list[Aggregate]:
        found, _ = self._get("/os-aggregates", "aggregates")
        return [answers.aggregate(fields) for fields in found]

    def add_host_to_aggregate(self, aggregate_id: int, host: str) -> None:
        with self._changing():
            self._client().aggregates.add_host(aggregate_id, host)

    def remove_host_from_aggregate(self, aggregate_id: int, host: str) -> None:
        with self._changing():
            self._client().aggregates.remove_host(aggregate_id, host)


def _changed(record: Migration, since: datetime.datetime) -> bool:
    return record.updated_at is not None and record.updated_at >= since
