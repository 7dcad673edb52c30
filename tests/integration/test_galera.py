# SPDX-License-Identifier: Apache-2.0
"""Engines and APIs at the two nodes of a Galera cluster.

A row lock does not reach the other node. Of two transactions that write to
the same row the second is refused at its commit, and runs again.
"""

import collections
import dataclasses
import functools
import threading
import types
import uuid
from concurrent import futures

import pytest

from masakari import context, exception
from masakari.db import (
    claims,
    due,
    hosts,
    notifications,
    progress,
    query,
    reserves,
    schema,
    segments,
    turns,
)
from masakari.db.session import Database
from masakari.domain import model, verdict
from masakari.services import hosts as host_changes
from masakari.services import notifications as reports
from masakari.services import segments as segment_changes
from tests.functional.db import records
from tests.functional.db.cases.recoveries import taking
from tests.integration import deployment, galera
from tests.integration.deployment import wait_for
from tests.integration.disaster import (
    assert_all_is_back,
    fail,
    works_on,
)
from tests.integration.reports import ended
from tests.integration.use_cases import unheard
from tests.unit.events.recorder import Recorder

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        galera.missing() is not None, reason=str(galera.missing())
    ),
]


@pytest.fixture(scope="module")
def cluster():
    with galera.cluster() as running:
        yield running


@pytest.fixture
def mortal():
    """A cluster whose nodes may be killed."""
    with galera.cluster() as running:
        yield running


@pytest.fixture(scope="module")
def urls(cluster):
    """One database as each of the nodes has it."""
    name = with_tables(cluster)
    return [node.url(name) for node in cluster.nodes]


def with_tables(cluster):
    """The name of a database with tables."""
    name = cluster.new_database()
    database = Database(cluster.first.url(name))
    schema.create_all(database)
    database.dispose()
    progress.create_tables(cluster.first.url(name))
    for node in cluster.nodes:
        node.catch_up()
    return name


@pytest.fixture(scope="module")
def databases(urls):
    opened = [Database(url) for url in urls]
    yield opened
    for database in opened:
        database.dispose()


def seen_by(database, read):
    """What ``read`` finds, as soon as the node has it."""

    def look():
        try:
            return database.read(read)
        except exception.NotFound:
            return None

    return wait_for(look)


def at_once(calls):
    """What each returns, or raises, when all begin at the same moment."""
    barrier = threading.Barrier(len(calls))

    def run(call):
        barrier.wait(30)
        try:
            return call()
        except Exception as error:
            return error

    with futures.ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


class Races:
    """Engines in threads, which claim whatever there is and finish it."""

    def __init__(self, count):
        self._count = count
        self._lock = threading.Lock()
        self._held = set()
        self.attempts = 0
        self.finished = collections.Counter()
        self.by_owner = collections.Counter()
        self.twice = []

    def work(self, database, owner):
        while len(self.finished) < self._count:
            for candidate in database.read(due.candidates, limit=1000):
                self._try(database, owner, candidate)

    def _try(self, database, owner, candidate):
        database.write(claims.open_row, candidate.subject)
        self.attempts += 1
        claim = database.write(
            claims.claim,
            candidate,
            owner=owner,
            token=str(uuid.uuid4()),
            lease=60,
        )
        if claim is None:
            return
        with self._lock:
            if claim.subject in self._held:
                self.twice.append(claim.subject)
            self._held.add(claim.subject)
        database.write(claims.while_held, claim, 60, lambda session: None)
        with self._lock:
            self._held.discard(claim.subject)
            self.finished[claim.notification.uuid] += 1
            self.by_owner[owner] += 1
        database.write(
            claims.finish, claim, verdict.finished(), lease=60, retry_in=0
        )


def test_nothing_has_two_owners_and_everything_gets_done(databases):
    host = [records.host(databases[0]) for _ in range(10)]
    made = [
        records.notification(databases[0], host[number % 10])
        for number in range(40)
    ]
    races = Races(len(made))
    results = at_once(
        [
            functools.partial(races.work, database, f"{node}-{thread}")
            for node, database in enumerate(databases)
            for thread in range(3)
        ]
    )
    assert results == [None] * 6
    assert races.twice == []
    assert races.finished == collections.Counter(
        {notification.uuid: 1 for notification in made}
    )
    assert races.attempts >= 100
    assert len({owner[0] for owner in races.by_owner}) == 2


