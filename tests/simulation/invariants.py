# SPDX-License-Identifier: Apache-2.0
"""What must never happen, looked for at each call to Nova and each commit."""

import collections
import dataclasses
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from masakari.domain.model import SETTLED, UNFINISHED, VMoveStatus
from masakari.domain.server import SHUTDOWN
from masakari.simulator.records import RUNNING

if TYPE_CHECKING:
    from masakari.simulator.records import (
        HostRecord,
        MigrationRecord,
        ServerRecord,
    )
    from tests.simulation.harness import Simulation

_OPEN = frozenset(status.value for status in UNFINISHED)
_SETTLED = frozenset(status.value for status in SETTLED)
_IN_PROGRESS = ("accepted", "pre-migrating")

#: What a notification and a move may become, in one commit. One that is
#: ``new`` again waits: see :meth:`Invariants._check_waiting`.
_NEXT_STATUS: Mapping[str, frozenset[str]] = {
    "new": frozenset({"running"}),
    "running": frozenset({"new", "error", "finished", "ignored", "failed"}),
    "error": frozenset({"running"}),
}
#: What an operator's retry makes of one that has been given up.
_RETRIED = ("failed", "error")
_NEXT_OF_MOVE: Mapping[str | None, frozenset[str]] = {
    None: frozenset({"pending", "ignored"}),
    "pending": _SETTLED | {"ongoing"},
    "ongoing": _SETTLED,
}

#: Seconds for which a recovery that cannot go on is put off, at most.
PUT_OFF = 60

#: How Nova says no for good, and what it has not been able to do.
_REFUSAL = re.compile(
    "Bad Request|Forbidden|Conflict|Not Found|Cannot '|could not be found"
    "|No valid host|The simulated cloud was told to"
    # Nova may still be at work on it, which is for an operator to end.
    "|shows no change of it for .* minutes"
)

#: Seconds after which an engine counts what it has seen in flight.
COUNTED_WITHIN = 1.0

#: Attempts that a notification gets.
ATTEMPTS = 2


class Violation(BaseException):
    """Something happened that must never happen.

    The engine must not catch it. What runs its recoveries does: see
    :meth:`Invariants.raise_broken`.
    """


