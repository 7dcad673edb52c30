# SPDX-License-Identifier: Apache-2.0
"""A write whose first commit fails ends as if that had not happened.

Either nothing was done, as after a deadlock, or all was done and only the
answer was lost. ``broken`` is a fixture: it has the next commit fail.
"""

import functools
import types
import uuid

import pytest

from masakari import context, exception
from masakari.db import (
    claims,
    due,
    moves,
    notifications,
    outages,
    purge,
    query,
    reserves,
    segments,
    tables,
)
from masakari.domain import model, verdict
from masakari.services import hosts as host_changes
from masakari.services import interventions as operators
from masakari.services import notifications as reports
from masakari.services import segments as segment_changes
from masakari.services.environment import Services, Settings
from masakari.simulator.cloud import Cloud
from masakari.simulator.port import SimulatedCompute
from tests.functional.db import commits, records
from tests.functional.db.cases.recoveries import plan, taking
from tests.unit.events.recorder import Recorder

LEASE = 30.0
MOMENT = records.EPOCH


def take(database, candidate):
    return database.write(
        claims.claim,
        candidate,
        owner="engine",
        token=str(uuid.uuid4()),
        lease=LEASE,
    )


def claim_row(database, subject):
    return database.read(lambda session: session.get(tables.Claim, subject))


class Breaking:
    """What may be broken."""

    @pytest.fixture(params=[commits.REFUSED, commits.DONE])
    def broken(self, request, database):
        """Has the next commit fail in one of the two ways."""
        failing = commits.Commits(database)

        def fail_next():
            failing.fail(iter([request.param]))

        yield fail_next
        assert failing.failed == 1
        failing.heal()

    @pytest.fixture
    def notification(self, database):
        return records.notification(database)

    @pytest.fixture
    def candidate(self, database, notification):
        (found,) = (
            candidate
            for candidate in database.read(due.candidates, limit=100)
            if candidate.notification_uuid == notification.uuid
        )
        return found

    @pytest.fixture
    def claim(self, database, candidate):
        database.write(claims.open_row, candidate.subject)
        return take(database, candidate)


class Claims(Breaking):
    """What engines write of notifications."""

    def test_a_row_to_claim_is_opened(self, database, candidate, broken):
        broken()
        database.write(claims.open_row, candidate.subject)
        assert claim_row(database, candidate.subject).expires_at == 0

    def test_a_claim_is_made_and_held(self, database, candidate, broken):
        database.write(claims.open_row, candidate.subject)
        broken()
        claim = take(database, candidate)
        assert claim is not None
        assert claim.attempt == 1
        assert claim.notification.status is model.NotificationStatus.RUNNING
        assert database.write(claims.renew, claim, lease=LEASE)
        assert take(database, candidate) is None

    def test_a_second_attempt_is_counted_once(
        self, database, claim, candidate, broken
    ):
        database.write(
            claims.finish,
            claim,
            verdict.error("no"),
            lease=LEASE,
            retry_in=0,
        )
        broken()
        again = take(database, candidate)
        assert again is not None
        assert again.attempt == 2

    def test_a_claim_is_renewed(self, database, claim, broken):
        broken()
        assert database.write(claims.renew, claim, lease=LEASE)
        assert database.write(claims.renew, claim, lease=LEASE)

    def test_a_host_is_held(self, database, broken):
        host = records.host(database)
        database.write(claims.open_row, host.uuid)
        broken()
        held = database.write(
            claims.claim_host,
            host.uuid,
            owner="engine",
            token=str(uuid.uuid4()),
            lease=LEASE,
        )
        assert held is not None
        assert database.write(claims.renew, held, lease=LEASE)

    def test_a_claim_is_handed_back(self, database, claim, candidate, broken):
        broken()
        database.write(claims.hand_back, claim)
        assert not database.write(claims.renew, claim, lease=LEASE)
        assert take(database, candidate) is not None

    @pytest.mark.parametrize(
        "result",
        [verdict.finished(), verdict.error("no"), verdict.failed("no")],
        ids=lambda result: str(result.status),
    )
    def test_a_result_is_written(self, database, claim, broken, result):
        broken()
        database.write(claims.finish, claim, result, lease=LEASE, retry_in=60)
        found = database.read(notifications.get, claim.notification.uuid)
        assert (found.status, found.message) == (result.status, result.message)
        row = claim_row(database, claim.subject)
        assert (row.expires_at, row.owner) == (0, None)
        assert not database.write(claims.renew, claim, lease=LEASE)

    def test_a_result_is_not_written_by_who_has_handed_back(
        self, database, claim, broken
    ):
        broken()
        database.write(claims.hand_back, claim)
        with pytest.raises(exception.ClaimLost):
            database.write(
                claims.finish,
                claim,
                verdict.finished(),
                lease=LEASE,
                retry_in=0,
            )


