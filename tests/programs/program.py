# SPDX-License-Identifier: Apache-2.0
"""The program masakari-api, as tests start it."""

import contextlib
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import requests

from tests.functional.api.world import World, ini
from tests.ports import free_port

PATIENCE = 30


def wait_for(condition):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with contextlib.suppress(requests.ConnectionError):
            found = condition()
            if found:
                return found
        time.sleep(0.02)
    raise AssertionError("It did not happen in time.")


def children(pid):
    """Of all its threads."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


class Program:
    """masakari-api in a process group of its own."""

    def __init__(self, tmp_path, **options):
        self.port = options.setdefault("masakari_api_listen_port", free_port())
        options.setdefault("masakari_api_listen", "127.0.0.1")
        options.setdefault("masakari_api_workers", 1)
        options.setdefault("transport_url", "fake://")
        world = World(tmp_path)
        world.close()
        self.log = tmp_path / "api.log"
        self.file = world.file
        url = world.conf.database.connection
        given = {"auth_strategy": "noauth2", "database__connection": url}
        self.file.write_text(ini(given | options))
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "masakari.cmd.api",
                f"--config-file={self.file}",
                f"--log-file={self.log}",
            ],
            start_new_session=True,
            stderr=subprocess.PIPE,
        )

    def get(self, path, scheme="http", host="127.0.0.1", **kwargs):
        url = f"{scheme}://{host}:{self.port}{path}"
        return requests.get(url, timeout=10, **kwargs)

    def ready(self, **kwargs):
        wait_for(lambda: self.get("/", **kwargs).status_code == 200)

    def say(self, text):
        """What a client that says this is answered."""
        with socket.create_connection(("127.0.0.1", self.port), 10) as client:
            client.sendall(text)
            client.shutdown(socket.SHUT_WR)
            with client.makefile("rb") as answer:
                return answer.read()

    def lines(self):
        """What the log has, one for each newline in it."""
        return self.log.read_text().split("\n")[:-1]

    def critical(self):
        """What the log says at that level; a second worker may repeat it."""
        lines = self.log.read_text().splitlines()
        (text,) = {
            line.partition(" CRITICAL ")[2]
            for line in lines
            if " CRITICAL " in line
        }
        return text

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)
