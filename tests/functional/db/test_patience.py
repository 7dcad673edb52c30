# SPDX-License-Identifier: Apache-2.0
"""How long one waits for a database that does not answer."""

import pytest
import sqlalchemy

from masakari import conf as configuration
from masakari.db import connections, progress
from masakari.db.session import Database


def bounded(url):
    return dict(connections.bounded(sqlalchemy.make_url(url), 8).query)


@pytest.mark.parametrize(
    "driver", ["mysql", "mysql+pymysql", "mariadb+mysqldb"]
)
def test_mariadb_has_a_limit_for_every_answer(driver):
    assert bounded(f"{driver}://masakari@db/masakari?charset=utf8") == {
        "charset": "utf8",
        "connect_timeout": "8",
        "read_timeout": "8",
        "write_timeout": "8",
    }


def test_postgresql_has_to_acknowledge_what_it_is_sent():
    assert bounded("postgresql+psycopg2://masakari@db/masakari") == {
        "connect_timeout": "8",
        "tcp_user_timeout": "8000",
        "keepalives_idle": "4",
        "keepalives_interval": "2",
        "keepalives_count": "2",
    }


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://one,two/masakari",
        "postgresql+psycopg://one/masakari?host=two",
        "postgresql+psycopg2:///masakari?host=one:5432&host=two:5432",
    ],
)
def test_of_several_servers_of_postgresql_the_writer_is_used(url):
    found = connections.to_the_writer(sqlalchemy.make_url(url))
    assert found.query["target_session_attrs"] == "read-write"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://one/masakari",
        "postgresql:///masakari?host=one&host=two&target_session_attrs=any",
        "postgresql+asyncpg:///masakari?host=one&host=two",
        "mysql+pymysql://one/masakari",
    ],
)
def test_what_else_there_is_is_connected_to_as_it_says(url):
    given = sqlalchemy.make_url(url)
    assert connections.to_the_writer(given) == given


@pytest.mark.parametrize(
    "url", ["sqlite:////var/lib/masakari.sqlite", "mysql+other://db/masakari"]
)
def test_what_drivers_do_not_know_they_are_not_told(url):
    assert bounded(url) == {}


def limits(database):
    _, arguments = database.engine.dialect.create_connect_args(
        database.engine.url
    )
    return {
        name: value
        for name, value in arguments.items()
        if name.endswith("_timeout")
    }


URL = "mysql+pymysql://masakari@db/masakari?write_timeout=7"


def test_an_operator_may_choose_other_limits():
    database = Database(URL, connection_parameters="read_timeout=60")
    assert limits(database) == {
        "connect_timeout": connections.ANSWER_WITHIN,
        "read_timeout": 60,
        "write_timeout": 7,
    }


def test_who_changes_tables_has_no_limit():
    assert limits(Database(URL, answer_within=None)) == {"write_timeout": 7}


@pytest.mark.parametrize(
    ("url", "limits"),
    [
        (
            "mysql+pymysql://masakari:secret@db/masakari?charset=utf8",
            "&connect_timeout=10&read_timeout=10&write_timeout=10",
        ),
        ("sqlite:////var/lib/masakari.sqlite", ""),
    ],
)
def test_the_records_of_taskflow_are_waited_for_no_longer(url, limits):
    conf = configuration.load([], prog="masakari-engine", config_files=[])
    conf.set_override("connection", url, "taskflow")
    found = progress.backend(conf).engine.url
    assert found.render_as_string(hide_password=False) == url + limits


def test_short_limits_are_still_limits():
    url = sqlalchemy.make_url("postgresql://db/masakari")
    assert connections.bounded(url, 1).query["keepalives_idle"] == "1"
