# SPDX-License-Identifier: Apache-2.0
"""Commits that fail, with the errors that servers and drivers have for it.

A node of a Galera cluster reports a conflict with another node as a
deadlock, at the commit or at any statement before it.
"""

import itertools

import pymysql
import pytest
import sqlalchemy

from masakari import exception
from masakari.db import claims, query, schema, segments, tables
from masakari.db.session import Database
from tests.functional.db import commits, records
from tests.functional.db.cases import commits as cases
from tests.integration import servers

pytestmark = pytest.mark.integration

#: What MariaDB and PyMySQL report when a transaction may work the next time.
ERRORS = {
    "deadlock": (1213, "Deadlock found when trying to get lock; try "
                       "restarting transaction"),
    "aborted": (1213, "Deadlock: wsrep aborted transaction"),
    "conflict": (1213, "WSREP detected deadlock/conflict and aborted the "
                       "transaction. Try restarting the transaction"),
    "lock-wait": (1205, "Lock wait timeout exceeded; try restarting "
                        "transaction"),
    "changed": (1020, "Record has changed since last read in table 'claims'"),
    "not-ready": (1047, "WSREP has not yet prepared node for application "
                        "use"),
    "commit": (1180, "Got error 6 \"No such device or address\" during "
                     "COMMIT"),
    "interrupted": (1317, "Query execution was interrupted"),
    "shutdown": (1053, "Server shutdown in progress"),
    "killed": (1927, "Connection was killed"),
    "gone": (2006, "MySQL server has gone away"),
    "lost": (2013, "Lost connection to MySQL server during query"),
}  # fmt: skip


@pytest.fixture
def database(shared, clock):
    """A database with all tables and no rows."""
    with servers.emptied(shared, clock) as database:
        yield database


class TestClaims(cases.Claims):
    pass


class TestRecoveries(cases.Recoveries):
    pass


class TestInterventions(cases.Interventions):
    pass


class TestRequests(cases.Requests):
    pass


@pytest.fixture(scope="module")
def mariadb():
    with servers.new_database("mariadb") as url:
        database = Database(url)
        schema.create_all(database)
        yield database
        database.dispose()


@pytest.fixture(params=sorted(ERRORS))
def error(request):
    return lambda: pymysql.err.OperationalError(*ERRORS[request.param])


@pytest.fixture
def failing(mariadb, error):
    failing = commits.Commits(mariadb, error)
    yield failing
    failing.heal()


def names(database):
    return [
        segment.name
        for segment in database.read(segments.select, {}, query.Page())
    ]


def test_a_commit_that_fails_is_done_again(mariadb, failing):
    failing.fail(iter([commits.REFUSED, commits.REFUSED]))
    made = records.segment(mariadb)
    assert failing.failed == 2
    assert names(mariadb).count(made.name) == 1


def test_commits_that_go_on_failing_are_given_up(mariadb, failing):
    failing.fail(itertools.repeat(commits.REFUSED))
    before = names(mariadb)
    with pytest.raises(exception.ServiceUnavailable):
        records.segment(mariadb)
    assert 1 < failing.failed <= 6
    assert names(mariadb) == before


@pytest.fixture
def statements(mariadb, error):
    """Has statements that write fail; how often is said."""
    left = [0]

    def execute(cursor, statement, parameters, context):
        if left[0] > 0 and statement.startswith(("INSERT", "UPDATE")):
            left[0] -= 1
            # The server has rolled the transaction back by now.
            cursor.connection.rollback()
            raise error()
        return False

    sqlalchemy.event.listen(mariadb.engine, "do_execute", execute)
    yield left
    sqlalchemy.event.remove(mariadb.engine, "do_execute", execute)


def test_a_statement_that_fails_is_done_again(mariadb, statements):
    statements[0] = 2
    made = records.segment(mariadb)
    assert names(mariadb).count(made.name) == 1


def test_statements_that_go_on_failing_are_given_up(mariadb, statements):
    statements[0] = 1000
    with pytest.raises(exception.ServiceUnavailable):
        records.segment(mariadb)
    assert statements[0] >= 990


def test_a_row_to_claim_is_opened_in_spite_of_it(mariadb, statements):
    statements[0] = 1
    mariadb.write(claims.open_row, "subject")
    found = mariadb.read(lambda session: session.get(tables.Claim, "subject"))
    assert found.expires_at == 0
    mariadb.write(lambda session: session.delete(found))
