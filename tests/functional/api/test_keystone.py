# SPDX-License-Identifier: Apache-2.0
"""Tokens, checked by keystonemiddleware with a Keystone over HTTP."""

import concurrent.futures
import pathlib
import socket
import sys
import time

import pytest
import requests
from keystoneauth1 import loading
from keystonemiddleware.auth_token import _opts
from oslo_config import cfg
from oslo_context import context

from masakari import exception
from masakari.api import composition, paste, readiness
from masakari.simulator.cloud import Cloud
from masakari.simulator.http import SimulatorServer
from masakari.simulator.port import SimulatedCompute
from masakari.simulator.tokens import known_id
from tests.functional.api.world import World, send
from tests.ports import free_port

KOLLA = pathlib.Path(__file__).with_name("kolla-api-paste.ini")

#: Far more than a request may take, far less than for ever.
PATIENCE = 30


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
    group = guarded_world.conf.keystone_authtoken
    assert group.http_connect_timeout == 5
    assert group.http_request_max_retries == 1


@pytest.fixture
def silent():
    """The address of a Keystone that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as bound:
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


def pasted(world, text=None):
    """The same application, with the pipeline of a deployment's file."""
    file = world.file.with_name("their-paste.ini")
    file.write_text(text or KOLLA.read_text())
    parts = composition.compose(
        world.conf,
        database=world.database,
        compute=SimulatedCompute(world.cloud),
        engine_client=world.engines,
    )
    return paste.load(parts, str(file))


AUTHTOKEN = "[filter:authtoken]\n"


@pytest.fixture(params=["code", "file", "file with a project"])
def pipeline(request):
    """What makes the application of a world."""
    yield _pipeline(request.param)
    # The middleware has registered what others would have to set.
    cfg.CONF.reset()
    for option in loading.get_auth_plugin_conf_options("password"):
        cfg.CONF.unregister_opt(option, "keystone_authtoken")


def _pipeline(kind):

    def make(world):
        if kind == "code":
            return world.app
        text = KOLLA.read_text()
        if "project" in kind:
            project = f"{AUTHTOKEN}oslo_config_project = masakari\n"
            text = text.replace(AUTHTOKEN, project)
        return pasted(world, text)

    return make


@pytest.mark.slow
def test_a_keystone_that_says_nothing_holds_nobody_for_ever(
    tmp_path, silent, pipeline
):
    world = guarded(tmp_path, silent)
    application = pipeline(world)
    headers = {"X-Auth-Token": "a token"}
    with concurrent.futures.ThreadPoolExecutor(10) as threads:
        asked = [
            threads.submit(
                send, application, "GET", "/v1/segments", headers=headers
            )
            for _ in range(10)
        ]
        done, held = concurrent.futures.wait(asked, PATIENCE)
    world.close()
    assert held == set()
    assert {one.result().status_int for one in done} == {503}


def test_what_an_operator_sets_holds_in_each_pipeline(
    tmp_path, silent, pipeline
):
    """Rather than a long time the test waits a short one."""
    world = guarded(tmp_path, silent, http_connect_timeout=1)
    application = pipeline(world)
    began = time.monotonic()
    answer = send(
        application, "GET", "/v1/segments", headers={"X-Auth-Token": "x"}
    )
    world.close()
    assert answer.status_int == 503
    assert time.monotonic() - began < 5


def test_the_defaults_are_changed_where_all_pipelines_look():
    """Releases of the middleware may keep them elsewhere."""
    (found,) = [o for o in _opts._OPTS if o.dest == "http_connect_timeout"]
    assert found.default == 5


def ready(world):
    answer = world.request("GET", "/healthcheck/ready")
    return answer.status_int, answer.json["checks"]["keystone"]


def test_it_is_ready_when_keystone_answers(guarded_world):
    assert ready(guarded_world) == (200, "ok")


def test_an_application_credential_will_do(tmp_path, keystone):
    world = guarded(
        tmp_path,
        keystone.auth_url,
        auth_type="v3applicationcredential",
        application_credential_id=known_id(
            "application_credential", "masakari"
        ),
        application_credential_secret="secret",
    )
    assert ready(world) == (200, "ok")
    admin, _ = token(keystone, "admin", "admin")
    answer = world.request("GET", "/v1/segments", headers=admin)
    assert answer.status_int == 200
    world.close()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"password": "Hush"}, "; see [keystone_authtoken]"),
        ({"region_name": "elsewhere"}, "elsewhere"),
    ],
    ids=str,
)
def test_it_is_not_ready_while_keystone_refuses_it(
    tmp_path, keystone, caplog, options, reason
):
    world = guarded(tmp_path, keystone.auth_url, **options)
    code, told = ready(world)
    assert code == 503
    assert told.startswith("refuses Masakari: ")
    assert reason in told
    assert "Hush" not in told
    ready(world)
    assert caplog.text.count("does not let Masakari check tokens") == 1
    admin, _ = token(keystone, "admin", "admin")
    answer = world.request("GET", "/v1/segments", headers=admin)
    assert answer.status_int == 503
    world.close()


