# SPDX-License-Identifier: Apache-2.0
"""Masakari's programs as real processes, beside a simulated cloud."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import openstack
import requests

from masakari.simulator.cloud import Cloud
from masakari.simulator.http import SimulatorServer
from tests.ports import free_port

BROKER = os.environ.get(
    "MASAKARI_TEST_RABBITMQ", "rabbit://guest:guest@127.0.0.1:5672/"
)
PATIENCE = 60
FAST_CLOUD = {
    "service_down_time": 1.0,
    "report_interval": 0.2,
    "evacuation_seconds": 0.5,
    "max_concurrent_rebuilds": 3,
    "scheduling_seconds": 0.02,
}
LIBRARIES = re.compile(r" (sqlalchemy|taskflow)\.")
PROGRAMS = Path(sys.executable).parent


def wait_for(condition, timeout=PATIENCE):
    """What ``condition`` returns as soon as that is true."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("It did not happen in time.")


def answers(url):
    """Whether there is anything."""
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        return False


def running_from(tree):
    """What the environment of a program of a source tree has besides."""
    return {} if tree is None else {"PYTHONPATH": str(tree)}


class Program:
    """One process and its log.

    :param tree: a source tree of another release, to run from
    """

    def __init__(self, name, log, *arguments, tree=None):
        self.log = log
        self._output = log.with_suffix(".out").open("ab")
        environment = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith("OS_")
        } | running_from(tree)
        self.process = subprocess.Popen(
            [PROGRAMS / name, f"--log-file={log}", *arguments],
            stdout=self._output,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )

    @property
    def text(self):
        return self.log.read_text() if self.log.exists() else ""

    @property
    def output(self):
        """What it told the terminal."""
        return self.log.with_suffix(".out").read_text()

    def lines(self, level):
        """Its own messages of one level, without the timestamps."""
        pattern = re.compile(
            rf"^\S+ \S+ \d+ {level} (masakari\.\S+ .*)$", re.MULTILINE
        )
        return pattern.findall(self.text)

    @property
    def tracebacks(self):
        """Of its own; libraries log theirs when connections break."""
        lines = self.text.splitlines() + self.output.splitlines()
        return [
            line
            for line in lines
            if "Traceback" in line and not LIBRARIES.search(line)
        ]

    def says(self, text, timeout=PATIENCE):
        """Wait until the log has ``text``."""

        def heard():
            assert self.process.poll() is None or text in self.text, (
                f"It ended with {self.process.returncode}: "
                f"{self.output}{self.text}"
            )
            return text in self.text

        wait_for(heard, timeout)

    def send(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.send(signal.SIGKILL)
        self.process.wait()

    def stop(self, timeout=PATIENCE):
        """Send SIGTERM; returns the exit status."""
        self.send(signal.SIGTERM)
        return self.process.wait(timeout)

    def kill_all(self):
        """Kill it and the workers that it has forked."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def clean(self):
        self.kill_all()
        self._output.close()


class Deployment:
    """Configuration and processes of one Masakari; its cloud is simulated.

    :param database: an SQLAlchemy URL
    :param cloud: settings of the simulated cloud other than the usual ones
    :param nova: those of its HTTP server
    :param options: for the configuration; ``group__name`` is ``name`` in
        ``[group]``
    """

    def __init__(
        self, directory, database, *, cloud=None, nova=None, **options
    ):
        self.directory = directory
        self.api_port = free_port()
        self.cloud = Cloud(time.time, **{**FAST_CLOUD, **(cloud or {})})
        self.nova = SimulatorServer(
            self.cloud, ha_url=f"{self.api_url}/v1", **(nova or {})
        )
        self.nova.start()
        self._programs = []
        self.file = directory / "masakari.conf"
        self.configure(database, **options)

    @property
    def api_url(self):
        return f"http://127.0.0.1:{self.api_port}"

    def configure(self, database, **options):
        name = uuid.uuid4().hex[:8]
        auth_url = self.nova.auth_url
        values = {
            "host": "engine-host",
            "state_path": self.directory,
            "masakari_api_listen": "127.0.0.1",
            "masakari_api_listen_port": self.api_port,
            "masakari_api_workers": 2,
            "transport_url": BROKER,
            "control_exchange": f"masakari_{name}",
            "masakari_topic": f"ha_engine_{name}",
            "oslo_messaging_rabbit__amqp_auto_delete": True,
            "oslo_messaging_rabbit__rabbit_transient_queues_ttl": 60,
            "os_privileged_user_name": "nova",
            "os_privileged_user_password": "secret",
            "os_privileged_user_tenant": "service",
            "os_privileged_user_auth_url": auth_url,
            "notification_lease": 4,
            "notification_lease_renewal": 1,
            "notification_poll_interval": 0.5,
            "graceful_shutdown_timeout": 20,
            # This Nova begins at once what it has taken.
            "host_failure__evacuation_start_timeout": 15,
            "database__connection": database,
            "database__retry_interval": 1,
            "keystone_authtoken__auth_type": "password",
            "keystone_authtoken__auth_url": auth_url,
            "keystone_authtoken__www_authenticate_uri": auth_url,
            "keystone_authtoken__username": "masakari",
            "keystone_authtoken__password": "secret",
            "keystone_authtoken__project_name": "service",
            "keystone_authtoken__user_domain_name": "default",
            "keystone_authtoken__project_domain_name": "default",
            **options,
        }
        self.values = values
        self.file.write_text(ini(values))

    def change(self, **options):
        """Rewrite the configuration file; who runs does not know yet."""
        self.values |= options
        self.file.write_text(ini(self.values))

    def begin(self, program, name, *, tree=None):
        """Start a program, whatever becomes of it.

        :param tree: a source tree of another release, to run from
        """
        started = Program(
            program,
            self.directory / f"{name}.log",
            f"--config-file={self.file}",
            tree=tree,
        )
        self._programs.append(started)
        return started

    def manage(self, *arguments, tree=None):
        """Run ``masakari-manage`` to its end."""
        return subprocess.run(
            [
                PROGRAMS / "masakari-manage",
                f"--config-file={self.file}",
                *arguments,
            ],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            env={**os.environ, **running_from(tree)},
        )

    def sync(self, *, tree=None):
        """Make the tables."""
        done = self.manage("db", "sync", tree=tree)
        assert done.returncode == 0, done.stdout + done.stderr

    def start_api(self, name="api", *, tree=None):
        api = self.begin("masakari-api", name, tree=tree)
        api.says("The API listens")
        wait_for(lambda: answers(self.api_url))
        return api

    def start_engine(self, name="engine", *, tree=None):
        engine = self.begin("masakari-engine", name, tree=tree)
        engine.says("The engine has started")
        return engine

    def connect(self, version="1.3"):
        """openstacksdk as an administrator, at a microversion."""
        return openstack.connect(
            auth_url=self.nova.auth_url,
            username="admin",
            password="secret",
            project_name="admin",
            user_domain_name="default",
            project_domain_name="default",
            region_name="RegionOne",
            ha_default_microversion=version,
            load_envvars=False,
            load_yaml_config=False,
        )

    def populate(self, ha, hosts=3, servers=20, method="auto", doomed=1):
        """A segment of hosts that Masakari knows.

        :param doomed: how many of them, the first ones, have servers; no
            others fit on those
        :param servers: how many each of those has
        """
        segment = ha.create_segment(
            name=f"segment-{uuid.uuid4().hex[:8]}",
            recovery_method=method,
            service_type="COMPUTE",
        )
        for number in range(1, hosts + 1):
            slots = servers if number <= doomed else 1000
            self.cloud.add_host(f"compute-{number}", slots=slots)
            ha.create_host(
                segment.uuid,
                name=f"compute-{number}",
                type="COMPUTE",
                control_attributes="SSH",
            )
        for host in range(1, doomed + 1):
            for number in range(servers):
                self.cloud.create_server(
                    f"vm-{host}-{number}", f"compute-{host}"
                )
        return segment

    def close(self):
        for program in self._programs:
            program.clean()
        self.nova.stop()


def ini(values):
    """The text of a configuration file."""
    groups = {}
    for name, value in values.items():
        group, _, option = name.rpartition("__")
        groups.setdefault(group or "DEFAULT", {})[option] = value
    return "\n".join(
        f"[{group}]\n"
        + "".join(f"{option} = {value}\n" for option, value in options.items())
        for group, options in groups.items()
    )
