# SPDX-License-Identifier: Apache-2.0
"""Random rounds of trouble for real processes.

``python -m tests.integration.rounds 50`` plays fifty rounds: some hosts fail
under an API with two workers and three engines, on MariaDB or PostgreSQL, and
meanwhile engines are killed, told to stop or frozen, the database or the
broker is cut off, and Nova or Keystone fails. After each round everything
that was accepted has to be done, and nothing may be done twice.

``--seed`` begins with another round than the first; a round that went wrong
is played again, alone, by ``rounds 1 --seed N``.
"""

import argparse
import collections
import contextlib
import dataclasses
import functools
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import time

import requests
import sqlalchemy

from tests.integration import (
    conftest,
    deployment,
    fleet,
    judgement,
    proxy,
    servers,
)

LEASE = 3
OPTIONS = {
    "notification_lease": LEASE,
    "notification_lease_renewal": 1,
    "host_failure_recovery_ceiling": 16,
    "nova_api_timeout": 2,
    "nova": {"hang_seconds": 4},
}
LIMIT = 120
PORTS = {"mariadb": 3306, "postgresql": 5432}


@dataclasses.dataclass
class Figures:
    """What came of rounds."""

    accepted: int = 0
    lost: int = 0
    unfinished: int = 0
    instances: int = 0
    twice: int = 0
    take_overs: list = dataclasses.field(default_factory=list)
    wrong: list = dataclasses.field(default_factory=list)

    def add(self, other):
        for field in dataclasses.fields(self):
            mine = getattr(self, field.name)
            setattr(self, field.name, mine + getattr(other, field.name))

    def __str__(self):
        longest = max(self.take_overs, default=0)
        return (
            f"accepted {self.accepted}, lost {self.lost}, not final "
            f"{self.unfinished}; instances {self.instances}, evacuated twice "
            f"{self.twice}; taken over {len(self.take_overs)} times, within "
            f"{longest:.1f} s at most"
        )


