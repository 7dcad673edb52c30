# SPDX-License-Identifier: Apache-2.0
"""What engines keep of recoveries: claims, reserves, outages."""

import functools
import uuid

import pytest
import sqlalchemy

from masakari import exception
from masakari.db import (
    claims,
    clocks,
    due,
    hosts,
    moves,
    notifications,
    outages,
    reserves,
    tables,
)
from masakari.domain import model, verdict
from masakari.domain.planner.host import HostPlan, Move, Origin
from tests.functional.db import records

LEASE = 30.0


def crash(database, host, instance):
    return records.notification(
        database,
        host,
        type="VM",
        payload={
            "event": "LIFECYCLE",
            "vir_domain_event": "STOPPED_FAILED",
            "instance_uuid": instance,
        },
    )


def claimable(database):
    """What may be claimed: (notification, subject)."""
    return [
        (candidate.notification_uuid, candidate.subject)
        for candidate in database.read(due.candidates, limit=100)
    ]


def claimed(database, notification):
    """The claim of an engine on a notification."""
    (candidate,) = (
        candidate
        for candidate in database.read(due.candidates, limit=100)
        if candidate.notification_uuid == notification.uuid
    )
    database.write(claims.open_row, candidate.subject)
    return database.write(
        claims.claim, candidate, owner="e", token=str(uuid.uuid4()), lease=30
    )


def waits(database, claim, message):
    """Whether that is worth a line in the log."""
    return database.write(
        claims.put_back, claim, message, waiting_for="nova", lease=30
    )


def let_pass(database, column, seconds):
    """Have a moment that is on record be so much earlier."""
    moment = getattr(tables.Recovery, column)
    database.write(
        lambda session: session.execute(
            sqlalchemy.update(tables.Recovery).values(
                {column: moment - int(seconds * 1000)}
            )
        )
    )


def ended(database, claim, judged=None):
    return database.write(
        claims.finish,
        claim,
        judged or verdict.finished(),
        lease=30,
        retry_in=120,
    )


