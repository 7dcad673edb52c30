# SPDX-License-Identifier: Apache-2.0
"""Recovery tasks of another package, run by a real engine.

The tasks are in ``tests/plugin``, which has to be installed.
"""

import json
import time
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from oslo_config import cfg

from masakari import conf as configuration
from masakari.cmd import engine as program
from masakari.db import hosts, notifications, progress, schema
from masakari.db.session import Database
from masakari.domain.model import (
    UNFINISHED,
    Host,
    Notification,
    NotificationStatus,
    TaskProgress,
)
from masakari.nova.client import NovaClient
from masakari.simulator.cloud import Cloud
from masakari.simulator.http import SimulatorServer
from tests.functional.db import records
from tests.unit.events.recorder import Silent

pytestmark = pytest.mark.slow

DIARY = "MASAKARI_SAMPLE_TASKS_DIARY"

REQUEST = "req-plugins"

#: What the engine is given besides its masakari.conf.
SETTINGS = """
[DEFAULT]
verify_interval = 0
notification_poll_interval = 1
process_unfinished_notifications_interval = 1
os_privileged_user_auth_url = {auth_url}
os_privileged_user_name = nova
os_privileged_user_password = secret
os_privileged_user_tenant = service
[database]
connection = sqlite:///{directory}/masakari.sqlite
"""


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    try:
        metadata.distribution("masakari-sample-tasks")
    except metadata.PackageNotFoundError:
        pytest.fail("Install the sample tasks: pip install -e tests/plugin")


class Site:
    """A cloud over HTTP, a segment in it, and engines with other tasks."""

    def __init__(self, server: SimulatorServer, directory: Path) -> None:
        self.cloud = server.cloud
        self._directory = directory
        self._main = self._file(
            "masakari.conf",
            SETTINGS.format(auth_url=server.auth_url, directory=directory),
        )
        self.conf = self._load(self._main)
        self.database = Database.from_conf(self.conf)
        schema.create_all(self.database)
        progress.create_tables(self.conf.database.connection)

    def _file(self, name: str, text: str) -> Path:
        path = self._directory / name
        path.write_text(text)
        return path

    def _load(self, *files: Path) -> cfg.ConfigOpts:
        """As programs do: a process has the one that its tasks read."""
        return configuration.load(
            [],
            prog="masakari-engine",
            config_files=[str(f) for f in files],
            into=configuration.CONF,
        )

    def customised(self, more: str = "", **flows: str) -> cfg.ConfigOpts:
        """The configuration with a further file about recoveries.

        :param more: options of the tasks
        """
        lines = [f"{kind}_recovery_tasks = {f}" for kind, f in flows.items()]
        text = "\n".join(
            ["[taskflow_driver_recovery_flows]", *lines, more, ""]
        )
        further = self._file("masakari-custom-recovery-methods.conf", text)
        return self._load(self._main, further)

    def hosts(self, *names: str, method: str = "auto") -> list[Host]:
        segment = records.segment(self.database, recovery_method=method)
        for name in names:
            self.cloud.add_host(name)
        return [
            records.host(
                self.database,
                segment,
                name=name,
                reserved=name.startswith("reserved"),
            )
            for name in names
        ]

    def report(
        self, host: Host, type: str, payload: Mapping[str, str]
    ) -> Notification:
        return records.notification(
            self.database,
            host,
            type=type,
            generated_time=host.created_at,
            payload=payload,
            request_id=REQUEST,
        )

    def lose(self, host: Host) -> Notification:
        self.cloud.kill(host.name)
        payload = {"event": "STOPPED", "host_status": "NORMAL"}
        return self.report(host, "COMPUTE_HOST", payload)

    def lose_instance(self, host: Host, uuid: str) -> Notification:
        payload = {
            "event": "LIFECYCLE",
            "vir_domain_event": "STOPPED_FAILED",
            "instance_uuid": uuid,
        }
        return self.report(host, "VM", payload)

    def lose_process(self, host: Host) -> Notification:
        payload = {"event": "STOPPED", "process_name": "nova-compute"}
        return self.report(host, "PROCESS", payload)

    def recover(
        self, notification: Notification, more: str = "", **flows: str
    ) -> list[Notification]:
        """Have an engine bring it to its end; what was seen, in order."""
        conf = self.customised(more, **flows)
        engine = program.build(
            conf,
            database=self.database,
            compute=NovaClient.from_conf(conf),
            events=Silent(),
        )
        engine.start()
        try:
            return self._watch(notification)
        finally:
            engine.stop()

    def _watch(self, notification: Notification) -> list[Notification]:
        seen = [notification]
        end = time.monotonic() + 60
        while seen[-1].status in UNFINISHED and time.monotonic() < end:
            time.sleep(0.05)
            now = self.database.read(notifications.get, notification.uuid)
            if now.status is not seen[-1].status:
                seen.append(now)
        return seen

    def progress(self, notification: Notification) -> list[TaskProgress]:
        return self.database.read(progress.of_notification, notification.uuid)

    def host_now(self, host: Host) -> Host:
        return self.database.read(hosts.get, host.uuid)

    def diary(self) -> list[dict[str, Any]]:
        """What the sample tasks have noted, in order."""
        path = self._directory / "diary"
        lines = path.read_text().splitlines() if path.exists() else []
        return [json.loads(line) for line in lines]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv(DIARY, str(tmp_path / "diary"))
    cloud = Cloud(
        time.time,
        service_down_time=1.0,
        report_interval=0.2,
        evacuation_seconds=0.2,
        stop_seconds=0.1,
        start_seconds=0.1,
    )
    with SimulatorServer(cloud) as server:
        made = Site(server, tmp_path)
        yield made
        made.database.dispose()
    configuration.CONF.reset()


