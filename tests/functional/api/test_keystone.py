# SPDX-License-Identifier: Apache-2.0
"""Tokens, checked by keystonemiddleware with a Keystone over HTTP."""

import time

import pytest
import requests
from oslo_context import context

from masakari.simulator.cloud import Cloud
from masakari.simulator.http import SimulatorServer
from tests.functional.api.world import World


@pytest.fixture(scope="module")
def keystone():
    with SimulatorServer(Cloud(time.time)) as server:
        yield server


def guarded(directory, auth_url, **more):
    """A world in which that Keystone knows who is who."""
    group = "keystone_authtoken__"
    options = {
        "auth_type": "password",
        "auth_url": auth_url,
        "www_authenticate_uri": auth_url,
        "username": "masakari",
        "password": "secret",
        "project_name": "service",
        "user_domain_name": "Default",
        "project_domain_name": "Default",
        "service_type": "instance-ha",
        **more,
    }
    return World(
        directory,
        auth_strategy="keystone",
        **{f"{group}{name}": value for name, value in options.items()},
    )


@pytest.fixture
def guarded_world(tmp_path, keystone):
    world = guarded(tmp_path, keystone.auth_url)
    yield world
    world.close()


def token(keystone, user, project):
    domain = {"id": "default"}
    person = {"name": user, "password": "secret", "domain": domain}
    answer = requests.post(
        f"{keystone.auth_url}/auth/tokens",
        json={
            "auth": {
                "identity": {
                    "methods": ["password"],
                    "password": {"user": person},
                },
                "scope": {"project": {"name": project, "domain": domain}},
            }
        },
        timeout=10,
    )
    assert answer.status_code == 201, answer.text
    project_id = answer.json()["token"]["project"]["id"]
    return {"X-Auth-Token": answer.headers["X-Subject-Token"]}, project_id


def test_without_a_token(guarded_world, keystone):
    for path in ("/v1", "/v1/segments", "/v1/nothing"):
        answer = guarded_world.request("GET", path)
        assert answer.status_int == 401
        assert answer.headers["WWW-Authenticate"] == (
            f'Keystone uri="{keystone.auth_url}"'
        )
        assert answer.headers["x-openstack-request-id"]
    assert guarded_world.request("GET", "/").status_int == 200
    assert guarded_world.request("GET", "/healthcheck").status_int == 200


def test_the_log_names_nobody_who_is_not_known(guarded_world, keystone):
    admin, _ = token(keystone, "admin", "admin")
    answer = guarded_world.request("GET", "/v1/segments", headers=admin)
    known = context.get_current()
    assert known.user_id is not None
    assert known.request_id == answer.headers["x-openstack-request-id"]
    # The same thread, and so what its lines in the log are headed by.
    answer = guarded_world.request(
        "GET",
        "/v1/segments",
        headers={
            "X-User-Id": "forged",
            "X-Openstack-Request-Id": known.request_id,
        },
    )
    unknown = context.get_current()
    assert (answer.status_int, unknown.user_id) == (401, None)
    assert unknown.request_id == answer.headers["x-openstack-request-id"]
    assert unknown.global_request_id == known.request_id


def test_a_wrong_token(guarded_world):
    answer = guarded_world.request(
        "GET", "/v1/segments", headers={"X-Auth-Token": "wrong"}
    )
    assert answer.status_int == 401


def test_roles_and_projects_come_from_the_token(guarded_world, keystone):
    admin, project = token(keystone, "admin", "admin")
    # Who the caller claims to be is not believed.
    claims = {**admin, "X-Roles": "nobody", "X-Project-Id": "abc"}
    for path, code in (
        ("/v1", 200),
        ("/v1/segments", 200),
        (f"/v1/{project}/segments", 200),
        ("/v1/abc/segments", 400),
    ):
        answer = guarded_world.request("GET", path, headers=claims)
        assert answer.status_int == code, path
    demo, _ = token(keystone, "demo", "demo")
    answer = guarded_world.request(
        "GET", "/v1/segments", headers={**demo, "X-Roles": "admin"}
    )
    assert answer.status_int == 403


@pytest.mark.parametrize(
    "accept", [None, "*/*", "text/html", "text/plain", "application/json"]
)
def test_a_refusal_is_told_in_the_words_of_the_api(tmp_path, keystone, accept):
    """Also one by those who check tokens and sizes, and to a browser."""
    admin, _ = token(keystone, "admin", "admin")
    kept_out = guarded(
        tmp_path,
        keystone.auth_url,
        password="wrong",
        http_request_max_retries=0,
    )
    (tmp_path / "other").mkdir()
    world = guarded(tmp_path / "other", keystone.auth_url)
    headers = {} if accept is None else {"Accept": accept}
    large = {"Content-Length": "200000"}
    for name, asked, more in (
        ("serviceUnavailable", kept_out, admin),
        ("unauthorized", world, {}),
        ("unauthorized", world, {"X-Auth-Token": "wrong"}),
        ("overLimit", world, {**admin, **large}),
        ("badRequest", world, admin),
    ):
        answer = asked.request(
            "POST", "/v1/segments", {}, headers={**headers, **more}
        )
        assert answer.content_type == "application/json"
        assert list(answer.json) == [name]
        assert answer.json[name]["code"] == answer.status_int
        assert answer.json[name]["message"]
        assert "<" not in answer.text
        assert ("Retry-After" in answer.headers) == (answer.status_int == 503)
        challenge = f'Keystone uri="{keystone.auth_url}"'
        if answer.status_int == 401:
            assert answer.headers["WWW-Authenticate"] == challenge
    kept_out.close()
    world.close()


@pytest.mark.parametrize("trouble", ["refused", "hang"])
def test_without_keystone_one_is_to_come_again(tmp_path, trouble):
    cloud = Cloud(time.time)
    with SimulatorServer(cloud) as server:
        world = guarded(
            tmp_path,
            server.auth_url,
            http_connect_timeout=1,
            http_request_max_retries=0,
        )
        headers, _ = token(server, "admin", "admin")
        cloud.faults.add("*", "hang")
        if trouble == "refused":
            server.stop()
        answer = world.request("GET", "/v1/segments", headers=headers)
        world.close()
    assert answer.status_int == 503
    assert server.auth_url not in answer.text


def test_keystone_has_a_limit_for_its_answer(guarded_world):
    assert guarded_world.conf.keystone_authtoken.http_connect_timeout == 5
