# SPDX-License-Identifier: Apache-2.0
"""A database whose other server becomes the one to write to."""

import pymysql
import pytest
import sqlalchemy

from masakari import conf as configuration
from masakari import exception
from masakari.db import connections, progress, query, segments
from masakari.db.session import Database
from tests.functional.db import records
from tests.integration import servers

pytestmark = pytest.mark.integration

#: What a server of MariaDB or MySQL says that is a replica by now.
REPLICAS = [
    (
        1290,
        "The MariaDB server is running with the --read-only option so it "
        "cannot execute this statement",
    ),
    (
        1290,
        "The MySQL server is running with the --super-read-only option so it "
        "cannot execute this statement",
    ),
    (1836, "Running in read-only mode"),
    (1792, "Cannot execute statement in a READ ONLY transaction"),
]


def led_astray(engine, *, astray):
    """Have the first connections lead to a server that only reads."""
    left = [astray]

    def connected(connection, _record):
        if left[0] <= 0:
            return
        left[0] -= 1
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION default_transaction_read_only = on")
        connection.commit()

    sqlalchemy.event.listen(engine, "connect", connected)


@pytest.fixture
def postgresql():
    with servers.new_tables("postgresql") as url:
        database = Database(url)
        yield database
        database.dispose()


def test_a_connection_to_a_standby_is_given_up(postgresql):
    led_astray(postgresql.engine, astray=1)
    # It is enough to read with, and goes back to the pool.
    assert postgresql.read(segments.select, {}, query.Page()) == []
    made = records.segment(postgresql)
    assert postgresql.read(segments.get, made.uuid) == made


def test_a_database_that_has_only_standbys_is_away(postgresql):
    led_astray(postgresql.engine, astray=1000)
    with pytest.raises(exception.ServiceUnavailable):
        records.segment(postgresql)


def test_of_several_servers_the_one_that_writes_is_connected_to(postgresql):
    name = postgresql.engine.url.database
    with postgresql.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.exec_driver_sql(
            f"ALTER DATABASE {name} SET default_transaction_read_only = on"
        )
    url = postgresql.engine.url
    standbys = Database(
        url.set(host=None)
        .update_query_dict({"host": [url.host, url.host]})
        .render_as_string(hide_password=False),
        max_retries=0,
    )
    with pytest.raises(exception.ServiceUnavailable):
        standbys.connect()
    standbys.dispose()


@pytest.mark.parametrize("error", REPLICAS)
def test_a_connection_to_a_replica_is_given_up(error):
    with servers.new_tables("mariadb") as url:
        database = Database(url)
        replicas = []

        def connected(connection, _record):
            replicas[:] = replicas or [connection]

        def execute(cursor, statement, *_rest):
            if cursor.connection in replicas and statement.startswith("INS"):
                raise pymysql.err.OperationalError(*error)
            return False

        sqlalchemy.event.listen(database.engine, "connect", connected)
        sqlalchemy.event.listen(database.engine, "do_execute", execute)
        made = records.segment(database)
        assert database.read(segments.get, made.uuid) == made
        database.dispose()


def test_what_is_forbidden_otherwise_is_no_reason_to_connect_again():
    error = pymysql.err.OperationalError(
        1290,
        "The MariaDB server is running with the --secure-file-priv option "
        "so it cannot execute this statement",
    )
    assert not connections.only_reads(error)


def test_the_records_of_taskflow_go_on_at_the_other_server(postgresql):
    url = postgresql.engine.url.render_as_string(hide_password=False)
    progress.create_tables(url)
    conf = configuration.load([], prog="masakari-engine", config_files=[])
    conf.set_override("connection", url, "taskflow")
    engine = progress.backend(conf).engine
    led_astray(engine, astray=1)
    statement = sqlalchemy.text(
        "INSERT INTO logbooks (uuid, name) VALUES ('u', 'n')"
    )
    with (
        pytest.raises(sqlalchemy.exc.DBAPIError),
        engine.begin() as connection,
    ):
        connection.execute(statement)
    with engine.begin() as connection:
        connection.execute(statement)
    engine.dispose()
