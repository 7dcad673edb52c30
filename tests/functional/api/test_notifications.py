# SPDX-License-Identifier: Apache-2.0
"""Which reports are accepted, and what is shown of them."""

import collections
import datetime
import threading
import time

import pytest

from masakari.api import app
from masakari.db import hosts, outages, tables, turns
from masakari.domain.model import (
    NotificationStatus,
    NotificationType,
    ProcessOutage,
)
from masakari.rpc.client import EngineClient
from masakari.simulator.port import SimulatedCompute
from tests.functional.api.world import World, message, send
from tests.functional.db import records

VM = {
    "event": "LIFECYCLE",
    "instance_uuid": "00000000-0000-4000-8000-000000000001",
    "vir_domain_event": "STOPPED_FAILED",
}
PAYLOADS = {
    "COMPUTE_HOST": {"event": "STOPPED", "host_status": "NORMAL"},
    "PROCESS": {"event": "STOPPED", "process_name": "nova-compute"},
    "VM": VM,
}
BEGIN = datetime.datetime(2026, 11, 23, 12)


def at(seconds):
    return (BEGIN + datetime.timedelta(seconds=seconds)).isoformat()


@pytest.fixture
def host(world):
    return world.host(world.segment())


def report(world, kind, seconds, **payload):
    return world.notify(
        type=kind,
        generated_time=at(seconds),
        payload={**PAYLOADS[kind], **payload},
    )


def uuid(answer):
    return answer.json["notification"]["notification_uuid"]


def end(world, answer, status):
    records.change(
        world.database, tables.Notification, uuid(answer), status=status
    )


def wait_for_process(world, host):
    """Put a host on maintenance, as engines do."""
    outage = ProcessOutage(process_name="nova-compute", disabled_reason="r")
    world.database.write(outages.begin, host["uuid"], outage)


