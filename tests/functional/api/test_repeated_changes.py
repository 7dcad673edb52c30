# SPDX-License-Identifier: Apache-2.0
"""What is told of a change whose transaction had to be repeated."""

import pytest
from oslo_db import exception as db_exception
from sqlalchemy import orm


@pytest.fixture
def place(world):
    """A segment with a host; what was told of them is forgotten."""
    segment = world.segment()
    host = world.host(segment)
    world.events.events.clear()
    here = f"/v1/segments/{segment['uuid']}"
    return {"segment": here, "host": f"{here}/hosts/{host['uuid']}"}


@pytest.fixture
def interrupt(monkeypatch):
    """Have the next transaction fail, after what is called has been done."""
    commit = orm.Session.commit

    def prepare(meanwhile=lambda: None):
        def fail(session):
            monkeypatch.setattr(orm.Session, "commit", commit)
            session.rollback()
            meanwhile()
            raise db_exception.DBDeadlock

        monkeypatch.setattr(orm.Session, "commit", fail)

    return prepare


CHANGES = [
    ("segment", "PUT", {"segment": {"description": "Row 1"}}, 200),
    ("segment", "DELETE", None, 204),
    ("host", "PUT", {"host": {"reserved": True}}, 200),
    ("host", "DELETE", None, 204),
]


@pytest.mark.parametrize(("record", "method", "body", "status"), CHANGES)
def test_it_is_told_once(
    world, place, interrupt, record, method, body, status
):
    interrupt()
    answer = world.request(method, place[record], body)
    assert answer.status_int == status
    action = "update" if body else "delete"
    assert world.events.types == [
        f"{record}.{action}.start",
        f"{record}.{action}.end",
    ]


@pytest.mark.parametrize(("record", "method", "body", "status"), CHANGES)
def test_what_is_refused_then_is_not_told(
    world, place, interrupt, record, method, body, status
):
    """A failure of the host is reported in between."""

    def report():
        assert world.notify().status_int == 202
        world.events.events.clear()

    interrupt(report)
    assert world.request(method, place[record], body).status_int == 409
    assert world.events.types == []


def test_a_report_is_told_once(world, place, interrupt):
    interrupt()
    assert world.notify().status_int == 202
    assert world.events.types == [
        "notification.create.start",
        "notification.create.end",
    ]


def test_a_report_that_another_one_forestalls_is_not_told(
    world, place, interrupt
):
    def report():
        assert world.notify().status_int == 202
        world.events.events.clear()

    interrupt(report)
    assert world.notify().status_int == 409
    assert world.events.types == []
