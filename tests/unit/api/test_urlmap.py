# SPDX-License-Identifier: Apache-2.0

import pytest
import webob

from masakari.api import urlmap


def named(name):
    def application(environ, start_response):
        where = f"{name} {environ['SCRIPT_NAME']} {environ['PATH_INFO']}"
        answer = webob.Response(text=where)
        return answer(environ, start_response)

    return application


@pytest.fixture
def mapped():
    made = urlmap.URLMap()
    made["/"] = named("root")
    made["/v1"] = named("v1")
    made["/health"] = named("health")
    return made


JSON = "application/json"
OURS = "application/vnd.openstack.masakari+json"


@pytest.mark.parametrize(
    ("path", "accept", "where"),
    [
        ("/", None, "root  /"),
        ("", None, "root  "),
        ("/v1", None, "v1 /v1 "),
        ("/v1/", None, "v1 /v1 /"),
        ("//v1//x", None, "v1 /v1 /x"),
        ("///v1/x", None, "v1 /v1 /x"),
        ("http://host:1/v1/x", None, "v1 /v1 /x"),
        ("HTTPS://user@[::1]//v1/x", None, "v1 /v1 /x"),
        ("http://host", None, "root  /"),
        ("v1/x", None, "v1 /v1 /x"),
        ("/x/http://host/v1", None, "root  /x/http:/host/v1"),
        ("/v1x", None, "root  /v1x"),
        ("/x//y", f"{JSON};version=1", "v1 /v1 /x/y"),
        ("/x", f"{OURS}; q=1; version=1", "v1 /v1 /x"),
        ("/x", f'text/html, {JSON};version="1"', "v1 /v1 /x"),
        ("/x", f"{JSON};version=2", "root  /x"),
        ("/x", f"{JSON};version=10", "root  /x"),
        ("/x", "text/html;version=1", "root  /x"),
        ("/x", JSON, "root  /x"),
        ("/health", f"{JSON};version=1", "health /health "),
        ("/v1/x", f"{JSON};version=1", "v1 /v1 /x"),
    ],
)
def test_where_a_request_goes(mapped, path, accept, where):
    request = webob.Request.blank("/", environ={"PATH_INFO": path})
    if accept is not None:
        request.headers["Accept"] = accept
    assert request.get_response(mapped).text == where


@pytest.mark.parametrize("accept", [None, "text/html", "*/*", JSON])
def test_where_nothing_is_mounted(accept):
    mapped = urlmap.URLMap()
    mapped["/v1"] = named("v1")
    request = webob.Request.blank("/x")
    if accept is not None:
        request.headers["Accept"] = accept
    answer = request.get_response(mapped)
    assert answer.status_int == 404
    assert "The resource could not be found." in answer.text
    assert "<" not in answer.text