class Claims:
    def test_instances_of_a_host_are_claimed_one_by_one(self, database):
        host = records.host(database)
        one, two = str(uuid.uuid4()), str(uuid.uuid4())
        first = crash(database, host, one)
        second = crash(database, host, two)
        again = crash(database, host, one.upper().replace("-", ""))
        assert claimable(database) == [
            (first.uuid, one),
            (second.uuid, two),
            (again.uuid, one),
        ]
        held = claimed(database, first)
        assert held.subject == one
        assert claimable(database) == [(second.uuid, two)]
        ended(database, held)
        assert claimable(database) == [(second.uuid, two), (again.uuid, one)]

    def test_what_is_being_restarted_is_known(self, database):
        host = records.host(database)
        one, two, three = (str(uuid.uuid4()) for _ in range(3))
        first = crash(database, host, one)
        second = crash(database, host, two)
        held = claimed(database, first)
        restarted = functools.partial(
            database.read, notifications.being_restarted
        )
        assert restarted([one, two, three]) == {one}
        assert restarted([two, three]) == set()
        ended(database, held, verdict.error("not started"))
        ended(database, claimed(database, second))
        assert restarted([one, two, three]) == {one}

    def test_the_failure_of_a_host_goes_before_what_is_on_it(self, database):
        host, other = records.host(database), records.host(database)
        instance = str(uuid.uuid4())
        crash(database, host, instance)
        records.notification(
            database,
            host,
            type="PROCESS",
            payload={"event": "STOPPED", "process_name": "nova-compute"},
        )
        elsewhere = crash(database, other, instance)
        assert not database.read(due.host_is_failing, host.uuid)
        death = records.notification(database, host)
        assert database.read(due.host_is_failing, host.uuid)
        assert not database.read(due.host_is_failing, other.uuid)
        assert database.read(due.failing_hosts) == {host.name}
        assert claimable(database) == [
            (death.uuid, host.uuid),
            (elsewhere.uuid, instance),
        ]
        ended(database, claimed(database, death), verdict.error("no room"))
        assert database.read(due.failing_hosts) == {host.name}
        # It waits for its retry, and the others for it.
        assert claimable(database) == [(elsewhere.uuid, instance)]

    def test_one_that_waits_is_new_and_looked_at_later(self, database):
        report = records.notification(database, records.host(database))
        assert waits(database, claimed(database, report), "Nova is away")
        found = database.read(notifications.get, report.uuid)
        assert (found.status, found.message) == ("new", "Nova is away")
        assert claimable(database) == []
        let_pass(database, "next_attempt_at", claims.LONGEST_WAIT)
        again = claimed(database, report)
        assert (again.attempt, again.waiting_for) == (1, "nova")
        assert not waits(database, again, "Nova is away")
        let_pass(database, "next_attempt_at", claims.LONGEST_WAIT)
        let_pass(database, "told_at", claims.TELL_INTERVAL)
        assert waits(database, claimed(database, report), "Still away")

    def test_it_is_looked_at_after_pauses_that_grow(self, database):
        report = records.notification(database, records.host(database))
        for _ in range(10):
            waits(database, claimed(database, report), "Nova is away")
            let_pass(database, "next_attempt_at", claims.LONGEST_WAIT)
        waits(database, claimed(database, report), "Nova is away")
        let_pass(database, "next_attempt_at", claims.LONGEST_WAIT - 5)
        assert claimable(database) == []

    def test_the_next_attempt_does_not_wait_any_more(self, database):
        report = records.notification(database, records.host(database))
        waits(database, claimed(database, report), "Nova is away")
        let_pass(database, "next_attempt_at", 2)
        ended(database, claimed(database, report), verdict.error("no room"))
        let_pass(database, "next_attempt_at", 120)
        second = claimed(database, report)
        assert (second.attempt, second.waiting_for) == (2, None)
        waits(database, second, "Nova is away again")
        let_pass(database, "next_attempt_at", 2)
        assert claimed(database, report).attempt == 2

    def test_while_it_is_worked_on_it_tells_of_nothing_that_was(
        self, database
    ):
        report = records.notification(database, records.host(database))

        def message():
            return database.read(notifications.get, report.uuid).message

        waits(database, claimed(database, report), "Nova is away")
        let_pass(database, "next_attempt_at", 2)
        looks = claimed(database, report)
        assert looks.notification.message == "Nova is away"
        assert message() == "Nova is away"
        database.write(claims.go_on, looks)
        assert message() is None
        ended(database, looks, verdict.error("no room"))
        assert message() == "no room"
        let_pass(database, "next_attempt_at", 120)
        assert claimed(database, report).notification.message is None
        assert message() is None

    def test_who_has_lost_it_puts_nothing_back(self, database):
        report = records.notification(database, records.host(database))
        first = claimed(database, report)
        database.write(
            lambda session: session.execute(
                sqlalchemy.update(tables.Claim).values(expires_at=1)
            )
        )
        assert claimed(database, report).takeovers == 1
        with pytest.raises(exception.ClaimLost):
            waits(database, first, "Nova is away")
        found = database.read(notifications.get, report.uuid)
        assert found.status == "running"

    def test_one_whose_request_is_not_known_is_claimed_by_its_host(
        self, database
    ):
        host = records.host(database)
        notification = crash(database, host, "no uuid at all")
        assert claimable(database) == [(notification.uuid, host.uuid)]


def taking(host, **values):
    given = {
        "host": host,
        "was_enabled": False,
        "disabled_reason": "kept back",
        "aggregates": (3, 14),
    }
    return model.Reserve(**(given | values))


class Reserves:
    def test_the_newest_comes_first_and_what_is_none_is_left_out(
        self, database, clock
    ):
        segment = records.segment(database)
        failed = records.host(database, segment, reserved=True)
        old = records.host(database, segment, reserved=True)
        records.host(database, segment)
        records.host(database, segment, reserved=True, on_maintenance=True)
        records.host(database, reserved=True)
        clock.advance(seconds=5)
        new = records.host(database, segment, reserved=True)

        def found(notification_uuid="n"):
            rows = database.read(
                reserves.candidates, failed, notification_uuid
            )
            return [host.name for host in rows]

        assert found() == [new.name, old.name]
        assert database.write(reserves.take, taking(old), "n")
        # What it has comes first; to others it is none any more.
        assert found() == [old.name, new.name]
        assert found("another") == [new.name]

    def test_one_of_two_gets_it(self, database):
        host = records.host(database, reserved=True)
        won = database.write(reserves.take, taking(host), "first")
        assert won is not None
        assert not won.reserved
        assert database.write(reserves.take, taking(host), "second") is None
        assert database.read(reserves.taken_by, "second") == []
        (mine,) = database.read(reserves.taken_by, "first")
        assert mine == taking(won)

    def test_it_is_given_back_or_kept(self, database):
        one = records.host(database, reserved=True)
        two = records.host(database, reserved=True)
        for host in (one, two):
            database.write(reserves.take, taking(host), "n")
        assert database.write(reserves.give_back, one.uuid, "n").reserved
        (left,) = database.read(reserves.taken_by, "n")
        assert left.host.uuid == two.uuid
        database.write(reserves.forget, "n")
        assert database.read(reserves.taken_by, "n") == []
        assert database.write(reserves.take, taking(one), "other")

    def test_it_is_kept_on_record_until_the_last_attempt(self, database):
        host = records.host(database, reserved=True)
        notification = records.notification(database)
        claim = claimed(database, notification)
        database.write(reserves.take, taking(host), notification.uuid)
        ended(database, claim, verdict.error("once more"))
        assert database.read(reserves.taken_by, notification.uuid)
        records.change(
            database, tables.Recovery, notification.uuid, next_attempt_at=0
        )
        ended(database, claimed(database, notification), verdict.failed("no"))
        assert not database.read(reserves.taken_by, notification.uuid)