def flat(pre: list[str], main: list[str], post: list[str]) -> str:
    return f"pre:{pre},main:{main},post:{post}"


def braces(pre: list[str], main: list[str], post: list[str]) -> str:
    return str({"pre": pre, "main": main, "post": post})


def lines(task: TaskProgress) -> list[tuple[str, str]]:
    return [(entry.progress, entry.message) for entry in task.entries]


# -- hosts ----------------------------------------------------------------


@pytest.mark.parametrize("spelling", [flat, braces])
def test_tasks_of_both_packages_run_in_the_configured_order(
    site: Site, spelling: Any
) -> None:
    failed, _other = site.hosts("compute-0", "compute-1")
    uuids = [
        site.cloud.create_server(name, failed.name).uuid
        for name in ("web", "db")
    ]
    notification = site.lose(failed)
    seen = site.recover(
        notification,
        host_auto_failure=spelling(
            ["sample_list_instances", "disable_compute_service_task"],
            ["sample_tell_instances", "prepare_HA_enabled_instances_task"],
            ["evacuate_instances_task", "sample_call_datacentre", "no_op"],
        ),
    )
    assert seen[-1].status is NotificationStatus.FINISHED
    servers = site.cloud.servers
    assert {servers[uuid].host for uuid in uuids} == {"compute-1"}
    assert [task.name for task in site.progress(notification)] == [
        "ListInstances",
        "DisableComputeServiceTask",
        "TellInstances",
        "PrepareHAEnabledInstancesTask",
        "EvacuateInstancesTask",
        "Noop",
    ]
    assert site.diary() == [
        {"task": "ListInstances", "host_name": "compute-0"},
        {
            "task": "TellInstances",
            "names": ["db", "web"],
            "host_name": "compute-0",
            "notification_uuid": notification.uuid,
            "request_id": REQUEST,
            "disabled": True,
        },
        {
            "task": "CallDatacentre",
            "host_name": "compute-0",
            "can_update_hosts": False,
            "others": [],
        },
    ]


def test_what_a_task_tells_is_shown(site: Site) -> None:
    failed, _other = site.hosts("compute-0", "compute-1")
    site.cloud.create_server("web", failed.name)
    notification = site.lose(failed)
    site.recover(
        notification,
        host_auto_failure=flat(
            ["sample_list_instances"], ["sample_tell_instances"], ["no_op"]
        ),
    )
    listing, telling, nothing = site.progress(notification)
    assert lines(listing) == [
        ("0.0", "Looking for instances on compute-0"),
        ("1.0", "Found 1 instances"),
    ]
    assert lines(telling) == [("0.5", "web"), ("1.0", "Told")]
    assert lines(nothing) == [("1.0", "There is nothing to do")]
    assert {task.state for task in (listing, telling, nothing)} == {"SUCCESS"}
    assert [task.progress for task in (listing, telling)] == [1.0, 1.0]


