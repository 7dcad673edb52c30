# SPDX-License-Identifier: Apache-2.0
"""Deployments that bring an api-paste.ini, and WSGI servers."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from masakari import exception
from masakari.api import app, composition, paste
from masakari.simulator.port import SimulatedCompute
from tests.functional.api.world import World, send

HERE = Path(__file__).parent
PACKAGED = HERE.parents[2] / "etc" / "masakari" / "api-paste.ini"
KOLLA = HERE / "kolla-api-paste.ini"

REQUESTS = [
    ("GET", "/", None),
    ("POST", "/", None),
    ("GET", "/x", None),
    ("GET", "/healthcheck", None),
    ("POST", "/healthcheck/ready", None),
    ("GET", "/healthcheck/ready/x", None),
    ("GET", "/v1", None),
    ("GET", "/v1/segments", None),
    ("GET", "/v1/segments/", None),
    ("GET", "/v1/segments/x", None),
    ("PUT", "/v1/notifications/x", None),
    ("POST", "/v1/segments", {}),
    ("POST", "/v1/segments", {"segment": "x" * 200}),
    ("OPTIONS", "/v1/segments", None),
]


def parts(world):
    return composition.compose(
        world.conf,
        database=world.database,
        compute=SimulatedCompute(world.cloud),
        engine_client=world.engines,
    )


def facts(answer):
    headers = dict(answer.headers)
    headers.pop("x-openstack-request-id", None)
    return answer.status, headers, answer.body


@pytest.fixture
def paste_world(tmp_path):
    """What the filters of libraries read has to arrive there, too."""
    world = World(
        tmp_path,
        oslo_middleware__enable_proxy_headers_parsing=True,
        oslo_middleware__max_request_body_size=100,
        cors__allowed_origin="https://dashboard.example.com",
    )
    yield world
    world.close()


@pytest.mark.parametrize(("method", "path", "body"), REQUESTS, ids=str)
def test_the_packaged_file_does_what_is_done_without(
    paste_world, method, path, body
):
    loaded = paste.load(parts(paste_world), str(PACKAGED))
    how = {
        "headers": {
            "X-Forwarded-Proto": "https",
            "Origin": "https://dashboard.example.com",
        }
    }
    built = paste_world.request(method, path, body, **how)
    assert facts(send(loaded, method, path, body, **how)) == facts(built)


def test_health_of_the_packaged_file(world):
    loaded = paste.load(parts(world), str(PACKAGED))
    answer = send(loaded, "GET", "/healthcheck")
    assert (answer.status_int, answer.text) == (200, "OK")


def test_readiness_of_the_packaged_file(world):
    loaded = paste.load(parts(world), str(PACKAGED))
    answer = send(loaded, "GET", "/healthcheck/ready")
    assert (answer.status_int, answer.json["ready"]) == (200, True)


def test_a_file_of_before_answers_for_both(world, tmp_path):
    file = tmp_path / "api-paste.ini"
    text = PACKAGED.read_text()
    assert "/healthcheck/ready = ready\n" in text
    file.write_text(text.replace("/healthcheck/ready = ready\n", ""))
    loaded = paste.load(parts(world), str(file))
    answer = send(loaded, "GET", "/healthcheck/ready")
    assert (answer.status_int, answer.text) == (200, "OK")


def test_a_file_without_a_health_check(tmp_path):
    keystone = "http://192.0.2.1:5000"
    world = World(
        tmp_path,
        auth_strategy="keystone",
        keystone_authtoken__www_authenticate_uri=keystone,
    )
    loaded = paste.load(parts(world), str(KOLLA))
    assert send(loaded, "GET", "/healthcheck").status_int == 300
    root = send(loaded, "GET", "/")
    assert (root.status_int, "versions" in root.text) == (200, True)
    refused = send(loaded, "GET", "/v1/segments")
    assert refused.status_int == 401
    assert refused.headers["WWW-Authenticate"] == f'Keystone uri="{keystone}"'
    assert refused.headers["x-openstack-request-id"].startswith("req-")
    world.close()


@pytest.fixture
def kolla_world(tmp_path):
    group = "keystone_authtoken__"
    made = World(
        tmp_path,
        auth_strategy="keystone",
        **{f"{group}www_authenticate_uri": "http://192.0.2.1:5000"},
    )
    yield made
    made.close()


@pytest.mark.parametrize(
    ("good", "bad", "told"),
    [
        ("keystone = ", "noauth2 = ", "auth_strategy keystone"),
        ("[composite:masakari_api]", "garbage", "no section headers"),
        ("[filter:sizelimit]", "[filter:cors]", "already exists"),
        ("[filter:sizelimit]", "[filter:limitsize]", "'sizelimit'"),
        ("openstack:FaultWrapper", "nothing:FaultWrapper", "nothing"),
        ("openstack:FaultWrapper", "openstack:Nothing", "Nothing"),
    ],
)
def test_a_file_that_cannot_be_used(kolla_world, good, bad, told):
    file = kolla_world.file.with_name("api-paste.ini")
    file.write_text(KOLLA.read_text().replace(good, bad))
    with pytest.raises(exception.ConfigurationError) as raised:
        app.load(kolla_world.conf)
    assert str(raised.value).startswith(f"{file}: ")
    assert told in str(raised.value)


@pytest.mark.parametrize("name", ["other.ini", "/nowhere/api-paste.ini"])
def test_a_file_that_is_asked_for_has_to_be_there(tmp_path, name):
    world = World(tmp_path, wsgi__api_paste_config=name)
    with pytest.raises(exception.ConfigurationError, match=name):
        app.load(world.conf)
    world.close()


def test_path_expressions_and_a_fallback(world, tmp_path):
    file = tmp_path / "paste.ini"
    text = KOLLA.read_text().replace(
        "/: apiversions", "domain a.example.com /: apiversions"
    )
    text = text.replace("keystone = ", "noauth2 = ").replace(
        "authtoken keystonecontext", "noauth2"
    )
    text = text.replace(
        "[composite:masakari_api]",
        "[filter:noauth2]\n"
        "paste.filter_factory = "
        "masakari.api.auth:NoAuthMiddleware.factory\n\n"
        "[composite:masakari_api]\nnot_found_app = apiversionsapp",
    )
    file.write_text(text)
    loaded = paste.load(parts(world), str(file))
    host = {"Host": "a.example.com"}
    assert send(loaded, "GET", "/", headers=host).status_int == 200
    assert send(loaded, "GET", "/x", headers=host).status_int == 300
    assert send(loaded, "GET", "/y").status_int == 300
    assert send(loaded, "GET", "/v1/segments").status_int == 200


PROBE = """
import json, sys
sys.argv = ["uwsgi", "--no-such-option", "file"]
from masakari.wsgi.api import application
import webob
answers = {}
for path in ("/", "/healthcheck", "/v1/segments"):
    answer = webob.Request.blank(path).get_response(application)
    answers[path] = [answer.status_int, answer.text]