class Outages:
    def test_they_set_and_lift_maintenance(self, database):
        host = records.host(database)
        outage = model.ProcessOutage(
            process_name="nova-compute", disabled_reason="it stopped"
        )
        assert database.read(outages.of_host, host.uuid) is None
        for _ in range(2):
            begun = database.write(outages.begin, host.uuid, outage)
            assert begun.on_maintenance
        assert database.read(outages.of_host, host.uuid) == outage
        assert not database.write(outages.end, host.uuid).on_maintenance
        assert database.read(outages.of_host, host.uuid) is None
        # Whoever sets it now has other reasons.
        database.write(hosts.update, host.uuid, on_maintenance=True)
        assert database.write(outages.end, host.uuid).on_maintenance

    def test_a_maintenance_can_become_somebody_elses(self, database):
        host = records.host(database)
        outage = model.ProcessOutage(process_name="p", disabled_reason="r")
        database.write(outages.begin, host.uuid, outage)
        database.write(outages.forget, host.uuid)
        assert database.read(outages.of_host, host.uuid) is None


class StoppedProcesses:
    """Hosts that wait until Nova has counted their service as up."""

    @pytest.fixture
    def host(self, database):
        host = records.host(database)
        outage = model.ProcessOutage(process_name="p", disabled_reason="r")
        database.write(outages.begin, host.uuid, outage)
        return host

    def up_since(self, database):
        (found,) = database.read(outages.stopped_hosts)
        return found.up_since

    def look(self, database, *up):
        (found,) = database.write(outages.look, up, gap=3600)
        assert found.up_since == self.up_since(database)
        return found.up_since

    def test_they_are_up_since_the_first_look_that_says_so(
        self, database, host
    ):
        other = records.host(database, name="compute-2")
        (waiting,) = database.read(outages.stopped_hosts, host.uuid)
        assert (waiting.host.uuid, waiting.up_since) == (host.uuid, None)
        assert not database.read(outages.stopped_hosts, other.uuid)
        first = self.look(database, host.uuid, other.uuid)
        assert first is not None
        assert self.look(database, host.uuid) == first
        assert self.look(database) is None

    def test_without_a_look_nobody_knows(self, database, host):
        """What happened in between would have been missed."""
        database.write(
            lambda session: session.query(tables.ProcessOutage).update(
                {"up_since": 1, "seen_up_at": 1}
            )
        )
        assert self.look(database, host.uuid) > 1

    def test_time_goes_by(self, database, host):
        database.write(
            lambda session: session.query(tables.ProcessOutage).update(
                {
                    "up_since": clocks.now_ms() - 90_000,
                    "seen_up_at": clocks.now_ms(),
                },
                synchronize_session=False,
            )
        )
        (found,) = database.write(outages.look, [host.uuid], gap=3600)
        assert 90 <= found.up_for < 3600

    def test_another_stop_begins_it_anew(self, database, host):
        self.look(database, host.uuid)
        database.write(outages.begin_again, host.uuid, "another")
        assert self.up_since(database) is not None
        database.write(outages.begin_again, host.uuid, "p")
        assert self.up_since(database) is None
        self.look(database, host.uuid)
        outage = model.ProcessOutage(process_name="p", disabled_reason="r")
        database.write(outages.begin, host.uuid, outage)
        assert self.up_since(database) is None

    def test_a_host_is_put_back_only_as_it_was_seen(self, database, host):
        seen = self.look(database, host.uuid)
        kept = database.write(outages.end, host.uuid, up_since=seen - 1)
        assert kept.on_maintenance
        back = database.write(outages.end, host.uuid, up_since=seen)
        assert not back.on_maintenance
        assert not database.read(outages.stopped_hosts)

    def test_a_deleted_host_waits_for_nothing(self, database, host):
        database.write(hosts.delete, host.uuid)
        assert not database.read(outages.stopped_hosts)


