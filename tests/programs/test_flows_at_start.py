# SPDX-License-Identifier: Apache-2.0
"""Flows that cannot be run, as every program with an engine finds them out.

The tasks are in ``tests/plugin``, which has to be installed.
"""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from masakari import conf as configuration
from masakari.cmd import status
from masakari.db import notifications, progress, schema
from masakari.db.session import Database
from masakari.simulator.cloud import Cloud
from masakari.simulator.http import SimulatorServer
from tests.functional.api.world import ini
from tests.functional.db import records

pytestmark = pytest.mark.slow

PATIENCE = 120

GROUP = "taskflow_driver_recovery_flows"


def flow(pre=(), main=(), post=()):
    return str(
        {
            phase: [f"sample_{name}" for name in names]
            for phase, names in zip(
                ("pre", "main", "post"), (pre, main, post), strict=True
            )
        }
    )


class Site:
    """A database, and the files of a deployment."""

    def __init__(self, directory):
        self.directory = directory
        self.url = f"sqlite:///{directory}/masakari.sqlite"
        self.database = Database(self.url)
        schema.create_all(self.database)
        progress.create_tables(self.url)
        self.log = directory / "program.log"
        self.main = directory / "masakari.conf"
        self.recoveries = directory / "masakari-custom-recovery-methods.conf"
        self.processes = []
        self.write()

    def write(self, auth_url="http://127.0.0.1:9/v3", **options):
        """The files; ``GROUP__option`` goes into that of recoveries."""
        further = {k: v for k, v in options.items() if "__" in k}
        self.recoveries.write_text(ini(further))
        of_all = {
            "database__connection": self.url,
            "transport_url": "fake://",
            "notification_poll_interval": 1,
            "graceful_shutdown_timeout": 2,
            "os_privileged_user_name": "nova",
            "os_privileged_user_password": "secret",
            "os_privileged_user_tenant": "service",
            "os_privileged_user_auth_url": auth_url,
        }
        self.main.write_text(ini(of_all))

    def start(self, *command, **environment):
        known = {k: v for k, v in os.environ.items() if k[:3] != "OS_"}
        process = subprocess.Popen(
            [sys.executable, *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=known | environment | {"TMPDIR": str(self.directory)},
        )
        self.processes.append(process)
        return process

    def engine(self, **environment):
        return self.start(
            "-m",
            "masakari.cmd.engine",
            f"--config-file={self.main}",
            f"--config-file={self.recoveries}",
            f"--log-file={self.log}",
            **environment,
        )

    def upgrade_check(self):
        """What masakari-status says of the flows, in a process of its own."""
        out, _ = self.start(
            "-c",
            "import sys; from masakari.cmd import status; "
            "sys.exit(status.main())",
            *self.check,
        ).communicate(timeout=PATIENCE)
        return of_flows(out)

    @property
    def check(self):
        """The command line of a check."""
        return [
            f"--config-file={self.main}",
            f"--config-file={self.recoveries}",
            "upgrade",
            "check",
            "--json",
        ]

    def says(self, text):
        deadline = time.monotonic() + PATIENCE
        while not (self.log.exists() and text in self.log.read_text()):
            assert self.processes[-1].poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.02)


def of_flows(out):
    """The result of the check of flows, and what is said of them."""
    (told,) = (
        check
        for check in json.loads(out.splitlines()[-1])["checks"]
        if check["check"] == "Recovery Workflow Tasks"
    )
    return told["result"], told["details"]


@pytest.fixture
def check(site, capsys):
    """What masakari-status says of the flows, in this process."""

    def call():
        status.main(site.check)
        return of_flows(capsys.readouterr().out)

    yield call
    configuration.CONF.reset()


@pytest.fixture
def site(tmp_path):
    made = Site(tmp_path)
    yield made
    for process in made.processes:
        process.kill()
        process.wait()
        process.stdout.close()
    made.database.dispose()


HOST, RESERVED, INSTANCE, PROCESS = (
    f"{kind}_failure_recovery_tasks"
    for kind in ("host_auto", "host_rh", "instance", "process")
)

