# SPDX-License-Identifier: Apache-2.0
"""Nova's evacuation records of one source host, kept up to date."""

import datetime
import itertools

from masakari.domain.server import Migration
from masakari.nova.port import ComputePort

#: Nova stamps a record before it commits it, and to the second: look this
#: far back for changes.
OVERLAP = datetime.timedelta(seconds=60)


class EvacuationRecords:
    """All records once, then what has changed, by Nova's own clock."""

    def __init__(self, compute: ComputePort, source_host: str) -> None:
        self._compute = compute
        self._source_host = source_host
        self._of_instance: dict[str, dict[int, Migration]] = {}

    def refresh(self, *, everything: bool = True) -> bool:
        """Ask Nova; True when a record is new or has changed.

        :param everything: False asks for changes only, and Nova does not
            count it as a change that a record is new
        """
        changed = False
        since = None if everything else self._since()
        for record in self._compute.evacuations(self._source_host, since):
            own = self._of_instance.setdefault(record.instance_uuid, {})
            changed = changed or own.get(record.id) != record
            own[record.id] = record
        return changed

    def latest(
        self, instance_uuid: str, *, after: int = 0, lost: int | None = None
    ) -> Migration | None:
        """The record that says how the evacuation of an instance stands.

        That is the newest. But when that has failed, and Nova has not ended
        an earlier one, which somebody else has asked for, the earlier one:
        Nova may yet carry it out.

        :param after: records up to this ``id`` are of earlier evacuations
        :param lost: the ``id`` of one that Nova had lost when it was asked
            again: it takes that one for the new request
        """
        own = self._of_instance.get(instance_uuid, {})
        newest_first = [
            own[number]
            for number in sorted(own, reverse=True)
            if number > after
        ]
        since = itertools.takewhile(lambda r: not r.succeeded, newest_first)
        open_one = next((r for r in since if r.in_progress), None)
        found = open_one or next(iter(newest_first), None)
        if found is None or lost is None or own[lost].status == "accepted":
            return found
        return own[lost] if found.status == "accepted" else found

    def last_id(self, instance_uuid: str) -> int:
        """The ``id`` of the newest record; 0 when there is none."""
        return max(self._of_instance.get(instance_uuid, {}), default=0)

    def _since(self) -> datetime.datetime | None:
        times = [
            record.updated_at or record.created_at
            for own in self._of_instance.values()
            for record in own.values()
        ]
        return max(times) - OVERLAP if times else None
