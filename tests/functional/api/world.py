# SPDX-License-Identifier: Apache-2.0
"""The API over a real SQLite database and a simulated Nova."""

import configparser
import io
import json
from pathlib import Path
from typing import Any

import webob

from masakari import conf as configuration
from masakari.api import app
from masakari.db import schema
from masakari.db.session import Database
from masakari.simulator.cloud import Cloud
from masakari.simulator.port import SimulatedCompute
from tests.functional.db.records import Clock
from tests.unit.events.recorder import Recorder

COMPUTES = ("compute-1", "compute-2", "compute-3")

ADMIN = {"X-User-Id": "u", "X-Project-Id": "abc", "X-Roles": "admin"}


class Engines:
    """Remembers what they were told."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, Any]] = []

    def process_notification(self, context: Any, notification: Any) -> None:
        self.told.append((context, notification))


def ini(options: dict[str, Any]) -> str:
    """A configuration file; see :class:`World`."""
    parser = configparser.RawConfigParser()
    for name, value in options.items():
        group, _, option = name.rpartition("__")
        section = group or "DEFAULT"
        if section != "DEFAULT" and not parser.has_section(section):
            parser.add_section(section)
        parser.set(section, option, str(value))
    text = io.StringIO()
    parser.write(text)
    return text.getvalue()


class World:
    """An application and everything around it.

    :param options: of ``[DEFAULT]``, or of ``group__name``
    """

    def __init__(
        self, path: Path, identify: Any = None, **options: Any
    ) -> None:
        url = f"sqlite:///{path}/masakari.sqlite"
        self.file = path / "masakari.conf"
        given = {"auth_strategy": "noauth2", "database__connection": url}
        self.file.write_text(ini(given | options))
        self.conf = configuration.load(
            [], prog="masakari-api", config_files=[str(self.file)]
        )
        self.clock = Clock()
        self.database = Database(url, clock=self.clock)
        schema.create_all(self.database)
        self.cloud = Cloud(lambda: 0.0)
        for name in COMPUTES:
            self.cloud.add_host(name)
        self.engines = Engines()
        self.events = Recorder()
        self.app = app.build(
            self.conf,
            database=self.database,
            compute=SimulatedCompute(self.cloud),
            engine_client=self.engines,
            events=self.events,
            identify=identify,
        )

    def close(self) -> None:
        self.database.dispose()

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        version: str | None = None,
        headers: dict[str, str] | None = None,
        environ: dict[str, Any] | None = None,
    ) -> webob.Response:
        return send(
            self.app,
            method,
            path,
            body,
            version=version,
            headers=headers,
            environ=environ,
        )

    def segment(self, **values: Any) -> dict[str, Any]:
        given = {
            "name": "segment",
            "recovery_method": "auto",
            "service_type": "compute",
        } | values
        made = self.request("POST", "/v1/segments", {"segment": given})
        assert made.status_int == 201, made.text
        return made.json["segment"]

    def host(self, segment: dict[str, Any], **values: Any) -> dict[str, Any]:
        given = {
            "name": COMPUTES[0],
            "type": "COMPUTE",
            "control_attributes": "SSH",
        } | values
        url = f"/v1/segments/{segment['uuid']}/hosts"
        made = self.request("POST", url, {"host": given})
        assert made.status_int == 201, made.text
        return made.json["host"]

    def notify(self, **values: Any) -> webob.Response:
        given = {
            "type": "COMPUTE_HOST",
            "hostname": COMPUTES[0],
            "generated_time": "2026-11-23T12:00:00.250000",
            "payload": {"event": "STOPPED", "host_status": "NORMAL"},
        } | values
        return self.request(
            "POST", "/v1/notifications", {"notification": given}
        )


def send(
    application: Any,
    method: str,
    path: str,
    body: Any = None,
    *,
    version: str | None = None,
    headers: dict[str, str] | None = None,
    environ: dict[str, Any] | None = None,
) -> webob.Response:
    """Send a request; what is not bytes goes as JSON."""
    request = webob.Request.blank(path, environ=environ, method=method)
    if body is not None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        request.body = raw
        request.content_type = "application/json"
    if version is not None:
        request.headers["OpenStack-API-Version"] = f"instance-ha {version}"
    request.headers.update(headers or {})
    return request.get_response(application)


def message(response: webob.Response) -> str:
    """The sentence of a fault."""
    ((_, content),) = response.json.items()
    assert content["code"] == response.status_int
    return content["message"]
