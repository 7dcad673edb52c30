# SPDX-License-Identifier: Apache-2.0
"""The program masakari-allinone, as a user runs it beside a cloud."""

import datetime
import os
import signal
import subprocess
import sys
import time

import openstack
import pytest
import requests

from masakari.simulator.cloud import Cloud
from masakari.simulator.http import SimulatorServer
from masakari.simulator.tokens import known_id

pytestmark = pytest.mark.slow

PATIENCE = 60

STOPPED = {
    "event": "STOPPED",
    "cluster_status": "OFFLINE",
    "host_status": "NORMAL",
}


@pytest.fixture
def cloud():
    made = Cloud(
        time.time,
        service_down_time=0.5,
        report_interval=0.1,
        evacuation_seconds=0.1,
        rpc_timeout=1.0,
    )
    for name in ("c1", "c2", "c3"):
        made.add_host(name)
    return made


@pytest.fixture
def keystone(cloud):
    with SimulatorServer(cloud) as running:
        yield running


#: A cloud whose Keystone is not there.
NOWHERE = {
    "OS_AUTH_URL": "http://127.0.0.1:9",
    "OS_USERNAME": "u",
    "OS_PASSWORD": "x",
    "OS_PROJECT_NAME": "p",
}


def who(user, project):
    return {
        "username": user,
        "password": "secret",
        "project_name": project,
        "user_domain_name": "Default",
        "project_domain_name": "Default",
    }


def environment(keystone=None):
    known = {k: v for k, v in os.environ.items() if not k.startswith("OS_")}
    if keystone is None:
        return known
    values = who("masakari", "service") | {"auth_url": keystone.auth_url}
    return known | {f"OS_{k.upper()}": v for k, v in values.items()}