print()
print(json.dumps(answers))
"""


def probe(cwd=None, **environ):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROBE],
        cwd=cwd,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("paste_file", [None, PACKAGED])
def test_wsgi_servers_find_the_configuration(tmp_path, paste_file):
    world = World(tmp_path)
    world.segment(name="from the database of the directory")
    world.close()
    if paste_file is not None:
        (tmp_path / "api-paste.ini").write_text(paste_file.read_text())
    answers = probe(OS_MASAKARI_CONFIG_DIR=str(tmp_path))
    assert answers["/"][0] == 200
    assert answers["/healthcheck"] == [200, "OK"]
    assert answers["/v1/segments"][0] == 200
    assert "from the database of the directory" in answers["/v1/segments"][1]


def test_the_directory_may_be_a_relative_one(tmp_path):
    World(tmp_path).close()
    (tmp_path / "api-paste.ini").write_text(PACKAGED.read_text())
    answers = probe(tmp_path.parent, OS_MASAKARI_CONFIG_DIR=tmp_path.name)
    assert answers["/v1/segments"] == [200, '{"segments":[]}']


def test_so_may_the_file(world, tmp_path, monkeypatch):
    (tmp_path / "paste.ini").write_text(PACKAGED.read_text())
    monkeypatch.chdir(tmp_path)
    loaded = paste.load(parts(world), "paste.ini")
    assert send(loaded, "GET", "/v1/segments").status_int == 200


def test_wsgi_servers_without_any_file(tmp_path):
    answers = probe(OS_MASAKARI_CONFIG_DIR=str(tmp_path))
    assert answers["/"][0] == 200
    assert answers["/healthcheck"] == [200, "OK"]


@pytest.mark.parametrize("with_file", [True, False])
def test_tokens_that_could_not_be_checked(tmp_path, with_file):
    (tmp_path / "masakari.conf").write_text(
        "[keystone_authtoken]\nauth_type = password\nusername = masakari\n"
    )
    if with_file:
        (tmp_path / "api-paste.ini").write_text(KOLLA.read_text())
    with pytest.raises(subprocess.CalledProcessError) as raised:
        probe(OS_MASAKARI_CONFIG_DIR=str(tmp_path))
    told = raised.value.stdout.replace("auth_url", "auth-url")
    assert "ConfigurationError: [keystone_authtoken] cannot be used" in told
    assert "auth-url" in told
