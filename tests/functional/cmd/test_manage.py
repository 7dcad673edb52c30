# SPDX-License-Identifier: Apache-2.0
"""``masakari-manage`` as an operator calls it."""

import datetime

import pytest
import sqlalchemy

from masakari.cmd import manage
from masakari.db import schema, tables
from masakari.db.session import Database
from tests.functional.db import recorded, records

HEAD = "c3d8b6f10a74"


def tables_of(database):
    with database.transaction() as connection:
        return set(sqlalchemy.inspect(connection).get_table_names())


def test_alone_it_says_what_there_is(capsys):
    assert manage.main([]) == 2
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("OpenStack masakari version: ")
    assert lines[1:] == [
        "masakari-manage category action [<args>]",
        "Available categories:",
        "\tdb",
        "\tengine",
        "\tnotification",
    ]


def test_the_version_of_masakari(capsys):
    with pytest.raises(SystemExit) as left:
        manage.main(["--version"])
    assert left.value.code == 0
    assert capsys.readouterr().out.strip()


def test_sync_makes_all_tables(run, database):
    assert run("db", "version")[:2] == (0, "None\n")
    assert run("db", "sync")[0] == 0
    assert run("db", "version")[:2] == (0, HEAD + "\n")
    assert {"notifications", "claims", "logbooks"} <= tables_of(database)
    assert run("db", "sync")[0] == 0


def test_sync_stops_at_a_revision(run):
    assert run("db", "sync", "8bdf5929c5a6")[0] == 0
    assert run("db", "version")[:2] == (0, "8bdf5929c5a6\n")


def test_the_logbooks_can_be_elsewhere(run, config, database, tmp_path):
    other = f"sqlite:///{tmp_path}/taskflow.sqlite"
    config.write_text(
        config.read_text() + f"[taskflow]\nconnection = {other}\n"
    )
    assert run("db", "sync")[0] == 0
    assert "logbooks" not in tables_of(database)
    assert "logbooks" in tables_of(Database(other))
    assert run("db", "purge")[0] == 0


def test_logbooks_that_cannot_be_reached_are_told(run, config):
    config.write_text(
        config.read_text()
        + "[taskflow]\nconnection = sqlite:////nonexistent/place/db\n"
    )
    code, _out, err = run("db", "sync")
    assert code == 1
    assert err.startswith("TaskFlow's tables cannot be created: ")
    assert run("db", "version")[:2] == (0, HEAD + "\n")


def test_what_cannot_be_synced_is_told_on_stdout(run, database):
    recorded.make_legacy(database, 6)
    code, out, _err = run("db", "sync")
    assert code == 1
    assert out.splitlines()[-1].startswith("Your database is at version 006; ")
    code, out, _err = run("db", "sync", "7")
    assert code == 1
    assert "no longer supported" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--max_rows", "0"],
            "Must supply value greater than 0 for max_rows.",
        ),
        (
            ["--max_rows", "-2"],
            "Invalid input received: max_rows must be >= -1",
        ),
        (
            ["--max_rows", "2147483648"],
            "Invalid input received: max_rows must be <= 2147483647",
        ),
        (
            ["--age_in_days", "-1"],
            "Must supply a non-negative value for age.",
        ),
        (
            ["--age_in_days", "50000"],
            "Maximal age is count of days since epoch.",
        ),
    ],
)
def test_a_purge_that_makes_no_sense_is_refused(run, arguments, message):
    code, out, err = run("db", "purge", *arguments)
    assert (code, out) == (1, "")
    assert err.splitlines()[-1] == message


def test_a_purge_removes_what_is_old(run, database):
    schema.sync(database)
    for days in (1, 31, 32):
        made = records.notification(database)
        now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
        records.change(
            database,
            tables.Notification,
            made.uuid,
            status="finished",
            updated_at=now - datetime.timedelta(days=days),
        )
    assert run("db", "purge", "--max_rows", "1")[0] == 0
    assert records.count(database, tables.Notification) == 2
    code, out, _err = run("db", "purge")
    assert code == 0
    assert records.count(database, tables.Notification) == 1
    assert "Removed 1 rows from notifications." in out
    assert run("db", "purge", "--age_in_days", "0")[0] == 0
    assert records.count(database, tables.Notification) == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["db"],
        ["db", "nonsense"],
        ["nonsense"],
        ["db", "purge", "--age_in_days", "x"],
    ],
)
def test_a_wrong_command_line_is_told(run, arguments):
    code, _out, err = run(*arguments)
    assert code == 2
    assert "usage:" in err


def test_a_missing_configuration_is_told(capsys, tmp_path):
    missing = str(tmp_path / "missing")
    assert manage.main(["--config-file", missing, "db", "sync"]) == 2
    assert (
        f"Failed to read configuration file(s): {missing}"
        in capsys.readouterr().out
    )
    assert manage.main(["--config-dir", missing, "db", "sync"]) == 2
    assert f"Invalid directory: {missing}" in capsys.readouterr().out


def test_a_database_that_is_away_is_told(run, config):
    config.write_text(
        "[database]\nconnection = sqlite:////nonexistent/place/db\n"
        "max_retries = 0\n"
    )
    code, out, err = run("db", "version")
    assert (code, out) == (1, "")
    assert "unavailable" in err