class Program:
    """masakari-allinone on a free port."""

    def __init__(self, tmp_path, *options, env):
        self.log = tmp_path / "masakari.log"
        self.process = subprocess.Popen(
            [
                *[sys.executable, "-m", "masakari.cmd.allinone"],
                *[f"--state-dir={tmp_path}/state", f"--log-file={self.log}"],
                *["--port=0", *options],
            ],
            # Where there is no clouds.yaml.
            cwd=tmp_path,
            env=env | {"HOME": str(tmp_path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def url(self):
        line = self.process.stdout.readline()
        assert line.startswith("Masakari's API is at http://127.0.0.1:")
        return line.split()[-1]

    def says(self, text):
        """Wait until the log has ``text``."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.log.read_text():
            assert self.process.poll() is None, self.process.stderr.read()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.02)

    def terminate(self):
        """Its exit status, and what else it printed."""
        self.process.terminate()
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out + err


@pytest.fixture
def start(tmp_path):
    programs = []

    def begin(*options, env):
        programs.append(Program(tmp_path, *options, env=env))
        return programs[-1]

    yield begin
    for program in programs:
        if program.process.poll() is None:
            program.process.kill()
            program.process.wait()
        program.process.stdout.close()
        program.process.stderr.close()


def finished(masakari, uuid):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = masakari.get_notification(uuid)
        if found.status not in ("new", "running"):
            return found
        time.sleep(0.05)
    raise AssertionError("The notification has not ended.")


def test_it_recovers_a_host(start, cloud, keystone):
    moved = cloud.create_server("one", "c1")
    program = start(env=environment(keystone))
    url = program.url()
    assert requests.get(f"{url}/v1/segments", timeout=10).status_code == 401

    keystone.add_endpoint("instance-ha", "masakari", f"{url}/v1")
    with openstack.connect(
        auth_url=keystone.auth_url,
        **who("admin", "admin"),
        load_envvars=False,
        load_yaml_config=False,
    ) as connection:
        masakari = connection.instance_ha
        segment = masakari.create_segment(
            name="s", recovery_method="auto", service_type="compute"
        )
        for name in ("c1", "c2"):
            masakari.create_host(
                segment.uuid, name=name, type="KVM", control_attributes="SSH"
            )
        cloud.kill("c1")
        made = masakari.create_notification(
            type="COMPUTE_HOST",
            hostname="c1",
            generated_time=datetime.datetime.now(datetime.UTC)
            .replace(tzinfo=None)
            .isoformat(),
            payload=STOPPED,
        )
        assert finished(masakari, made.notification_uuid).status == "finished"
        (vmove,) = masakari.vmoves(made.notification_uuid)
        assert vmove.status == "succeeded"
        assert vmove.dest_host == cloud.servers[moved.uuid].host != "c1"

    asked_at = time.monotonic()
    assert program.terminate() == (0, "")
    assert time.monotonic() - asked_at < 10
    log = program.log.read_text()
    assert "Traceback" not in log
    assert "broker" not in log


def test_its_records_outlive_it(start):
    values = {
        "name": "s",
        "recovery_method": "auto",
        "service_type": "compute",
    }
    env = environment() | NOWHERE
    first = start("--auth=noauth2", env=env)
    made = requests.post(
        f"{first.url()}/v1/segments", json={"segment": values}, timeout=10
    )
    assert made.status_code == 201
    assert first.terminate()[0] == 0
    second = start("--auth=noauth2", env=env)
    found = requests.get(f"{second.url()}/v1/segments", timeout=10).json()
    assert [segment["name"] for segment in found["segments"]] == ["s"]
    assert second.terminate()[0] == 0


def test_a_wrong_password_is_told_at_the_start(start, keystone):
    env = environment(keystone) | {"OS_PASSWORD": "wrong"}
    program = start(env=env)
    out, err = program.process.communicate(timeout=PATIENCE)
    assert (program.process.returncode, out) == (2, "")
    (line,) = err.splitlines()
    assert line.startswith(
        "masakari-allinone cannot start: The cloud's credentials cannot be "
        "used: Keystone: "
    )
    assert "401" in line
    assert line in program.log.read_text()


def test_a_keystone_that_is_away_is_told_and_waited_for(start):
    program = start("--auth=noauth2", env=environment() | NOWHERE)
    assert requests.get(program.url(), timeout=10).ok
    told = "Keystone does not answer yet: "
    program.says(told)
    code, printed = program.terminate()
    assert code == 0
    assert told in printed


def test_a_hangup_with_a_typing_error_changes_nothing(start, tmp_path):
    file = tmp_path / "masakari.conf"
    file.write_text("[DEFAULT]\n")
    program = start(
        "--auth=noauth2",
        f"--config-file={file}",
        env=environment() | NOWHERE,
    )
    url = program.url()
    file.write_text("[DEFAULT]\ndebug = maybe\n")
    program.process.send_signal(signal.SIGHUP)
    program.says("The configuration stays as it was: ")
    assert requests.get(url, timeout=10).ok
    assert program.terminate()[0] == 0


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "OS_AUTH_URL"),
        (("--os-cloud=nowhere",), "nowhere"),
    ],
    ids=str,
)
def test_without_a_cloud_it_says_what_is_missing(start, options, told):
    program = start(*options, env=environment())
    out, err = program.process.communicate(timeout=PATIENCE)
    assert (program.process.returncode, out) == (2, "")
    assert told in err
    assert "Traceback" not in err


def test_a_configuration_file_may_say_it_all(start, keystone, tmp_path):
    """Of an administrator without anything in the environment."""
    file = tmp_path / "masakari.conf"
    credentials = (
        "auth_type = v3applicationcredential\n"
        f"auth_url = {keystone.auth_url}\n"
        "application_credential_id = "
        f"{known_id('application_credential', 'masakari')}\n"
        "application_credential_secret = secret\n"
    )
    file.write_text(
        f"[keystone_authtoken]\n{credentials}"
        "[nova]\nauth_section = keystone_authtoken\n"
    )
    program = start(f"--config-file={file}", env=environment())
    ready = requests.get(f"{program.url()}/healthcheck/ready", timeout=10)
    assert ready.json()["checks"]["keystone"] == "ok"
    program.says("Nova answers: ")
    assert program.terminate()[0] == 0