def test_tasks_know_the_reserved_hosts_and_may_reserve_others(
    site: Site,
) -> None:
    failed, *_, spare = site.hosts(
        "compute-0",
        "reserved-1",
        "reserved-2",
        "spare",
        method="reserved_host",
    )
    site.cloud.create_aggregate("spare", (spare.name,))
    uuid = site.cloud.create_server("web", failed.name).uuid
    notification = site.lose(failed)
    seen = site.recover(
        notification,
        host_rh_failure=flat(
            ["disable_compute_service_task", "sample_call_datacentre"],
            [
                "prepare_HA_enabled_instances_task",
                "sample_label_reserved_host",
                "evacuate_instances_task",
            ],
            ["sample_replenish_reserves", "sample_label_reserved_host"],
        ),
    )
    assert seen[-1].status is NotificationStatus.FINISHED
    assert site.cloud.servers[uuid].host == "reserved-2"
    called, labelled, replenished, last = site.diary()
    assert called["can_update_hosts"]
    assert labelled == {
        "task": "LabelReservedHost",
        "reserved_host": "reserved-2",
        "reserved_host_list": ["reserved-2", "reserved-1"],
    }
    assert replenished["task"] == "ReplenishReserves"
    assert last == labelled
    assert [task.name for task in site.progress(notification)] == [
        "DisableComputeServiceTask",
        "PrepareHAEnabledInstancesTask",
        "LabelReservedHost",
        "EvacuateInstancesTask",
        "ReplenishReserves",
        "LabelReservedHost-2",
    ]
    assert site.host_now(spare).reserved


def test_main_runs_once_for_each_reserved_host_that_is_tried(
    site: Site,
) -> None:
    failed, *reserved = site.hosts(
        "compute-0", "reserved-1", "reserved-2", method="reserved_host"
    )
    notification = site.lose(failed)
    seen = site.recover(
        notification,
        host_rh_failure=flat(
            [], ["sample_label_reserved_host", "sample_fail_host"], []
        ),
    )
    assert seen[-1].status is NotificationStatus.FAILED
    tried = [line.get("reserved_host") for line in site.diary()]
    assert tried == ["reserved-2", None, "reserved-1", None] * 2
    assert all(site.host_now(host).reserved for host in reserved)


# -- options and progress --------------------------------------------------


def test_a_task_reads_options_of_its_own_and_masakaris(site: Site) -> None:
    notification = reported(site, "process_failure")
    seen = site.recover(
        notification,
        "[DEFAULT]\nsample_owner = somebody\n"
        "[sample_board]\naddress = 192.0.2.7\npatience = 7\nreally = yes\n"
        "[host_failure]\nservice_disable_reason = none of yours\n",
        process_failure=flat(["sample_switch_off"], [], []),
    )
    assert seen[-1].status is NotificationStatus.FINISHED
    assert site.diary() == [
        {
            "task": "SwitchOff",
            "address": "192.0.2.7",
            "patience": 7,
            "really": True,
            "owner": "somebody",
            "auth_url": site.conf.os_privileged_user_auth_url,
            "service_disable_reason": "none of yours",
        }
    ]
    (task,) = site.progress(notification)
    assert lines(task) == [("1.0", "Switched off")]


def test_an_engine_has_the_options_of_its_own_files(site: Site) -> None:
    for address in ("192.0.2.1", "192.0.2.2"):
        site.recover(
            reported(site, "process_failure", address),
            f"[sample_board]\naddress = {address}\n",
            process_failure=flat(["sample_switch_off"], [], []),
        )
        assert site.diary()[-1]["address"] == address


def test_what_a_task_tells_is_kept_within_bounds(site: Site) -> None:
    notification = reported(site, "process_failure")
    seen = site.recover(
        notification, process_failure=flat(["sample_tell_a_lot"], [], [])
    )
    assert seen[-1].status is NotificationStatus.FINISHED
    (task,) = site.progress(notification)
    told = lines(task)
    assert told[0] == ("0.0", ("0: " + "\N{FIRE}" * 300)[:255])
    assert [message[:4] for _, message in told[-3:]] == [
        "498:",
        "499:",
        "No t",
    ]
    assert told[-1] == ("1.0", "No text at all")
    with site.database.transaction() as connection:
        stored = connection.execute(
            sqlalchemy.text("SELECT meta FROM atomdetails")
        ).scalars()
        assert 24 * 1024 < max(len(meta.encode()) for meta in stored) < 32768


# -- instances and processes ----------------------------------------------


def test_a_task_knows_the_instance(site: Site) -> None:
    (host,) = site.hosts("compute-0")
    uuid = site.cloud.create_server(
        "web", host.name, metadata={"HA_Enabled": "True"}
    ).uuid
    notification = site.lose_instance(host, uuid)
    seen = site.recover(
        notification,
        instance_failure=braces(
            ["sample_inspect_instance", "stop_instance_task"],
            ["start_instance_task"],
            ["confirm_instance_active_task"],
        ),
    )
    assert seen[-1].status is NotificationStatus.FINISHED
    assert [task.name for task in site.progress(notification)] == [
        "InspectInstance",
        "StopInstanceTask",
        "StartInstanceTask",
        "ConfirmInstanceActiveTask",
    ]
    assert site.diary() == [
        {
            "task": "InspectInstance",
            "instance_uuid": uuid,
            "notification_uuid": notification.uuid,
            "host": "compute-0",
            "vm_state": "active",
            "others": [],
        }
    ]