def services(database):
    return unheard(database, Recorder())


@pytest.mark.parametrize("turn", range(5))
def test_of_equal_reports_at_two_nodes_one_is_accepted(databases, turn):
    host = records.host(databases[0])
    seen_by(databases[1], functools.partial(hosts.get, uuid=host.uuid))
    results = at_once(
        [
            functools.partial(
                reports.create,
                services(database),
                context.admin("req-1"),
                type=model.NotificationType.COMPUTE_HOST,
                hostname=host.name,
                generated_time=records.EPOCH,
                payload={"event": "STOPPED"},
            )
            for database in databases * 2
        ]
    )
    taken = [one for one in results if isinstance(one, model.Notification)]
    refused = [
        one
        for one in results
        if isinstance(one, exception.DuplicateNotification)
    ]
    assert (len(taken), len(refused)) == (1, 3), results
    for database in databases:
        found = database.read(notifications.of_host, host.uuid, "COMPUTE_HOST")
        assert [one.uuid for one in found] == [taken[0].uuid]


def delete_host(services, host):
    host_changes.delete(
        services, context.admin("req-2"), host.segment.uuid, host.uuid
    )


def delete_segment(services, host):
    segment_changes.delete(services, context.admin("req-2"), host.segment.uuid)


@pytest.mark.parametrize("delete", [delete_host, delete_segment])
@pytest.mark.parametrize("turn", range(5))
def test_a_host_is_deleted_at_one_node_or_its_failure_heard_at_the_other(
    databases, turn, delete
):
    """Both have written before either commits."""
    host = records.host(databases[0])
    seen_by(databases[1], functools.partial(hosts.get, uuid=host.uuid))
    met = threading.Barrier(2)

    def meeting(write):
        first = iter([True])

        def begin(function, *args, **kwargs):
            def run(session):
                result = function(session, *args, **kwargs)
                if next(first, False):
                    met.wait(30)
                return result

            return write(run)

        return begin

    made = [
        dataclasses.replace(
            services(database),
            database=types.SimpleNamespace(
                read=database.read, write=meeting(database.write)
            ),
        )
        for database in databases
    ]
    deleted, heard = at_once(
        [
            functools.partial(delete, made[0], host),
            functools.partial(
                reports.create,
                made[1],
                context.admin("req-1"),
                type=model.NotificationType.COMPUTE_HOST,
                hostname=host.name,
                generated_time=records.EPOCH,
                payload={"event": "STOPPED"},
            ),
        ]
    )
    if deleted is None:
        assert isinstance(heard, exception.InvalidInput)
    else:
        assert isinstance(deleted, exception.Conflict)
        assert isinstance(heard, model.Notification)


@pytest.mark.parametrize("turn", range(5))
def test_a_reserved_host_goes_to_one_of_two_recoveries(databases, turn):
    host = records.host(databases[0], reserved=True)
    seen_by(databases[1], functools.partial(hosts.get, uuid=host.uuid))
    names = [str(uuid.uuid4()) for _ in databases]
    results = at_once(
        [
            functools.partial(
                database.write, reserves.take, taking(host), name
            )
            for name, database in zip(names, databases, strict=True)
        ]
    )
    (winner,) = (number for number, one in enumerate(results) if one)
    assert results[1 - winner] is None
    for database in databases:
        assert seen_by(
            database, lambda session: reserves.taken_by(session, names[winner])
        )
        assert not database.read(reserves.taken_by, names[1 - winner])


@pytest.mark.parametrize("turn", range(5))
def test_no_host_is_left_in_a_segment_that_goes_at_the_other_node(
    databases, turn
):
    """Both have written before either commits."""
    segment = records.segment(databases[0])
    seen_by(databases[1], functools.partial(segments.get, uuid=segment.uuid))
    met = threading.Barrier(2)
    first = iter([True, True])

    def meet():
        if next(first, False):
            met.wait(30)

    def delete(session):
        turns.take_segment(session, segment.uuid)
        segments.delete(session, segment.uuid)
        meet()

    def add(session):
        made = hosts.create(session, records.new_host(segment))
        meet()
        return made

    deleted, added = at_once(
        [
            functools.partial(databases[0].write, delete),
            functools.partial(databases[1].write, add),
        ]
    )
    assert deleted is None
    assert isinstance(added, (model.Host, exception.SegmentNotFound))
    for database in databases:
        assert wait_for(
            lambda database=database: (
                not database.read(segments.is_there, segment.uuid)
            )
        )
        left = database.read(hosts.select, segment.uuid, {}, query.Page())
        assert left == []


