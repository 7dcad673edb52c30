# SPDX-License-Identifier: Apache-2.0
"""Clouds and troubles by chance: one seed, one story."""

import dataclasses
import random
from collections.abc import Mapping, Sequence
from typing import Any

from tests.simulation import strict
from tests.simulation.files import CloudFile, Event, Expectation, ScenarioFiles

#: Seconds within which everything begins to happen.
STORY = 90.0
#: Seconds that Nova may be away, or a host without power.
LONGEST = 3600.0

_METHODS = ("auto", "auto", "reserved_host", "auto_priority", "rh_priority")
_STATES = ("active", "active", "active", "stopped", "error", "resized")

#: Calls that a recovery makes, and its work at a destination.
_VERBS = (
    "*",
    "add_host_to_aggregate",
    "aggregates",
    "authenticate",
    "compute_service",
    "disable_service",
    "enable_service",
    "evacuate",
    "evacuations",
    "reset_state",
    "server",
    "servers_on",
    "start",
    "stop",
)
_PASSING: Sequence[int | str] = (
    *(429, 500, 502, 503),
    *("hang", "late", "slow", "timeout"),
)


@dataclasses.dataclass(frozen=True)
class Tale:
    """All that happens by chance, as plain data.

    :param cloud: a :class:`~tests.simulation.files.CloudFile`
    :param events: what it would be in ``events.yaml``
    :param deaths: the steps at which engines are killed
    :param freezes: the steps at which they are frozen, each with how many
        seconds that takes
    :param racing: whether transactions take time, in which others act
    :param mild: nothing happens that another attempt cannot make good, so
        that everything has to be recovered
    """

    cloud: Mapping[str, Any]
    events: Sequence[Mapping[str, Any]]
    deaths: Sequence[int]
    freezes: Sequence[Sequence[int]]
    racing: bool
    mild: bool

    def files(self) -> ScenarioFiles:
        """The scenario; it expects nothing by itself."""
        return ScenarioFiles(
            strict.build(CloudFile, self.cloud, "cloud"),
            [strict.build(Event, event, "event") for event in self.events],
            Expectation(notifications={}),
        )


def tale(seed: int) -> Tale:
    """What happens by that chance; the same seed gives the same."""
    return _Teller(random.Random(seed)).tell()


