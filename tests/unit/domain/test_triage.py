# SPDX-License-Identifier: Apache-2.0
import dataclasses
import datetime

import pytest

from masakari.domain import model, triage
from masakari.domain.model import NotificationStatus, NotificationType
from masakari.domain.server import ComputeService
from masakari.domain.triage import ProcessAction

SEGMENT = model.Segment(
    **model.UNSAVED,
    uuid="s",
    name="s",
    service_type="COMPUTE",
    recovery_method=model.RecoveryMethod.AUTO,
    enabled=True,
    description=None,
)
HOST = model.Host(
    **model.UNSAVED,
    uuid="h",
    name="compute-1",
    type="COMPUTE",
    control_attributes="SSH",
    reserved=False,
    on_maintenance=False,
    segment=SEGMENT,
)
RESTING = dataclasses.replace(HOST, on_maintenance=True)
OUTAGE = model.ProcessOutage(
    process_name="nova-compute", disabled_reason="it stopped"
)


def process(event, name="nova-compute", id=1):
    fields = {**model.UNSAVED, "id": id}
    return model.Notification(
        **fields,
        uuid=f"n{id}",
        type=NotificationType.PROCESS,
        status=NotificationStatus.RUNNING,
        source_host_uuid="h",
        failover_segment_uuid="s",
        generated_time=datetime.datetime(2026, 11, 23),
        payload={"event": event, "process_name": name},
        message=None,
    )


def judged(notification, host=HOST, outage=None, others=()):
    return triage.judge_process_failure(
        notification, host=host, outage=outage, others=others
    )


@pytest.mark.parametrize(
    ("type", "uuid", "expected"),
    [
        ("VM", "2A5D3A9C-0000-4000-8000-000000000001", None),
        ("VM", "2a5d3a9c000040008000000000000001", None),
        ("VM", "nonsense", ""),
        ("COMPUTE_HOST", "2a5d3a9c-0000-4000-8000-000000000001", ""),
        ("PROCESS", "2a5d3a9c-0000-4000-8000-000000000001", ""),
    ],
)
def test_only_instances_are_claimed_by_themselves(type, uuid, expected):
    wanted = None if expected == "" else "2a5d3a9c-0000-4000-8000-000000000001"
    assert triage.subject(type, {"instance_uuid": uuid}) == wanted


@pytest.mark.parametrize(
    ("host", "outage", "type", "payload", "expected"),
    [
        (HOST, None, "PROCESS", {}, True),
        (RESTING, None, "COMPUTE_HOST", {}, False),
        (RESTING, OUTAGE, "COMPUTE_HOST", {}, True),
        (RESTING, None, "VM", {}, False),
        (RESTING, OUTAGE, "VM", {}, True),
        (
            RESTING,
            OUTAGE,
            "PROCESS",
            {"event": "STARTED", "process_name": "nova-compute"},
            True,
        ),
        (
            RESTING,
            OUTAGE,
            "PROCESS",
            {"event": "STARTED", "process_name": "/usr/bin/nova-compute"},
            True,
        ),
        (
            RESTING,
            OUTAGE,
            "PROCESS",
            {"event": "STARTED", "process_name": "libvirtd"},
            False,
        ),
        (
            RESTING,
            OUTAGE,
            "PROCESS",
            {"event": "STOPPED", "process_name": "nova-compute"},
            True,
        ),
    ],
)
def test_a_host_on_maintenance_for_a_process_is_still_heard(
    host, outage, type, payload, expected
):
    assert (
        triage.admitted(host, outage, type=type, payload=payload) is expected
    )


def test_a_process_that_stops_takes_its_host_out():
    assert judged(process("STOPPED")) is ProcessAction.TAKE_OUT
    # Gone on with by another engine, or tried again.
    assert judged(process("STOPPED"), RESTING, OUTAGE) is (
        ProcessAction.TAKE_OUT
    )


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("nova-compute", "nova-compute"),
        ("/usr/bin/nova-compute", "nova-compute"),
        ("./bin/nova-compute", "nova-compute"),
        ("/sbin/a --file /etc/b", "a --file /etc/b"),
        ("/usr/bin/", "/usr/bin/"),
        ("/", "/"),
        ("", ""),
    ],
)
def test_a_process_is_known_by_the_name_of_its_program(given, name):
    assert triage.process({"process_name": given}) == name


@pytest.mark.parametrize("path", ["/usr/bin/", "/usr/local/bin/", ""])
def test_a_process_is_known_wherever_its_program_is(path):
    name = f"{path}nova-compute"
    assert judged(process("STOPPED", name)) is ProcessAction.TAKE_OUT
    start = process("STARTED", name, id=2)
    assert judged(start, RESTING, OUTAGE) is ProcessAction.BRING_BACK
    assert triage.contradicts(start, process("STOPPED"))
    other = process("STOPPED", f"{path}libvirtd")
    assert judged(other).status == "finished"


def test_its_start_brings_the_host_back_only_if_its_stop_took_it_out():
    start = process("STARTED", id=2)
    assert judged(start, RESTING, OUTAGE) is ProcessAction.BRING_BACK
    assert judged(start, RESTING, None).status == "finished"
    other = process("STARTED", "libvirtd", id=2)
    assert judged(other, RESTING, OUTAGE).status == "finished"


@pytest.mark.parametrize(
    ("notification", "host", "others", "status"),
    [
        (process("STOPPED", "libvirtd"), HOST, (), "finished"),
        (process("STOPPED"), RESTING, (), "finished"),
        (process("PAUSED"), HOST, (), "ignored"),
        (process("STOPPED"), HOST, (process("STARTED", id=2),), "finished"),
    ],
)
def test_what_needs_nothing_ends_with_a_reason(
    notification, host, others, status
):
    verdict = judged(notification, host, None, others)
    assert verdict.status == status
    assert verdict.message


def test_an_earlier_start_or_another_process_contradicts_nothing():
    stop = process("STOPPED", id=5)
    for other in (
        process("STARTED", id=4),
        process("STARTED", "libvirtd", id=6),
        process("STOPPED", id=7),
    ):
        assert not triage.contradicts(other, stop)
    assert triage.contradicts(process("STARTED", id=6), stop)


@pytest.mark.parametrize(
    ("enabled", "reason", "expected"),
    [
        (False, "it stopped", True),
        (False, "new disk", False),
        (True, None, False),
    ],
)
def test_what_else_disables_a_service_is_not_ours(enabled, reason, expected):
    service = ComputeService(
        id="s",
        host="compute-1",
        up=True,
        enabled=enabled,
        disabled_reason=reason,
    )
    assert triage.disabled_for(OUTAGE, service) is expected