def test_an_answer_that_is_lost_is_found_at_the_other_node(databases):
    """A proxy goes on to the other node after a commit at the first."""
    notification = records.notification(databases[0])
    candidate = model.Candidate(
        notification_uuid=notification.uuid,
        type="COMPUTE_HOST",
        subject=notification.source_host_uuid,
    )
    databases[0].write(claims.open_row, candidate.subject)
    for _ in range(5):
        claim = functools.partial(
            claims.claim, candidate=candidate, owner="e", lease=60
        )
        token = str(uuid.uuid4())
        done = databases[0].write(claim, token=token)
        again = databases[1].write(claim, token=token)
        assert again is not None
        assert again.attempt == done.attempt
        for database in databases:
            database.write(claims.hand_back, done)


@pytest.fixture
def deploy(tmp_path):
    """Programs, of which each may be given a node of its own."""
    made = []

    def begin(url, **options):
        deployed = deployment.Deployment(tmp_path, url, **options)
        made.append(deployed)
        return deployed

    yield begin
    for deployed in made:
        deployed.close()


def start_engine_at(deployed, url, name):
    deployed.change(database__connection=url)
    return deployed.start_engine(name)


def test_engines_at_two_nodes_recover_hosts_once(deploy, urls):
    deployed = deploy(urls[0], concurrent_recoveries=2)
    deployed.start_api()
    ha = deployed.connect().instance_ha
    deployed.populate(ha, hosts=8, servers=4, doomed=4)
    engines = [
        start_engine_at(deployed, url, name)
        for url, name in zip(urls, ("one", "two"), strict=True)
    ]
    uuids = [fail(deployed, ha, number) for number in range(1, 5)]
    assert {ended(ha, one).status for one in uuids} == {"finished"}
    assert_all_is_back(deployed.cloud, failing=4)
    for notification in uuids:
        assert [works_on(one, notification) for one in engines].count(
            True
        ) == 1
    for engine in engines:
        assert "Working on notification" in engine.text
        assert not engine.lines("WARNING") + engine.lines("ERROR")


def test_a_node_dies_in_mid_recovery(deploy, mortal):
    name = with_tables(mortal)
    survivor, doomed = (node.url(name) for node in mortal.nodes)
    deployed = deploy(survivor)
    deployed.start_api()
    ha = deployed.connect().instance_ha
    deployed.populate(ha, hosts=2, servers=30, doomed=1)
    at_the_doomed = start_engine_at(deployed, doomed, "doomed")
    notification = fail(deployed, ha)
    wait_for(lambda: len(deployed.cloud.migrations) >= 5)
    mortal.second.kill()
    other = start_engine_at(deployed, survivor, "survivor")
    assert ended(ha, notification).status == "finished"
    assert works_on(at_the_doomed, notification)
    assert f"{notification} is finished" not in at_the_doomed.text
    assert works_on(other, notification)
    assert_all_is_back(deployed.cloud, failing=1)
    assert not at_the_doomed.tracebacks
    assert len(list(ha.vmoves(notification))) == 30


def test_a_node_that_is_not_the_cluster_any_more_is_no_database(mortal):
    database = Database(mortal.second.url(with_tables(mortal)), max_retries=0)
    segment = records.segment(database)
    mortal.first.kill()
    wait_for(
        lambda: mortal.second.status("wsrep_cluster_status") == "non-Primary"
    )
    with pytest.raises(exception.ServiceUnavailable):
        records.segment(database)
    with pytest.raises(exception.ServiceUnavailable):
        database.read(segments.get, segment.uuid)
    fresh = Database(
        database.engine.url.render_as_string(hide_password=False),
        max_retries=0,
    )
    with pytest.raises(exception.ServiceUnavailable):
        fresh.connect()
        schema.check(fresh)
    for opened in (database, fresh):
        opened.dispose()
