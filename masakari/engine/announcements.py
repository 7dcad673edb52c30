# SPDX-License-Identifier: Apache-2.0
"""What the engine tells the message bus of a recovery.

Each event follows the commit that it tells of; the status in the events of
``notification.process`` is the one before the result, as consumers know it.
"""

import dataclasses
from collections.abc import Iterable

from masakari.context import RequestContext
from masakari.domain.model import (
    Host,
    Notification,
    NotificationStatus,
    VMove,
    VMoveStatus,
)
from masakari.domain.verdict import Verdict
from masakari.events import payloads
from masakari.events.publisher import Binary, Phase, Publisher


class Announcements:
    """Tells of one recovery.

    :param context: whose request the events belong to
    """

    def __init__(self, publisher: Publisher, context: RequestContext) -> None:
        self._publisher = publisher
        self._context = context

    def begun(self, notification: Notification, attempt: int) -> None:
        """An engine has begun to work on it, or gone on."""
        before = (
            NotificationStatus.NEW
            if attempt == 1
            else NotificationStatus.ERROR
        )
        self._process(notification, before, Phase.START)

    def ended(self, notification: Notification, verdict: Verdict) -> None:
        """The work has ended, well or not; the result is written."""
        failure = "NotificationNotRecovered" if verdict.bad else None
        alarming = failure or verdict.alarming
        fault = payloads.reason(
            failure or "IgnoreInstanceRecoveryException",
            verdict.message or "",
        )
        self._process(
            notification,
            NotificationStatus.RUNNING,
            Phase.ERROR if alarming else Phase.END,
            fault if alarming else None,
        )
        self._publisher.emit(
            self._context,
            "notification.update",
            Phase.ERROR if failure else Phase.END,
            payloads.notification(
                dataclasses.replace(notification, status=verdict.status),
                fault=fault if failure else None,
            ),
        )

    def host_changed(self, host: Host) -> None:
        """As the API would tell it, whose event this is."""
        for phase in (Phase.START, Phase.END):
            self._publisher.emit(
                self._context,
                "host.update",
                phase,
                payloads.host(host),
                binary=Binary.API,
            )

    def planned(self, moves: Iterable[VMove]) -> None:
        """Instances that are moved, or left alone."""
        for move in moves:
            self._publisher.emit(
                self._context,
                "vmove.create",
                Phase.END,
                payloads.vmove(move),
            )

    def moved(self, moves: Iterable[VMove]) -> None:
        """Moves have begun, or ended."""
        for move in moves:
            failed = move.status is VMoveStatus.FAILED
            fault = payloads.reason("VMoveFailed", move.message or "")
            self._publisher.emit(
                self._context,
                "vmove.update",
                Phase.ERROR if failed else Phase.END,
                payloads.vmove(move, fault=fault if failed else None),
            )

    def _process(
        self,
        notification: Notification,
        status: NotificationStatus,
        phase: Phase,
        fault: payloads.Payload | None = None,
    ) -> None:
        self._publisher.emit(
            self._context,
            "notification.process",
            phase,
            payloads.notification(
                dataclasses.replace(notification, status=status), fault=fault
            ),
        )
