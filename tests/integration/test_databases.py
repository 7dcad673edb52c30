# SPDX-License-Identifier: Apache-2.0
"""What holds on SQLite holds on MariaDB and PostgreSQL."""

import datetime
import threading
import time
from concurrent import futures

import pytest
import sqlalchemy
from alembic import autogenerate, runtime

from masakari import exception
from masakari.db import (
    clocks,
    due,
    hosts,
    moves,
    notifications,
    progress,
    query,
    schema,
    segments,
    tables,
    turns,
)
from masakari.db.session import Database
from tests.functional.db import recorded, records
from tests.functional.db.cases import clocks as clocks_cases
from tests.functional.db.cases import engines as engines_cases
from tests.functional.db.cases import hosts as hosts_cases
from tests.functional.db.cases import interventions as interventions_cases
from tests.functional.db.cases import notifications as notifications_cases
from tests.functional.db.cases import paging as paging_cases
from tests.functional.db.cases import progress as progress_cases
from tests.functional.db.cases import purge as purge_cases
from tests.functional.db.cases import recoveries as recoveries_cases
from tests.functional.db.cases import segments as segments_cases
from tests.functional.db.cases import vmoves as vmoves_cases
from tests.integration import servers

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module", params=sorted(servers.URLS))
def server(request):
    return request.param


@pytest.fixture
def url(server):
    """An empty database."""
    with servers.new_database(server) as url:
        yield url


@pytest.fixture
def empty(url):
    database = Database(url)
    yield database
    database.dispose()


@pytest.fixture(scope="module")
def shared(server):
    with servers.new_tables(server) as url:
        yield url


@pytest.fixture
def database(shared, clock):
    """A database with all tables and no rows."""
    with servers.emptied(shared, clock) as database:
        yield database


class TestSegments(segments_cases.Segments):
    pass


class TestHosts(hosts_cases.Hosts):
    pass


class TestNotifications(notifications_cases.Notifications):
    pass


class TestVMoves(vmoves_cases.VMoves):
    pass


class TestClaims(recoveries_cases.Claims):
    pass


class TestReserves(recoveries_cases.Reserves):
    pass


class TestEngines(engines_cases.Engines):
    pass


class TestInterventions(interventions_cases.Interventions):
    pass


class TestOutages(recoveries_cases.Outages):
    pass


class TestStoppedProcesses(recoveries_cases.StoppedProcesses):
    pass


class TestHostClaims(recoveries_cases.HostClaims):
    pass


class TestMoves(recoveries_cases.Moves):
    pass


class TestPaging(paging_cases.Paging):
    pass


class TestProgress(progress_cases.Progress):
    @pytest.fixture
    def database(self, empty):
        return empty


class TestPurge(purge_cases.Purge):
    @pytest.fixture
    def database(self, url, clock):
        database = Database(url, clock=clock)
        schema.create_all(database)
        yield database
        database.dispose()


class TestClocks(clocks_cases.Clocks):
    def test_milliseconds_are_the_servers_own(self, database, clock):
        clock.advance(days=1000)
        now = database.read(
            lambda session: session.scalar(sqlalchemy.select(clocks.now_ms()))
        )
        assert abs(now / 1000 - time.time()) < 60

    def test_the_time_zone_of_the_session_does_not_matter(self, database):
        zone = {
            "mysql": "SET time_zone = '+09:00'",
            "postgresql": "SET TIME ZONE 'Asia/Tokyo'",
        }[database.engine.dialect.name]

        def read(session):
            session.execute(sqlalchemy.text(zone))
            return session.scalar(sqlalchemy.select(clocks.now_ms()))

        assert abs(database.read(read) / 1000 - time.time()) < 60
        database.dispose()


def _differences(database):
    with database.transaction() as connection:
        context = runtime.migration.MigrationContext.configure(
            connection,
            opts={
                **schema.CONTEXT_OPTIONS,
                "compare_type": True,
                "compare_server_default": True,
            },
        )
        return autogenerate.compare_metadata(context, tables.Base.metadata)


def test_an_empty_database_is_brought_to_the_mapped_tables(empty, url):
    assert schema.version(empty) is None
    schema.sync(empty)
    progress.create_tables(url)
    assert _differences(empty) == []
    schema.sync(empty)
    progress.create_tables(url)
    assert schema.version(empty) == "c3d8b6f10a74"


def test_a_default_collation_may_have_changed_since(empty):
    """MariaDB refuses to compare texts of two collations."""
    if empty.engine.dialect.name == "postgresql":
        pytest.skip("PostgreSQL has one collation for a database")

    def use(collation):
        with empty.transaction() as connection:
            connection.exec_driver_sql(
                f"ALTER DATABASE CHARACTER SET utf8mb3 COLLATE {collation}"
            )
        empty.dispose()

    use("utf8mb3_general_ci")
    schema.sync(empty, "13adff5efb9a")
    use("utf8mb3_unicode_ci")
    schema.sync(empty)
    notification = records.notification(empty)
    (found,) = empty.read(due.candidates, limit=10)
    assert found.notification_uuid == notification.uuid
    assert empty.read(moves.latest, notification.uuid) == []


def test_tables_made_in_one_go_are_those_of_the_migrations(empty):
    schema.create_all(empty)
    assert _differences(empty) == []
    schema.sync(empty)


def test_an_old_database_keeps_its_rows(empty):
    schema.sync(empty, "8bdf5929c5a6")
    recorded.insert(empty)
    schema.sync(empty)
    assert _differences(empty) == []
    recorded.check(empty)


