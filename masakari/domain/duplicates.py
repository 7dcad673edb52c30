# SPDX-License-Identifier: Apache-2.0
"""Do two reports tell of the same failure?"""

import dataclasses
import datetime
from collections.abc import Iterable, Mapping

from masakari.domain import model, triage

#: Databases may keep whole seconds only.
_RESOLUTION = datetime.timedelta(seconds=1)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What is known when a report comes in; times are naive UTC.

    :param now: the database's time
    :param interval: how much older than a report one may be that it repeats
    :param tolerance: how far ahead of us the clock of a monitor may be
    :param lifted_after: the id of the last report that the host had when its
        maintenance was lifted last; None when it never was
    """

    now: datetime.datetime
    interval: datetime.timedelta
    tolerance: datetime.timedelta
    lifted_after: int | None = None


def since(
    generated_time: datetime.datetime, interval: datetime.timedelta
) -> datetime.datetime:
    """The oldest ``generated_time`` of what a report can repeat."""
    oldest = generated_time.replace(microsecond=0)
    if oldest - datetime.datetime.min < interval:
        return datetime.datetime.min
    return oldest - interval


def original(
    report: model.Notification,
    known: Iterable[model.Notification],
    rules: Rules,
) -> model.Notification | None:
    """What a report repeats of ``known``; None when it is news.

    One with an equal payload that was generated no earlier than
    ``interval`` before the report, unless a process is known to have done
    the opposite since, or the failure is over.

    :param known: reports of the host, of the same type, the newest first
    """
    oldest = since(report.generated_time, rules.interval)
    for other in known:
        if triage.opposes(report, other):
            return None
        if (
            _failure(other) == _failure(report)
            and other.generated_time >= oldest
            and not _is_misdated(other, rules)
            and not _is_over(other, report, rules)
        ):
            return other
    return None


def _failure(report: model.Notification) -> tuple[str, Mapping[str, str]]:
    payload = dict(report.payload)
    if report.type == model.NotificationType.PROCESS:
        payload["process_name"] = triage.process(payload)
    return report.type, payload


def _is_misdated(other: model.Notification, rules: Rules) -> bool:
    """Whether it is dated after it came, which releases before let pass."""
    came = other.created_at or rules.now
    return other.generated_time - came > rules.tolerance


def _is_over(
    other: model.Notification, report: model.Notification, rules: Rules
) -> bool:
    """Whether the same can have failed again since.

    An instance can when its recovery is done; a host, and a process of it,
    when its maintenance has been lifted besides. A report of the very same
    time is still a repetition: a monitor sends it that did not see our
    answer.
    """
    lifted = rules.lifted_after is not None and other.id <= rules.lifted_after
    return (
        other.status not in model.UNFINISHED
        and (lifted or other.type == model.NotificationType.VM)
        and abs(other.generated_time - report.generated_time) >= _RESOLUTION
    )
