# SPDX-License-Identifier: Apache-2.0
"""Logs that cannot be written, as programs meet them."""

import os
import pwd
import shutil
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

OTHER = "nobody"

PROGRAM = """
import sys
from masakari.cmd import {name}
sys.exit({name}.main())
"""


@pytest.fixture
def run(tmp_path):
    """Run a program that may write only what it is permitted to."""
    is_root = os.geteuid() == 0
    if is_root and shutil.which("setpriv") is None:
        pytest.skip("Root may write everything, and there is no setpriv.")
    bound = ["setpriv", "--bounding-set=-dac_override"] if is_root else []
    file = tmp_path / "masakari.conf"

    def call(name, *arguments, options=""):
        file.write_text(
            f"[DEFAULT]\nstate_path = {tmp_path}\ntransport_url = fake://\n"
            f"{options}\n"
        )
        return subprocess.run(
            [
                *(*bound, sys.executable, "-W", "ignore"),
                *("-c", PROGRAM.format(name=name)),
                *(f"--config-file={file}", *arguments),
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return call


@pytest.fixture
def log(tmp_path):
    made = tmp_path / "masakari-manage.log"
    made.touch(mode=0o444)
    return made


def sync(run, log):
    """Have the tables made; returns the warning."""
    done = run("manage", "db", "sync", options=f"log_file = {log}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("The database is at revision ")
    assert log.read_text() == ""
    (warning,) = [
        line for line in done.stderr.splitlines() if " WARNING " in line
    ]
    return warning


def test_a_command_logs_to_the_terminal_instead(run, log):
    assert (
        f"The log {log} cannot be written: Permission denied. Do chmod u+rwX "
        f"{log}. The log goes here instead"
    ) in sync(run, log)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to be root")
def test_it_says_whose_file_it_is(run, log):
    os.chown(log, pwd.getpwnam(OTHER).pw_uid, -1)
    assert (
        f"The log {log} cannot be written: Permission denied. The file {log} "
        f"belongs to {OTHER}, and this runs as root: chown root {log}, or run "
        f"this as {OTHER}. The log goes here instead"
    ) in sync(run, log)


@pytest.mark.parametrize("name", ["api", "engine", "allinone"])
def test_a_service_says_what_helps_and_ends(run, log, name):
    done = run(name, options=f"log_file = {log}")
    assert done.returncode != 0
    (line,) = (done.stdout + done.stderr).splitlines()
    assert f"cannot start: The log {log} cannot be written: " in line
    assert f"Do chmod u+rwX {log}." in line


def test_a_directory_may_be_in_the_way(run, tmp_path):
    directory = tmp_path / "log"
    directory.mkdir(mode=0o500)
    done = run("engine", options=f"log_dir = {directory}")
    directory.chmod(0o700)
    assert done.returncode == 1
    (line,) = (done.stdout + done.stderr).splitlines()
    assert f"Do chmod u+rwX {directory}." in line


@pytest.mark.parametrize(
    "options",
    [
        "default_log_levels = sqlalchemy=LOUD",
        "log_dir = /nowhere/x",
        "log_config_append = /nowhere/x",
    ],
)
@pytest.mark.parametrize("program", ["engine", "manage db sync"])
def test_what_can_never_be_is_told_in_one_line(run, program, options):
    done = run(*program.split(), options=options)
    assert done.returncode in (1, 2)
    (line,) = (done.stdout + done.stderr).splitlines()
    assert ": The log " in line
