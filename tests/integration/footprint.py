# SPDX-License-Identifier: Apache-2.0
"""What engines need, and how soon one takes over from another.

``python -m tests.integration.footprint`` prints, with the default settings of
leases and polls:

* the seconds from the death of an engine (SIGKILL) until another one works
  on its notification, and until that asks Nova for more, for each of five
  deaths;
* for one engine that recovers twenty hosts with fifty instances each: how
  long it takes, its memory at its peak, and the most connections it had to
  the database, the broker, and Nova with Keystone.
"""

import argparse
import collections
import contextlib
import pathlib
import sys
import tempfile
import threading
import time
import urllib.parse

import psutil
import sqlalchemy

from tests.integration import conftest, deployment, fleet, servers

RUNS = 5
HOSTS = 20
INSTANCES = 50
DEFAULTS = {
    "notification_lease": 15,
    "notification_lease_renewal": 5,
    "notification_poll_interval": 2,
}


@contextlib.contextmanager
def assembled(server, **options):
    """A fleet with a database of its own; nothing of it runs yet."""
    with (
        tempfile.TemporaryDirectory() as directory,
        servers.new_database(server) as url,
    ):
        conftest.create_tables(url)
        deployed = deployment.Deployment(
            pathlib.Path(directory), url, **options
        )
        with contextlib.closing(deployed), fleet.opened(deployed, url) as made:
            yield made


def measure_take_over(server):
    with assembled(server, **DEFAULTS) as made:
        made.open(engines=2, servers=500)
        [uuid] = made.fail("compute-1")
        for _ in range(RUNS):
            made.moved(len(made.cloud.migrations) + 1)
            owner = made.owner(uuid)
            made.start_engines(1)
            owner.kill()
            died_at = time.monotonic()
            made.lose(owner)
            asked = made.cloud.counts["evacuate"]
            _, seconds = made.take_over(uuid, owner)
            deployment.wait_for(
                lambda asked=asked: made.cloud.counts["evacuate"] > asked
            )
            again = time.monotonic() - died_at
            tell(
                f"Taken over after {seconds:.1f} s; the next evacuation was "
                f"asked for after {again:.1f} s"
            )
        made.judge()


class Watch:
    """Looks at a process until it is told to stop.

    :param places: names by port
    """

    def __init__(self, process, places):
        self._process = psutil.Process(process.pid)
        self._places = places
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.peaks = collections.Counter()

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stopped.set()
        self._thread.join()

    def _look(self):
        while not self._stopped.wait(0.1):
            self.peaks |= collections.Counter(
                self._places[connection.raddr.port]
                for connection in self._process.net_connections("tcp")
                if connection.raddr
                and connection.raddr.port in self._places
                and connection.status == psutil.CONN_ESTABLISHED
            )
            self.peaks |= {"threads": self._process.num_threads()}

    def memory(self):
        """The most there ever was of it, in MB."""
        status = pathlib.Path(f"/proc/{self._process.pid}/status")
        fields = dict(
            line.split(":", 1) for line in status.read_text().splitlines()
        )
        return int(fields["VmHWM"].split()[0]) / 1024


def measure_footprint(server):
    with assembled(
        server, cloud={"max_concurrent_rebuilds": 10}, **DEFAULTS
    ) as made:
        made.open(engines=1, hosts=HOSTS + 10, servers=INSTANCES, doomed=HOSTS)
        [engine] = made.engines
        database = sqlalchemy.make_url(servers.URLS[server])
        usual = {"mariadb": 3306, "postgresql": 5432}[server]
        nova = urllib.parse.urlsplit(made.deployed.nova.url)
        broker = urllib.parse.urlsplit(deployment.BROKER)
        places = {
            database.port or usual: "database",
            broker.port or 5672: "broker",
            nova.port: "Nova",
        }
        with Watch(engine.process, places) as watch:
            began = made.cloud.now
            made.fail(*(f"compute-{n}" for n in range(1, HOSTS + 1)))
            made.judge(timeout=600)
            seconds = made.cloud.now - began
            memory = watch.memory()
        tell(
            f"{HOSTS} hosts with {INSTANCES} instances each: {seconds:.0f} s, "
            f"{len(made.cloud.calls)} calls, {memory:.0f} MB, "
            + ", ".join(f"{n} {what}" for what, n in watch.peaks.items())
        )


def tell(text):
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(prog="footprint")
    parser.add_argument("--server", default="mariadb", choices=servers.URLS)
    server = parser.parse_args().server
    measure_footprint(server)
    measure_take_over(server)
    return 0


if __name__ == "__main__":
    sys.exit(main())