CANNOT_BE_RUN = [
    (
        HOST,
        flow(pre=["old_constructor"]),
        "has a task that cannot be constructed with context, novaclient, "
        "update_host_method: sample_old_constructor "
        "(masakari_sample_tasks.faulty:OldConstructor): TypeError: ",
    ),
    (
        PROCESS,
        flow(main=["needs_environment"]),
        "has a task that cannot be constructed with context, novaclient: "
        "sample_needs_environment "
        "(masakari_sample_tasks.faulty:NeedsEnvironment): "
        "KeyError: 'MASAKARI_SAMPLE_TASKS_TOKEN'",
    ),
    (
        INSTANCE,
        flow(post=["refuses_itself"]),
        "HostRecoveryFailureException: The board of no host is known.",
    ),
    (RESERVED, flow(main=["does_nothing"]), "abstract method"),
    (
        INSTANCE,
        flow(main=["needs_room", "provides_room"]),
        "has a task that needs what nothing before it provides: "
        "sample_needs_room (masakari_sample_tasks.faulty:NeedsRoom) needs "
        "room.",
    ),
    (PROCESS, flow(main=["undoes_in_room"]), "UndoesInRoom) needs room."),
    (
        HOST,
        flow(main=["label_reserved_host"]),
        "needs reserved_host, reserved_host_list.",
    ),
    (RESERVED, flow(pre=["label_reserved_host"]), "needs reserved_host."),
    (INSTANCE, flow(main=["inspect_process"]), "needs host_name, process_"),
    (
        PROCESS,
        flow(main=["read_records"]),
        "names recovery tasks that are not installed or cannot be imported: "
        "sample_read_records (cannot import name 'objects' from 'masakari'",
    ),
    (
        PROCESS,
        flow(pre=["broken"], main=["forgotten"]),
        "imported: sample_broken (No module named "
        "'masakari_sample_tasks.forgotten'), sample_forgotten.",
    ),
]


@pytest.mark.parametrize(("option", "tasks", "reason"), CANNOT_BE_RUN)
def test_what_cannot_be_run_is_told_before_an_upgrade(
    site, check, option, tasks, reason
):
    site.write(**{f"{GROUP}__{option}": tasks})
    code, details = check()
    assert code == 2
    assert f"[{GROUP}] {option} " in details
    assert reason in " ".join(details.split())


@pytest.mark.parametrize(("option", "tasks", "reason"), CANNOT_BE_RUN[:3])
def test_no_engine_starts_with_what_cannot_be_run(site, option, tasks, reason):
    site.write(**{f"{GROUP}__{option}": tasks})
    engine = site.engine()
    out, _ = engine.communicate(timeout=PATIENCE)
    assert engine.returncode == 1
    told = out.splitlines()[-1]
    assert told.startswith(f"The engine cannot start: [{GROUP}] {option} ")
    assert reason in told
    assert "Traceback" not in out + site.log.read_text()


def test_every_flow_that_cannot_be_run_is_told(site, check):
    site.write(
        **{
            f"{GROUP}__{HOST}": flow(main=["needs_room"]),
            f"{GROUP}__{RESERVED}": flow(main=["missing"]),
            f"{GROUP}__{PROCESS}": flow(main=["old_constructor"]),
        }
    )
    _, details = check()
    assert [option in details for option in (HOST, RESERVED, PROCESS)] == [
        True
    ] * 3
    assert INSTANCE not in details


@pytest.mark.parametrize(
    ("option", "tasks"),
    [
        (PROCESS, flow(pre=["provides_room"], post=["needs_room"])),
        (RESERVED, flow(main=["label_reserved_host"])),
        (RESERVED, flow(main=["no"], post=["label_reserved_host"])),
        (HOST, flow(main=["list_instances", "tell_instances"])),
    ],
)
def test_what_can_be_run_is_not(site, check, option, tasks):
    site.write(**{f"{GROUP}__{option}": tasks.replace("sample_no", "no_op")})
    assert check() == (0, None)