class Recoveries(Breaking):
    """What engines write under their claim."""

    @pytest.fixture
    def written(self, database, claim):
        """Writes under the claim, as the journal of a recovery does."""

        def write(function, *args, **kwargs):
            return database.write(
                claims.while_held,
                claim,
                LEASE,
                lambda session: function(session, *args, **kwargs),
            )

        return write

    def test_a_plan_is_recorded_once(
        self, database, notification, written, broken
    ):
        instances = [str(uuid.uuid4()) for _ in range(3)]
        broken()
        written(
            moves.add,
            notification_uuid=notification.uuid,
            source_host="failed",
            attempt=1,
            plan=plan(*instances),
        )
        found = database.read(moves.of_attempt, notification.uuid, 1)
        assert [one.move.instance_uuid for one in found] == instances

    def test_moves_go_on(self, database, notification, written, broken):
        (planned,) = written(
            moves.add,
            notification_uuid=notification.uuid,
            source_host="failed",
            attempt=1,
            plan=plan(str(uuid.uuid4())),
        )
        broken()
        (begun,) = written(moves.mark_ongoing, [planned.uuid])
        assert begun.status is model.VMoveStatus.ONGOING
        (ended,) = written(
            moves.settle,
            [
                model.Outcome(
                    vmove_uuid=planned.uuid,
                    status=model.VMoveStatus.SUCCEEDED,
                    dest_host="other",
                )
            ],
        )
        assert ended.dest_host == "other"

    def test_the_end_of_a_move_is_told(
        self, database, notification, written, broken
    ):
        (planned,) = written(
            moves.add,
            notification_uuid=notification.uuid,
            source_host="failed",
            attempt=1,
            plan=plan(str(uuid.uuid4())),
        )
        broken()
        (ended,) = written(
            moves.settle,
            [
                model.Outcome(
                    vmove_uuid=planned.uuid, status=model.VMoveStatus.FAILED
                )
            ],
        )
        assert ended.status is model.VMoveStatus.FAILED

    def test_a_reserve_is_taken(self, database, notification, written, broken):
        host = records.host(database, reserved=True)
        broken()
        taken = written(reserves.take, taking(host), notification.uuid)
        assert taken is not None
        assert not taken.reserved
        (held,) = database.read(reserves.taken_by, notification.uuid)
        assert held.host == taken
        assert not database.write(reserves.take, taking(host), "other")

    def test_a_reserve_is_given_back(
        self, database, notification, written, broken
    ):
        host = records.host(database, reserved=True)
        written(reserves.take, taking(host), notification.uuid)
        broken()
        assert written(
            reserves.give_back, host.uuid, notification.uuid
        ).reserved
        assert database.read(reserves.taken_by, notification.uuid) == []

    def test_a_reserve_that_somebody_else_has_by_now_stays_with_them(
        self, database, notification, written, broken
    ):
        """As when it was given back long before that is tried again."""
        host = records.host(database, reserved=True)
        written(reserves.take, taking(host), notification.uuid)
        written(reserves.give_back, host.uuid, notification.uuid)
        database.write(reserves.take, taking(host), "other")
        broken()
        kept = written(reserves.give_back, host.uuid, notification.uuid)
        assert not kept.reserved
        assert database.read(reserves.taken_by, "other")

    def test_an_outage_begins(self, database, written, broken):
        host = records.host(database)
        outage = model.ProcessOutage(process_name="p", disabled_reason="r")
        broken()
        assert written(outages.begin, host.uuid, outage).on_maintenance
        assert database.read(outages.of_host, host.uuid) == outage

    def test_an_outage_ends(self, database, written, broken):
        host = records.host(database)
        outage = model.ProcessOutage(process_name="p", disabled_reason="r")
        written(outages.begin, host.uuid, outage)
        broken()
        assert not written(outages.end, host.uuid).on_maintenance
        assert database.read(outages.of_host, host.uuid) is None

    def test_a_host_is_seen_up(self, database, written, broken):
        host = records.host(database)
        outage = model.ProcessOutage(process_name="p", disabled_reason="r")
        written(outages.begin, host.uuid, outage)
        broken()
        (seen,) = database.write(outages.look, [host.uuid], gap=60)
        assert seen.up_since is not None

    def test_what_is_old_is_removed(self, database, clock, broken):
        old = records.segment(database)
        database.write(segments.delete, old.uuid)
        clock.advance(days=2)
        broken()
        purge.purge(database, database, before=clock.now, max_rows=None)
        assert records.count(database, tables.Segment) == 0


