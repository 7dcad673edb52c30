# SPDX-License-Identifier: Apache-2.0
"""Do two reports tell of the same failure?"""

import datetime
from collections.abc import Iterable, Mapping

from masakari.domain import model, triage

#: Databases may keep whole seconds only.
_RESOLUTION = datetime.timedelta(seconds=1)


def since(
    generated_time: datetime.datetime, interval: datetime.timedelta
) -> datetime.datetime:
    """The oldest ``generated_time`` of what a report can repeat."""
    oldest = generated_time.replace(microsecond=0)
    if oldest - datetime.datetime.min < interval:
        return datetime.datetime.min
    return oldest - interval


def repeats(
    *,
    type: model.NotificationType,
    generated_time: datetime.datetime,
    payload: Mapping[str, str],
    known: Iterable[model.Notification],
    interval: datetime.timedelta,
    undone: bool = False,
) -> bool:
    """Whether a report of a host repeats one of ``known`` about that host.

    A report with an equal payload does, when it was generated no later than
    ``interval`` after the known one; one that is older repeats as well. The
    same instance can fail again, though: once the recovery of an instance
    is done, only a report of the very same time repeats it, as a monitor
    sends that did not see our answer. And a process that is known to have
    started in between has stopped once more, as has one whose stop was dealt
    with and is no reason any more to keep its host out of service.

    :param generated_time: naive UTC
    :param undone: it tells of a stop, and its host waits for no process
    """
    oldest = since(generated_time, interval)
    known = list(known)
    return any(
        other.type == type
        and not any(triage.contradicts(later, other) for later in known)
        and other.payload == payload
        and other.generated_time >= oldest
        and (
            not _is_over(other, undone=undone)
            or abs(other.generated_time - generated_time) < _RESOLUTION
        )
        for other in known
    )


def _is_over(known: model.Notification, *, undone: bool) -> bool:
    """Whether what was reported can happen once more."""
    if known.type is model.NotificationType.VM:
        return known.status not in model.UNFINISHED
    return undone and known.status is model.NotificationStatus.FINISHED
