# SPDX-License-Identifier: Apache-2.0
import math
import multiprocessing
import os
import threading
import time

import pytest
import sqlalchemy
from oslo_config import cfg
from oslo_db import exception as db_exception

from masakari import exception
from masakari.db import schema, segments, tables
from masakari.db.session import Database
from tests.functional.db import cases, records


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/masakari.sqlite"


@pytest.fixture
def file(url):
    database = Database(url)
    schema.create_all(database)
    yield database
    database.dispose()


def _accept(session):
    """Read, then write: two of these at once must not lose a step."""
    row = session.get(tables.HostIntake, "h")
    if row is None:
        row = tables.HostIntake(source_host_uuid="h", accepted=0)
        session.add(row)
    row.accepted += 1
    session.flush()


def _accepted(session):
    return session.get(tables.HostIntake, "h").accepted


def _accept_often(url, times):
    database = Database(url)
    for _ in range(times):
        database.write(_accept)
    database.dispose()


def _in_threads(count, function):
    threads = [threading.Thread(target=function) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_many_threads_write_to_one_database_in_memory(database):
    _in_threads(8, lambda: [database.write(_accept) for _ in range(10)])
    assert database.read(_accepted) == 80


def test_many_threads_write_to_one_file(file):
    _in_threads(8, lambda: [file.write(_accept) for _ in range(10)])
    assert file.read(_accepted) == 80


def test_several_processes_write_to_one_file(file, url):
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=_accept_often, args=(url, 20)) for _ in range(3)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert file.read(_accepted) == 60


def test_writers_wait_for_each_other_rather_than_run_again(file):
    runs = []

    def accept(session):
        runs.append(session)
        _accept(session)

    _in_threads(8, lambda: [file.write(accept) for _ in range(10)])
    assert len(runs) == 80


def test_a_forked_process_gets_connections_of_its_own(file):
    def maker(session):
        return session.connection().connection.info["pid"]

    def child():
        assert file.read(maker) == os.getpid()
        file.write(_accept)

    assert file.read(maker) == os.getpid()
    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join(30)
    assert process.exitcode == 0
    assert file.read(_accepted) == 1


def test_a_reader_does_not_wait_for_a_writer(file):
    records.segment(file, name="before")

    def write(session):
        segments.create(session, records.new_segment(name="x"))
        return file.read(segments.select, {}, cases.ALL)

    assert [one.name for one in file.write(write)] == ["before"]


def test_what_fails_leaves_nothing_behind(database):
    def fail(session):
        segments.create(session, records.new_segment(name="s"))
        raise exception.Conflict()

    with pytest.raises(exception.Conflict):
        database.write(fail)
    assert database.read(segments.select, {}, cases.ALL) == []


def test_a_reader_changes_nothing(database):
    database.read(segments.create, records.new_segment())
    assert database.read(segments.select, {}, cases.ALL) == []


@pytest.mark.parametrize(
    "error",
    [
        db_exception.DBDeadlock(),
        db_exception.DBConnectionError(),
        sqlalchemy.exc.OperationalError("", {}, Exception("locked")),
    ],
)
def test_a_whole_transaction_runs_again(database, error):
    runs = []

    def write(session):
        runs.append(session)
        made = segments.create(session, records.new_segment(name="s"))
        if len(runs) < 4:
            raise error
        return made

    made = database.write(write)
    assert len(runs) == 4
    assert database.read(segments.select, {}, cases.ALL) == [made]


def test_patience_has_an_end(database):
    runs = []

    def write(session):
        runs.append(session)
        raise db_exception.DBDeadlock()

    with pytest.raises(exception.ServiceUnavailable):
        database.write(write)
    assert len(runs) == 6


def test_reconnecting_can_be_told_to_go_on_for_longer():
    database = Database(
        "sqlite://",
        use_db_reconnect=True,
        db_max_retries=9,
        db_retry_interval=0,
        db_inc_retry_interval=False,
    )
    runs = []

    def read(session):
        runs.append(session)
        raise db_exception.DBConnectionError()

    with pytest.raises(exception.ServiceUnavailable):
        database.read(read)
    assert len(runs) == 10


def test_a_file_that_cannot_be_opened_is_unavailable(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/no/such/place", max_retries=0)
    with pytest.raises(exception.ServiceUnavailable):
        database.read(segments.select, {}, cases.ALL)
    with pytest.raises(exception.ServiceUnavailable):
        database.connect()


def test_waiting_for_the_database_ends_when_it_comes(tmp_path):
    place = tmp_path / "later"
    database = Database(
        f"sqlite:///{place}/db", max_retries=-1, retry_interval=0.01
    )
    waiting = threading.Thread(target=database.connect)
    waiting.start()
    assert waiting.is_alive()
    place.mkdir()
    waiting.join(10)
    assert not waiting.is_alive()


def test_the_pool_is_as_large_as_it_is_told(url):
    database = Database(url, max_pool_size=1, max_overflow=0, pool_timeout=0)
    schema.create_all(database)
    started = time.monotonic()

    def nested(session):
        return database.read(segments.select, {}, cases.ALL)

    with pytest.raises(exception.ServiceUnavailable):
        database.read(nested)
    assert time.monotonic() - started < 30
    database.dispose()


def test_the_configuration_says_where_it_is(url):
    conf = cfg.ConfigOpts()
    conf([])
    with pytest.raises(exception.ConfigurationError):
        Database.from_conf(conf)
    conf.set_override("connection", url, "database")
    conf.set_override("max_pool_size", 3, "database")
    database = Database.from_conf(conf, clock=lambda: records.EPOCH)
    assert database.engine.pool.size() == 3
    schema.create_all(database)
    assert records.segment(database).created_at == records.EPOCH
    database.dispose()


def test_sqlite_keeps_what_it_was_told_was_written(file):
    with file.transaction() as connection:

        def pragma(name):
            return connection.exec_driver_sql(f"PRAGMA {name}").scalar()

        assert pragma("foreign_keys") == 1
        assert pragma("journal_mode") == "wal"
        assert pragma("synchronous") == 2


@pytest.mark.parametrize(
    ("options", "seconds"),
    [
        ({}, 10 + 30 + 10),
        ({"pool_timeout": 5}, 10 + 5 + 10),
        ({"use_db_reconnect": True, "db_max_retries": 2}, 3 * (10 + 40)),
        (
            {
                "use_db_reconnect": True,
                "db_max_retries": 1,
                "db_inc_retry_interval": False,
                "db_retry_interval": 4,
            },
            2 * (4 + 40),
        ),
        ({"use_db_reconnect": True, "db_max_retries": -1}, math.inf),
    ],
)
def test_how_long_an_outage_may_keep_a_transaction(options, seconds):
    assert Database("sqlite://", **options).patience == seconds