class Round:
    """One round; its number decides everything that is random in it."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.server = self.random.choice(sorted(servers.URLS))
        self.doomed = self.random.randint(1, 4)
        self.instances = self.random.randint(10, 80) // self.doomed + 1
        self.figures = Figures()
        self.troubles = self.random.choices(
            sorted(TROUBLES), k=self.random.randint(2, 4)
        )

    def __str__(self):
        return (
            f"{self.server}, {self.doomed} x {self.instances} instances, "
            + ", ".join(self.troubles)
        )

    def play(self):
        """Play it; the logs stay where something went wrong."""
        directory = tempfile.mkdtemp(prefix="masakari-round-")
        self._play_in(directory)
        if self.figures.wrong:
            self.figures.wrong.append(f"See the logs in {directory}")
            return
        shutil.rmtree(directory)

    def _play_in(self, directory):
        with servers.new_database(self.server) as url:
            conftest.create_tables(url)
            self._ways(url)
            deployed = deployment.Deployment(
                pathlib.Path(directory),
                self.database_url,
                transport_url=self.broker_url,
                **OPTIONS,
            )
            with (
                contextlib.closing(deployed),
                fleet.opened(deployed, url) as self.fleet,
                contextlib.ExitStack() as stack,
            ):
                stack.callback(self.database.cut)
                stack.callback(self.broker.cut)
                self._play()
                self._judge()

    def _ways(self, url):
        """Ways to the database and the broker that can be cut."""
        place = sqlalchemy.make_url(url)
        self.database = proxy.Proxy(
            place.host, place.port or PORTS[self.server]
        )
        self.database_url = place.set(
            port=self.database.port
        ).render_as_string(hide_password=False)
        place = sqlalchemy.make_url(deployment.BROKER)
        self.broker = proxy.Proxy(place.host, place.port or 5672)
        self.broker_url = place.set(port=self.broker.port).render_as_string(
            hide_password=False
        )
        self.database.join()
        self.broker.join()

    def _play(self):
        self.fleet.open(
            hosts=self.doomed + 3, servers=self.instances, doomed=self.doomed
        )
        hosts = [f"compute-{n}" for n in range(1, self.doomed + 1)]
        first = self.random.randint(1, self.doomed)
        self.fleet.fail(*hosts[:first])
        self.fleet.moved(1)
        self.fleet.kill_hosts(*hosts[first:])
        later = hosts[first:]
        for name in self.troubles:
            self._progress()
            TROUBLES[name](self)
            if later:
                self._insist(later.pop())
        for host in later:
            self._insist(host)
        for engine in self.fleet.engines:
            engine.send(signal.SIGCONT)

    def _progress(self):
        """Wait until some more has been evacuated, or nothing moves."""
        wanted = len(self.fleet.cloud.migrations) + self.random.randint(1, 15)
        ends_at = time.monotonic() + self.random.uniform(1, 3)
        deployment.wait_for(
            lambda: (
                len(self.fleet.cloud.migrations) >= wanted
                or time.monotonic() > ends_at
            )
        )

    def _insist(self, host):
        """Report as monitors do: again, until it is accepted."""

        def accepted():
            try:
                answer, _ = self.fleet.post(host)
            except requests.ConnectionError:
                return False
            # An earlier answer may have been lost on its way.
            return answer.status_code in (202, 409)

        deployment.wait_for(accepted)

    def _worker(self):
        """An engine that works on something; any one if none does."""
        pids = {
            int(owner.split(":")[1])
            for owner in judgement.owners(self.fleet.records).values()
        }
        engines = self.fleet.engines
        working = [e for e in engines if e.process.pid in pids]
        return self.random.choice(working or engines)

    def _held(self, engine):
        """The notifications that an engine works on."""
        held = judgement.owners(self.fleet.records)
        return [
            uuid
            for uuid, owner in held.items()
            if int(owner.split(":")[1]) == engine.process.pid
        ]

    def _await_take_over(self, engine, held):
        """Wait until others work on it, or are done with it."""
        began = time.monotonic()
        for uuid in held:

            def moved_on(uuid=uuid):
                status = judgement.statuses(self.fleet.records, [uuid])[uuid]
                owner = judgement.owners(self.fleet.records).get(uuid)
                gone = f":{engine.process.pid}:"
                return status != "running" or (owner and gone not in owner)

            deployment.wait_for(moved_on)
            self.figures.take_overs.append(time.monotonic() - began)

    def kill(self):
        engine = self._worker()
        held = self._held(engine)
        engine.kill()
        self.fleet.lose(engine)
        self.fleet.begin_engine()
        self._await_take_over(engine, held)

    def stop(self):
        engine = self._worker()
        engine.send(signal.SIGTERM)
        self.fleet.lose(engine)
        self.fleet.begin_engine()

    def freeze(self):
        engine = self._worker()
        engine.send(signal.SIGSTOP)
        self._await_take_over(engine, self._held(engine))
        engine.send(signal.SIGCONT)

    def cut(self, way):
        way.cut()
        self._pause(1, 5)
        way.join()

    def hang(self, way):
        way.pause()
        self._pause(1, 5)
        way.resume()

    def break_cloud(self, verb):
        outcome = self.random.choice([500, 503, 429, "hang", "timeout"])
        tokens = self.fleet.deployed.nova.tokens
        fault = self.fleet.cloud.faults.add(verb, outcome)
        tokens.revoke_all()
        self._pause(1, 4)
        self.fleet.cloud.faults.remove(fault)

    def _pause(self, least, most):
        """Trouble lasts a while."""
        ends_at = time.monotonic() + self.random.uniform(least, most)
        deployment.wait_for(lambda: time.monotonic() > ends_at)

    def _judge(self):
        made, figures = self.fleet, self.figures
        uuids = list(made.accepted)
        with contextlib.suppress(AssertionError):
            made.settle(LIMIT)
        statuses = collections.Counter(
            judgement.statuses(made.records, uuids).values()
        )
        figures.accepted = len(uuids)
        figures.lost = statuses["lost"]
        figures.unfinished = len(uuids) - sum(
            statuses[final] for final in ("finished", "failed", "ignored")
        )
        figures.instances = len(made.cloud.servers)
        figures.twice = len(judgement.twice(made.cloud))
        figures.wrong = made.faults()


TROUBLES = {
    "kill": Round.kill,
    "stop": Round.stop,
    "freeze": Round.freeze,
    "cut the database": lambda self: self.cut(self.database),
    "hang the database": lambda self: self.hang(self.database),
    "cut the broker": lambda self: self.cut(self.broker),
    "hang the broker": lambda self: self.hang(self.broker),
    "break Nova": lambda self: self.break_cloud(
        self.random.choice(["evacuate", "evacuations", "server"])
    ),
    "break Keystone": functools.partial(
        Round.break_cloud, verb="authenticate"
    ),
}


def tell(text):
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(prog="rounds")
    parser.add_argument("rounds", type=int)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    total = Figures()
    for seed in range(options.seed, options.seed + options.rounds):
        began = time.monotonic()
        played = Round(seed)
        tell(f"Round {seed}: {played}")
        played.play()
        tell(f"  {time.monotonic() - began:.0f} s; {played.figures}")
        for wrong in played.figures.wrong:
            tell(f"  WRONG: {wrong}")
        total.add(played.figures)
    tell(f"All of {options.rounds} rounds: {total}")
    return 1 if total.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
