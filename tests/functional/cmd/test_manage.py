# SPDX-License-Identifier: Apache-2.0
"""``masakari-manage`` as an operator calls it."""

import datetime
import os
import re
import subprocess
import sys

import pytest
import sqlalchemy
from oslo_config import cfg

from masakari.cmd import manage
from masakari.db import schema, tables
from masakari.db.session import Database
from tests.functional.db import recorded, records
from tests.ports import free_port

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


def unread(file, program, *arguments, python=()):
    """Have its output go where nobody reads it; exit status and errors."""
    file.write_text(f"{file.read_text()}log_file = {file.parent}/log\n")
    reader, writer = os.pipe()
    os.close(reader)
    code = f"import sys; from masakari.cmd import {program} as program; "
    done = subprocess.run(
        [
            *[sys.executable, "-W", "ignore", *python],
            *["-c", f"{code}sys.exit(program.main())"],
            *([f"--config-file={file}"] if arguments else []),
            *arguments,
        ],
        env={k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"},
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
    )
    os.close(writer)
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("db", "sync"),
        ("db", "purge"),
        ("notification", "list", "--json"),
    ],
    ids=" ".join,
)
def test_a_reader_may_leave(config, database, arguments):
    schema.create_all(database)
    assert unread(config, "manage", *arguments) == (0, "")


def test_a_reader_may_leave_in_the_midst(config, database):
    schema.create_all(database)
    for arguments in (("--help",), ("engine", "list")):
        told = unread(config, "manage", *arguments, python=["-u"])
        assert told == (0, "")


def test_the_exit_status_is_that_of_the_action(config):
    assert unread(config, "manage") == (2, "")
    code, told = unread(config, "manage", "engine", "list")
    assert (code, told.count("\n")) == (1, 1)


def test_a_reader_of_the_checks_may_leave(config):
    assert unread(config, "status", "upgrade", "check") == (0, "")
    code, told = unread(config, "status", "upgrade", "check", python=["-u"])
    assert (code, told) == (255, "")


def test_the_version_of_masakari(capsys):
    with pytest.raises(SystemExit) as left:
        manage.main(["--version"])
    assert left.value.code == 0
    assert capsys.readouterr().out.strip()


def test_its_help_says_what_the_categories_are_for(run):
    code, out, _err = run("--help")
    assert code == 0
    for category in ("db", "engine", "notification"):
        assert re.search(rf"^ +{category} +\S+ \S+", out, re.MULTILINE)


def test_sync_makes_all_tables(run, database):
    assert run("db", "version")[:2] == (0, "None\n")
    code, out, _err = run("db", "sync")
    assert (code, out) == (0, f"The database is at revision {HEAD}.\n")
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
    last = err.splitlines()[-1]
    assert last.startswith("TaskFlow's tables cannot be created: ")
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
    assert "Removed 1 rows from notifications." in out.splitlines()
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
        in capsys.readouterr().err
    )
    assert manage.main(["--config-dir", missing, "db", "sync"]) == 2
    printed = capsys.readouterr()
    assert f"Invalid directory: {missing}" in printed.err
    assert printed.out == ""


AWAY = """
[database]
connection = postgresql+psycopg2://masakari:secret@127.0.0.1:{port}/masakari
max_retries = 1
retry_interval = 0
"""

ACTIONS = [
    ("db", "sync"),
    ("db", "version"),
    ("db", "purge"),
    ("engine", "list"),
    ("notification", "list"),
]


@pytest.mark.parametrize("action", ACTIONS, ids=" ".join)
def test_a_database_that_is_away_is_told_with_the_reason(run, config, action):
    config.write_text(AWAY.format(port=free_port()))
    code, out, err = run(*action)
    assert (code, out) == (1, "")
    last = err.splitlines()[-1]
    assert last.startswith("The database cannot be used: ")
    assert "Connection refused" in last
    assert "secret" not in err
    assert "Traceback" not in err


