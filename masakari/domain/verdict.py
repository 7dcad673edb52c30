# SPDX-License-Identifier: Apache-2.0
"""How the work on a notification ended, and why."""

import dataclasses
from collections.abc import Sequence

from masakari.domain.model import NotificationStatus, VMove, VMoveStatus

#: The wording, misspelling included, is what clouds have seen for years.
SEGMENT_DISABLED = "Recovery aboart: the segment HA is disabled."

#: Failures named one by one in a message; the vmoves have them all.
NAMED_FAILURES = 5


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """The status a notification gets, and its ``message``.

    ``message`` is None only when there is nothing to explain. What is
    ``alarming`` is told as an error although nothing was to be done.
    """

    status: NotificationStatus
    message: str | None = None
    alarming: bool = False

    @property
    def bad(self) -> bool:
        """Something that should have been done was not."""
        return self.status in (
            NotificationStatus.ERROR,
            NotificationStatus.FAILED,
        )


def finished(message: str | None = None) -> Verdict:
    """The work is done, or there was none."""
    return Verdict(NotificationStatus.FINISHED, message)


def ignored(message: str, *, alarming: bool = False) -> Verdict:
    """Nothing was done, on purpose."""
    return Verdict(NotificationStatus.IGNORED, message, alarming)


def error(message: str) -> Verdict:
    """The attempt failed; there may be another."""
    return Verdict(NotificationStatus.ERROR, message)


def failed(message: str) -> Verdict:
    """It is given up."""
    return Verdict(NotificationStatus.FAILED, message)


def of_moves(moves: Sequence[VMove], trouble: str | None = None) -> Verdict:
    """Judge a host recovery by the latest move of every instance.

    :param trouble: what went wrong beside the moves
    """
    left = [m for m in moves if not settled_well(m)]
    if not left:
        return finished() if trouble is None else error(trouble)
    named = "; ".join(
        f"{move.instance_name} ({move.instance_uuid}): "
        f"{move.message or f'left {move.status}'}"
        for move in left[:NAMED_FAILURES]
    )
    more = len(left) - NAMED_FAILURES
    tail = f"; and {more} more" if more > 0 else ""
    return error(
        f"{len(left)} of {len(moves)} instances were not recovered: "
        f"{named}{tail}"
    )


def settled_well(move: VMove) -> bool:
    """A move that is neither failed nor left somewhere on its way."""
    return move.status in (VMoveStatus.SUCCEEDED, VMoveStatus.IGNORED)


def after_attempt(
    verdict: Verdict, attempt: int, *, last: bool = False
) -> Verdict:
    """``error`` is tried once more; the second one is ``failed``.

    :param last: there is no time for another one
    """
    final = attempt > 1 or last
    if verdict.status is NotificationStatus.ERROR and final:
        return failed(verdict.message or "The second attempt failed too.")
    return verdict