def test_it_is_ready_again_when_the_password_is_right(
    tmp_path, keystone, monkeypatch
):
    monkeypatch.setattr(readiness, "_FRESHNESS", 0)
    wrong = guarded(tmp_path, keystone.auth_url, password="Hush")
    assert ready(wrong)[0] == 503
    monkeypatch.setattr(keystone.tokens, "_password", "Hush")
    assert ready(wrong) == (200, "ok")
    wrong.close()


def test_while_keystone_is_away_it_is_ready_for_what_it_remembers(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(readiness, "_FRESHNESS", 0)
    cloud = Cloud(time.time)
    with SimulatorServer(cloud) as server:
        world = guarded(tmp_path, server.auth_url, token_cache_time=300)
        tokens = readiness.Tokens.of(
            composition.compose(
                world.conf,
                database=world.database,
                compute=SimulatedCompute(world.cloud),
                engine_client=world.engines,
            )
        )
        assert tokens.state() == (True, "ok")
    assert tokens.state() == (True, "away")
    monkeypatch.setattr(tokens, "_good_until", time.monotonic())
    assert tokens.state() == (False, "away")
    world.close()


def test_a_keystone_that_was_never_there_makes_it_not_ready(tmp_path):
    world = guarded(tmp_path, f"http://127.0.0.1:{free_port()}/v3")
    assert ready(world) == (503, "away")
    world.close()


def test_without_tokens_keystone_does_not_matter(tmp_path):
    world = World(tmp_path)
    answer = world.request("GET", "/healthcheck/ready")
    assert "keystone" not in answer.json["checks"]
    world.close()


def test_without_credentials_it_is_told_and_answered(tmp_path, caplog):
    world = World(tmp_path, auth_strategy="keystone")
    assert "[keystone_authtoken] auth_type is not set" in caplog.text
    answer = world.request(
        "GET", "/v1/segments", headers={"X-Auth-Token": "x"}
    )
    assert answer.status_int == 503
    world.close()


def test_tokens_are_remembered_without_a_cache_that_is_there(
    tmp_path, keystone
):
    world = guarded(
        tmp_path,
        keystone.auth_url,
        memcached_servers=f"127.0.0.1:{free_port()}",
        memcache_security_strategy="ENCRYPT",
        memcache_secret_key="key",
    )
    admin, _ = token(keystone, "admin", "admin")
    answer = world.request("GET", "/v1/segments", headers=admin)
    assert answer.status_int == 200
    world.close()


LACKING = [
    (
        {"memcached_servers": "controller:11211"},
        "memcache",
        "[keystone_authtoken] memcached_servers cannot be used: it needs the "
        "Python package python-memcached (the extra memcached), which is not "
        "installed.",
    ),
    (
        {
            "memcached_servers": "controller:11211",
            "memcache_use_advanced_pool": False,
        },
        "memcache",
        "needs the Python package python-memcached",
    ),
    (
        {
            "memcached_servers": "controller:11211",
            "memcache_sasl_enabled": True,
        },
        "bmemcached",
        "needs the Python package python-binary-memcached",
    ),
    (
        {
            "memcached_servers": "controller:11211",
            "memcache_security_strategy": "ENCRYPT",
            "memcache_secret_key": "key",
        },
        "cryptography",
        "[keystone_authtoken] memcache_security_strategy cannot be used: it "
        "needs the Python package cryptography",
    ),
    (
        {
            "memcached_servers": "controller:11211",
            "memcache_security_strategy": "MAC",
        },
        None,
        "needs [keystone_authtoken] memcache_secret_key",
    ),
    (
        {
            "memcached_servers": "controller:11211",
            "memcache_tls_cafile": "/nowhere/ca",
        },
        None,
        "[keystone_authtoken] memcache_tls_cafile: the file /nowhere/ca ",
    ),
    (
        {"memcache_password": "se$Hush"},
        None,
        "[keystone_authtoken] memcache_password has a '$'",
    ),
    (
        {"token_cache_time": "long"},
        None,
        "token_cache_time",
    ),
    (
        {"memcached_servers": "controller:abc"},
        None,
        "[keystone_authtoken] memcached_servers cannot be used: ",
    ),
]


@pytest.mark.parametrize(("options", "module", "told"), LACKING)
def test_a_cache_that_cannot_be_is_refused(
    tmp_path, monkeypatch, options, module, told
):
    if module is not None:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises((exception.ConfigurationError, cfg.Error)) as raised:
        guarded(tmp_path, "http://127.0.0.1:9/v3", **options)
    assert told in str(raised.value)
    assert "Hush" not in str(raised.value)
