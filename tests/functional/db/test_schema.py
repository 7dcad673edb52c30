# SPDX-License-Identifier: Apache-2.0
import pytest
import sqlalchemy
from alembic import autogenerate, runtime

from masakari import exception
from masakari.db import schema, tables
from masakari.db.session import Database
from tests.functional.db import recorded

REVISIONS = [
    "8f848eb45d03",
    "8bdf5929c5a6",
    "13adff5efb9a",
    "b1a6d2c94e07",
    "5c0e7f3a9d21",
    "c3d8b6f10a74",
]


@pytest.fixture
def empty(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/db.sqlite")
    yield database
    database.dispose()


def differences(database):
    with database.transaction() as connection:
        context = runtime.migration.MigrationContext.configure(
            connection, opts={**schema.CONTEXT_OPTIONS, "compare_type": True}
        )
        return autogenerate.compare_metadata(context, tables.Base.metadata)


def layout(database):
    """What SQLite knows of tables and indexes, without their wording."""
    with database.transaction() as connection:
        inspector = sqlalchemy.inspect(connection)
        return {
            table: (
                sorted(
                    (
                        column["name"],
                        str(column["type"]),
                        column["nullable"],
                        column["default"],
                        column["primary_key"],
                    )
                    for column in inspector.get_columns(table)
                ),
                sorted(map(str, inspector.get_indexes(table))),
                sorted(map(str, inspector.get_unique_constraints(table))),
                sorted(map(str, inspector.get_foreign_keys(table))),
            )
            for table in inspector.get_table_names()
        }


def test_the_migrations_make_the_mapped_tables(empty):
    schema.sync(empty)
    assert differences(empty) == []


def test_tables_made_in_one_go_are_those_of_the_migrations(empty, tmp_path):
    schema.sync(empty)
    other = Database(f"sqlite:///{tmp_path}/other.sqlite")
    schema.create_all(other)
    assert layout(other) == layout(empty)
    assert schema.version(other) == schema.version(empty) == REVISIONS[-1]


def test_no_column_has_a_server_default(empty):
    schema.sync(empty)
    for columns, *_rest in layout(empty).values():
        assert {default for _, _, _, default, _ in columns} == {None}


def test_every_revision_can_be_stopped_at(empty):
    assert schema.version(empty) is None
    for revision in REVISIONS:
        schema.sync(empty, revision)
        assert schema.version(empty) == revision
    schema.sync(empty, REVISIONS[0])
    assert schema.version(empty) == REVISIONS[-1]


def test_an_old_database_keeps_its_rows(empty):
    schema.sync(empty, "8bdf5929c5a6")
    recorded.insert(empty)
    schema.sync(empty)
    recorded.check(empty)
    assert differences(empty) == []


@pytest.mark.parametrize(("number", "at"), [(7, 0), (8, 1)])
def test_the_last_versions_of_sqlalchemy_migrate_are_taken_over(
    empty, number, at
):
    schema.sync(empty, REVISIONS[at])
    recorded.make_legacy(empty, number)
    schema.sync(empty)
    assert schema.version(empty) == REVISIONS[-1]
    assert differences(empty) == []
    assert "migrate_version" in layout(empty)


@pytest.mark.parametrize("number", [1, 6])
def test_an_older_version_of_sqlalchemy_migrate_is_refused(empty, number):
    recorded.make_legacy(empty, number)
    with pytest.raises(exception.InvalidInput) as caught:
        schema.sync(empty)
    assert str(caught.value) == (
        f"Your database is at version {number:03d}; we only support "
        "upgrading from version 007 or later. Please upgrade your database "
        "using an earlier release of Masakari and then return here."
    )


def test_a_newer_version_of_sqlalchemy_migrate_has_to_be_forced(
    empty, monkeypatch
):
    monkeypatch.delenv(schema.FORCE, raising=False)
    schema.sync(empty, "8bdf5929c5a6")
    recorded.make_legacy(empty, 9)
    with pytest.raises(exception.InvalidInput, match="version 009"):
        schema.sync(empty)
    assert schema.version(empty) is None
    monkeypatch.setenv(schema.FORCE, "")
    schema.sync(empty)
    assert schema.version(empty) == REVISIONS[-1]


def test_a_number_is_no_revision(empty):
    with pytest.raises(exception.InvalidInput) as caught:
        schema.sync(empty, "8")
    assert str(caught.value) == (
        "You requested an sqlalchemy-migrate database version; this is no "
        "longer supported"
    )


@pytest.mark.parametrize("revision", ["nonsense", "-1", "+1", "base"])
def test_an_unknown_revision_is_refused(empty, revision):
    with pytest.raises(exception.InvalidInput):
        schema.sync(empty, revision)
    assert schema.version(empty) is None


def test_a_database_of_a_newer_release_is_refused(empty):
    schema.sync(empty)
    with empty.transaction() as connection:
        connection.execute(
            sqlalchemy.text(
                "UPDATE masakari_alembic_version SET version_num = 'future'"
            )
        )
    with pytest.raises(exception.InvalidInput, match="future"):
        schema.sync(empty)
