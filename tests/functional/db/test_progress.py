# SPDX-License-Identifier: Apache-2.0
import pytest
import sqlalchemy

from masakari.db import progress
from masakari.db.session import Database
from tests.functional.db import logbooks
from tests.functional.db.cases import progress as progress_cases

UUID = "5e6a7c10-0000-4000-8000-000000000001"


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/taskflow.sqlite"


@pytest.fixture
def database(url):
    database = Database(url)
    yield database
    database.dispose()


class TestProgress(progress_cases.Progress):
    pass


@pytest.mark.parametrize(
    "meta",
    [
        "null",
        "[]",
        '{"progress_details": null}',
        '{"progress_details": {"details": []}}',
        '{"progress_details": {"details": {"progress_details": "x"}}}',
        '{"progress_details": {"details": {"progress_details": [1]}}}',
    ],
)
def test_what_others_have_stored_does_no_harm(database, url, meta):
    progress.create_tables(url)
    logbooks.run(url, UUID, logbooks.Told("A", ("a",)), name="x")
    with database.transaction() as connection:
        connection.execute(
            sqlalchemy.text("UPDATE atomdetails SET meta = :meta"),
            {"meta": meta},
        )
    assert database.read(progress.of_notification, UUID) == []
