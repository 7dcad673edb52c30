# SPDX-License-Identifier: Apache-2.0
"""Operators who change hosts and segments while failures are reported."""

import functools
import time
from concurrent import futures

import pytest

from masakari import context, exception
from masakari.db import (
    hosts,
    interventions,
    notifications,
    outages,
    reserves,
    segments,
)
from masakari.domain import model, verdict
from masakari.services import hosts as host_changes
from masakari.services import notifications as reports
from masakari.services import segments as segment_changes
from tests.functional.db import records
from tests.functional.db.cases.recoveries import taking
from tests.integration import servers
from tests.integration.use_cases import unheard
from tests.unit.events.recorder import Silent

pytestmark = pytest.mark.integration

#: Seconds in which whoever need not wait for another transaction is done.
SOON = 1.5

SOMEBODY = context.admin("req-1")


@pytest.fixture
def database(shared, clock):
    with servers.emptied(shared, clock) as database:
        yield database


@pytest.fixture
def services(database):
    return unheard(database, Silent())


@pytest.fixture
def host(database):
    return records.host(database)


@pytest.fixture
def meanwhile(monkeypatch):
    """Have something done between two statements of somebody else.

    It is given the time to be done, and waited for in the end.
    """
    with futures.ThreadPoolExecutor(1) as pool:

        def after(module, name, action):
            original, begun = getattr(module, name), []

            @functools.wraps(original)
            def wrapped(*args, **kwargs):
                result = original(*args, **kwargs)
                if not begun:
                    begun.append(pool.submit(action))
                    futures.wait(begun, timeout=SOON)
                return result

            monkeypatch.setattr(module, name, wrapped)
            return begun

        yield after


def report(services, host):
    return reports.create(
        services,
        SOMEBODY,
        type=model.NotificationType.COMPUTE_HOST,
        hostname=host.name,
        generated_time=records.EPOCH,
        payload={"event": "STOPPED"},
    )


def delete_host(services, host):
    host_changes.delete(services, SOMEBODY, host.segment.uuid, host.uuid)


def delete_segment(services, host):
    segment_changes.delete(services, SOMEBODY, host.segment.uuid)


def reserve_host(services, host):
    host_changes.update(
        services, SOMEBODY, host.segment.uuid, host.uuid, {"reserved": True}
    )


def disable_segment(services, host):
    segment_changes.update(
        services, SOMEBODY, host.segment.uuid, {"enabled": False}
    )


DELETIONS = [delete_host, delete_segment]
CHANGES = [*DELETIONS, reserve_host, disable_segment]


@pytest.mark.parametrize("change", DELETIONS)
def test_no_failure_is_accepted_of_a_host_that_is_being_deleted(
    services, host, meanwhile, change
):
    begun = meanwhile(
        segments, "under_recovery", lambda: report(services, host)
    )
    change(services, host)
    with pytest.raises(exception.InvalidInput):
        begun[0].result(30)


@pytest.mark.parametrize("change", CHANGES)
def test_nothing_is_changed_of_which_a_failure_is_being_accepted(
    services, database, host, meanwhile, change
):
    begun = meanwhile(notifications, "create", lambda: change(services, host))
    report(services, host)
    with pytest.raises(exception.Conflict):
        begun[0].result(30)
    assert database.read(hosts.get, host.uuid) == host


def retry(database, notification):
    return database.write(
        interventions.retry, notification, verdict.error("again")
    )


@pytest.fixture
def failed(database, host):
    return records.notification(
        database, host, status=model.NotificationStatus.FAILED
    )


def test_a_host_is_not_deleted_that_is_about_to_be_tried_again(
    services, database, host, failed, meanwhile
):
    begun = meanwhile(
        interventions, "_changes", lambda: delete_host(services, host)
    )
    assert retry(database, failed)
    with pytest.raises(exception.HostInUse):
        begun[0].result(30)


def test_a_host_that_is_being_deleted_is_not_tried_again(
    services, database, host, failed, meanwhile
):
    begun = meanwhile(
        segments, "under_recovery", lambda: retry(database, failed)
    )
    delete_host(services, host)
    assert not begun[0].result(30)


def test_an_engine_takes_no_reserve_that_is_being_put_on_maintenance(
    services, database, host, meanwhile
):
    reserve = records.host(database, host.segment, reserved=True)
    begun = meanwhile(
        outages,
        "forget",
        lambda: database.write(reserves.take, taking(reserve), "recovery"),
    )
    host_changes.update(
        services,
        SOMEBODY,
        reserve.segment.uuid,
        reserve.uuid,
        {"on_maintenance": True},
    )
    assert begun[0].result(30) is None


def test_a_host_is_not_added_to_a_segment_that_is_being_deleted(
    services, database, meanwhile
):
    segment = records.segment(database)
    begun = meanwhile(
        segments, "under_recovery", lambda: records.host(database, segment)
    )
    segment_changes.delete(services, SOMEBODY, segment.uuid)
    with pytest.raises(exception.SegmentNotFound):
        begun[0].result(30)


def test_hosts_that_fail_together_do_not_wait_for_each_other(
    services, database, host, meanwhile
):
    """A rack of hosts of one segment, for example."""
    other = records.host(database, host.segment)
    begun = meanwhile(notifications, "create", lambda: report(services, other))
    began = time.monotonic()
    report(services, host)
    assert time.monotonic() - began < SOON
    assert begun[0].result(30).source_host_uuid == other.uuid
