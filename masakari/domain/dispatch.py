# SPDX-License-Identifier: Apache-2.0
"""Which notifications call for a recovery, and which end at once."""

from masakari.domain import verdict
from masakari.domain.model import Notification, Segment
from masakari.domain.verdict import Verdict


def host_failure(notification: Notification) -> Verdict | None:
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


def segment(segment: Segment) -> Verdict | None:
    """Judge by the segment; None when it allows a recovery."""
    if segment.enabled:
        return None
    return verdict.ignored(verdict.SEGMENT_DISABLED)
