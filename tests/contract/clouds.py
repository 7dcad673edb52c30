# SPDX-License-Identifier: Apache-2.0
"""The clouds that the cases run on, behind one face."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol, TypeVar

from keystoneauth1 import adapter
from keystoneauth1.identity import generic

from masakari import keystone
from masakari.nova import client, port, session
from masakari.simulator.cloud import Cloud
from masakari.simulator.http import SimulatorServer
from masakari.simulator.port import SimulatedCompute

T = TypeVar("T")

HOSTS = ("compute-1", "compute-2", "compute-3")


class SomeCloud(Protocol):
    """A cloud with its operator.

    ``patience`` is how long its slowest change may take, in seconds.
    """

    compute: port.ComputePort
    patience: float

    def create_server(
        self, name: str, host: str, metadata: Mapping[str, str]
    ) -> str: ...

    def delete_server(self, uuid: str) -> None: ...

    def create_aggregate(self, name: str) -> int: ...

    def delete_aggregate(self, aggregate_id: int) -> None: ...

    def hypervisor_of(self, host: str) -> str: ...

    def kill(self, host: str) -> None: ...

    def revive(self, host: str) -> None: ...


def until(check: Callable[[], T], cloud: SomeCloud) -> T:
    """Wait for ``check`` to be true and return its value."""
    end = time.monotonic() + cloud.patience
    value = check()
    while not value and time.monotonic() < end:
        time.sleep(cloud.patience / 300)
        value = check()
    assert value, f"not within {cloud.patience} seconds"
    return value


class Simulated:
    """The simulator, with durations that a test can wait for."""

    patience = 15.0

    def __init__(self) -> None:
        self.cloud = Cloud(
            time.time,
            service_down_time=0.5,
            report_interval=0.1,
            evacuation_seconds=0.1,
            stop_seconds=0.05,
            start_seconds=0.05,
        )
        for name in HOSTS:
            self.cloud.add_host(name, hypervisor=f"{name}.example.org")
        self.compute: port.ComputePort = SimulatedCompute(
            self.cloud, wait=time.sleep
        )
        self.kill = self.cloud.kill
        self.revive = self.cloud.revive
        self.delete_server = self.cloud.delete_server

    def create_server(
        self, name: str, host: str, metadata: Mapping[str, str]
    ) -> str:
        return self.cloud.create_server(name, host, metadata=metadata).uuid

    def create_aggregate(self, name: str) -> int:
        return self.cloud.create_aggregate(name).id

    def delete_aggregate(self, aggregate_id: int) -> None:
        pass

    def hypervisor_of(self, host: str) -> str:
        return self.cloud.hosts[host].hypervisor


def client_of(
    server: SimulatorServer, *, timeout: float = 30.0, retries: int = 3
) -> client.NovaClient:
    """The real client, as ``admin`` of a simulator."""
    auth = generic.Password(
        auth_url=server.auth_url,
        username="admin",
        password="secret",
        project_name="admin",
        user_domain_name="default",
        project_domain_name="default",
    )
    credentials = keystone.Credentials(auth=auth, timeout=timeout)
    return client.NovaClient(
        session.Settings(credentials=credentials, retries=retries)
    )


def in_process() -> Iterator[SomeCloud]:
    yield Simulated()


def over_http() -> Iterator[SomeCloud]:
    made = Simulated()
    with SimulatorServer(made.cloud) as server:
        made.compute = client_of(server)
        yield made


class Real:
    """A Nova that is there, for tests only."""

    patience = 90.0

    def __init__(self, command: str) -> None:
        settings = session.from_cloud()
        self.compute: port.ComputePort = client.NovaClient(settings)
        self._command = command
        shared = session.Session(settings)
        self._nova = adapter.Adapter(
            shared, service_type="compute", default_microversion="2.74"
        )
        self._glance = adapter.Adapter(shared, service_type="image")
        images = self._glance.get("/v2/images").json()["images"]
        self._image = next(i["id"] for i in images if i["name"] == "tiny")
        flavors = self._nova.get("/flavors").json()["flavors"]
        self._flavor = next(f["id"] for f in flavors if f["name"] == "tiny")

    def create_server(
        self, name: str, host: str, metadata: Mapping[str, str]
    ) -> str:
        body = {
            "name": name,
            "imageRef": self._image,
            "flavorRef": self._flavor,
            "networks": "none",
            "host": host,
            "metadata": dict(metadata),
        }
        made = self._nova.post("/servers", json={"server": body}).json()
        return str(made["server"]["id"])

    def delete_server(self, uuid: str) -> None:
        self._nova.delete(f"/servers/{uuid}", raise_exc=False)

    def create_aggregate(self, name: str) -> int:
        made = self._nova.post(
            "/os-aggregates", json={"aggregate": {"name": name}}
        )
        return int(made.json()["aggregate"]["id"])

    def delete_aggregate(self, aggregate_id: int) -> None:
        shown = self._nova.get(f"/os-aggregates/{aggregate_id}").json()
        for host in shown["aggregate"]["hosts"]:
            self._nova.post(
                f"/os-aggregates/{aggregate_id}/action",
                json={"remove_host": {"host": host}},
            )
        self._nova.delete(f"/os-aggregates/{aggregate_id}")

    def hypervisor_of(self, host: str) -> str:
        found = self._nova.get("/os-hypervisors/detail").json()["hypervisors"]
        return next(
            str(hypervisor["hypervisor_hostname"])
            for hypervisor in found
            if hypervisor["service"]["host"] == host
        )

    def _run(self, verb: str, host: str) -> None:
        subprocess.run([self._command, verb, host], check=True)

    def kill(self, host: str) -> None:
        self._run("kill", host)

    def revive(self, host: str) -> None:
        self._run("revive", host)


def real() -> Iterator[SomeCloud]:
    yield Real(os.environ["MASAKARI_TEST_CLOUD"])


MAKERS: Mapping[str, Callable[[], Iterator[SomeCloud]]] = {
    "in-process": in_process,
    "http": over_http,
    "nova": real,
}
