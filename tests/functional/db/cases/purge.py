# SPDX-License-Identifier: Apache-2.0
import datetime

import pytest

from masakari.db import hosts, progress, purge, segments, tables
from tests.functional.db import logbooks, records

CUTOFF = records.EPOCH
OLD = CUTOFF - datetime.timedelta(days=1)


class Purge:
    """``url`` is the one of ``database``, which has its tables."""

    @pytest.fixture(autouse=True)
    def _taskflow(self, url):
        progress.create_tables(url)

    def ended(self, database, at=OLD, status="finished", **values):
        made = records.notification(database, **values)
        records.vmove(database, made)
        records.add(
            database,
            tables.VMovePlan(
                vmove_uuid=made.uuid,
                notification_uuid=made.uuid,
                instance_uuid=made.uuid,
                attempt=1,
                position=0,
                priority=0,
                ha_enabled=True,
            ),
        )
        records.change(
            database,
            tables.Notification,
            made.uuid,
            status=status,
            updated_at=at,
        )
        return made

    def purge(self, database, **values):
        counts = purge.purge(database, database, before=CUTOFF, **values)
        return {table: count for table, count in counts.items() if count}

    @pytest.mark.parametrize("status", ["finished", "failed", "ignored"])
    def test_what_ended_goes_with_all_it_had(self, database, url, status):
        kept = self.ended(database, at=CUTOFF, status=status)
        gone = self.ended(database, status=status)
        for one in (kept, gone):
            logbooks.run(
                url,
                one.uuid,
                logbooks.Told("A", ("a",)),
                name="instance:evacuate",
            )
        records.age_logbooks(database, OLD)
        assert self.purge(database) == {
            "notifications": 1,
            "vmoves": 1,
            "vmove_plans": 1,
            "recoveries": 1,
            "logbooks": 1,
        }
        assert records.count(database, tables.Notification) == 1
        assert database.read(progress.of_notification, gone.uuid) == []
        assert len(database.read(progress.of_notification, kept.uuid)) == 1
        assert self.purge(database) == {}

    @pytest.mark.parametrize("status", ["new", "running", "error"])
    def test_what_has_not_ended_stays(self, database, url, status):
        self.ended(database, status=status)
        assert self.purge(database) == {}

    def test_deleted_hosts_go_before_their_segments(self, database, clock):
        clock.now = OLD
        host = records.host(database)
        database.write(segments.delete, host.segment.uuid)
        clock.now = CUTOFF
        recent = records.host(database)
        database.write(hosts.delete, recent.uuid)
        assert self.purge(database) == {
            "hosts": 1,
            "failover_segments": 1,
            "host_intakes": 1,
        }
        assert records.count(database, tables.Host) == 1

    def test_a_segment_stays_while_a_host_row_refers_to_it(
        self, database, clock
    ):
        clock.now = OLD
        host = records.host(database)
        database.write(segments.delete, host.segment.uuid)
        records.change(
            database, tables.Host, host.uuid, deleted=0, deleted_at=None
        )
        assert self.purge(database) == {}

    def test_claims_go_with_their_host_once_they_lapsed(self, database, clock):
        host = records.host(database)
        far = 2**52
        for uuid, until in ((host.uuid, 0), ("x", 0), ("y", far)):
            records.add(
                database,
                tables.Claim(subject=uuid, expires_at=until),
            )
            records.add(
                database,
                tables.HostIntake(source_host_uuid=uuid, accepted=1),
            )
        assert self.purge(database) == {"claims": 1, "host_intakes": 2}
        assert records.count(database, tables.Claim) == 2

    def test_logbooks_of_others_stay(self, database, url):
        logbooks.run(
            url, "of-somebody-else", logbooks.Told("A", ("a",)), name="other"
        )
        records.age_logbooks(database, OLD)
        assert self.purge(database) == {}

    def test_there_is_a_limit_for_all_tables_together(self, database):
        host = records.host(database)
        for _ in range(5):
            self.ended(database, of=host)
        removed = []
        while counts := self.purge(database, max_rows=4):
            removed.append(sum(counts.values()))
        assert removed == [4, 4, 4, 4, 4]
        assert records.count(database, tables.VMove) == 0

    def test_large_tables_are_emptied(self, database, monkeypatch):
        monkeypatch.setattr(purge, "_BATCH", 2)
        host = records.host(database)
        for _ in range(5):
            self.ended(database, of=host)
        assert self.purge(database)["notifications"] == 5
        assert records.count(database, tables.Notification) == 0
