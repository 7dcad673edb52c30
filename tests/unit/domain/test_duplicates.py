# SPDX-License-Identifier: Apache-2.0

import datetime

import pytest

from masakari.domain import duplicates, model

NOON = datetime.datetime(2026, 11, 23, 12)
INTERVAL = datetime.timedelta(seconds=180)


def known(**values):
    given = {
        "id": 1,
        "created_at": NOON,
        "updated_at": None,
        "deleted_at": None,
        "deleted": False,
        "uuid": "n",
        "type": model.NotificationType.COMPUTE_HOST,
        "status": model.NotificationStatus.FINISHED,
        "source_host_uuid": "h",
        "failover_segment_uuid": "s",
        "generated_time": NOON,
        "payload": {"event": "STOPPED"},
        "message": None,
    } | values
    return model.Notification(**given)


def repeats(other, *, after=0.0, interval=INTERVAL, **values):
    given = {
        "type": other.type,
        "payload": dict(other.payload),
        "generated_time": NOON + datetime.timedelta(seconds=after),
    } | values
    return duplicates.repeats(known=[other], interval=interval, **given)


@pytest.mark.parametrize(
    ("after", "expected"),
    [(-1e6, True), (0, True), (180, True), (180.9, True), (181, False)],
)
def test_the_window_has_a_lower_bound_only(after, expected):
    assert repeats(known(), after=after) is expected


def test_a_database_may_drop_fractions_of_a_second():
    interval = datetime.timedelta(0)
    assert repeats(known(), after=0.7, interval=interval)
    kind = model.NotificationType.VM
    assert repeats(known(type=kind), after=0.7, interval=interval)


def test_type_and_payload_have_to_be_equal():
    assert not repeats(known(), type=model.NotificationType.PROCESS)
    assert not repeats(known(), payload={"event": "STARTED"})


@pytest.mark.parametrize("status", model.NotificationStatus)
@pytest.mark.parametrize("after", [0, 60, 181])
def test_an_instance_may_fail_again_when_it_was_recovered(status, after):
    other = known(type=model.NotificationType.VM, status=status)
    expected = after == 0 or (after == 60 and status in model.UNFINISHED)
    assert repeats(other, after=after) is expected


def test_the_beginning_of_time_has_no_before():
    first = datetime.datetime.min
    assert duplicates.since(first, INTERVAL) == first
    assert duplicates.since(NOON, INTERVAL) == NOON - INTERVAL


def test_a_process_that_started_in_between_has_stopped_again():
    stop = known(
        type=model.NotificationType.PROCESS,
        payload={"event": "STOPPED", "process_name": "nova-compute"},
    )
    start = known(
        id=2,
        type=model.NotificationType.PROCESS,
        payload={"event": "STARTED", "process_name": "nova-compute"},
    )

    def repeated(*others, **payload):
        return duplicates.repeats(
            type=model.NotificationType.PROCESS,
            generated_time=NOON + datetime.timedelta(seconds=60),
            payload={**stop.payload, **payload},
            known=others,
            interval=INTERVAL,
        )

    assert repeated(stop)
    assert not repeated(start, stop)
    assert repeated(start, stop, event="STARTED")


@pytest.mark.parametrize("status", model.NotificationStatus)
def test_a_process_whose_stop_has_been_undone_may_stop_again(status):
    stop = known(type=model.NotificationType.PROCESS, status=status)
    assert repeats(stop, after=60)
    done = status is model.NotificationStatus.FINISHED
    assert repeats(stop, after=60, undone=True) is not done
    # A monitor that did not see our answer.
    assert repeats(stop, after=0, undone=True)
