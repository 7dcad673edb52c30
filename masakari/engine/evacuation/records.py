# SPDX-License-Identifier: Apache-2.0
"""Nova's evacuation records of one source host, kept up to date."""

import datetime

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
        self._by_id: dict[int, Migration] = {}
        self._latest: dict[str, Migration] = {}

    def refresh(self, *, everything: bool = True) -> bool:
        """Ask Nova; True when a record is new or has changed.

        :param everything: False asks for changes only, and Nova does not
            count it as a change that a record is new
        """
        changed = False
        since = None if everything else self._since()
        for record in self._compute.evacuations(self._source_host, since):
            changed = changed or self._by_id.get(record.id) != record
            self._by_id[record.id] = record
            newest = self._latest.get(record.instance_uuid)
            if newest is None or newest.id <= record.id:
                self._latest[record.instance_uuid] = record
        return changed

    def latest(self, instance_uuid: str) -> Migration | None:
        return self._latest.get(instance_uuid)

    def _since(self) -> datetime.datetime | None:
        times = [
            record.updated_at or record.created_at
            for record in self._by_id.values()
        ]
        return max(times) - OVERLAP if times else None
