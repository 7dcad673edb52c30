# SPDX-License-Identifier: Apache-2.0
"""What a WSGI server leaves behind when it ends."""

import os
import subprocess
import sys

import pytest

from tests.functional.api.world import World

pytestmark = pytest.mark.slow

#: Events are held up until the server ends.
SERVER = """
import atexit, threading
import webob
from oslo_messaging.notify import _impl_log
from masakari.wsgi.api import application

ends, notify = threading.Event(), _impl_log.LogDriver.notify
atexit.register(ends.set)

def late(self, *args):
    ends.wait()
    notify(self, *args)

_impl_log.LogDriver.notify = late
request = webob.Request.blank("/v1/segments", method="POST")
request.json = {
    "segment": {
        "name": "rack-1",
        "recovery_method": "auto",
        "service_type": "COMPUTE",
    }
}
assert request.get_response(application).status_int == 201
"""


def test_what_happened_last_is_told_too(tmp_path):
    log = tmp_path / "api.log"
    World(
        tmp_path,
        log_file=log,
        transport_url="fake://",
        oslo_messaging_notifications__driver="log",
    ).close()
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SERVER],
        env={**os.environ, "OS_MASAKARI_CONFIG_DIR": str(tmp_path)},
        check=True,
        timeout=60,
    )
    told = log.read_text()
    assert '"event_type": "segment.create.start"' in told
    assert '"event_type": "segment.create.end"' in told
    assert '"publisher_id": "masakari-api:' in told


@pytest.mark.parametrize(
    ("environ", "places"),
    [
        ({}, "~/.masakari, ~, "),
        ({"OS_MASAKARI_CONFIG_DIR": "/no/where"}, "/no/where: "),
    ],
)
def test_it_says_that_there_is_no_configuration_file(
    tmp_path, environ, places
):
    known = {k: v for k, v in os.environ.items() if not k.startswith("OS_")}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", "import masakari.wsgi.api"],
        env={**known, "HOME": str(tmp_path), **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    told = done.stdout + done.stderr
    assert f"No configuration file was found in {places}" in told


def test_its_log_is_named_for_the_program(tmp_path):
    logs = tmp_path / "logs"
    logs.mkdir()
    World(tmp_path, log_dir=logs, transport_url="fake://").close()
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", "import masakari.wsgi.api"],
        env={**os.environ, "OS_MASAKARI_CONFIG_DIR": str(tmp_path)},
        check=True,
        timeout=60,
    )
    assert [file.name for file in logs.iterdir()] == ["masakari-api.log"]