def test_what_asks_nova_too_soon_may_be_run(site, check):
    site.write(**{f"{GROUP}__{PROCESS}": flow(main=["asks_in_constructor"])})
    assert check() == (0, None)
    site.engine()
    site.says("The engine has started")
    assert "Whether it can be run is seen in a recovery only" in (
        site.log.read_text()
    )


SWITCH_OFF = {f"{GROUP}__{PROCESS}": flow(main=["switch_off"])}

WRONG = [
    ({"sample_board__patience": "long"}, SWITCH_OFF, "patience"),
    # Registered by the constructor.
    ({"sample_board__really": "perhaps"}, SWITCH_OFF, "really"),
    (
        {},
        {f"{GROUP}__{PROCESS}": flow(main=["switch_off_by_board"])},
        "key",
    ),
]


@pytest.mark.parametrize(("options", "tasks", "name"), WRONG)
def test_a_value_that_a_task_cannot_use_is_refused(site, options, tasks, name):
    site.write(**options, **tasks)
    code, details = site.upgrade_check()
    assert code == 2
    assert name in details
    engine = site.engine()
    out, _ = engine.communicate(timeout=PATIENCE)
    assert engine.returncode == 1
    assert out.splitlines()[-1].startswith("The engine cannot start: ")
    assert name in out.splitlines()[-1]
    assert "Traceback" not in out + site.log.read_text()


def test_the_whole_of_masakari_in_a_process_reads_them_too(site):
    site.write(**SWITCH_OFF, sample_board__patience="long")
    masakari = site.start(
        "-m",
        "masakari.cmd.allinone",
        f"--config-file={site.recoveries}",
        f"--state-dir={site.directory}",
        "--auth=noauth2",
        "--port=0",
        OS_AUTH_URL="http://127.0.0.1:9",
        OS_USERNAME="u",
        OS_PASSWORD="x",
        OS_PROJECT_NAME="p",
    )
    out, _ = masakari.communicate(timeout=PATIENCE)
    assert masakari.returncode == 2
    assert "masakari-allinone cannot start: " in out
    assert "patience" in out.splitlines()[-1]


def test_the_demonstration_reads_them_too(site):
    demo = site.start(
        "-m",
        "masakari.cmd.demo",
        "--json",
        **{f"OS_{GROUP}__{PROCESS}".upper(): flow(main=["switch_off"])},
        OS_SAMPLE_BOARD__PATIENCE="long",
    )
    out, _ = demo.communicate(timeout=PATIENCE)
    assert demo.returncode == 1
    assert "masakari-demo failed: " in out
    assert "patience" in out


def test_an_engine_tells_its_tasks_what_its_files_say(site):
    cloud = Cloud(time.time)
    segment = records.segment(site.database)
    diary = site.directory / "diary"

    def noted(name):
        """The address that a recovery of that host's process notes."""
        cloud.add_host(name)
        host = records.host(site.database, segment, name=name)
        notification = records.notification(
            site.database,
            host,
            type="PROCESS",
            generated_time=host.created_at,
            payload={"event": "STOPPED", "process_name": "nova-compute"},
        )
        deadline = time.monotonic() + PATIENCE
        while (
            site.database.read(notifications.get, notification.uuid).status
            != "finished"
        ):
            assert time.monotonic() < deadline, site.log.read_text()
            time.sleep(0.05)
        return json.loads(diary.read_text().splitlines()[-1])["address"]

    with SimulatorServer(cloud) as server:

        def write(address):
            site.write(
                server.auth_url, sample_board__address=address, **SWITCH_OFF
            )

        write("192.0.2.7")
        engine = site.engine(MASAKARI_SAMPLE_TASKS_DIARY=str(diary))
        site.says("The engine has started")
        assert noted("compute-0") == "192.0.2.7"
        write("192.0.2.8")
        engine.send_signal(signal.SIGHUP)
        site.says("Option sample_board.address changed")
        assert noted("compute-1") == "192.0.2.8"