@pytest.mark.usefixtures("host")
class TestDuplicates:
    @pytest.mark.parametrize("kind", NotificationType)
    @pytest.mark.parametrize("seconds", [0.25, 180.25, -500])
    def test_within_the_interval_or_older(self, world, kind, seconds):
        made = report(world, kind, 0.25)
        assert made.status_int == 202
        end(world, made, "error")
        again = report(world, kind, seconds)
        assert again.status_int == 409
        assert message(again) == (
            f"Notification received from host compute-1 of type {kind} is "
            f"duplicate. It repeats notification {uuid(made)}, generated at "
            "2026-11-23T12:00:00Z, which is error."
        )

    @pytest.mark.parametrize("kind", NotificationType)
    def test_not_after_the_interval(self, world, kind):
        assert report(world, kind, 0).status_int == 202
        assert report(world, kind, 181).status_int == 202

    @pytest.mark.parametrize("kind", NotificationType)
    def test_not_with_another_payload(self, world, kind):
        assert report(world, kind, 0).status_int == 202
        other = "STARTED" if kind != "VM" else "IO_ERROR"
        assert report(world, kind, 0, event=other).status_int == 202

    def test_not_of_another_host(self, world):
        world.host(world.segment(name="t"), name="compute-2")
        assert world.notify().status_int == 202
        assert world.notify(hostname="compute-2").status_int == 202

    @pytest.mark.parametrize("kind", ["COMPUTE_HOST", "PROCESS"])
    @pytest.mark.parametrize("status", NotificationStatus)
    def test_hosts_and_processes_in_any_status(
        self, world, host, kind, status
    ):
        end(world, report(world, kind, 0), status)
        if kind == "PROCESS":
            wait_for_process(world, host)
        again = report(world, kind, 60)
        assert again.status_int == 409
        assert "duplicate" in message(again)

    @pytest.mark.parametrize(
        ("status", "code"),
        [
            ("new", 409),
            ("running", 409),
            ("error", 409),
            ("finished", 202),
            ("failed", 202),
            ("ignored", 202),
        ],
    )
    def test_an_instance_can_fail_again(self, world, status, code):
        end(world, report(world, "VM", 0), status)
        assert report(world, "VM", 60).status_int == code

    @pytest.mark.parametrize("status", NotificationStatus)
    def test_a_monitor_repeats_itself(self, world, status):
        end(world, report(world, "VM", 0.5), status)
        assert report(world, "VM", 0.5).status_int == 409

    def test_an_interval_of_none_leaves_the_same_time(self, tmp_path):
        (tmp_path / "other").mkdir()
        world = World(
            tmp_path / "other", duplicate_notification_detection_interval=0
        )
        world.host(world.segment())
        assert report(world, "PROCESS", 0.5).status_int == 202
        assert report(world, "PROCESS", 0.5).status_int == 409
        assert report(world, "PROCESS", 2).status_int == 202
        world.close()

    def test_of_many_monitors_one_is_heard(self, world):
        codes = collections.Counter()
        ready = threading.Barrier(8)

        def monitor(number):
            ready.wait()
            codes[report(world, "COMPUTE_HOST", number / 8).status_int] += 1

        threads = [
            threading.Thread(target=monitor, args=(number,))
            for number in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert codes == {202: 1, 409: 7}
        assert len(world.engines.told) == 1


class TestAHostThatFailsAgain:
    @pytest.fixture
    def maintain(self, world, host):
        segment = host["failover_segment_id"]
        url = f"/v1/segments/{segment}/hosts/{host['uuid']}"

        def update(on_maintenance):
            body = {"host": {"on_maintenance": on_maintenance}}
            assert world.request("PUT", url, body).status_int == 200

        return update

    @pytest.mark.parametrize("kind", ["COMPUTE_HOST", "PROCESS"])
    @pytest.mark.parametrize("status", ["finished", "failed", "ignored"])
    def test_it_has_been_recovered_and_put_back(
        self, world, maintain, kind, status
    ):
        made = report(world, kind, 0)
        end(world, made, status)
        assert report(world, kind, 10).status_int == 409
        maintain(on_maintenance=True)
        assert report(world, kind, 20).status_int == 409
        maintain(on_maintenance=False)
        # A monitor that has not seen our answer.
        assert report(world, kind, 0).status_int == 409
        again = report(world, kind, 30)
        assert again.status_int == 202
        repeated = report(world, kind, 31)
        assert repeated.status_int == 409
        assert uuid(again) in message(repeated)

    @pytest.mark.parametrize("kind", ["COMPUTE_HOST", "PROCESS"])
    def test_not_before_its_recovery_is_done(self, world, host, kind):
        def maintain(on_maintenance):
            world.database.write(
                lambda session: (
                    turns.take(session, host["uuid"]),
                    hosts.update(
                        session, host["uuid"], on_maintenance=on_maintenance
                    ),
                )
            )

        made = report(world, kind, 0)
        maintain(on_maintenance=True)
        for status in ("running", "error"):
            end(world, made, status)
            maintain(on_maintenance=False)
            assert report(world, kind, 20).status_int == 409
        end(world, made, "finished")
        assert report(world, kind, 30).status_int == 202

    def test_not_when_only_something_else_was_changed(self, world, maintain):
        made = report(world, "COMPUTE_HOST", 0)
        end(world, made, "finished")
        maintain(on_maintenance=False)
        assert report(world, "COMPUTE_HOST", 10).status_int == 409

    def test_its_process_has_stopped_since_it_was_put_back(
        self, world, host, maintain
    ):
        end(world, report(world, "COMPUTE_HOST", 0), "finished")
        maintain(on_maintenance=True)
        maintain(on_maintenance=False)
        world.database.write(
            outages.begin,
            host["uuid"],
            ProcessOutage(process_name="nova-compute", disabled_reason="it"),
        )
        assert report(world, "COMPUTE_HOST", 30).status_int == 202
        assert report(world, "COMPUTE_HOST", 40).status_int == 409

    def test_its_process_has_come_back(self, world, host):
        stopped = report(world, "PROCESS", 0)
        world.database.write(
            outages.begin,
            host["uuid"],
            ProcessOutage(process_name="nova-compute", disabled_reason="it"),
        )
        end(world, stopped, "finished")
        assert report(world, "PROCESS", 20).status_int == 409
        world.database.write(outages.end, host["uuid"])
        assert report(world, "PROCESS", 30).status_int == 202


class TestDatesAhead:
    @pytest.mark.parametrize("kind", NotificationType)
    def test_a_clock_that_is_a_little_fast_is_served(self, world, host, kind):
        assert report(world, kind, 300).status_int == 202

    @pytest.mark.parametrize("kind", NotificationType)
    @pytest.mark.parametrize(
        "moment",
        [
            at(301),
            at(7200),
            "2026-11-23T13:00:00+00:00",
            "2026-11-23T12:00:00-08:00",
            "2026-11-24",
            "9999-06-01T00:00:00",
        ],
    )
    def test_the_future_is_refused(self, world, host, kind, moment):
        refused = world.notify(
            type=kind, generated_time=moment, payload=PAYLOADS[kind]
        )
        assert refused.status_int == 400
        assert "UTC unless they carry a zone" in message(refused)
        assert "2026-11-23T12:00:00Z" in message(refused)
        assert report(world, kind, 0).status_int == 202

    def test_a_zone_is_understood(self, world, host):
        made = world.notify(generated_time="2026-11-23T20:00:00+08:00")
        assert made.status_int == 202
        shown = made.json["notification"]["generated_time"]
        assert shown == "2026-11-23T12:00:00.000000"

    def test_how_far_ahead_is_for_the_operator_to_say(self, tmp_path):
        (tmp_path / "other").mkdir()
        world = World(tmp_path / "other", generated_time_tolerance=0)
        world.host(world.segment())
        assert report(world, "VM", 1).status_int == 400
        assert report(world, "VM", 0).status_int == 202
        world.close()

    @pytest.mark.parametrize("seconds", [301, 86400])
    def test_what_an_earlier_release_took_in_is_no_original(
        self, world, host, seconds
    ):
        records.notification(
            world.database,
            world.database.read(hosts.by_name, "compute-1"),
            generated_time=BEGIN + datetime.timedelta(seconds=seconds),
            payload=PAYLOADS["COMPUTE_HOST"],
        )
        # Also when that time has come.
        world.clock.advance(seconds=seconds)
        assert report(world, "COMPUTE_HOST", seconds).status_int == 202
        assert report(world, "COMPUTE_HOST", seconds + 1).status_int == 409

    @pytest.mark.parametrize("kind", NotificationType)
    @pytest.mark.parametrize("year", ["0001", "1970", "2026"])
    def test_the_past_is_taken_in(self, world, host, kind, year):
        for hostname, answer in (("compute-1", 202), ("compute-1", 409)):
            old = world.notify(
                type=kind,
                hostname=hostname,
                generated_time=f"{year}-01-01T00:00:00",
                payload=PAYLOADS[kind],
            )
            assert old.status_int == answer
        assert report(world, kind, 0).status_int == 202


@pytest.mark.usefixtures("host")
@pytest.mark.parametrize("first", ["nova-compute", "/usr/bin/nova-compute"])
@pytest.mark.parametrize("second", ["nova-compute", "/opt/bin/nova-compute"])
def test_a_process_is_the_same_wherever_its_program_is(world, first, second):
    def told(name, event, seconds):
        answer = report(
            world, "PROCESS", seconds, process_name=name, event=event
        )
        return answer.status_int

    assert told(first, "STOPPED", 0) == 202
    assert told(second, "STOPPED", 1) == 409
    assert told("libvirtd", "STOPPED", 2) == 202
    assert told(second, "STARTED", 3) == 202
    assert told(first, "STOPPED", 4) == 202


def test_a_host_on_maintenance_is_not_heard(world):
    world.host(world.segment(), on_maintenance=True)
    answer = world.notify()
    assert answer.status_int == 409
    assert message(answer) == (
        "Notification received from host compute-1 of type 'COMPUTE_HOST' "
        "is ignored as the host is already under maintenance."
    )


@pytest.mark.parametrize("seconds", [60, 181])
def test_a_host_that_waits_for_its_process_waits_anew_when_that_stops(
    world, host, seconds
):
    """Also where the report repeats another one, and is refused."""
    report(world, "PROCESS", 0)
    wait_for_process(world, host)
    world.database.write(outages.look, [host["uuid"]], gap=60)
    (before,) = world.database.read(outages.stopped_hosts)
    assert before.up_since is not None
    report(world, "PROCESS", seconds, process_name="libvirtd")
    assert world.database.read(outages.stopped_hosts)[0].up_since is not None
    accepted = report(world, "PROCESS", seconds).status_int == 202
    assert accepted is (seconds > 180)
    assert world.database.read(outages.stopped_hosts)[0].up_since is None


def test_a_host_that_waits_for_its_process_can_fail(world, host):
    wait_for_process(world, host)
    assert report(world, "VM", 0).status_int == 202
    assert report(world, "COMPUTE_HOST", 0).status_int == 202


def test_a_disabled_segment_does_not_matter(world, host):
    world.database.write(
        lambda session: session.query(tables.Segment).update(
            {"enabled": False}
        )
    )
    assert world.notify().status_int == 202


def test_an_engine_is_told_who_asked(world, host):
    asked = "req-53d61b4e-9fc2-4e1b-a9ae-9c6c3f6d7b7e"
    answer = world.request(
        "POST",
        "/v1/notifications",
        {
            "notification": {
                "type": "PROCESS",
                "hostname": "compute-1",
                "generated_time": at(0),
                "payload": PAYLOADS["PROCESS"],
            }
        },
        headers={"X-Openstack-Request-Id": asked},
    )
    ((context, notification),) = world.engines.told
    assert (
        notification.uuid == answer.json["notification"]["notification_uuid"]
    )
    assert context.global_request_id == asked
    assert context.request_id == answer.headers["x-openstack-request-id"]
    assert context.request_id != asked
    row = world.database.read(
        lambda session: session.get(tables.Recovery, notification.uuid)
    )
    assert row.request_id == asked


def test_the_broker_may_be_away(tmp_path):
    (tmp_path / "other").mkdir()
    world = World(
        tmp_path / "other", transport_url="rabbit://u:p@127.0.0.1:9/none"
    )
    world.host(world.segment())
    application = app.build(
        world.conf,
        database=world.database,
        compute=SimulatedCompute(world.cloud),
        engine_client=EngineClient(world.conf),
    )
    begin = time.monotonic()
    answer = send(
        application,
        "POST",
        "/v1/notifications",
        {
            "notification": {
                "type": "PROCESS",
                "hostname": "compute-1",
                "generated_time": at(0),
                "payload": PAYLOADS["PROCESS"],
            }
        },
    )
    assert answer.status_int == 202
    assert time.monotonic() - begin < 1
    world.close()


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "HOST"},
        {"hostname": "compute 1"},
        {"hostname": "compute-1\n"},
        {"hostname": ""},
        {"hostname": None},
        {"generated_time": "yesterday"},
        {"generated_time": "0001-01-01T00:00:00+05:00"},
        {"generated_time": 1},
        {"payload": {}},
        {"payload": {"event": "STOPPED", "more": "x"}},
        {"payload": {"event": 1}},
        {"payload": "STOPPED"},
        {"more": "x"},
    ],
    ids=str,
)
def test_what_is_not_valid_is_refused(world, host, wrong):
    assert world.notify(**wrong).status_int == 400


