# SPDX-License-Identifier: Apache-2.0
"""Databases of one's own on the servers that tests are given."""

import contextlib
import os
import uuid
from collections.abc import Iterator

import sqlalchemy

from masakari.db import schema, tables
from masakari.db.clocks import Clock
from masakari.db.session import Database

URLS = {
    "mariadb": os.environ.get(
        "MASAKARI_TEST_MYSQL", "mysql+pymysql://root@127.0.0.1/"
    ),
    "postgresql": os.environ.get(
        "MASAKARI_TEST_POSTGRESQL", "postgresql+psycopg2://postgres@127.0.0.1/"
    ),
}


@contextlib.contextmanager
def new_database(server: str) -> Iterator[str]:
    """The URL of an empty database that nobody else uses."""
    name = f"masakari_{uuid.uuid4().hex[:12]}"
    engine = sqlalchemy.create_engine(
        URLS[server], isolation_level="AUTOCOMMIT", poolclass=None
    )
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        yield engine.url.set(database=name).render_as_string(
            hide_password=False
        )
    finally:
        force = " WITH (FORCE)" if server == "postgresql" else ""
        with engine.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name}{force}")
        engine.dispose()


@contextlib.contextmanager
def new_tables(server: str) -> Iterator[str]:
    """The URL of a database of one's own that has all tables."""
    with new_database(server) as url:
        database = Database(url)
        schema.create_all(database)
        database.dispose()
        yield url


@contextlib.contextmanager
def emptied(url: str, clock: Clock) -> Iterator[Database]:
    """A database whose rows are gone afterwards."""
    database = Database(url, clock=clock)
    yield database
    with database.transaction() as connection:
        for table in reversed(tables.Base.metadata.sorted_tables):
            connection.execute(sqlalchemy.delete(table))
    database.dispose()
