# SPDX-License-Identifier: Apache-2.0
"""OpenStack's own clients work on the simulator unmodified."""

import json
import time

import openstack
import pytest
import requests
from keystonemiddleware import auth_token
from oslo_config import cfg

from masakari.simulator import nova as nova_face
from masakari.simulator.cloud import Cloud
from masakari.simulator.http import SimulatorServer
from masakari.simulator.tokens import known_id

ADMIN = known_id("project", "admin")
HA_URL = "http://127.0.0.1:15868/v1"


@pytest.fixture
def cloud():
    made = Cloud(
        time.time,
        service_down_time=0.3,
        report_interval=0.05,
        evacuation_seconds=0.1,
        build_seconds=0.05,
        stop_seconds=0.05,
    )
    for name in ("c1", "c2"):
        made.add_host(name, hypervisor=f"{name}.example.org")
    return made


@pytest.fixture
def server(cloud):
    with SimulatorServer(cloud, ha_url=HA_URL) as running:
        yield running


def connect(server, user="admin", project="admin"):
    return openstack.connect(
        auth_url=server.auth_url,
        username=user,
        password="secret",
        project_name=project,
        user_domain_name="default",
        project_domain_name="default",
        region_name="RegionOne",
        load_envvars=False,
        load_yaml_config=False,
    )


@pytest.fixture
def sdk(server):
    return connect(server)


def test_servers_of_all_projects_page_by_page(cloud, sdk, monkeypatch):
    monkeypatch.setattr(nova_face, "MAX_LIMIT", 10)
    for n in range(25):
        cloud.create_server(f"s{n}", "c1", project_id=ADMIN)
    cloud.create_server("other", "c1", project_id="somebody")
    assert len(list(sdk.compute.servers(all_projects=True, limit=10))) == 26
    assert len(list(sdk.compute.servers(limit=7))) == 25


def test_server_from_birth_to_death(sdk):
    made = sdk.compute.create_server(
        name="one",
        image_id="tiny",
        flavor_id="1",
        networks="none",
        metadata={"HA_Enabled": "True"},
    )
    made = sdk.compute.wait_for_server(made, interval=0.05, wait=5)
    assert made.status == "ACTIVE"
    assert made.metadata == {"HA_Enabled": "True"}
    assert made.hypervisor_hostname == f"{made.compute_host}.example.org"
    sdk.compute.stop_server(made)
    sdk.compute.wait_for_server(made, status="SHUTOFF", interval=0.05, wait=5)
    sdk.compute.delete_server(made)
    assert sdk.compute.find_server(made.id) is None


def test_evacuation(cloud, sdk):
    made = cloud.create_server("one", "c1", project_id=ADMIN)
    cloud.kill("c1")
    service = next(sdk.compute.services(host="c1", binary="nova-compute"))
    sdk.compute.update_service_forced_down(service, forced=True)
    sdk.compute.evacuate_server(made.uuid)
    end = time.monotonic() + 5
    while cloud.servers[made.uuid].host == "c1" and time.monotonic() < end:
        time.sleep(0.02)
    assert sdk.compute.get_server(made.uuid).compute_host == "c2"
    kinds = {m.migration_type for m in sdk.compute.migrations()}
    assert kinds == {"evacuation"}


def test_services_and_hypervisors(cloud, sdk):
    service = next(sdk.compute.services(host="c1", binary="nova-compute"))
    sdk.compute.disable_service(service, disabled_reason="why")
    assert cloud.hosts["c1"].disabled_reason == "why"
    listed = {s.binary for s in sdk.compute.services()}
    assert listed == {"nova-compute", "nova-scheduler", "nova-conductor"}
    names = {h.name for h in sdk.compute.hypervisors(details=True)}
    assert names == {"c1.example.org", "c2.example.org"}


def test_aggregates(cloud, sdk):
    made = cloud.create_aggregate("spare")
    sdk.compute.add_host_to_aggregate(made.id, "c1")
    assert [a.hosts for a in sdk.compute.aggregates()] == [["c1"]]


