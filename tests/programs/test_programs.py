# SPDX-License-Identifier: Apache-2.0
"""What every program does with a configuration that cannot work."""

import os
import pathlib
import subprocess
import sys

import pytest

from tests.ports import free_port

pytestmark = pytest.mark.slow

BIN = pathlib.Path(sys.executable).parent

#: Programs, and their exit codes.
PROGRAMS = {
    "masakari-api": 1,
    "masakari-engine": 1,
    "masakari-allinone": 2,
    "masakari-manage db sync": 2,
    "masakari-manage notification list": 2,
    "masakari-status upgrade check": 2,
}

WRONG = {
    "a database": "[database]\nconnection = mysql+pymysql://u:Hu@sh:x@h/m",
    "a dollar": "[database]\nconnection = mysql+pymysql://u:se$Hush@h/m",
    "a database for tasks": "[taskflow]\nconnection = mysql://u:Hu@sh:x@h/m",
    "a driver": "[database]\nconnection = mssql+pyodbc://u:Hush@h/m",
}


def run(program, file):
    name, *arguments = program.split()
    known = {k: v for k, v in os.environ.items() if not k.startswith("OS_")}
    return subprocess.run(
        [str(BIN / name), f"--config-file={file}", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=known,
    )


@pytest.mark.parametrize("program", PROGRAMS)
def test_it_is_told_in_one_line_without_the_secret(tmp_path, program):
    file = tmp_path / "masakari.conf"
    file.write_text(
        f"[DEFAULT]\nlog_file = {tmp_path}/log\nstate_path = {tmp_path}\n"
        f"{WRONG['a database']}\n"
    )
    done = run(program, file)
    assert done.returncode == PROGRAMS[program]
    log = tmp_path / "log"
    told = (
        done.stdout + done.stderr + (log.read_text() if log.exists() else "")
    )
    assert "[database] connection " in told
    assert "Hu" not in told
    assert "Traceback" not in told
    if "status" not in program:
        (_line,) = done.stderr.splitlines()


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wsgi_server_shows_no_secret_either(tmp_path, wrong):
    (tmp_path / "masakari.conf").write_text(
        f"[DEFAULT]\nstate_path = {tmp_path}\n{WRONG[wrong]}\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", "import masakari.wsgi.api"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=os.environ | {"OS_MASAKARI_CONFIG_DIR": str(tmp_path)},
    )
    assert done.returncode == 1
    told = done.stdout + done.stderr
    assert "The API cannot start: " in told
    assert "] connection " in told
    assert "Hu" not in told


@pytest.mark.parametrize(
    "program", ["masakari-api", "masakari-engine", "masakari-allinone"]
)
def test_the_bus_is_told_of_in_one_line(tmp_path, program):
    file = tmp_path / "masakari.conf"
    file.write_text(
        f"[DEFAULT]\nlog_file = {tmp_path}/log\nstate_path = {tmp_path}\n"
        "transport_url = rabbit://u:Hu/sh@h/\nauth_strategy = noauth2\n"
        "masakari_api_workers = 1\nmasakari_api_listen = 127.0.0.1\n"
        f"masakari_api_listen_port = {free_port()}\n"
        "os_privileged_user_auth_url = http://127.0.0.1:9/v3\n"
        "os_privileged_user_name = u\nos_privileged_user_password = Hush\n"
        f"[database]\nconnection = sqlite:///{tmp_path}/db\n"
    )
    done = run(program, file)
    assert done.returncode == PROGRAMS[program]
    told = done.stdout + done.stderr + (tmp_path / "log").read_text()
    assert "[DEFAULT] transport_url cannot be used: " in told
    assert "Hu" not in told
    assert "Traceback" not in told
