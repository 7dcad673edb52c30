# SPDX-License-Identifier: Apache-2.0
"""The program masakari-engine, without neighbours."""

import os
import signal
import subprocess
import sys
import time

import pytest

from masakari.db import progress, schema
from masakari.db.session import Database
from tests.functional.api.world import ini

pytestmark = pytest.mark.slow

PATIENCE = 30

#: The main thread ends, for whatever reason.
DYING = """
import sys
from masakari.cmd import engine

def fail(_conf):
    raise RuntimeError("a mistake of ours")

engine._wait_for_the_end = fail
sys.exit(engine.main())
"""


class Program:
    """masakari-engine beside a database of its own."""

    def __init__(self, directory, *command, **options):
        url = f"sqlite:///{directory}/masakari.sqlite"
        database = Database(url)
        schema.create_all(database)
        database.dispose()
        progress.create_tables(url)
        self.log = directory / "engine.log"
        self.file = directory / "masakari.conf"
        self.options = {
            "database__connection": url,
            "transport_url": "fake://",
            "os_privileged_user_name": "nova",
            "os_privileged_user_password": "secret",
            "os_privileged_user_tenant": "service",
            "os_privileged_user_auth_url": "http://127.0.0.1:9/v3",
            "graceful_shutdown_timeout": 2,
        } | options
        self.change()
        self.process = subprocess.Popen(
            [
                sys.executable,
                *(command or ("-m", "masakari.cmd.engine")),
                f"--config-file={self.file}",
                f"--log-file={self.log}",
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={k: v for k, v in os.environ.items() if k[:3] != "OS_"},
        )

    def change(self, **options):
        """Rewrite its configuration; it does not know yet."""
        self.options |= options
        self.file.write_text(ini(self.options))

    def says(self, text):
        """Wait until the log has ``text``."""
        deadline = time.monotonic() + PATIENCE
        while not (self.log.exists() and text in self.log.read_text()):
            assert self.process.poll() is None, self.process.stdout.read()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.02)

    def ended(self):
        """Its exit status and what it told the terminal."""
        out, _ = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out

    def critical(self):
        """The lines of that level, without what comes before the level."""
        return [
            line.partition(" CRITICAL ")[2]
            for line in self.log.read_text().splitlines()
            if " CRITICAL " in line
        ]

    def terminate(self):
        self.process.terminate()
        return self.process.wait(PATIENCE)


@pytest.fixture
def start(tmp_path):
    programs = []

    def begin(*command, **options):
        programs.append(Program(tmp_path, *command, **options))
        return programs[-1]

    yield begin
    for program in programs:
        if program.process.poll() is None:
            program.process.kill()
            program.process.wait()
        program.process.stdout.close()


def test_a_hangup_with_a_typing_error_changes_nothing(start):
    program = start()
    program.says("The engine has started")
    program.change(debug="maybe")
    program.process.send_signal(signal.SIGHUP)
    program.says("The configuration stays as it was: ")
    program.change(debug="true")
    program.process.send_signal(signal.SIGHUP)
    program.says("Option DEFAULT.debug changed from [None] to [true]")
    assert program.terminate() == 0


def test_nothing_of_it_outlives_its_main_thread(start):
    program = start("-c", DYING)
    code, out = program.ended()
    assert (code, out) == (1, "")
    assert "The engine ends unexpectedly" in program.log.read_text()
    assert "RuntimeError: a mistake of ours" in program.log.read_text()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"notification_lease": "abc"}, "notification_lease"),
        ({"concurrent_recoveries": "0"}, "concurrent_recoveries"),
        ({"engine_health_port": "70000"}, "engine_health_port"),
        ({"notification_poll_interval": "-1"}, "notification_poll_interval"),
        ({"auth_strategy": "foo"}, "auth_strategy"),
        ({"database__connection": "foo"}, "[database] connection"),
        ({"taskflow__connection": "postgres://h/m"}, "[taskflow] connection"),
        ({"notification_driver": "other"}, "notification_driver"),
        (
            {"os_privileged_user_password": ""},
            "no password: set [DEFAULT] os_privileged_user_password.",
        ),
    ],
    ids=str,
)
def test_what_cannot_work_is_told_in_one_line(start, options, told):
    program = start(**options)
    code, out = program.ended()
    assert code == 1
    (line,) = program.critical()
    sentence = line.partition(" [-] ")[2]
    assert sentence.startswith("The engine cannot start: ")
    assert told in sentence
    assert out.splitlines()[-1] == sentence
    assert "Traceback" not in out + program.log.read_text()
    assert "Error: " not in sentence


def test_a_database_that_does_not_come_is_told_with_the_reason(start):
    gone = "postgresql+psycopg2://masakari:secret@127.0.0.1:9/masakari"
    program = start(database__connection=gone, database__max_retries=0)
    assert program.ended()[0] == 1
    (line,) = program.critical()
    assert "The engine cannot start: The database cannot be used: " in line
    assert "Connection refused" in line
    assert "secret" not in line