def test_a_task_knows_the_process(site: Site) -> None:
    (host,) = site.hosts("compute-0")
    notification = site.lose_process(host)
    seen = site.recover(
        notification,
        process_failure=flat(
            ["sample_inspect_process", "disable_compute_node_task"],
            ["confirm_compute_node_disabled_task"],
            [],
        ),
    )
    assert seen[-1].status is NotificationStatus.FINISHED
    assert not site.cloud.hosts["compute-0"].enabled
    assert site.diary() == [
        {
            "task": "InspectProcess",
            "process_name": "nova-compute",
            "host_name": "compute-0",
            "notification_uuid": notification.uuid,
            "status": "enabled",
            "others": [],
        }
    ]


# -- what their exceptions lead to ----------------------------------------


def reported(site: Site, kind: str, name: str = "compute-0") -> Notification:
    """Something of that kind has failed on a host with an instance."""
    host, *_ = site.hosts(name, f"beside-{name}")
    uuid = site.cloud.create_server(
        "web", host.name, metadata={"HA_Enabled": "True"}
    ).uuid
    if kind == "host_auto_failure":
        return site.lose(host)
    if kind == "instance_failure":
        return site.lose_instance(host, uuid)
    return site.lose_process(host)


@pytest.mark.parametrize(
    ("kind", "task", "status", "text"),
    [
        ("host_auto_failure", "skip_host", "finished", "replaced by hand"),
        ("instance_failure", "skip_instance", "finished", "come back by"),
        ("instance_failure", "ignore_instance", "ignored", "by its owner"),
        ("process_failure", "skip_process", "finished", "own watchdog"),
    ],
)
def test_a_task_may_end_the_recovery(
    site: Site, kind: str, task: str, status: str, text: str
) -> None:
    notification = reported(site, kind)
    flow = flat([f"sample_{task}"], ["sample_crash"], [])
    seen = site.recover(notification, **{kind: flow})
    assert seen[-1].status == status
    assert text in (seen[-1].message or "")
    assert len(site.diary()) == 1
    assert {server.host for server in site.cloud.servers.values()} == {
        "compute-0"
    }


@pytest.mark.parametrize(
    ("kind", "task", "text"),
    [
        ("host_auto_failure", "fail_host", "could not be fenced"),
        ("host_auto_failure", "out_of_reserves", "No reserved_hosts"),
        ("host_auto_failure", "crash", "Unexpected RuntimeError"),
        ("instance_failure", "fail_instance", "lost its disk"),
        ("instance_failure", "crash", "Unexpected RuntimeError"),
        ("process_failure", "fail_process", "left no trace"),
    ],
)
def test_a_task_that_fails_is_tried_once_more(
    site: Site, kind: str, task: str, text: str
) -> None:
    notification = reported(site, kind)
    flow = flat([f"sample_{task}"], ["sample_list_instances"], [])
    if kind == "instance_failure":
        flow = flat([f"sample_{task}"], [], [])
    seen = site.recover(notification, **{kind: flow})
    by_status = {n.status: n.message or "" for n in seen}
    assert text in by_status[NotificationStatus.ERROR]
    assert seen[-1].status is NotificationStatus.FAILED
    assert text in by_status[NotificationStatus.FAILED]
    assert len(site.diary()) == 2


def test_what_a_task_told_before_it_failed_is_shown(site: Site) -> None:
    notification = reported(site, "host_auto_failure")
    site.recover(
        notification, host_auto_failure=flat(["sample_fail_host"], [], [])
    )
    first, second = site.progress(notification)
    for task in (first, second):
        assert (task.name, task.state) == ("FailHost", "REVERTED")
        assert lines(task) == [("0.0", "Fencing compute-0")]


@pytest.mark.parametrize("end", ["sample_fail_host", "sample_crash"])
def test_what_a_task_did_it_may_undo(site: Site, end: str) -> None:
    notification = reported(site, "host_auto_failure")
    site.recover(
        notification,
        host_auto_failure=flat(["sample_borrow_crane"], [end], []),
    )
    of_one_attempt = [
        {"task": "BorrowCrane", "borrowed_for": "compute-0"},
        {"task": end.title().replace("_", "").replace("Sample", "")},
        {
            "task": "BorrowCrane",
            "returned": "crane 7",
            "borrowed_for": "compute-0",
        },
    ]
    assert site.diary() == of_one_attempt * 2


def test_nothing_is_undone_where_all_went_well(site: Site) -> None:
    notification = reported(site, "host_auto_failure")
    site.recover(
        notification, host_auto_failure=flat(["sample_borrow_crane"], [], [])
    )
    assert site.diary() == [
        {"task": "BorrowCrane", "borrowed_for": "compute-0"}
    ]
