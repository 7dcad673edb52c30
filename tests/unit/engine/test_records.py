# SPDX-License-Identifier: Apache-2.0
import datetime

import pytest

from masakari.domain.server import Migration
from masakari.engine.evacuation.records import EvacuationRecords


class Compute:
    """Nova, with records of one instance in these states, the oldest first."""

    def __init__(self, *statuses: str) -> None:
        self.statuses = statuses

    def evacuations(
        self, source_host: str, since: datetime.datetime | None
    ) -> list[Migration]:
        return [
            Migration(
                id=number,
                instance_uuid="a",
                source_host=source_host,
                dest_host=None,
                status=status,
                created_at=datetime.datetime(2026, 1, 1),
            )
            for number, status in enumerate(self.statuses, start=1)
        ]


@pytest.mark.parametrize(
    ("statuses", "after", "found"),
    [
        ((), 0, None),
        (("failed", "accepted"), 0, 2),
        (("failed", "error"), 0, 2),
        # Nova may yet carry out the first.
        (("accepted", "failed"), 0, 1),
        (("failed", "pre-migrating", "failed", "error"), 0, 2),
        # The instance has left the host since, or the first is history.
        (("accepted", "done"), 0, 2),
        (("accepted", "completed", "failed"), 0, 3),
        (("accepted", "failed"), 1, 2),
        (("accepted", "failed"), 2, None),
    ],
)
def test_one_that_nova_has_not_ended_counts_more_than_one_that_failed(
    statuses: tuple[str, ...], after: int, found: int | None
) -> None:
    records = EvacuationRecords(Compute(*statuses), "failed")  # type: ignore[arg-type]
    records.refresh()
    latest = records.latest("a", after=after)
    assert (latest and latest.id) == found
    assert records.last_id("a") == len(statuses)
