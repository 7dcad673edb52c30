# SPDX-License-Identifier: Apache-2.0
"""The files of a scenario: what there is, what happens, what is to be.

``README``
    What the scenario is about.
``cloud.yaml``
    A :class:`CloudFile`: hosts, servers, settings.
``events.yaml``
    A list of :class:`Event`: what happens, at which second.
``expect.yaml``
    An :class:`Expectation`: facts, never the text of a log.

Unknown keys are errors, and so are a fault that no call meets and an engine
that is to be killed and is not: a slip of the pen cannot make an expectation
vanish.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from masakari.domain.model import SETTLED, UNFINISHED, NotificationStatus
from masakari.nova.port import ComputePort
from tests.simulation import strict

FOLDERS = sorted((Path(__file__).parent / "scenarios").iterdir())

_CALLS = frozenset(name for name in vars(ComputePort) if name[0] != "_")
_FAULTY = _CALLS | {"rebuild", "authenticate", "*"}

#: One value for all, how many have which, or those that may be.
_Values = str | int | Mapping[str, int] | Sequence[str | None] | None

_NOTIFICATION_FACTS: Mapping[str, Any] = {
    "status": str,
    "message": str | Sequence[str] | None,
    "attempts": int,
}
_SERVER_FACTS: Mapping[str, Any] = {
    "host": _Values,
    "state": _Values,
    "power": _Values,
    "task": _Values,
    "locked": bool,
    "gone": bool,
}
_HOST_FACTS: Mapping[str, Any] = {
    "reserved": bool,
    "on_maintenance": bool,
    "enabled": bool,
    "reason": str | None,
    "forced_down": bool,
    "servers": int,
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class HostFile:
    """A compute host; ``disabled`` is the reason for which it is."""

    slots: int = 100
    hypervisor: str | None = None
    reserved: bool = False
    on_maintenance: bool = False
    disabled: str | None = None
    segment: str = "segment"


@dataclasses.dataclass(frozen=True, kw_only=True)
class ServerFile:
    """One server or, with ``count``, some that are called NAME-0 and so on."""

    host: str
    count: int | None = None
    state: str = "active"
    task: str | None = None
    power: int | None = None
    metadata: Mapping[str, str] = dataclasses.field(default_factory=dict)
    locked: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class CloudFile:
    """The world before anything happens.

    ``method`` and ``enabled`` are those of the segment; ``segments`` names
    further ones with their methods. ``run`` is when to give up, in seconds.
    ``clocks`` says how many seconds the clocks of the engines are fast, in
    turn. One is ``timely`` in which much hangs on moments: where an engine
    dies something else may come out, and be right too.
    """

    hosts: Mapping[str, HostFile]
    method: str = "auto"
    enabled: bool = True
    segments: Mapping[str, str] = dataclasses.field(default_factory=dict)
    servers: Mapping[str, ServerFile] = dataclasses.field(default_factory=dict)
    aggregates: Mapping[str, Sequence[str]] = dataclasses.field(
        default_factory=dict
    )
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    simulator: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    engines: int = 1
    clocks: Sequence[float] = (0.0,)
    evacuates_stopped: bool = True
    timely: bool = False
    run: float = 1200


@dataclasses.dataclass(frozen=True, kw_only=True)
class FaultFile:
    """See :meth:`masakari.simulator.faults.Faults.add`.

    ``lasts`` is in seconds from now, ``engine`` the number of the only one
    that meets it. One that is ``needless`` is there to
    show that nobody meets it.
    """

    verb: str
    outcome: int | str
    message: str | None = None
    server: str | None = None
    host: str | None = None
    engine: int | None = None
    times: int | None = None
    lasts: float | None = None
    retry_after: float | None = None
    seconds: float = 0.0
    needless: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class Event:
    """What happens ``at`` a second: one of these.

    ``kill``, ``revive``, ``freeze``, ``thaw``: a compute host;
    ``stop_compute``, ``start_compute``: nova-compute on it, and nothing else.

    ``forget``: an operator deletes the compute service of a host.

    ``report``: a notification of this type, about ``host`` or ``server``,
    with the usual ``payload`` or another one. It is called ``name`` from
    then on; the sender's clock is ``skew`` seconds fast, or it is dated like
    the one that it repeats (``again``).

    ``refused`` is the error with which the API answers a report or what an
    operator does.

    ``fault``, ``heal``: Nova fails in some way; all failures are over.

    ``delete``, ``halt``, ``idle``, ``evacuate``: a user deletes or stops a
    server, a task of it ends, an operator evacuates it.

    ``retry``: an operator wants the notification of that name to be tried
    again.

    ``resize`` (slots by host), ``disable`` (reason by host), ``enable``,
    ``maintain`` (by host), ``reserve``, ``enable_segment``: an operator
    changes what hosts are.

    ``kill_engine`` (``[before, evacuate, 3]``: at the third call from the
    beginning), ``freeze_engine`` (``[before, stop, 1, 40]``: the same, for so
    many seconds), ``crash_engine``, ``stop_engine`` (SIGTERM),
    ``suspend_engine`` (number and seconds), ``start_engines`` (how many more),
    ``wake`` (a cast reaches that engine), ``database_away`` (seconds): what
    happens to Masakari.
    """

    at: float
    kill: str | None = None
    revive: str | None = None
    freeze: str | None = None
    thaw: str | None = None
    stop_compute: str | None = None
    start_compute: str | None = None
    forget: str | None = None
    report: str | None = None
    name: str | None = None
    host: str | None = None
    server: str | None = None
    payload: Mapping[str, str] | None = None
    skew: float | None = None
    again: str | None = None
    refused: str | None = None
    fault: FaultFile | None = None
    heal: bool | None = None
    delete: str | None = None
    halt: str | None = None
    idle: str | None = None
    evacuate: str | None = None
    retry: str | None = None
    resize: Mapping[str, int] | None = None
    disable: Mapping[str, str] | None = None
    enable: str | None = None
    maintain: Mapping[str, bool] | None = None
    reserve: str | None = None
    enable_segment: bool | None = None
    kill_engine: Sequence[Any] | None = None
    freeze_engine: Sequence[Any] | None = None
    crash_engine: int | None = None
    stop_engine: int | None = None
    suspend_engine: Sequence[int] | None = None
    start_engines: int | None = None
    wake: int | None = None
    database_away: float | None = None

    @property
    def verb(self) -> str:
        """:raises Slip: it has none, or several"""
        about_reports = {"name", "host", "server", "payload", "skew", "again"}
        given = {
            field.name
            for field in dataclasses.fields(self)
            if getattr(self, field.name) is not None
        }
        verbs = given - about_reports - {"at", "refused"}
        stray = set() if "report" in verbs else given & about_reports
        if not verbs <= {"report", "maintain", "reserve", "retry"}:
            stray |= given & {"refused"}
        if len(verbs) != 1 or stray:
            raise strict.Slip(f"{self.at}: one event has {sorted(given)}")
        return verbs.pop()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Expectation:
    """Facts of the end.

    ``servers`` and ``moves`` are by the name in ``cloud.yaml``; for several
    servers, a mapping of a value to a number counts them, and a list has
    those that may be. ``attempts`` are the statuses of all moves of a
    server, the oldest first. ``messages`` are regular expressions, one or
    several that all have to be found. ``calls`` are exact or
    ``[least, most]``. ``within`` is how many seconds all may take,
    ``first_within`` when the first evacuation is asked for, both after the
    first report.
    """

    notifications: Mapping[str, Mapping[str, Any]]
    servers: Mapping[str, Mapping[str, Any]] = dataclasses.field(
        default_factory=dict
    )
    moves: Mapping[str, _Values] = dataclasses.field(default_factory=dict)
    attempts: Mapping[str, Sequence[str]] = dataclasses.field(
        default_factory=dict
    )
    messages: Mapping[str, str | Sequence[str] | None] = dataclasses.field(
        default_factory=dict
    )
    hosts: Mapping[str, Mapping[str, Any]] = dataclasses.field(
        default_factory=dict
    )
    aggregates: Mapping[str, Sequence[str]] = dataclasses.field(
        default_factory=dict
    )
    calls: Mapping[str, int | Sequence[int]] = dataclasses.field(
        default_factory=dict
    )
    order: Sequence[str] | None = None
    tasks: Mapping[str, Sequence[str]] = dataclasses.field(
        default_factory=dict
    )
    in_flight: Sequence[int] | None = None
    within: float | None = None
    first_within: float | None = None

    def check(self, cloud: CloudFile, reports: set[str]) -> None:
        """Whether it is about what there is.

        :param reports: the names of the notifications
        :raises Slip: it is not
        """
        _known("notifications", self.notifications, reports)
        if set(self.notifications) != reports:
            raise strict.Slip("some notifications are not expected at all")
        for table in (self.servers, self.moves, self.attempts, self.messages):
            _known("servers", table, cloud.servers)
        _known("hosts", self.hosts, cloud.hosts)
        _known("aggregates", self.aggregates, cloud.aggregates)
        _known("calls", self.calls, _CALLS)
        _known("tasks", self.tasks, reports)
        for facts, known in (
            (self.notifications, _NOTIFICATION_FACTS),
            (self.servers, _SERVER_FACTS),
            (self.hosts, _HOST_FACTS),
        ):
            for name, values in facts.items():
                _check_facts(name, values, known)
        for name, values in self.notifications.items():
            final = set(NotificationStatus) - UNFINISHED
            _known(name, [values.get("status")], final)
        for name, wanted in self.moves.items():
            _known(
                name, [wanted] if isinstance(wanted, str) else wanted, SETTLED
            )


@dataclasses.dataclass(frozen=True)
class ScenarioFiles:
    """What is in one folder."""

    cloud: CloudFile
    events: Sequence[Event]
    expected: Expectation


def _check_facts(
    name: str, values: Mapping[str, Any], known: Mapping[str, Any]
) -> None:
    _known(name, values, known)
    if not values:
        raise strict.Slip(f"nothing is expected of {name}")
    for key, value in values.items():
        strict.convert(value, known[key], f"{name}.{key}")


def _known(where: str, found: Any, known: Any) -> None:
    unknown = set(found or ()) - set(known)
    if unknown:
        raise strict.Slip(f"{where}: {unknown} is not known")


def read(folder: Path) -> ScenarioFiles:
    """What is in a folder.

    :raises Slip: what is in the folder does not make sense
    """
    if not (folder / "README").read_text().strip():
        raise strict.Slip(f"{folder} does not say what it is about")
    cloud, events, expected = (
        strict.read(folder / f"{name}.yaml")
        for name in ("cloud", "events", "expect")
    )
    made = strict.build(CloudFile, cloud, "cloud")
    happening = [
        strict.build(Event, event, f"event {number}")
        for number, event in enumerate(events, start=1)
    ]
    reports = []
    for event in happening:
        if event.verb == "report" and event.refused is None:
            reports.append(event.name or "it")
        if event.retry is not None:
            _known("retry", [event.retry], reports)
        if event.fault is not None:
            _known("fault", [event.fault.verb], _FAULTY)
    if len(set(reports)) < len(reports):
        raise strict.Slip("two reports have one name")
    expectation = strict.build(Expectation, expected, "expect")
    expectation.check(made, set(reports))
    return ScenarioFiles(made, happening, expectation)