@dataclasses.dataclass(frozen=True, kw_only=True)
class Report:
    """A row of ``notifications``; ``failure`` means that a host failed."""

    status: str
    message: str | None
    host: str | None
    failure: bool
    payload: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Move:
    """A row of ``vmoves``."""

    notification: str
    instance: str
    status: str
    source: str
    dest: str | None
    message: str | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The database after a commit.

    ``claims`` are owners, ends of leases (milliseconds) and tokens by
    notification,
    ``attempts`` numbers and times of the next one, ``uses`` the reserved
    hosts that notifications have taken, ``owners`` who has claimed a host,
    for whatever it is, and until when, ``stopped`` the hosts that wait for a
    process.
    """

    notifications: Mapping[str, Report]
    moves: Mapping[str, Move]
    claims: Mapping[str, tuple[str, int, str]]
    attempts: Mapping[str, tuple[int, int | None]]
    uses: Mapping[str, str]
    reserved: frozenset[str]
    owners: Mapping[str, tuple[str, int]]
    stopped: frozenset[str]


_NOTHING = Snapshot(
    notifications={},
    moves={},
    claims={},
    attempts={},
    uses={},
    reserved=frozenset(),
    owners={},
    stopped=frozenset(),
)


def _snapshot(simulation: "Simulation") -> Snapshot:
    with simulation.database.engine.connect() as connection:

        def rows(query: str) -> Any:
            return connection.exec_driver_sql(query).all()

        return Snapshot(
            notifications={
                row[0]: Report(
                    status=row[1],
                    message=row[2],
                    host=row[3],
                    failure=row[4] == "COMPUTE_HOST" and "STOPPED" in row[5],
                    payload=row[5],
                )
                for row in rows(
                    "SELECT notification_uuid, status, message, hosts.name, "
                    "notifications.type, payload "
                    "FROM notifications LEFT JOIN hosts "
                    "ON hosts.uuid = source_host_uuid "
                    "ORDER BY notifications.id"
                )
            },
            moves={
                row[0]: Move(
                    notification=row[1],
                    instance=row[2],
                    status=row[3],
                    source=row[4],
                    dest=row[5],
                    message=row[6],
                )
                for row in rows(
                    "SELECT uuid, notification_uuid, instance_uuid, status, "
                    "source_host, dest_host, message "
                    "FROM vmoves ORDER BY id"
                )
            },
            claims={
                uuid: (owner, until, token)
                for uuid, owner, until, token in rows(
                    "SELECT notification_uuid, owner, expires_at, token "
                    "FROM claims "
                    "WHERE expires_at > 0 AND notification_uuid IS NOT NULL"
                )
            },
            attempts={
                uuid: (number, due)
                for uuid, number, due in rows(
                    "SELECT notification_uuid, attempts, next_attempt_at "
                    "FROM recoveries"
                )
            },
            uses=dict(
                rows(
                    "SELECT name, notification_uuid FROM reserve_uses "
                    "JOIN hosts ON hosts.uuid = reserve_uses.host_uuid"
                )
            ),
            reserved=frozenset(
                name
                for (name,) in rows("SELECT name FROM hosts WHERE reserved")
            ),
            owners={
                name: (owner, until)
                for name, owner, until in rows(
                    "SELECT name, owner, expires_at FROM claims "
                    "JOIN hosts ON hosts.uuid = subject WHERE expires_at > 0"
                )
            },
            stopped=frozenset(
                name
                for (name,) in rows(
                    "SELECT name FROM process_outages "
                    "JOIN hosts ON hosts.uuid = host_uuid"
                )
            ),
        )


class Invariants:
    """Watches a simulation.

    :ivar locked: which servers were locked before
    :ivar origins: states of servers, from before or as a user has changed
        them since, by uuid: those that may be restored
    :ivar reserves: reserved hosts as they were before, by name
    :ivar memberships: the aggregates that they were in
    """

    def __init__(self, simulation: "Simulation") -> None:
        self._simulation = simulation
        self._seen = _NOTHING
        self._asked_under: dict[str, str] = {}
        self._looked_at: dict[str, float] = {}
        self._granted: collections.Counter[str] = collections.Counter()
        self._broken: list[Violation] = []
        self._doubled: set[str] = set()
        self._left_alone: set[str] = set()
        self._deleted: set[str] = set()
        self.locked: dict[str, bool] = {}
        self.origins: dict[str, list[tuple[str, int]]] = {}
        self.reserves: dict[str, HostRecord] = {}
        self.memberships: dict[str, set[str]] = {}

    # -- at every call -----------------------------------------------------

    def at_call(self, when: str, verb: str, subject: str, detail: str) -> None:
        """:raises Violation:"""
        try:
            if when == "sent":
                self._is_claimed(verb, subject)
            if when == "sent" and verb == "enable_service":
                self._has_the_host(subject)
            if when == "sent" and verb == "evacuate":
                self._before_evacuation(subject, detail)
            if when == "after" and verb == "evacuations":
                self._has_looked(subject)
        except AssertionError as error:
            self._report(error)

    @property
    def _acting(self) -> str:
        return self._simulation.acting[-1].engine.name

    def _has_looked(self, host: str) -> None:
        """Who holds the failure of the host knows what is in flight."""
        now = self._simulation.clock.epoch()
        for uuid, (owner, _, token) in self._seen.claims.items():
            about = self._seen.notifications[uuid].host
            if (owner, about) == (self._acting, host):
                self._looked_at.setdefault(token, now)

    def _has_the_host(self, host: str) -> None:
        """Who enables a service holds its host, or has it in reserve."""
        owner, until = self._seen.owners.get(host, ("nobody", 0))
        held = owner == self._acting and until > 1000 * self._now
        user = self._holder(self._seen.uses.get(host, ""))
        assert held or user == self._acting, (
            f"{self._acting} enables {host}, which {owner} has claimed"
        )

    def _is_claimed(self, verb: str, subject: str) -> None:
        """Who changes something in Nova has the claim that it works on."""
        engine, lease = self._simulation.acting[-1]
        now = self._now * 1000
        if lease is None:
            owner, until = self._seen.owners.get(subject, ("nobody", 0))
            held = owner == engine.name and until > now
        else:
            claim = lease.claim
            _, until, token = self._seen.claims.get(
                claim.notification.uuid, ("nobody", 0, "")
            )
            held = token == claim.token and until > now
        assert held, (
            f"{engine.name} calls {verb} {subject} although it holds no claim"
        )

    @property
    def _now(self) -> float:
        return self._simulation.clock.epoch()

    def _report(self, error: AssertionError) -> None:
        raise self.broken(str(error)) from error

    def broken(self, text: str) -> Violation:
        """Remember what has happened; returns what to raise."""
        self._simulation.trace.add(f"VIOLATION {text}")
        self._broken.append(Violation(text))
        return self._broken[-1]

    def raise_broken(self) -> None:
        """:raises Violation: what must never happen has happened already"""
        for violation in self._broken:
            raise violation

    def leave_alone(self, uuid: str, *, deleted: bool = False) -> None:
        """What becomes of an instance is not up to us any more.

        :param deleted: its user is deleting it
        """
        self._left_alone.add(uuid)
        if deleted:
            self._deleted.add(uuid)

    def about_to_double(self, uuid: str) -> None:
        """Somebody else asks for an instance, be it in flight or not.

        Nova may leave it in error when one of them ends after the other.
        """
        self._left_alone.add(uuid)
        if any(record.instance_uuid == uuid for record in self._flying()):
            self._doubled.add(uuid)

    def in_flight(self) -> int:
        """How many evacuations Nova is carrying out."""
        return len(self._flying())

    def _flying(self) -> list["MigrationRecord"]:
        """What it is at work on, whatever else its records say."""
        cloud = self._simulation.cloud
        at_work = cloud.at_work
        return [
            record
            for record in cloud.migrations
            if record.status in _IN_PROGRESS and record.id in at_work
        ]

    def _before_evacuation(self, uuid: str, detail: str) -> None:
        cloud = self._simulation.cloud
        server = cloud.servers.get(uuid)
        if server is None or server.host is None:
            return
        assert uuid not in self._deleted, f"{server.name} is being deleted"
        assert not cloud.is_up(server.host), (
            f"{uuid} is evacuated from {server.host}, which is up"
        )
        flying = self._flying()
        for record in cloud.migrations:
            if record.instance_uuid != uuid:
                continue
            # What waits at a destination that has died is never done.
            assert record not in flying, (
                f"{uuid} is evacuated a second time at once"
            )
            again = record.source_host == server.host
            assert not (again and record.status == "done"), (
                f"{uuid} is evacuated again after it has succeeded"
            )
        late = {(call.verb, call.subject) for call in cloud.gate.late}
        assert ("evacuate", uuid) not in late, (
            f"{uuid} is evacuated while Nova has not begun what it was asked"
        )
        self._is_below_the_ceiling()
        self._is_on_record(server)
        self._has_its_target(server, detail)

    def _ongoing(self, uuid: str, source: str | None) -> Move | None:
        """The move of an instance that leaves this host."""
        for move in self._seen.moves.values():
            if move.status == "ongoing" and (
                (move.instance, move.source) == (uuid, source)
            ):
                return move
        return None

    def _is_on_record(self, server: "ServerRecord") -> None:
        """A record is written before the call that it describes."""
        move = self._ongoing(server.uuid, server.host)
        assert move is not None, (
            f"{server.name} has no record of its move from {server.host}"
        )
        owner = self._holder(move.notification)
        assert owner == self._acting, (
            f"{self._acting} evacuates {server.name}, which {owner} has "
            "claimed"
        )
        token = self._seen.claims[move.notification][2]
        self._asked_under[server.uuid] = token

    def _holder(self, notification: str) -> str | None:
        """The engine whose claim to it is live."""
        now = self._simulation.clock.epoch() * 1000
        owner, until, _ = self._seen.claims.get(notification, (None, 0, ""))
        return owner if until > now else None

    def _is_below_the_ceiling(self) -> None:
        """What it has asked for itself, and what it knows to be taken over.

        An instance counts once, although an operator may ask for it too.
        """
        counted = {
            record.instance_uuid
            for record in self._flying()
            if self._counts(self._acting, record)
        }
        flying = len(counted)
        assert flying < self._simulation.settings.window_ceiling, (
            f"{self._acting} has {flying} in flight and asks for one more"
        )

    def _counts(self, engine: str, record: "MigrationRecord") -> bool:
        """Whether the engine has to know of one that is in flight.

        It has asked for it under the claim it holds, or has had time to see
        it since it has claimed its notification.
        """
        move = self._ongoing(record.instance_uuid, record.source_host)
        if move is None or self._holder(move.notification) != engine:
            return False
        token = self._seen.claims[move.notification][2]
        if self._asked_under.get(record.instance_uuid) == token:
            return True
        looked = self._looked_at.get(token)
        if looked is None or record.created_at > looked:
            return False
        now = self._simulation.clock.epoch()
        return now - looked > COUNTED_WITHIN

    def _has_its_target(self, server: "ServerRecord", detail: str) -> None:
        """Only a reserved host that the recovery has taken is named."""
        target = detail.split("target=")[1].split(" ")[0]
        move = self._ongoing(server.uuid, server.host)
        if target != "None" and move is not None:
            assert self._seen.uses.get(target) == move.notification, (
                f"{server.name} is sent to {target}, which is not taken"
            )

    # -- at every commit ---------------------------------------------------

    def grant(self, notification: str) -> None:
        """An operator asks for another attempt, beyond the usual."""
        self._granted[notification] += 1

    def withdraw(self, notification: str) -> None:
        """The operator was refused it."""
        self._granted[notification] -= 1

    def at_commit(self) -> None:
        """:raises Violation:"""
        before, self._seen = self._seen, _snapshot(self._simulation)
        self._tell(before)
        try:
            self._check_notifications(before)
            self._check_moves(before)
            taken = self._seen.uses.keys() & self._seen.reserved
            assert not taken, f"taken and still reserved: {taken}"
        except AssertionError as error:
            self._report(error)

    def _tell(self, before: Snapshot) -> None:
        trace = self._simulation.trace
        for uuid, report in self._seen.notifications.items():
            old = before.notifications.get(uuid)
            if old is None or old.status != report.status:
                trace.add(
                    f"notification {uuid} {report.status} "
                    f"{report.message or ''}".rstrip()
                )
        for uuid, move in self._seen.moves.items():
            known = before.moves.get(uuid)
            if known is None or known.status != move.status:
                trace.add(
                    f"move of {move.instance} {move.status} "
                    f"{move.dest or ''} {move.message or ''}".rstrip()
                )
        for host in self._seen.uses.keys() ^ before.uses.keys():
            verb = "taken" if host in self._seen.uses else "let go"
            trace.add(f"reserved host {host} is {verb}")

    def _check_notifications(self, before: Snapshot) -> None:
        now = self._simulation.clock.epoch() * 1000
        for uuid, report in self._seen.notifications.items():
            status, old = report.status, before.notifications.get(uuid)
            assert (
                old is None
                or status == old.status
                or status in _NEXT_STATUS.get(old.status, ())
                or (self._granted[uuid] and (old.status, status) == _RETRIED)
            ), f"notification {uuid} is {status} and was {old}"
            until = self._seen.claims.get(uuid, ("", 0, ""))[1]
            if old is not None and (old.status, status) == ("running", "new"):
                self._check_waiting(uuid, before)
            if old is not None and (old.status, status) == (
                "error",
                "running",
            ):
                assert report.message is None, (
                    f"{uuid} tells of the attempt before: {report.message}"
                )
            attempts, due = self._seen.attempts.get(uuid, (0, None))
            most = ATTEMPTS + self._granted[uuid]
            assert attempts <= most, f"{uuid} has {attempts} attempts"
            if status not in _OPEN:
                assert not until, f"{uuid} is {status} and still claimed"
                assert report.message or status == "finished", (
                    f"{uuid} is {status} without a reason"
                )
                continue
            # The database's clock counts in whole milliseconds.
            longest = now + 1000 * self._simulation.lease + 1
            assert until <= longest, f"the lease of {uuid} is too long"
            assert status != "running" or attempts > 0, (
                f"{uuid} is running, and nobody can claim it"
            )
            interval = self._simulation.settings.retry_interval
            assert (due or 0) <= now + 1000 * interval + 1000, (
                f"{uuid} is not due before {due}"
            )

    def _check_waiting(self, uuid: str, before: Snapshot) -> None:
        """It says what it waits for, and any engine looks again soon."""
        assert self._seen.notifications[uuid].message, (
            f"{uuid} waits and does not say for what"
        )
        assert self._holder(uuid) is None, f"{uuid} waits and is claimed"
        tried, _ = before.attempts.get(uuid, (0, None))
        attempts, due = self._seen.attempts.get(uuid, (0, None))
        assert attempts == tried, f"{uuid} waits, which counts as an attempt"
        now = self._simulation.clock.epoch() * 1000
        assert due and now < due <= now + 1000 * PUT_OFF + 1000, (
            f"{uuid} waits until {due}"
        )

    def _check_moves(self, before: Snapshot) -> None:
        unsettled: set[tuple[str, str]] = set()
        for uuid, move in self._seen.moves.items():
            known = before.moves.get(uuid)
            old = known.status if known else None
            assert move.status == old or (
                move.status in _NEXT_OF_MOVE.get(old, ())
            ), f"the move of {move.instance} was {old} and is {move.status}"
            if move.status in _SETTLED:
                continue
            if (old, move.status) == ("pending", "ongoing"):
                said = self._seen.notifications[move.notification].message
                assert said is None, f"{move.instance} moves, and {said}"
            assert (
                self._seen.notifications[move.notification].status in _OPEN
            ), (
                f"the move of {move.instance} is {move.status} in an ended "
                "notification"
            )
            # Its destination may fail too before its end is known.
            moved = (move.instance, move.source)
            assert moved not in unsettled, (
                f"{move.instance} has two open moves from {move.source}"
            )
            unsettled.add(moved)

    @property
    def unfinished(self) -> bool:
        """Whether a notification has no final status."""
        return any(
            report.status in _OPEN
            for report in self._seen.notifications.values()
        )

    @property
    def claimable(self) -> bool:
        """Whether a look for work may find some."""
        now = self._simulation.clock.epoch() * 1000
        return any(
            report.status in _OPEN
            and self._holder(uuid) is None
            and (self._seen.attempts.get(uuid, (0, None))[1] or 0) <= now
            for uuid, report in self._seen.notifications.items()
        )

    def has_claims(self, engine: str) -> bool:
        """Whether nobody else can work on something yet."""
        return any(
            self._holder(uuid) == engine for uuid in self._seen.claims
        ) or any(
            owner == engine and until > 1000 * self._now
            for owner, until in self._seen.owners.values()
        )

    @property
    def waits_for_process(self) -> bool:
        """Whether a host is on maintenance for a process of it."""
        return bool(self._seen.stopped)

    @property
    def returning(self) -> bool:
        """Whether such a host is to be put back into service soon."""
        return bool(self._simulation.settings.service_up_interval) and any(
            self._simulation.cloud.hosts[name].responds
            for name in self._seen.stopped
        )

    def attempts(self, notification: str) -> int:
        """How often its recovery was begun."""
        return self._seen.attempts.get(notification, (0, None))[0]

    # -- at the end --------------------------------------------------------

    def at_the_end(self) -> None:
        """Records agree with the cloud, and nothing of ours is left behind.

        :raises AssertionError: they do not
        """
        latest = {move.instance: move for move in self._seen.moves.values()}
        for move in self._seen.moves.values():
            assert move.message or move.status == "succeeded", (
                f"the move of {move.instance} is {move.status} for no reason"
            )
        for uuid, move in latest.items():
            server = self._simulation.cloud.servers.get(uuid)
            if server is not None:
                self._agrees(server, move)
        self._nobody_is_forgotten(latest)
        for name in self.reserves:
            self._is_not_lost(name)
        for server in self._simulation.cloud.servers.values():
            self._is_no_worse(server)
        assert not self.returning, (
            f"out of service although nova-compute runs: {self._seen.stopped}"
        )
        for uuid, server in self._simulation.cloud.servers.items():
            locked = self.locked.get(uuid, False)
            assert server.locked == locked, (
                f"{server.name} is locked: {locked}"
            )

    def _is_no_worse(self, server: "ServerRecord") -> None:
        """Nothing of ours, and no recovery that did not work, is left.

        Unless Nova itself has refused something, and a record says why.
        """
        if server.uuid in self._left_alone or self._says_why(server):
            return
        origins = self.origins[server.uuid]
        allowed = {state for origin in origins for state in _unharmed(*origin)}
        assert server.vm_state in allowed, (
            f"{server.name} on {server.host} is {server.vm_state}, which is "
            f"worse than {allowed}"
        )
        host = self._simulation.cloud.hosts.get(server.host or "")
        if server.vm_state == "active" and host is not None and host.alive:
            runs = (server.task_state, server.power_state) == (None, RUNNING)
            assert runs or _is_off(*origins[0]), (
                f"{server.name} on {server.host}, which is up, does not run: "
                f"{server.task_state}, {server.power_state}"
            )

    def _says_why(self, server: "ServerRecord") -> bool:
        """Whether a record of it, of any attempt, has Nova's reason."""
        texts = [
            report.message or ""
            for report in self._seen.notifications.values()
            if server.uuid in report.payload and report.status == "failed"
        ]
        texts += [
            move.message or ""
            for move in self._seen.moves.values()
            if move.instance == server.uuid and move.status == "failed"
        ]
        reasons = {server.fault, *self._simulation.cloud.faults.refusals}
        return any(
            _REFUSAL.search(text)
            or any(reason and reason in text for reason in reasons)
            for text in texts
        )

    def _agrees(self, server: "ServerRecord", move: Move) -> None:
        if move.status == VMoveStatus.SUCCEEDED:
            assert server.host == move.dest != move.source, (
                f"{server.name} is said to be on {move.dest}, but is on "
                f"{server.host}"
            )
            allowed = {_goal(*o) for o in self.origins[server.uuid]}
            if server.uuid in self._doubled:
                allowed.add("error")
            assert server.vm_state in allowed, (
                f"{server.name} is {server.vm_state}, not {allowed}"
            )
        elif move.dest is None:
            assert server.host == move.source, (
                f"the move of {server.name} is {move.status}, but it is on "
                f"{server.host}"
            )

    def _nobody_is_forgotten(self, latest: Mapping[str, Move]) -> None:
        """Where a host is said to be recovered, nobody is left behind."""
        recovered = {
            report.host
            for report in self._seen.notifications.values()
            if report.failure and report.status == "finished"
        }
        for server in self._simulation.cloud.servers.values():
            move = latest.get(server.uuid)
            left = move is None or (
                move.source == server.host and move.status != "ignored"
            )
            assert not left or server.host not in recovered, (
                f"{server.name} is forgotten on {server.host}"
            )

    def _is_not_lost(self, name: str) -> None:
        """It has taken something in, has failed, or is as it was."""
        before = self.reserves[name]
        cloud = self._simulation.cloud
        now = cloud.hosts[name]
        reserved = name in self._seen.reserved
        if any(server.host == name for server in cloud.servers.values()):
            return
        # What has come may have been deleted since.
        come = [r for r in cloud.migrations if r.status == "done"]
        if any(record.dest_host == name for record in self._flying() + come):
            return
        if any(
            report.failure and report.host == name
            for report in self._seen.notifications.values()
        ):
            return
        assert reserved, f"{name} is lost as a reserve"
        members = {
            a.name for a in cloud.aggregates.values() if name in a.hosts
        }
        assert members == self.memberships[name], (
            f"{name} is left in the aggregates {members}"
        )
        if now.alive:
            kept = (now.enabled, now.disabled_reason)
            assert kept == (before.enabled, before.disabled_reason), (
                f"the service on {name} is not as before: {kept}"
            )


def _unharmed(vm_state: str, power_state: int) -> set[str]:
    """What an instance that was so may be now; see :func:`_goal`."""
    better = {"active"} if vm_state == "error" else set()
    return {vm_state, _goal(vm_state, power_state)} | better


def _is_off(vm_state: str, power_state: int) -> bool:
    return vm_state != "active" or power_state == SHUTDOWN


def _goal(vm_state: str, power_state: int) -> str:
    """What an instance that was so has to be after an evacuation."""
    if vm_state in ("active", "error"):
        return vm_state
    if vm_state == "resized" and power_state != SHUTDOWN:
        return "active"
    return "stopped"
