# SPDX-License-Identifier: Apache-2.0
"""Migrations only add, so that the release before can go on beside.

It does not write columns that it does not know, reads all that it knows,
and relies on what is unique, and on nothing else being so.
"""

import dataclasses
import itertools

import pytest
import sqlalchemy

from masakari import exception
from masakari.db import schema
from masakari.db.session import Database
from tests.functional.db.test_schema import REVISIONS

#: What was never released, and may go.
DROPPED = {"5c0e7f3a9d21": {"host_claims"}}


@dataclasses.dataclass(frozen=True)
class Table:
    """What others rely on; columns by name, the rest as texts."""

    columns: dict[str, dict[str, object]]
    key: list[str]
    unique: set[str]
    indexes: set[str]
    references: set[str]


@pytest.fixture
def empty(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/db.sqlite")
    yield database
    database.dispose()


def layout(database):
    with database.transaction() as connection:
        inspector = sqlalchemy.inspect(connection)
        return {
            name: _table(inspector, name)
            for name in inspector.get_table_names()
        }


def _table(inspector, name):
    indexes = inspector.get_indexes(name)
    return Table(
        columns={
            column["name"]: {
                "type": str(column["type"]),
                "nullable": column["nullable"],
                "default": column["default"],
            }
            for column in inspector.get_columns(name)
        },
        key=inspector.get_pk_constraint(name)["constrained_columns"],
        unique={
            *(
                str(sorted(unique["column_names"]))
                for unique in inspector.get_unique_constraints(name)
            ),
            *(
                str(sorted(index["column_names"]))
                for index in indexes
                if index["unique"]
            ),
        },
        indexes={
            f"{index['name']} {index['column_names']}" for index in indexes
        },
        references={
            f"{key['constrained_columns']} {key['referred_table']}"
            for key in inspector.get_foreign_keys(name)
        },
    )


def breaches(before, after):
    """What an earlier release would stumble over."""
    found = [f"{name} is gone" for name in before if name not in after]
    for name in before.keys() & after.keys():
        found += [
            f"{name}: {what}" for what in _of_one(before[name], after[name])
        ]
    return found


def _of_one(before, after):
    for name, column in before.columns.items():
        if after.columns.get(name) != column:
            yield f"column {name} is not as it was"
    for name in after.columns.keys() - before.columns.keys():
        column = after.columns[name]
        if not column["nullable"] and column["default"] is None:
            yield f"column {name} cannot be left out"
    for what in ("key", "unique", "references"):
        if getattr(before, what) != getattr(after, what):
            yield f"{what} is not as it was"
    if before.indexes - after.indexes:
        yield "an index is gone"


@pytest.mark.parametrize(
    ("earlier", "revision"), list(itertools.pairwise(REVISIONS))
)
def test_a_migration_only_adds(empty, earlier, revision):
    schema.sync(empty, earlier)
    before = layout(empty)
    schema.sync(empty, revision)
    after = layout(empty)
    for name in DROPPED.get(revision, ()):
        del before[name]
    assert breaches(before, after) == []


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE hosts ADD COLUMN more INTEGER",
        "ALTER TABLE hosts ADD COLUMN more INTEGER NOT NULL DEFAULT 0",
        "CREATE TABLE more (id INTEGER PRIMARY KEY)",
        "CREATE INDEX more ON hosts (created_at)",
    ],
)
def test_what_an_earlier_release_does_not_see_is_fine(empty, statement):
    schema.sync(empty)
    before = layout(empty)
    with empty.transaction() as connection:
        connection.exec_driver_sql(statement)
    assert breaches(before, layout(empty)) == []


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE hosts RENAME COLUMN name TO title",
        "ALTER TABLE hosts DROP COLUMN on_maintenance",
        "ALTER TABLE hosts RENAME TO computes",
        "DROP TABLE process_outages",
        "DROP INDEX hosts_type_idx",
        "CREATE UNIQUE INDEX one_host ON hosts (failover_segment_id)",
        "CREATE TABLE other (subject VARCHAR(36), expires_at INTEGER); "
        "DROP TABLE claims; ALTER TABLE other RENAME TO claims",
    ],
)
def test_what_an_earlier_release_stumbles_over_is_noticed(empty, statement):
    schema.sync(empty)
    before = layout(empty)
    with empty.transaction() as connection:
        for part in statement.split(";"):
            connection.exec_driver_sql(part)
    assert breaches(before, layout(empty))


@pytest.mark.parametrize("lost", ["recoveries.subject", "claims"])
def test_a_database_of_an_earlier_release_is_refused(empty, lost):
    schema.sync(empty)
    table, _, column = lost.partition(".")
    drop = f"ALTER TABLE {table} DROP COLUMN {column}"
    with empty.transaction() as connection:
        connection.exec_driver_sql(drop if column else f"DROP TABLE {table}")
    with pytest.raises(exception.ConfigurationError, match=lost):
        schema.check(empty)


def test_a_database_of_a_later_release_is_fine(empty):
    schema.sync(empty)
    with empty.transaction() as connection:
        for statement in (
            "UPDATE masakari_alembic_version SET version_num = 'later'",
            "CREATE TABLE more (id INTEGER PRIMARY KEY)",
            "ALTER TABLE claims ADD COLUMN more INTEGER",
        ):
            connection.exec_driver_sql(statement)
    schema.check(empty)