@pytest.mark.parametrize("year", ["0001", "0999"])
def test_a_strange_year_is_no_error_of_ours(world, host, year):
    answer = world.notify(generated_time=f"{year}-06-01T00:00:00")
    assert answer.status_int == 202
    shown = answer.json["notification"]["generated_time"]
    assert shown == f"{year}-06-01T00:00:00.000000"


def test_rows_of_old_releases_are_shown(world, host):
    made = world.notify().json["notification"]["notification_uuid"]
    records.change(
        world.database, tables.Notification, made, failover_segment_uuid=None
    )
    listed = world.request("GET", "/v1/notifications").json["notifications"]
    shown = world.request("GET", f"/v1/notifications/{made}", version="1.1")
    for notification in (listed[0], shown.json["notification"]):
        assert notification["failover_segment_uuid"] is None


def test_details_outlive_the_host(world):
    segment = world.segment()
    world.host(segment)
    made = world.notify()
    end(world, made, "finished")
    uuid = made.json["notification"]["notification_uuid"]
    gone = world.request("DELETE", f"/v1/segments/{segment['uuid']}")
    assert gone.status_int == 204
    shown = world.request("GET", f"/v1/notifications/{uuid}", version="1.1")
    assert shown.status_int == 200


class TestMoves:
    def test_they_are_shown_at_every_version(self, world, host):
        made = records.notification(
            world.database, records.host(world.database, name="other")
        )
        move = records.vmove(
            world.database,
            made,
            source_host="other",
            start_time=BEGIN,
            status="ongoing",
        )
        url = f"/v1/notifications/{made.uuid}/vmoves"
        listed = world.request("GET", url).json
        shown = world.request("GET", f"{url}/{move}", version="1.3").json
        assert listed == {"vmoves": [shown["vmove"]]}
        assert shown["vmove"] == {
            "id": 1,
            "created_at": "2026-11-23T12:00:00.000000",
            "updated_at": None,
            "deleted_at": None,
            "deleted": False,
            "uuid": move,
            "notification_uuid": made.uuid,
            "instance_uuid": shown["vmove"]["instance_uuid"],
            "instance_name": shown["vmove"]["instance_name"],
            "source_host": "other",
            "dest_host": None,
            "start_time": "2026-11-23T12:00:00.000000",
            "end_time": None,
            "type": "evacuation",
            "status": "ongoing",
            "message": None,
        }

    def test_filters(self, world):
        made = records.notification(world.database)
        records.vmove(world.database, made, status="failed")
        records.vmove(world.database, made, status=None, type=None)
        url = f"/v1/notifications/{made.uuid}/vmoves"
        for query, number in (
            ("", 2),
            ("?status=failed", 1),
            ("?status=ongoing", 0),
            ("?type=evacuation&status=failed", 1),
            ("?instance_uuid=x", 2),
        ):
            found = world.request("GET", url + query).json["vmoves"]
            assert len(found) == number, query

    def test_a_move_of_another_notification_is_not_found(self, world):
        one = records.notification(world.database)
        other = records.notification(world.database)
        move = records.vmove(world.database, one)
        answer = world.request(
            "GET", f"/v1/notifications/{other.uuid}/vmoves/{move}"
        )
        assert answer.status_int == 404
        assert message(answer) == f"No vm move with id {move}."
