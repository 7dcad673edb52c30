# SPDX-License-Identifier: Apache-2.0
"""Which notifications are taken in, what they claim, and which end at once."""

import enum
import posixpath
import uuid
from collections.abc import Iterable, Mapping

from masakari.domain import verdict
from masakari.domain.model import (
    Host,
    Notification,
    NotificationType,
    ProcessOutage,
    Segment,
)
from masakari.domain.server import ComputeService
from masakari.domain.verdict import Verdict

#: The process whose outage takes a host out of service.
NOVA_COMPUTE = "nova-compute"

#: ``event`` and ``vir_domain_event`` of failures of an instance; case counts.
_INSTANCE_FAILURES = frozenset(
    {
        ("LIFECYCLE", "STOPPED_FAILED"),
        ("IO_ERROR", "IO_ERROR_REPORT"),
        ("QEMU_GUEST_AGENT_ERROR", "STOPPED_FAILED"),
    }
)


class ProcessAction(enum.Enum):
    """What a notification about a process calls for."""

    TAKE_OUT = "take its host out of service"
    BRING_BACK = "undo what was done when it stopped"


def subject(type: str, payload: Mapping[str, str]) -> str | None:
    """The instance that has to be claimed; None when it is the host.

    Instances of one host are recovered side by side.
    """
    if type != NotificationType.VM:
        return None
    try:
        return str(uuid.UUID(payload.get("instance_uuid", "")))
    except ValueError:
        return None


def process(payload: Mapping[str, str]) -> str:
    """The process that a report is about.

    Some monitors name the file that it runs from.
    """
    command, space, arguments = str(payload.get("process_name", "")).partition(
        " "
    )
    return (posixpath.basename(command) or command) + space + arguments


def admitted(
    host: Host,
    outage: ProcessOutage | None,
    *,
    type: str,
    payload: Mapping[str, str],
) -> bool:
    """Whether a notification of a host is taken in.

    On a host on maintenance nothing is anybody's business. But one that is
    there only because a process of it stopped can still die, and so can its
    instances; and the process can start, or stop once more.
    """
    if not host.on_maintenance:
        return True
    if outage is None:
        return False
    return (
        type != NotificationType.PROCESS
        or process(payload) == outage.process_name
    )


def judge_segment(segment: Segment) -> Verdict | None:
    """Judge by the segment; None when it allows a recovery."""
    if segment.enabled:
        return None
    return verdict.ignored(verdict.SEGMENT_DISABLED)


def judge_host_failure(notification: Notification) -> Verdict | None:
    """Judge a COMPUTE_HOST notification; None calls for a recovery."""
    status = notification.payload.get("host_status", "")
    event = notification.payload.get("event", "").upper()
    if status.upper() != "NORMAL":
        return verdict.ignored(
            f"The host status is {status or 'not given'}: it is not known "
            "whether the host is really down."
        )
    if event == "STARTED":
        return verdict.finished("The host started; there is nothing to do.")
    if event != "STOPPED":
        return verdict.ignored(f"The event {event or '(none)'} is unknown.")
    return None


def judge_instance_failure(notification: Notification) -> Verdict | None:
    """Judge a VM notification; None calls for a look at the instance."""
    event = notification.payload.get("event", "")
    detail = notification.payload.get("vir_domain_event", "")
    if (event, detail) in _INSTANCE_FAILURES:
        return None
    return verdict.ignored(
        f"The event {event or '(none)'} with {detail or '(none)'} is no "
        "failure of an instance."
    )


def judge_process_failure(
    notification: Notification,
    *,
    host: Host,
    outage: ProcessOutage | None,
    others: Iterable[Notification],
) -> ProcessAction | Verdict:
    """Judge a PROCESS notification.

    :param outage: what the host is on maintenance for, if it is that
    :param others: what was reported of processes of the host after it
    """
    event = notification.payload.get("event", "").upper()
    name = process(notification.payload)
    if event not in ("STOPPED", "STARTED"):
        return verdict.ignored(f"The event {event or '(none)'} is unknown.")
    if event == "STARTED":
        if outage is None or outage.process_name != name:
            return verdict.finished(
                f"Process {name} started; there is nothing to undo."
            )
        return ProcessAction.BRING_BACK
    if name != NOVA_COMPUTE:
        return verdict.finished(
            f"Nothing is done when process {name} stops, only when "
            f"{NOVA_COMPUTE} does."
        )
    if any(contradicts(other, notification) for other in others):
        return verdict.finished(f"Process {name} has started since.")
    if host.on_maintenance and outage is None:
        return verdict.finished(
            f"Host {host.name} has been put on maintenance meanwhile."
        )
    return ProcessAction.TAKE_OUT


def tells_of_stop(notification: Notification) -> bool:
    """Whether it says that the process stopped which hosts wait for."""
    payload = notification.payload
    return (
        notification.type is NotificationType.PROCESS
        and payload.get("event", "").upper() == "STOPPED"
        and process(payload) == NOVA_COMPUTE
    )


def disabled_for(outage: ProcessOutage, service: ComputeService) -> bool:
    """Whether a compute service is disabled for that and nothing else."""
    return (
        not service.enabled
        and service.disabled_reason == outage.disabled_reason
    )


def contradicts(later: Notification, earlier: Notification) -> bool:
    """Whether a report about a process came later and says the opposite."""
    return later.id > earlier.id and opposes(later, earlier)


def opposes(one: Notification, other: Notification) -> bool:
    """Whether one says that a process stopped, the other that it started."""
    return (
        one.type == other.type == NotificationType.PROCESS
        and process(one.payload) == process(other.payload)
        and one.payload.get("event") != other.payload.get("event")
    )
