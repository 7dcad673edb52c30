# SPDX-License-Identifier: Apache-2.0
"""The night shift: what is wrong, and pushing it on."""

import datetime
import json
import time

import pytest

from masakari import conf as configuration
from masakari.cmd import engine as program
from masakari.db import engines, hosts, notifications, progress, schema, tables
from masakari.domain import verdict
from masakari.domain.model import Identity, NotificationStatus
from masakari.simulator.cloud import Cloud
from masakari.simulator.port import SimulatedCompute
from tests.functional.db import records
from tests.functional.db.cases.recoveries import claimed, ended
from tests.unit.events.recorder import Silent

PATIENCE = 60
STOPPED = {
    "event": "STOPPED",
    "cluster_status": "OFFLINE",
    "host_status": "NORMAL",
}


def utc_now():
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    return now.replace(microsecond=0)


@pytest.fixture
def database(database, url):
    schema.create_all(database)
    progress.create_tables(url)
    return database


def failed(database, **values):
    notification = records.notification(database, **values)
    ended(database, claimed(database, notification), verdict.failed("no room"))
    return notification


def beat(database, name, lease=15, stopping=False):
    database.write(
        engines.beat,
        Identity(
            name=name,
            host=name.partition(":")[0],
            version="22.0.0",
            started_at=datetime.datetime(2026, 11, 23, 12, 0, 1),
        ),
        lease=lease,
        stopping=stopping,
    )


def answered(run, *arguments):
    code, out, _log = run(*arguments, "--json")
    assert code == 0
    return json.loads(out)


def lines(text):
    """The rows of a table, without its frame."""
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("|")
    ]


class TestEngineList:
    def test_who_is_there_and_who_is_not(self, run, database):
        beat(database, "c-1:7:aa")
        beat(database, "c-2:8:bb", stopping=True)
        beat(database, "c-3:9:cc", lease=-30)
        shown = answered(run, "engine", "list")
        assert [(one["name"], one["state"]) for one in shown] == [
            ("c-1:7:aa", "up"),
            ("c-2:8:bb", "stopping"),
            ("c-3:9:cc", "down"),
        ]
        first, _, last = shown
        assert (first["host"], first["version"]) == ("c-1", "22.0.0")
        assert first["started_at"] == "2026-11-23T12:00:01Z"
        assert 10 < first["lease_left"] <= 15
        assert -40 < last["lease_left"] <= -30

    def test_what_they_work_on(self, run, database):
        one, two = (
            records.notification(database, records.host(database))
            for _ in range(2)
        )
        for notification in (one, two):
            claimed(database, notification)
        # That is their owner's name.
        assert [
            (engine["name"], engine["state"], len(engine["works_on"]))
            for engine in answered(run, "engine", "list")
        ] == [("e", "unknown", 2)]
        beat(database, "e")
        (engine,) = answered(run, "engine", "list")
        assert engine["state"] == "up"
        work, _ = engine["works_on"]
        assert work["notification"] == one.uuid
        assert work["type"] == "COMPUTE_HOST"
        assert work["host"].startswith("host-")
        assert 20 < work["lease_left"] <= 30
        code, out, _err = run("engine", "list")
        assert code == 0
        head, first, second = lines(out)
        assert head[:4] == ["Name", "Host", "Version", "State"]
        assert first[:4] == ["e", "e", "22.0.0", "up"]
        assert first[5].endswith(" s left")
        assert first[7:10] == [one.uuid, "COMPUTE_HOST", work["host"]]
        assert second[:8] == [""] * 7 + [two.uuid]

    def test_of_none_there_is_an_empty_list(self, run, database):
        assert answered(run, "engine", "list") == []
        assert len(lines(run("engine", "list")[1])) == 1