@pytest.mark.parametrize("action", ["sync", "purge"])
def test_one_who_waits_for_it_is_told_where_the_log_is_not(
    run, config, tmp_path, action
):
    config.write_text(
        AWAY.format(port=free_port()) + f"[DEFAULT]\nlog_dir = {tmp_path}\n"
    )
    code, out, err = run("db", action)
    assert (code, out) == (1, "")
    first, last = err.splitlines()
    assert first.startswith("The database is not there yet: ")
    assert "Connection refused" in first
    assert last.startswith("The database cannot be used: ")
    (log,) = tmp_path.glob("*.log")
    assert "The database is not there yet (attempt 1): " in log.read_text()


def test_what_was_done_is_told_and_logged(run, config, tmp_path):
    config.write_text(config.read_text() + f"log_dir = {tmp_path}\n")
    done = f"The database is at revision {HEAD}."
    assert run("db", "sync") == (0, f"{done}\n", "")
    code, out, err = run("db", "purge")
    assert (code, err) == (0, "")
    (log,) = tmp_path.glob("*.log")
    for line in (done, *out.splitlines()):
        assert line in log.read_text()
    assert "Removed 0 rows from notifications." in out.splitlines()


@pytest.mark.parametrize("action", ACTIONS[2:], ids=" ".join)
@pytest.mark.parametrize("is_there", [False, True])
def test_a_database_without_tables_is_told_in_a_sentence(
    run, database, tmp_path, action, is_there
):
    if is_there:
        database.ping()
    code, out, err = run(*action)
    assert code == 1
    (line,) = (out + err).splitlines()
    assert line.endswith("run masakari-manage db sync.")
    file = tmp_path / "masakari.sqlite"
    assert file.exists() == is_there
    assert is_there or str(file) in line


def test_who_only_looks_makes_no_file(run, tmp_path):
    code, out, err = run("db", "version")
    assert (code, out) == (0, "None\n")
    file = tmp_path / "masakari.sqlite"
    assert f"{file} is not there." in err
    assert not file.exists()


WRONG = {
    "notification_lease = abc": "notification_lease",
    "concurrent_recoveries = 0": "concurrent_recoveries",
    "engine_health_port = 70000": "engine_health_port",
    "notification_poll_interval = -1": "notification_poll_interval",
    "wait_period_after_evacuation = -5": "wait_period_after_evacuation",
    "auth_strategy = foo": "auth_strategy",
    "debug = maybe": "debug",
    "[database]\nconnection = foo": "[database] connection",
    "[database]\nconnection = mysql://u:secret@h/m": "[database] connection",
    "[database]\nconnection = postgres://u:secret@h/m": "[database] connect",
    "[taskflow]\nconnection = foo": "[taskflow] connection",
    "[database]\nmax_retries = often": "max_retries",
    "log_config_append = /nowhere": "/nowhere",
    "log_dir = /nowhere/at/all": "/nowhere/at/all",
}


@pytest.mark.parametrize("text", WRONG)
def test_what_cannot_be_is_told_in_one_line(run, config, text):
    config.write_text(f"[DEFAULT]\n{text}\n")
    code, out, err = run("engine", "list", "--json")
    assert (code, out) == (2, "")
    last = err.splitlines()[-1]
    assert WRONG[text] in last
    assert "secret" not in err
    assert err.count("CRITICAL") <= 1
    assert "Traceback" not in err


def test_what_is_ignored_may_have_any_value(run, config):
    config.write_text(config.read_text() + "report_interval = abc\n")
    assert run("db", "sync")[0] == 0


def test_it_says_that_there_is_no_configuration_file(capsys, monkeypatch):
    monkeypatch.setattr(cfg, "find_config_files", lambda *_a, **_k: [])
    monkeypatch.setattr(cfg, "find_config_dirs", lambda *_a, **_k: [])
    manage.main(["db", "version"])
    err = capsys.readouterr().err
    assert "No configuration file was found in ~/.masakari, ~, " in err
