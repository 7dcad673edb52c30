# SPDX-License-Identifier: Apache-2.0
import pytest

from masakari.db import progress, purge, schema, tables
from masakari.db.session import Database
from tests.functional.db import logbooks, records
from tests.functional.db.cases import purge as purge_cases


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/masakari.sqlite"


@pytest.fixture
def database(url, clock):
    database = Database(url, clock=clock)
    schema.create_all(database)
    yield database
    database.dispose()


class TestPurge(purge_cases.Purge):
    pass


def test_logbooks_may_be_in_a_database_of_their_own(database, tmp_path):
    url = f"sqlite:///{tmp_path}/taskflow.sqlite"
    progress.create_tables(url)
    other = Database(url)
    kept = records.notification(database)
    for uuid in (kept.uuid, "gone"):
        logbooks.run(
            url,
            uuid,
            logbooks.Told("A", ("a",)),
            name="process:recovery",
        )
    records.age_logbooks(other, purge_cases.OLD)
    counts = purge.purge(database, other, before=purge_cases.CUTOFF)
    assert counts["logbooks"] == 1
    assert other.read(progress.of_notification, "gone") == []
    assert len(other.read(progress.of_notification, kept.uuid)) == 1
    other.dispose()


def test_a_database_without_logbooks_can_be_purged(database):
    records.notification(database)
    counts = purge.purge(database, database, before=purge_cases.CUTOFF)
    assert set(counts.values()) == {0}
    assert records.count(database, tables.Notification) == 1