class Interventions(Breaking):
    """What operators write of notifications."""

    @pytest.mark.parametrize(
        "status",
        [model.NotificationStatus.FAILED, model.NotificationStatus.ERROR],
    )
    def test_one_is_tried_again(self, database, notification, broken, status):
        uuid = notification.uuid
        records.change(database, tables.Notification, uuid, status=status)
        records.change(database, tables.Recovery, uuid, next_attempt_at=2**40)
        broken()
        assert operators.retry(database, uuid, expiry=3600) is None
        assert database.read(notifications.get, uuid).status == "error"
        assert len(database.read(due.candidates, limit=10)) == 1

    def test_one_is_released(self, database, notification, clock, broken):
        uuid = notification.uuid
        records.change(
            database,
            tables.Notification,
            uuid,
            status="running",
            updated_at=clock.now,
        )
        broken()
        assert operators.release(database, uuid) is None
        assert len(database.read(due.candidates, limit=10)) == 1


def phases(action):
    return [f"{action}.start", f"{action}.end"]


class Requests(Breaking):
    """What the API writes."""

    @pytest.fixture
    def services(self, database):
        cloud = Cloud(lambda: 0.0)
        cloud.add_host("compute-1")
        cloud.add_host("compute-2")
        return Services(
            database=database,
            workflows=database,
            compute=lambda: SimulatedCompute(cloud),
            engine_client=types.SimpleNamespace(
                process_notification=lambda *_args: None
            ),
            events=Recorder(),
            settings=Settings(),
        )

    @pytest.fixture
    def somebody(self):
        return context.admin("req-1")

    def test_a_report_is_accepted_once(
        self, database, services, somebody, broken
    ):
        host = records.host(database)
        report = functools.partial(
            reports.create,
            services,
            somebody,
            type=model.NotificationType.COMPUTE_HOST,
            hostname=host.name,
            generated_time=MOMENT,
            payload={"event": "STOPPED"},
        )
        broken()
        accepted = report()
        (found,) = database.read(
            notifications.of_host, host.uuid, "COMPUTE_HOST"
        )
        assert found.uuid == accepted.uuid
        assert services.events.types == phases("notification.create")
        with pytest.raises(exception.DuplicateNotification):
            report()

    def test_a_segment_is_made(self, database, services, somebody, broken):
        broken()
        made = segment_changes.create(
            services,
            somebody,
            name="segment",
            recovery_method="auto",
            service_type="compute",
        )
        assert services.events.types == phases("segment.create")
        assert segment_changes.get(services, made.uuid) == made

    def test_a_segment_is_changed(self, database, services, somebody, broken):
        segment = records.segment(database)
        broken()
        changed = segment_changes.update(
            services, somebody, segment.uuid, {"name": "other"}
        )
        assert changed.name == "other"
        assert services.events.types == phases("segment.update")

    def test_a_segment_is_deleted(self, database, services, somebody, broken):
        segment = records.segment(database)
        broken()
        segment_changes.delete(services, somebody, segment.uuid)
        assert services.events.types == phases("segment.delete")
        with pytest.raises(exception.SegmentNotFound):
            segment_changes.delete(services, somebody, segment.uuid)

    def test_a_host_is_made(self, database, services, somebody, broken):
        segment = records.segment(database)
        broken()
        made = host_changes.create(
            services,
            somebody,
            segment.uuid,
            name="compute-1",
            type="COMPUTE",
            control_attributes="SSH",
        )
        assert services.events.types == phases("host.create")
        assert host_changes.find(services, segment.uuid, {}, query.Page()) == [
            made
        ]

    def test_a_host_is_changed(self, database, services, somebody, broken):
        host = records.host(database, name="compute-1")
        broken()
        changed = host_changes.update(
            services,
            somebody,
            host.segment.uuid,
            host.uuid,
            {"name": "compute-2", "on_maintenance": True},
        )
        assert (changed.name, changed.on_maintenance) == ("compute-2", True)
        assert services.events.types == phases("host.update")

    def test_a_host_is_deleted(self, database, services, somebody, broken):
        host = records.host(database)
        broken()
        host_changes.delete(services, somebody, host.segment.uuid, host.uuid)
        assert services.events.types == phases("host.delete")
        with pytest.raises(exception.HostNotFoundInSegment):
            host_changes.delete(
                services, somebody, host.segment.uuid, host.uuid
            )