def test_instance_ha_is_in_the_catalogue(sdk):
    assert sdk.endpoint_for("instance-ha") == HA_URL
    assert sdk.identity.find_project("service").name == "service"


def test_user_sees_own_servers_only(cloud, server):
    cloud.create_server("mine", "c1", project_id=known_id("project", "demo"))
    cloud.create_server("other", "c1", project_id=ADMIN)
    demo = connect(server, "demo", "demo")
    shown = list(demo.compute.servers())
    assert [s.name for s in shown] == ["mine"]
    assert shown[0].hypervisor_hostname is None
    with pytest.raises(openstack.exceptions.ForbiddenException):
        list(demo.compute.services())


def test_locked_server_obeys_administrators_only(cloud, server, sdk):
    made = cloud.create_server(
        "mine", "c1", project_id=known_id("project", "demo"), locked=True
    )
    demo = connect(server, "demo", "demo")
    with pytest.raises(openstack.exceptions.ConflictException):
        demo.compute.stop_server(made.uuid)
    sdk.compute.stop_server(made.uuid)


def nova_get(server, token, version):
    return requests.get(
        f"{server.url}/compute/v2.1/os-services",
        headers={
            "X-Auth-Token": token,
            "OpenStack-API-Version": f"compute {version}",
        },
        timeout=5,
    )


def test_microversions(server, sdk):
    answer = nova_get(server, sdk.auth_token, "2.53")
    assert answer.headers["OpenStack-API-Version"] == "compute 2.53"
    old = nova_get(server, sdk.auth_token, "2.1").json()["services"]
    assert isinstance(old[0]["id"], int)
    assert nova_get(server, sdk.auth_token, "2.999").status_code == 406
    assert nova_get(server, sdk.auth_token, "old").status_code == 400


def test_token_is_needed(server):
    answer = nova_get(server, "nonsense", "2.53")
    assert answer.status_code == 401
    assert "Keystone uri=" in answer.headers["WWW-Authenticate"]


def test_retry_after_is_sent(cloud, server, sdk):
    cloud.faults.add("compute_services", 429, retry_after=3)
    answer = nova_get(server, sdk.auth_token, "2.53")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "3")


def protected(server, **options):
    """A WSGI application behind keystonemiddleware, and what it sees."""
    seen = {}

    def application(environ, start_response):
        seen.update(environ)
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps({}).encode()]

    conf = {
        "auth_type": "password",
        "auth_url": server.auth_url,
        "www_authenticate_uri": server.auth_url,
        "username": "masakari",
        "password": "secret",
        "project_name": "service",
        "user_domain_name": "default",
        "project_domain_name": "default",
        "oslo_config_config": cfg.ConfigOpts(),
        **options,
    }
    conf["oslo_config_config"]([], default_config_files=[])
    return auth_token.AuthProtocol(application, conf), seen


def call(application, **headers):
    status = []
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/",
        "SERVER_NAME": "x",
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
        **{f"HTTP_X_{name.upper()}": value for name, value in headers.items()},
    }

    def start_response(line, _headers, _info=None):
        status.append(int(line.split()[0]))

    list(application(environ, start_response))
    return status[0]


def test_keystonemiddleware_validates_tokens(server):
    application, seen = protected(server)
    token = connect(server, "demo", "demo").auth_token
    assert call(application, auth_token=token) == 200
    assert seen["HTTP_X_USER_NAME"] == "demo"
    assert seen["HTTP_X_PROJECT_ID"] == known_id("project", "demo")
    assert set(seen["HTTP_X_ROLES"].split(",")) == {"member", "reader"}


def test_keystonemiddleware_rejects_unknown_tokens(server):
    application, _ = protected(server)
    assert call(application, auth_token="nonsense") == 401
    assert call(application) == 401


def test_keystonemiddleware_accepts_service_tokens(server):
    application, seen = protected(server, service_token_roles_required=True)
    user = connect(server, "demo", "demo").auth_token
    service = connect(server, "nova", "service").auth_token
    assert call(application, auth_token=user, service_token=service) == 200
    assert "service" in seen["HTTP_X_SERVICE_ROLES"].split(",")
