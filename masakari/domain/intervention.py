# SPDX-License-Identifier: Apache-2.0
"""What an operator may do to a notification, by the engines' own rules."""

import dataclasses

from masakari.domain import verdict
from masakari.domain.model import Notification, NotificationStatus
from masakari.domain.verdict import Verdict

_ASKED = "Tried again because an operator asked for it"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """A notification, and who has to do with it; times are in seconds.

    :param host_name: None when there is no trace of the host
    :param registered: whether the host still is
    :param age: since the notification was stored
    :param next_attempt_in: of one in ``error``; None is as soon as possible
    :param owner: the engine that has claimed it last and not released it
    :param lease_left: of that claim; negative since it has lapsed
    """

    notification: Notification
    host_name: str | None
    registered: bool
    age: float
    attempts: int
    next_attempt_in: float | None
    owner: str | None
    lease_left: float | None

    @property
    def held(self) -> bool:
        """Whether an engine may be acting on it."""
        return self.lease_left is not None and self.lease_left > 0


@dataclasses.dataclass(frozen=True, slots=True)
class Refusal:
    """Why something is not done."""

    reason: str


def retry(situation: Situation, *, expiry: float) -> Verdict | Refusal:
    """Whether there may be another attempt at once.

    :param expiry: age (seconds) at which engines give notifications up
    :returns: what the notification becomes, for an engine to take it up
    """
    notification = situation.notification
    if notification.status not in _WHY_NO_RETRY:
        return _retry(situation, expiry)
    return Refusal(_WHY_NO_RETRY[notification.status])


def _retry(situation: Situation, expiry: float) -> Verdict | Refusal:
    if situation.age > expiry:
        return Refusal(
            f"it is older than {expiry:g} seconds "
            "(notifications_expired_interval) and would only fail again; "
            "report the failure anew"
        )
    if not situation.registered:
        return Refusal("its host is not registered any more")
    before = situation.notification.message
    if situation.notification.status is NotificationStatus.ERROR:
        return Verdict(NotificationStatus.ERROR, before)
    return verdict.error(f"{_ASKED}. Before: {before}" if before else _ASKED)


def release(situation: Situation) -> Refusal | None:
    """Whether other engines may take it at once; None when they may.

    An engine whose lease is live may be acting, whether or not it is
    listed as down: engines do not take from it either.
    """
    notification = situation.notification
    if notification.status is not NotificationStatus.RUNNING:
        return Refusal(_WHY_NO_RELEASE[notification.status])
    if situation.held:
        return Refusal(
            f"engine {situation.owner} holds it for another "
            f"{situation.lease_left:.0f} seconds unless it renews its lease"
        )
    return None


_OVER = "it is {} and nothing is left to do"

_WHY_NO_RETRY = {
    NotificationStatus.NEW: "it is new: engines take it up by themselves",
    NotificationStatus.RUNNING: "it is running: an engine works on it, or "
    "takes it over when the lease of the last one has ended",
    NotificationStatus.FINISHED: _OVER.format("finished"),
    NotificationStatus.IGNORED: _OVER.format("ignored"),
}

_WHY_NO_RELEASE = {
    NotificationStatus.NEW: _WHY_NO_RETRY[NotificationStatus.NEW],
    NotificationStatus.ERROR: "it is in error and nobody holds it; retry "
    "makes its next attempt due now",
    NotificationStatus.FAILED: "it has failed and nobody holds it; retry "
    "gives it another attempt",
    NotificationStatus.FINISHED: _OVER.format("finished"),
    NotificationStatus.IGNORED: _OVER.format("ignored"),
}