def test_an_old_database_of_sqlalchemy_migrate_is_taken_over(empty):
    schema.sync(empty, "8bdf5929c5a6")
    recorded.insert(empty)
    recorded.make_legacy(empty, 8)
    schema.sync(empty)
    assert _differences(empty) == []
    recorded.check(empty)


def _at_once(count, function):
    """Call it in so many threads at the same moment; results and errors."""
    barrier = threading.Barrier(count)

    def run(number):
        barrier.wait(10)
        try:
            return function(number)
        except exception.MasakariException as error:
            return error

    with futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def _report(session, host, at):
    turns.take(session, host.uuid)
    since = at - datetime.timedelta(seconds=180)
    if notifications.of_host(session, host.uuid, "COMPUTE_HOST", since):
        raise exception.DuplicateNotification("It is there already.")
    report = records.new_notification(host, generated_time=at)
    return notifications.create(session, report, request_id=None)


def test_of_reports_at_the_same_moment_one_is_accepted(database):
    for _ in range(5):
        host = records.host(database)
        results = _at_once(
            12,
            lambda number, host=host: database.write(
                _report,
                host,
                records.EPOCH + datetime.timedelta(seconds=number),
            ),
        )
        refused = [
            result
            for result in results
            if isinstance(result, exception.DuplicateNotification)
        ]
        assert len(refused) == 11
        assert (
            len(
                database.read(notifications.of_host, host.uuid, "COMPUTE_HOST")
            )
            == 1
        )


def test_of_two_segments_of_one_name_one_is_made(database):
    results = _at_once(8, lambda _: records.segment(database, name="the-same"))
    made = [one for one in results if not isinstance(one, Exception)]
    assert len(made) == 1
    assert {type(one) for one in results if one not in made} == {
        exception.SegmentExists
    }


def test_of_two_hosts_of_one_name_one_is_made(database):
    segment = records.segment(database)
    results = _at_once(
        8, lambda _: records.host(database, segment, name="the-same")
    )
    made = [one for one in results if not isinstance(one, Exception)]
    assert len(made) == 1
    assert {type(one) for one in results if one not in made} == {
        exception.HostExists
    }


def _delete_segment(session, uuid):
    turns.take_segment(session, uuid)
    segments.delete(session, uuid)


def test_no_host_is_left_in_a_segment_that_goes(database):
    for _ in range(5):
        segment = records.segment(database)
        _at_once(
            6,
            lambda number, segment=segment: (
                database.write(_delete_segment, segment.uuid)
                if number == 0
                else records.host(database, segment)
            ),
        )
        found = database.read(hosts.select, segment.uuid, {}, query.Page())
        assert found == []


def _break(session):
    """End one's own connection, as a server that goes away does."""
    connection = session.connection()
    kill = {
        "mysql": "SELECT CONNECTION_ID()",
        "postgresql": "SELECT pg_backend_pid()",
    }[connection.dialect.name]
    number = session.scalar(sqlalchemy.text(kill))
    other = sqlalchemy.create_engine(connection.engine.url)
    with other.connect() as killer:
        killer.exec_driver_sql(
            f"KILL {number}"
            if connection.dialect.name == "mysql"
            else f"SELECT pg_terminate_backend({number})"
        )
    other.dispose()


def test_a_lost_connection_costs_a_second_run(database):
    runs = []

    def create(session):
        made = segments.create(session, records.new_segment())
        runs.append(made)
        if len(runs) == 1:
            _break(session)
            session.execute(sqlalchemy.text("SELECT 1"))
        return made

    made = database.write(create)
    assert len(runs) == 2
    assert database.read(segments.select, {}, query.Page()) == [made]


def test_connections_that_died_in_the_pool_are_not_noticed(database):
    made = records.segment(database)
    name = database.engine.dialect.name
    other = Database(database.engine.url.render_as_string(hide_password=False))
    with other.transaction() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
            "datname = current_database() AND pid <> pg_backend_pid()"
        ) if name == "postgresql" else [
            connection.exec_driver_sql(f"KILL {number}")
            for number in connection.scalars(
                sqlalchemy.text(
                    "SELECT id FROM information_schema.processlist WHERE "
                    "db = DATABASE() AND id <> CONNECTION_ID()"
                )
            ).all()
        ]
    other.dispose()
    assert database.read(segments.get, made.uuid) == made


def test_a_deadlock_is_run_again(database):
    one, two = records.segment(database), records.segment(database)
    met = threading.Barrier(2)
    runs = []

    def swap(session, first, second):
        runs.append(first)
        segments.update(session, first.uuid, description="1")
        if len(runs) <= 2:
            met.wait(10)
        segments.update(session, second.uuid, description="2")

    _at_once(
        2,
        lambda number: database.write(
            swap, *((one, two) if number else (two, one))
        ),
    )
    assert len(runs) == 3


def test_a_database_that_is_not_there_is_unavailable(server):
    away = sqlalchemy.make_url(servers.URLS[server]).set(port=1)
    database = Database(
        away.render_as_string(hide_password=False),
        max_retries=1,
        retry_interval=0,
    )
    with pytest.raises(exception.ServiceUnavailable):
        database.read(segments.select, {}, query.Page())
    with pytest.raises(exception.ServiceUnavailable):
        database.connect()
    with pytest.raises(exception.ServiceUnavailable):
        schema.sync(database)
    with pytest.raises(exception.ServiceUnavailable):
        schema.version(database)


def test_a_text_too_long_for_the_database_is_not_valid(database):
    text = "ü" * 70000
    if database.engine.dialect.name == "mysql":
        with pytest.raises(exception.InvalidInput):
            records.segment(database, description=text)
    else:
        made = records.segment(database, description=text)
        assert database.read(segments.get, made.uuid).description == text
