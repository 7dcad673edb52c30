# SPDX-License-Identifier: Apache-2.0
"""Several engines beside one API: who works, who dies, what is left."""

import contextlib
import os
import time

from masakari.db.session import Database
from tests.integration import judgement, reports
from tests.integration.deployment import wait_for

#: More than usual makes every round heavier.
SCALE = int(os.environ.get("MASAKARI_TEST_SCALE", "1"))

#: Seconds in which a recovery under trouble has to end.
LIMIT = 120 * SCALE


class Fleet:
    """A deployment, its engines, and what was reported to it.

    :param url: of the database, by a way that stays open
    :ivar engines: those that have not been killed or stopped
    :ivar accepted: the uuids of the notifications that the API has taken
    """

    def __init__(self, deployed, url):
        self.deployed = deployed
        self.cloud = deployed.cloud
        self.records = Database(url)
        self.engines = []
        self.former = []
        self.accepted = []
        self.doomed = []
        self.api = None
        self._ha = None

    def close(self):
        self.records.dispose()

    def open(self, *, engines=3, **cloud):
        """Start the API, fill the cloud and start engines.

        :param cloud: for :meth:`Deployment.populate`
        """
        self.open_api(**cloud)
        self.start_engines(engines)

    def open_api(self, **cloud):
        self.api = self.deployed.start_api()
        self._ha = self.deployed.connect().instance_ha
        self.deployed.populate(self._ha, **cloud)

    def begin_engine(self):
        """Start an engine; returns before it is ready."""
        number = len(self.engines) + len(self.former) + 1
        engine = self.deployed.begin("masakari-engine", f"engine-{number}")
        self.engines.append(engine)
        return engine

    def start_engines(self, count):
        for engine in [self.begin_engine() for _ in range(count)]:
            engine.says("The engine has started")

    def fail(self, *hosts):
        """Have hosts die and be reported; the uuids of the reports."""
        self.kill_hosts(*hosts)
        return [self.report(host) for host in hosts]

    def kill_hosts(self, *hosts):
        for host in hosts:
            self.cloud.kill(host)
        self.doomed += hosts

    def report(self, host):
        uuid = reports.report(self._ha, host=host)
        self.accepted.append(uuid)
        return uuid

    def post(self, host):
        """A report without a client's patience; see :func:`reports.post`."""
        token = self.deployed.connect().auth_token
        answer, seconds = reports.post(self.deployed.api_url, token, host)
        if answer.status_code == 202:
            self.accepted.append(
                answer.json()["notification"]["notification_uuid"]
            )
        return answer, seconds

    def moved(self, count):
        """Wait until Nova has taken so many evacuations."""
        wait_for(lambda: len(self.cloud.migrations) >= count)

    def owner(self, uuid):
        """The living engine that works on a notification, once one does."""

        def found():
            owner = judgement.owners(self.records).get(uuid)
            return owner and self._called(owner)

        return wait_for(found)

    def _called(self, owner):
        pid = int(owner.split(":")[1])
        engines = [e for e in self.engines if e.process.pid == pid]
        return engines[0] if engines else None

    def lose(self, engine):
        """It is not one of the fleet any more."""
        self.engines.remove(engine)
        self.former.append(engine)

    def take_over(self, uuid, former):
        """Wait until another engine than ``former`` works on it.

        :returns: that engine, and the seconds that it took
        """
        others = [e for e in self.engines if e is not former]
        before = {engine: working(engine, uuid) for engine in others}
        began = time.monotonic()

        def found():
            return [e for e in others if working(e, uuid) > before[e]]

        return wait_for(found)[0], time.monotonic() - began

    def settle(self, timeout=LIMIT):
        """Wait until all that was accepted has ended."""
        judgement.settled(self.records, self.accepted, timeout)

    def faults(self):
        """See :func:`judgement.faults`; tracebacks are faults too."""
        programs = [self.api, *self.engines, *self.former]
        return judgement.faults(
            self.records, self.cloud, self.accepted, self.doomed
        ) + [line for program in programs for line in program.tracebacks]

    def judge(self, timeout=LIMIT):
        """All that was accepted is done, and nothing was done twice."""
        self.settle(timeout)
        wrong = self.faults()
        assert not wrong, "\n".join(wrong)


def working(engine, uuid=""):
    """How often an engine has begun to work on a notification."""
    return engine.text.count(f"Working on notification {uuid}")


@contextlib.contextmanager
def opened(deployed, url):
    """A fleet that is still to be started."""
    made = Fleet(deployed, url)
    try:
        yield made
    finally:
        made.close()