class TestNotificationList:
    def test_what_needs_a_look(self, run, database):
        waits, bad, done = (records.notification(database) for _ in range(3))
        ended(database, claimed(database, bad), verdict.failed("a\nb" * 60))
        ended(database, claimed(database, done))
        old = failed(database)
        records.change(
            database,
            tables.Notification,
            old.uuid,
            updated_at=utc_now() - datetime.timedelta(days=2),
        )
        shown = answered(run, "notification", "list")
        assert [(one["uuid"], one["status"]) for one in shown] == [
            (waits.uuid, "new"),
            (bad.uuid, "failed"),
        ]
        assert shown[1]["message"] == "a\nb" * 60
        of_status = answered(run, "notification", "list", "--status", "failed")
        assert [one["uuid"] for one in of_status] == [bad.uuid, old.uuid]
        assert len(answered(run, "notification", "list", "--all")) == 4
        _, first, second = lines(run("notification", "list")[1])
        assert first[0] == waits.uuid
        assert second[-1] == "a ba ba b" + second[-1][9:57] + "..."

    @pytest.mark.parametrize(
        "name", ["compute-9", "compute-", "compute_2", ""]
    )
    @pytest.mark.parametrize("more", [(), ("--json",), ("--all",)])
    def test_a_slip_of_the_pen_is_no_quiet_host(
        self, run, database, name, more
    ):
        records.notification(
            database, records.host(database, name="compute-2")
        )
        listing = run("notification", "list", "--host", name, *more)
        assert listing == (
            1,
            "",
            f"There is no host {name}, and there was none.\n",
        )

    def test_what_became_of_a_host(self, run, database):
        host = records.host(database, name="compute-2")
        done = records.notification(database, host)
        ended(database, claimed(database, done))
        other = records.notification(database)
        ignored = records.notification(database, host)
        ended(
            database,
            claimed(database, ignored),
            verdict.ignored("Host status is UNKNOWN."),
        )

        def listed(*arguments):
            shown = answered(run, "notification", "list", *arguments)
            return [one["uuid"] for one in shown]

        assert listed() == [other.uuid, ignored.uuid]
        assert listed("--host", "compute-2") == [done.uuid, ignored.uuid]
        assert listed("--host", "compute-2", "--status", "finished") == [
            done.uuid
        ]
        quiet = records.host(database, name="compute-3")
        assert listed("--host", "compute-3") == []
        database.write(hosts.delete, quiet.uuid)
        assert listed("--host", "compute-3") == []
        assert listed("--since", "0.5") == [
            done.uuid,
            other.uuid,
            ignored.uuid,
        ]
        records.change(
            database,
            tables.Notification,
            done.uuid,
            updated_at=utc_now() - datetime.timedelta(hours=3),
        )
        assert listed("--since", "2", "--host", "compute-2") == [ignored.uuid]
        assert listed("--since", "4", "--all") == [
            done.uuid,
            other.uuid,
            ignored.uuid,
        ]

    @pytest.mark.parametrize(
        "arguments",
        [
            ("--status", "odd"),
            ("--status", "new", "--all"),
            ("--since", "yesterday"),
            ("--since", "-1"),
            ("--since", "nan"),
            ("--since", "1e9"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, run, database, arguments):
        code, out, err = run("notification", "list", *arguments)
        assert (code, out) == (2, "")
        assert "usage:" in err


class TestNotificationShow:
    def test_all_that_is_known(self, run, database):
        notification = records.notification(database)
        claimed(database, notification)
        records.vmove(database, notification, status="succeeded")
        records.vmove(database, notification, status="failed", message="full")
        records.vmove(database, notification, status="failed")
        shown = answered(run, "notification", "show", notification.uuid)
        assert shown["uuid"] == notification.uuid
        assert shown["status"] == "running"
        assert shown["attempts"] == 1
        assert (shown["owner"], shown["owner_state"]) == ("e", "unknown")
        assert 20 < shown["lease_left"] <= 30
        assert shown["host_registered"] is True
        assert shown["payload"] == {"event": "STOPPED"}
        assert [move["message"] for move in shown["vmoves"]] == [
            None,
            "full",
            None,
        ]
        assert shown["tasks"] == []
        text = run("notification", "show", notification.uuid)[1]
        values = dict(line for line in lines(text) if len(line) == 2)
        assert values["vmoves"] == "1 succeeded, 2 failed"
        assert values["lease_left"].endswith(" s left")

    def test_instances_count_once_however_often_they_were_tried(
        self, run, database
    ):
        notification = records.notification(database)
        one, two = (f"{n}0000000-0000-4000-8000-000000000000" for n in "12")
        began = datetime.datetime(2026, 11, 23, 12)

        def move(uuid, status, minutes, **values):
            records.vmove(
                database,
                notification,
                instance_uuid=uuid,
                instance_name=f"vm-{uuid[0]}",
                status=status,
                start_time=began + datetime.timedelta(minutes=minutes),
                end_time=began + datetime.timedelta(minutes=minutes + 1),
                **values,
            )

        move(one, "failed", 0, message="full")
        move(two, "failed", 0, message="full")
        move(two, "failed", 3, message="full again")
        move(one, "succeeded", 3, dest_host="compute-3")

        shown = answered(run, "notification", "show", notification.uuid)
        assert [
            (vmove["instance_name"], vmove["status"], vmove["latest"])
            for vmove in shown["vmoves"]
        ] == [
            ("vm-1", "failed", False),
            ("vm-2", "failed", False),
            ("vm-2", "failed", True),
            ("vm-1", "succeeded", True),
        ]
        text = run("notification", "show", notification.uuid)[1]
        assert dict(line for line in lines(text) if len(line) == 2)[
            "vmoves"
        ] == ("1 succeeded, 1 failed (and 2 earlier ones: --all-moves)")
        assert [line for line in lines(text) if len(line) == 6] == [
            ["Instance", "Name", "Status", "Destination", "Ended", "Message"],
            [
                one,
                "vm-1",
                "succeeded",
                "compute-3",
                "2026-11-23T12:04:00Z",
                "",
            ],
            [two, "vm-2", "failed", "", "2026-11-23T12:04:00Z", "full again"],
        ]
        text = run("notification", "show", notification.uuid, "--all-moves")[1]
        history = [line for line in lines(text) if len(line) == 7]
        assert [line[1:3] + line[4:] for line in history] == [
            ["Name", "Status", "Started", "Ended", "Message"],
            [
                "vm-1",
                "failed",
                "2026-11-23T12:00:00Z",
                "2026-11-23T12:01:00Z",
                "full",
            ],
            [
                "vm-2",
                "failed",
                "2026-11-23T12:00:00Z",
                "2026-11-23T12:01:00Z",
                "full",
            ],
            [
                "vm-2",
                "failed",
                "2026-11-23T12:03:00Z",
                "2026-11-23T12:04:00Z",
                "full again",
            ],
            [
                "vm-1",
                "succeeded",
                "2026-11-23T12:03:00Z",
                "2026-11-23T12:04:00Z",
                "",
            ],
        ]

    def test_when_the_next_attempt_comes(self, run, database):
        notification = records.notification(database)
        ended(database, claimed(database, notification), verdict.error("no"))
        shown = answered(run, "notification", "show", notification.uuid)
        assert 110 < shown["next_attempt_in"] <= 120
        assert shown["owner"] is None


@pytest.mark.parametrize("action", ["show", "retry", "release"])
class TestWhatIsNotDone:
    def test_one_that_is_not_there(self, run, database, action):
        code, out, err = run("notification", action, "nonsense")
        assert (code, out) == (1, "")
        assert err == "No notification with id nonsense.\n"

    def test_a_database_that_is_away(self, run, config, action):
        config.write_text(
            "[database]\nconnection = sqlite:////nonexistent/place/db\n"
        )
        code, out, err = run("notification", action, "n", "--json")
        assert (code, out) == (1, "")
        assert "The database cannot be used: " in err

    def test_a_database_of_an_earlier_release(self, run, config, action):
        assert run("db", "sync", "5c0e7f3a9d21")[0] == 0
        code, out, err = run("notification", action, "n")
        assert (code, out) == (1, "")
        assert "lacks engines, " in err
        assert err.endswith(": run masakari-manage db sync.\n")


def test_a_refusal_has_a_reason(run, database):
    notification = records.notification(database)
    claimed(database, notification)
    code, out, err = run("notification", "release", notification.uuid)
    assert (code, out) == (1, "")
    assert err.startswith(
        f"Notification {notification.uuid} is left as it is: engine e holds "
        "it for another "
    )
    code, out, err = run("notification", "retry", notification.uuid)
    assert (code, out) == (1, "")
    assert "it is running" in err


def test_what_is_older_than_engines_try_is_not_retried(run, database, config):
    notification = failed(database)
    records.change(
        database,
        tables.Notification,
        notification.uuid,
        created_at=utc_now() - datetime.timedelta(seconds=100),
    )
    text = config.read_text()
    config.write_text(f"{text}notifications_expired_interval = 90\n")
    code, _out, err = run("notification", "retry", notification.uuid)
    assert code == 1
    assert "older than 90 seconds" in err
    config.write_text(f"{text}notifications_expired_interval = 900\n")
    shown = answered(run, "notification", "retry", notification.uuid)
    assert shown["status"] == "error"


def test_a_retry_says_what_it_does_to_a_host_that_lives(run, database):
    host = records.host(database, name="compute-2")
    notification = failed(database, of=host)
    code, out, err = run("notification", "retry", notification.uuid)
    assert (code, err) == (0, "")
    assert out.splitlines()[1:] == [
        "It disables nova-compute on host compute-2, and the host is on "
        "maintenance.",
        "If the host lives, nothing is evacuated. Put it back when the "
        "notification has failed:",
        "  openstack compute service set --enable compute-2 nova-compute",
        f"  openstack segment host update {host.segment.uuid} compute-2 "
        "--on_maintenance False",
    ]
    other = failed(database, type="VM")
    _code, out, _err = run("notification", "retry", other.uuid)
    assert len(out.splitlines()) == 1


def test_what_an_old_engine_left_is_released(run, database):
    notification = records.notification(database)
    records.change(
        database,
        tables.Notification,
        notification.uuid,
        status="running",
        updated_at=utc_now(),
    )
    code, out, err = run("notification", "release", notification.uuid)
    assert (code, err) == (0, "")
    assert out == (
        f"Notification {notification.uuid}: engines take it up when they "
        "look for work next.\n"
    )
    assert claimed(database, notification).attempt == 1


@pytest.fixture
def cloud():
    made = Cloud(
        time.time,
        service_down_time=0.5,
        report_interval=0.1,
        evacuation_seconds=0.1,
    )
    for name in ("compute-1", "compute-2"):
        made.add_host(name, slots=1)
    return made


@pytest.fixture
def engine(config, database, cloud):
    """A real one, over a simulated cloud."""
    config.write_text(
        config.read_text() + "host = controller-1\n"
        "notification_poll_interval = 0.1\nnotification_lease = 5\n"
        "notification_lease_renewal = 1\nwait_period_after_evacuation = 1\n"
        "process_unfinished_notifications_interval = 1\n"
    )
    conf = configuration.load(
        [], prog="masakari-engine", config_files=[str(config)]
    )
    made = program.build(
        conf,
        database=database,
        compute=SimulatedCompute(cloud),
        events=Silent(),
    )
    made.start()
    yield made
    made.stop()


def until(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "It did not happen in time."
        time.sleep(0.05)


@pytest.mark.slow
def test_what_failed_for_lack_of_room_is_recovered_once_there_is_some(
    run, database, cloud, engine
):
    host = records.host(database, name="compute-1")
    moved = cloud.create_server("moved", "compute-1")
    in_the_way = cloud.create_server("in-the-way", "compute-2")
    cloud.kill("compute-1")
    uuid = records.notification(
        database, host, payload=STOPPED, generated_time=utc_now()
    ).uuid

    def status():
        return database.read(notifications.get, uuid).status

    until(lambda: answered(run, "engine", "list"))
    until(lambda: status() is NotificationStatus.FAILED)
    (shown,) = answered(run, "engine", "list")
    assert (shown["host"], shown["state"]) == ("controller-1", "up")
    cloud.delete_server(in_the_way.uuid)
    assert run("notification", "retry", uuid)[0] == 0
    until(lambda: status() is NotificationStatus.FINISHED)
    assert cloud.servers[moved.uuid].host == "compute-2"
    shown = answered(run, "notification", "show", uuid)
    assert shown["attempts"] == 3
    assert shown["vmoves"][-1]["status"] == "succeeded"
    assert shown["tasks"][-1]["name"] == "EvacuateInstancesTask"
    assert shown["tasks"][-1]["engine"].startswith("controller-1:")
    engine.stop()
    assert answered(run, "engine", "list") == []
