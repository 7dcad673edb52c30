# SPDX-License-Identifier: Apache-2.0
"""Why moves that go on have not worked so far, for whoever watches."""

import logging
import re
from collections.abc import Iterable

from masakari.engine.evacuation.flight import Flight
from masakari.engine.recovery import Recovery

LOG = logging.getLogger(__name__)

#: The ids of requests, and addresses in memory: other ones in each answer.
_VOLATILE = re.compile(r"\breq-[0-9a-f-]+|\b0x[0-9a-f]+")


class Troubles:
    """Puts the reasons on record, and in the log, when they are new.

    Most instances have the same ones, again and again: the log has each
    once, and a move is written to only when its own changes.

    :param place: the host that they are sent to; None when Nova chooses it
    """

    def __init__(self, recovery: Recovery, place: str | None) -> None:
        self._recovery = recovery
        self._place = place
        self._noted: dict[str, str] = {}
        self._logged: set[str] = set()

    def note(self, flights: Iterable[Flight]) -> None:
        """Write what is new, in one transaction."""
        fresh = {}
        for flight in flights:
            vmove = flight.planned.vmove
            reason = self._in_words(flight.trouble)
            noted = self._noted.get(vmove.uuid, vmove.message) or ""
            if not reason or _lasting(reason) == _lasting(noted):
                continue
            fresh[vmove.uuid] = reason
            self._log(flight, reason)
        self._noted |= fresh
        self._recovery.journal.note(fresh)

    def _in_words(self, trouble: str) -> str:
        if trouble and self._place is not None:
            return f"Host {self._place}: {trouble}"
        return trouble

    def _log(self, flight: Flight, reason: str) -> None:
        # Nova may name the instance in it.
        kind = _lasting(reason).replace(flight.uuid, "")
        if kind in self._logged:
            return
        self._logged.add(kind)
        LOG.warning(
            "Notification %s: instance %s (%s), and maybe others, could not "
            "be evacuated so far: %s",
            self._recovery.notification.uuid,
            flight.planned.move.instance_name,
            flight.uuid,
            reason,
        )


def _lasting(reason: str) -> str:
    """What stays of a reason that is given again."""
    return _VOLATILE.sub("", reason)