class HostClaims:
    """Hosts that are held although nothing is reported of them."""

    def take(self, database, host, owner="engine", lease=LEASE):
        database.write(claims.open_row, host.uuid)
        return database.write(
            claims.claim_host,
            host.uuid,
            owner=owner,
            token=str(uuid.uuid4()),
            lease=lease,
        )

    def test_one_has_it_until_it_is_handed_back(self, database):
        host = records.host(database)
        held = self.take(database, host)
        assert self.take(database, host, "other") is None
        assert database.write(claims.renew, held, lease=LEASE)
        database.write(claims.hand_back, held)
        assert not database.write(claims.renew, held, lease=LEASE)
        assert self.take(database, host, "other") is not None

    def test_it_lapses(self, database):
        host = records.host(database)
        held = self.take(database, host, lease=0)
        assert self.take(database, host, "other") is not None
        with pytest.raises(exception.ClaimLost, match=f"host {host.uuid}"):
            database.write(
                claims.while_held, held, LEASE, lambda _: pytest.fail()
            )

    def test_a_recovery_of_the_host_waits_meanwhile(self, database):
        host = records.host(database)
        held = self.take(database, host)
        records.notification(database, host)
        assert not database.read(due.candidates, limit=10)
        database.write(claims.hand_back, held)
        assert database.read(due.candidates, limit=10)

    @pytest.mark.parametrize("status", model.NotificationStatus)
    @pytest.mark.parametrize("kind", model.NotificationType)
    def test_what_is_reported_of_the_host_goes_first(
        self, database, kind, status
    ):
        host = records.host(database)
        records.notification(database, host, type=kind, status=status)
        waits = kind != "VM" and status in model.UNFINISHED
        assert (self.take(database, host) is None) is waits


def plan(*instances):
    return HostPlan(
        moves=tuple(
            Move(
                instance_uuid=instance,
                instance_name="vm",
                origin=Origin(vm_state="active"),
            )
            for instance in instances
        ),
        skipped=(),
    )


class Moves:
    def add(self, database, notification, *instances):
        return database.write(
            moves.add,
            notification_uuid=notification.uuid,
            source_host="failed",
            attempt=1,
            plan=plan(*instances),
        )

    def test_what_is_known_of_one_says_more_than_the_verdict(self, database):
        notification = records.notification(database)
        one, two = self.add(
            database, notification, str(uuid.uuid4()), str(uuid.uuid4())
        )
        (begun,) = database.write(moves.mark_ongoing, [one.uuid])
        assert begun.status is model.VMoveStatus.ONGOING
        database.write(moves.note, one.uuid, "full")
        ends = database.write(
            moves.end_rest, notification.uuid, verdict.error("gave up")
        )
        assert [(move.uuid, move.message) for move in ends] == [
            (one.uuid, "full"),
            (two.uuid, "gave up"),
        ]
        assert {move.status for move in ends} == {model.VMoveStatus.FAILED}

    def test_an_evacuation_is_found_by_the_host_it_was_from(self, database):
        notification = records.notification(database)
        instance = str(uuid.uuid4())
        (move,) = self.add(database, notification, instance)
        source = move.source_host
        assert database.read(moves.evacuated_from, instance, source) is None
        database.write(
            moves.settle,
            [
                model.Outcome(
                    vmove_uuid=move.uuid,
                    status=model.VMoveStatus.SUCCEEDED,
                    dest_host="other",
                )
            ],
        )
        found = database.read(moves.evacuated_from, instance, source)
        assert found.dest_host == "other"
        assert database.read(moves.evacuated_from, instance, "other") is None

    def test_who_else_is_at_an_instance_knows_what_it_was(self, database):
        notification = records.notification(database)
        another = records.notification(database)
        instance = str(uuid.uuid4())

        def found(asking):
            return database.read(moves.under_way, asking.uuid, [instance])

        (move,) = self.add(database, notification, instance)
        assert found(another) == {}
        database.write(moves.mark_ongoing, [move.uuid])
        assert found(another)[instance].vm_state == "active"
        assert found(notification) == {}
        database.write(
            moves.end_rest, notification.uuid, verdict.error("gave up")
        )
        assert found(another) == {}
