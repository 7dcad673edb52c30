# SPDX-License-Identifier: Apache-2.0

import dataclasses
import datetime

import pytest

from masakari.domain import duplicates, model

NOON = datetime.datetime(2026, 11, 23, 12)
RULES = duplicates.Rules(
    now=NOON + datetime.timedelta(hours=1),
    interval=datetime.timedelta(seconds=180),
    tolerance=datetime.timedelta(seconds=300),
)
STOPPED = {"event": "STOPPED", "process_name": "nova-compute"}
STARTED = {"event": "STARTED", "process_name": "nova-compute"}
PROCESS = model.NotificationType.PROCESS
VM = model.NotificationType.VM


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


def original(*others, after=0.0, report=None, **rules):
    """What the first one of the others repeats when it comes once more."""
    given = {
        "id": 0,
        "created_at": None,
        "status": model.NotificationStatus.NEW,
        "generated_time": NOON + datetime.timedelta(seconds=after),
    }
    again = dataclasses.replace(others[0], **given, **(report or {}))
    return duplicates.original(
        again, others, dataclasses.replace(RULES, **rules)
    )


@pytest.mark.parametrize(
    ("after", "expected"),
    [(-1e6, True), (0, True), (180, True), (180.9, True), (181, False)],
)
def test_the_window_has_a_lower_bound_only(after, expected):
    other = known()
    assert original(other, after=after) is (other if expected else None)


@pytest.mark.parametrize("kind", [VM, PROCESS])
def test_a_database_may_drop_fractions_of_a_second(kind):
    interval = datetime.timedelta(0)
    assert original(known(type=kind), after=0.7, interval=interval)


def test_type_and_payload_have_to_be_equal():
    assert not original(known(), report={"type": PROCESS})
    assert not original(known(), report={"payload": {"event": "STARTED"}})


@pytest.mark.parametrize("status", model.NotificationStatus)
@pytest.mark.parametrize("after", [0, 60, 181])
def test_an_instance_may_fail_again_when_it_was_recovered(status, after):
    other = known(type=VM, status=status)
    expected = after == 0 or (after == 60 and status in model.UNFINISHED)
    assert (original(other, after=after) is not None) is expected


@pytest.mark.parametrize("kind", ["COMPUTE_HOST", "PROCESS"])
@pytest.mark.parametrize("status", model.NotificationStatus)
@pytest.mark.parametrize("lifted_after", [None, 1, 2, 3])
def test_a_host_may_fail_again_when_it_was_recovered_and_put_back(
    kind, status, lifted_after
):
    other = known(id=2, type=model.NotificationType(kind), status=status)
    over = lifted_after in (2, 3) and status not in model.UNFINISHED
    found = original(other, after=60, lifted_after=lifted_after)
    assert found is (None if over else other)
    # The monitor did not see the answer to it.
    assert original(other, lifted_after=lifted_after) is other


def test_what_came_after_the_host_was_put_back_is_repeated():
    new, old = known(id=5), known(id=2)
    assert original(new, old, after=60, lifted_after=4) is new
    assert original(old, new, after=60, lifted_after=4) is new


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0, True), (300, True), (301, False)]
)
@pytest.mark.parametrize("created_at", [NOON, None])
def test_what_was_dated_in_the_future_repeats_nothing(
    created_at, seconds, expected
):
    other = known(
        created_at=created_at,
        generated_time=NOON + datetime.timedelta(seconds=seconds),
    )
    found = original(other, after=seconds + 60, now=NOON)
    assert found is (other if expected else None)


def test_the_beginning_of_time_has_no_before():
    first = datetime.datetime.min
    assert duplicates.since(first, RULES.interval) == first
    assert duplicates.since(NOON, RULES.interval) == NOON - RULES.interval


def test_a_process_that_started_in_between_has_stopped_again():
    stop = known(type=PROCESS, payload=STOPPED)
    start = known(id=2, type=PROCESS, payload=STARTED)
    other = known(
        id=3, type=PROCESS, payload={**STARTED, "process_name": "libvirtd"}
    )
    report = {"payload": STOPPED}
    assert original(stop, after=60) is stop
    assert original(other, stop, after=60, report=report) is stop
    assert original(other, start, stop, after=60, report=report) is None
    assert original(start, stop, after=60) is start


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("nova-compute", "/usr/bin/nova-compute"),
        ("/usr/bin/nova-compute", "nova-compute"),
        ("/usr/bin/nova-compute", "/opt/nova/bin/nova-compute"),
    ],
)
def test_a_process_is_the_same_wherever_its_program_is(name, other):
    stop = known(type=PROCESS, payload={**STOPPED, "process_name": name})
    start = known(
        id=2, type=PROCESS, payload={**STARTED, "process_name": other}
    )
    report = {"payload": {**STOPPED, "process_name": other}}
    assert original(stop, after=60, report=report) is stop
    assert original(start, stop, after=60, report=report) is None