class _Teller:
    """Draws a tale."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._mild = chance.random() < 0.5
        self._names = [f"host-{n}" for n in range(chance.randint(2, 7))]
        dying = chance.randint(1, max(1, len(self._names) // 2))
        self._failing = self._names[:dying]
        self._living = self._names[dying:]
        self._method = chance.choice(_METHODS)
        self._reserves: list[str] = []
        if self._method != "auto":
            most = dying + 1
            least = dying if self._mild else 0
            if self._mild and self._method == "reserved_host":
                # Nothing else will do for any host that fails.
                least = most = len(self._names)
            self._reserves = [
                f"spare-{n}" for n in range(chance.randint(least, most))
            ]
        #: Whether more hosts die than those that fail at first.
        self._more_die = False
        self._engines = chance.randint(1, 3)
        self._servers: dict[str, dict[str, Any]] = {}

    def tell(self) -> Tale:
        chance = self._chance
        cloud = self._cloud()
        events = [*self._failures(), *self._troubles()]
        deaths = sorted(self._steps(chance.choice((0, 0, 1, 1, 2, 4))))
        freezes = [
            [step, chance.randint(1, 60)]
            for step in sorted(self._steps(chance.choice((0, 0, 1, 2))))
        ]
        racing = chance.random() < 0.3
        events += self._retries(events)
        return Tale(
            cloud=cloud,
            events=sorted(events, key=lambda event: event["at"]),
            deaths=deaths,
            freezes=freezes,
            racing=racing,
            mild=self._mild,
        )

    def _steps(self, count: int) -> set[int]:
        return {
            self._chance.randint(1, self._chance.choice((20, 100, 400)))
            for _ in range(count)
        }

    def _at(self, least: float = 0.0, most: float = STORY) -> float:
        return round(self._chance.uniform(least, most), 1)

    def _soon(self) -> float:
        """Rather while much is going on."""
        return self._at(5, STORY if self._chance.random() < 0.3 else 35)

    # -- what there is -----------------------------------------------------

    def _cloud(self) -> dict[str, Any]:
        chance = self._chance
        for name in (*self._failing, *chance.sample(self._living, 1)):
            for number in range(chance.randint(1, 3)):
                self._servers[f"{name}-vm{number}"] = self._server(name)
        hosts: dict[str, Any] = {name: self._host() for name in self._names}
        for name in self._reserves:
            hosts[name] = {
                **self._host(),
                "reserved": True,
                "disabled": "kept back",
            }
        floor = chance.randint(1, 4)
        return {
            "hosts": hosts,
            "method": self._method,
            "servers": self._servers,
            "aggregates": {"rack": self._failing},
            "settings": {
                "window_floor": floor,
                "window_ceiling": chance.choice((floor, 6, 64)),
                # Others may be dead that Nova does not know of yet.
                "force_down": not self._mild and chance.random() < 0.3,
                "add_reserve_to_aggregates": chance.random() < 0.5,
                "process_all_instances": True,
                # All waits end earlier.
                "expiry": 40000.0,
            },
            "simulator": {
                "seed": chance.randint(0, 99),
                "evacuation_seconds": chance.choice((0.5, 3.0, 20.0)),
                "latency": chance.choice((0.0, 0.0, 0.05, 0.7)),
                "rpc_timeout": chance.choice((3.0, 20.0)),
            },
            "engines": self._engines,
            "clocks": [
                chance.choice((0.0, -120.0, 0.7, 600.0)) for _ in range(3)
            ],
            "evacuates_stopped": chance.random() < 0.8,
            "run": 20000,
        }

    def _host(self) -> dict[str, Any]:
        few = not self._mild and self._chance.random() < 0.3
        return {"slots": self._chance.randint(0, 4) if few else 100}

    def _server(self, host: str) -> dict[str, Any]:
        chance = self._chance
        server: dict[str, Any] = {
            "host": host,
            "count": chance.choice((1, 1, 2, 5)),
            "state": "active" if self._mild else chance.choice(_STATES),
        }
        if chance.random() < 0.3:
            server["metadata"] = {
                "HA_Enabled": "True",
                "HA_Priority": str(chance.randint(0, 9)),
            }
        if chance.random() < 0.1:
            server["locked"] = True
        if not self._mild and chance.random() < 0.1:
            server["task"] = chance.choice(("deleting", "soft-deleting"))
        return server

    def _one_of_the_servers(self) -> tuple[str, str] | None:
        """The name and the host of a server."""
        if not self._servers:
            return None
        name = self._chance.choice(sorted(self._servers))
        count = self._servers[name]["count"]
        one = f"{name}-{self._chance.randrange(count)}"
        return one, self._servers[name]["host"]

    # -- what happens ------------------------------------------------------

    def _failures(self) -> list[dict[str, Any]]:
        """Hosts die and are reported, by one monitor or by several."""
        events: list[dict[str, Any]] = []
        for name in self._failing:
            died = 0.0 if self._mild else self._at(0, STORY / 3)
            events.append({"at": died, "kill": name})
            for number in range(self._chance.choice((1, 1, 1, 2, 3))):
                at = round(died + self._at(1, 20), 1)
                events.append(
                    {
                        "at": at,
                        "report": "COMPUTE_HOST",
                        "host": name,
                        "name": f"{name}-{number}",
                    }
                )
                if self._chance.random() < 0.5:
                    woken = self._chance.randint(1, self._engines)
                    events.append({"at": at + 0.01, "wake": woken})
        return events

    def _troubles(self) -> list[dict[str, Any]]:
        kinds = [
            *(self._fault, self._fault, self._outage, self._of_engines),
            *(self._nova_away, self._power_loss, self._of_destinations),
            self._denied,
        ]
        if not self._mild:
            kinds += [
                self._of_hosts,
                self._of_processes,
                self._of_servers,
                self._lasting,
                self._vm,
            ]
        events: list[dict[str, Any]] = []
        for _ in range(self._chance.choice((0, 1, 2, 3, 5, 8))):
            events += self._chance.choice(kinds)()
        return events

    def _fault(self) -> list[dict[str, Any]]:
        chance = self._chance
        outcome = chance.choice(_PASSING)
        fault: dict[str, Any] = {
            "verb": chance.choice(_VERBS),
            "outcome": outcome,
            "times": chance.randint(1, 4),
            "needless": True,
        }
        if chance.random() < 0.4:
            del fault["times"]
            fault["lasts"] = self._at(1, 40)
        if outcome == "late":
            # Within the time in which Nova begins what it was asked for.
            fault |= {"verb": "evacuate", "seconds": self._at(1, 110)}
        if outcome == "slow":
            fault["seconds"] = self._at(0.1, 10)
        if outcome in (429, 503) and chance.random() < 0.5:
            fault["retry_after"] = float(chance.randint(1, 9))
        return [{"at": self._soon(), "fault": fault}]

    def _nova_away(self) -> list[dict[str, Any]]:
        """Nova or Keystone is away for long."""
        chance = self._chance
        fault = {
            "verb": chance.choice(("*", "*", "authenticate")),
            "outcome": chance.choice((500, 502, 503, "hang", "timeout")),
            "lasts": self._at(60, chance.choice((300, LONGEST))),
            "needless": True,
        }
        return [{"at": self._at(), "fault": fault}]

    def _denied(self) -> list[dict[str, Any]]:
        """Nova, or Keystone, does not take the credentials of one engine."""
        chance = self._chance
        fault = {
            "verb": chance.choice(("*", "authenticate")),
            "outcome": chance.choice((401, 401, 403)),
            "engine": chance.randint(1, self._engines),
            "lasts": self._at(60, LONGEST),
            "needless": True,
        }
        if self._mild:
            # Where some things are forbidden only, that is an answer.
            fault["outcome"] = 401
        at = self._at()
        return [{"at": at, "fault": fault}, {"at": at, "start_engines": 1}]

    def _power_loss(self) -> list[dict[str, Any]]:
        """All hosts die at once, and come back one after the other.

        Those that have failed before may stay as they are.
        """
        if self._mild and self._more_die:
            # One that dies again may be taken for reported already.
            return []
        self._more_die = True
        chance = self._chance
        died = self._at()
        longest = chance.choice((60, 300, LONGEST))
        events: list[dict[str, Any]] = []
        for name in (*self._names, *self._reserves):
            events.append({"at": died, "kill": name})
            if chance.random() < 0.5:
                events.append(self._report(name, died))
            if name not in self._failing or chance.random() < 0.7:
                back = round(died + self._at(5, longest), 1)
                events.append({"at": back, "revive": name})
        return events

    def _of_destinations(self) -> list[dict[str, Any]]:
        """Another host dies, or restarts before anybody notices."""
        chance = self._chance
        if len(self._living) < 2 or (self._mild and self._more_die):
            return []
        self._more_die = True
        name = chance.choice(self._living[1:])
        at = self._at(5, 40)
        events = [{"at": at, "kill": name}]
        if not self._mild and chance.random() < 0.5:
            back = round(at + self._at(0.5, 10), 1)
            return [*events, {"at": back, "revive": name}]
        return [*events, self._report(name, at)]

    def _report(self, host: str, died: float) -> dict[str, Any]:
        at = round(died + self._at(1, 20), 1)
        return {
            "at": at,
            "report": "COMPUTE_HOST",
            "host": host,
            "name": f"{host}-at-{at}",
        }

    def _lasting(self) -> list[dict[str, Any]]:
        """What is seen in instances, or is refused for good."""
        chance = self._chance
        verb, outcome = chance.choice(
            [
                ("rebuild", "fail"),
                ("rebuild", "claim"),
                ("evacuate", "lost"),
                ("evacuate", 409),
                ("evacuate", 400),
                ("evacuate", 403),
                ("enable_service", 409),
                ("start", "lost"),
            ]
        )
        fault = {
            "verb": verb,
            "outcome": outcome,
            "times": chance.randint(1, 3),
            "needless": True,
        }
        return [{"at": self._soon(), "fault": fault}]

    def _outage(self) -> list[dict[str, Any]]:
        return [{"at": self._soon(), "database_away": self._at(1, 40)}]

    def _of_engines(self) -> list[dict[str, Any]]:
        """One is killed, stopped or suspended; another one is started."""
        number = self._chance.randint(1, self._engines)
        at = self._soon()
        events: list[dict[str, Any]] = [
            self._chance.choice(
                [
                    {"at": at, "crash_engine": number},
                    {"at": at, "stop_engine": number},
                    {
                        "at": at,
                        "suspend_engine": [
                            number,
                            self._chance.randint(1, 40),
                        ],
                    },
                ]
            )
        ]
        later = round(at + self._at(0, 30), 1)
        return [*events, {"at": later, "start_engines": 1}]

    def _of_hosts(self) -> list[dict[str, Any]]:
        """One returns, dies, fills up or is changed by an operator."""
        chance = self._chance
        name = chance.choice([*self._names, *self._reserves])
        at = self._soon()
        return chance.choice(
            [
                [{"at": at, "revive": name}],
                [{"at": at, "kill": name}, self._report(name, at)],
                [
                    {"at": at, "freeze": name},
                    {"at": round(at + self._at(1, 60), 1), "thaw": name},
                ],
                [{"at": at, "resize": {name: chance.randint(0, 9)}}],
                [{"at": at, "maintain": {name: chance.random() < 0.5}}],
                [
                    {
                        "at": at,
                        "report": "PROCESS",
                        "host": name,
                        "name": f"{name}-process-{at}",
                        "payload": {
                            "event": chance.choice(("STOPPED", "STARTED")),
                            "process_name": "nova-compute",
                        },
                    }
                ],
            ]
        )

    def _of_processes(self) -> list[dict[str, Any]]:
        """nova-compute is restarted, or down for a while or for good."""
        chance = self._chance
        name = chance.choice([*self._names, *self._reserves])
        at = self._soon()
        events: list[dict[str, Any]] = []
        for _ in range(chance.choice((1, 1, 2, 3))):
            if chance.random() < 0.6:
                events.append({"at": at, "stop_compute": name})
            events.append(
                {
                    "at": round(at + self._at(0, 20), 1),
                    "report": "PROCESS",
                    "host": name,
                    "name": f"{name}-stop-{at}",
                }
            )
            at = round(at + self._at(1, 2 * STORY), 1)
            if chance.random() < 0.8:
                events.append({"at": at, "start_compute": name})
            at = round(at + self._at(1, 2 * STORY), 1)
        return events

    def _of_servers(self) -> list[dict[str, Any]]:
        """A user or an operator does something to one."""
        found = self._one_of_the_servers()
        if found is None:
            return []
        verb = self._chance.choice(("delete", "halt", "evacuate", "idle"))
        return [{"at": self._soon(), verb: found[0]}]

    def _vm(self) -> list[dict[str, Any]]:
        """A server crashes."""
        found = self._one_of_the_servers()
        if found is None:
            return []
        server, host = found
        at = self._soon()
        report = {
            "at": at,
            "report": "VM",
            "host": host,
            "server": server,
            "name": f"{server}-{at}",
        }
        return [report]

    def _retries(
        self, events: Sequence[Mapping[str, Any]]
    ) -> list[dict[str, Any]]:
        """An operator wants something tried again, whatever became of it."""
        if self._mild:
            return []
        names = [event["name"] for event in events if "report" in event]
        return [
            {"at": self._at(STORY, 10 * STORY), "retry": name}
            for name in self._chance.sample(names, min(2, len(names)))
            if self._chance.random() < 0.5
        ]
