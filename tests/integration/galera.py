# SPDX-License-Identifier: Apache-2.0
"""Two nodes of MariaDB that are one Galera cluster, for tests alone."""

import contextlib
import getpass
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymysql
import sqlalchemy

from tests.integration.deployment import wait_for
from tests.ports import free_port

_PROVIDERS = (
    "/usr/lib/galera/libgalera_smm.so",
    "/usr/lib/libgalera_smm.so",
    "/usr/lib64/galera-4/libgalera_smm.so",
    "/usr/lib64/galera/libgalera_smm.so",
)
#: rsync is how a node gets its first copy of the data.
_PROGRAMS = ("mariadbd", "mariadb-install-db", "rsync")
_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])

#: Which of two is the cluster when they do not see each other.
HEAVY, LIGHT = 2, 1

#: Seconds to wait for a node.
_PATIENCE = 60


def missing() -> str | None:
    """Why there can be no cluster here."""
    if _provider() is None:
        return "Galera (libgalera_smm.so) is not installed"
    for program in _PROGRAMS:
        if shutil.which(program, path=_PATH) is None:
            return f"{program} is not installed"
    return None


def _provider() -> str | None:
    given = os.environ.get("MASAKARI_TEST_GALERA")
    places = (given,) if given else _PROVIDERS
    return next((place for place in places if Path(place).exists()), None)


def _program(name: str) -> str:
    found = shutil.which(name, path=_PATH)
    assert found is not None
    return found


def _user() -> str:
    """MariaDB does not run as root."""
    return "mysql" if os.getuid() == 0 else getpass.getuser()


class Node:
    """One server; its data are in a directory of its own."""

    def __init__(self, directory: Path, name: str, weight: int) -> None:
        self.name = name
        self._weight = weight
        self._data = directory / name
        self._log = directory / f"{name}.log"
        self._port = free_port()
        self._group_port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._data.mkdir()
        _give_away(self._data)

    @property
    def group(self) -> str:
        """Where others join."""
        return f"127.0.0.1:{self._group_port}"

    def url(self, database: str) -> str:
        return f"mysql+pymysql://root@127.0.0.1:{self._port}/{database}"

    def install(self) -> None:
        """Make the data that a cluster begins with."""
        subprocess.run(
            [
                _program("mariadb-install-db"),
                "--no-defaults",
                f"--datadir={self._data}",
                f"--user={_user()}",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                "--innodb-log-file-size=4M",
            ],
            check=True,
            capture_output=True,
        )

    def start(self, join: "Node | None" = None) -> None:
        """Begin a cluster, or join that of another node."""
        others = join.group if join else ""
        options = {
            "user": _user(),
            "datadir": self._data,
            "socket": self._data / "s",
            "pid-file": self._data / "pid",
            "port": self._port,
            "bind-address": "127.0.0.1",
            "binlog-format": "ROW",
            "default-storage-engine": "InnoDB",
            "innodb-autoinc-lock-mode": 2,
            "innodb-buffer-pool-size": "32M",
            "innodb-log-file-size": "4M",
            "innodb-flush-log-at-trx-commit": 0,
            "wsrep-on": "ON",
            "wsrep-provider": _provider(),
            "wsrep-cluster-name": "masakari",
            "wsrep-cluster-address": f"gcomm://{others}",
            "wsrep-node-name": self.name,
            "wsrep-node-address": "127.0.0.1",
            "wsrep-node-incoming-address": f"127.0.0.1:{self._port}",
            "wsrep-sst-method": "rsync",
            "wsrep-sst-receive-address": f"127.0.0.1:{free_port()}",
            "wsrep-provider-options": ";".join(
                [
                    "base_host=127.0.0.1",
                    f"base_port={self._group_port}",
                    f"gmcast.listen_addr=tcp://{self.group}",
                    f"ist.recv_addr=127.0.0.1:{free_port()}",
                    "gcache.size=16M",
                    f"pc.weight={self._weight}",
                    # Sooner than usual, but not on a machine that is busy.
                    "evs.suspect_timeout=PT3S",
                    "evs.inactive_timeout=PT10S",
                ]
            ),
        }
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    _program("mariadbd"),
                    "--no-defaults",
                    "--skip-name-resolve",
                    *(f"--{key}={value}" for key, value in options.items()),
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PATH": _PATH},
                start_new_session=True,
            )
        wait_for(self._is_synced, _PATIENCE)

    def kill(self) -> None:
        """As by kill -9."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def status(self, name: str) -> str | None:
        """One of the values of SHOW STATUS; a node always tells."""
        with self._cursor() as cursor:
            cursor.execute(f"SHOW STATUS LIKE '{name}'")
            row = cursor.fetchone()
        return None if row is None else str(row[1])

    def catch_up(self) -> None:
        """Wait until it has all that the cluster has committed."""
        with self._cursor() as cursor:
            cursor.execute("SET wsrep_sync_wait = 1")
            cursor.execute("SELECT 1")

    @contextlib.contextmanager
    def _cursor(self) -> Iterator[Any]:
        with (
            contextlib.closing(
                pymysql.connect(host="127.0.0.1", port=self._port, user="root")
            ) as connection,
            connection.cursor() as cursor,
        ):
            yield cursor

    def _is_synced(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()[-5000:]
        try:
            return self.status("wsrep_local_state_comment") == "Synced"
        except pymysql.err.MySQLError:
            return False


def _give_away(directory: Path) -> None:
    if os.getuid() == 0:
        found = pwd.getpwnam(_user())
        os.chown(directory, found.pw_uid, found.pw_gid)


class Cluster:
    """Two nodes; alone, the first one is the cluster, the second is not."""

    def __init__(self, directory: Path) -> None:
        self.first = Node(directory, "first", HEAVY)
        self.second = Node(directory, "second", LIGHT)

    @property
    def nodes(self) -> list[Node]:
        return [self.first, self.second]

    def start(self) -> None:
        self.first.install()
        self.first.start()
        self.second.start(join=self.first)

    def new_database(self) -> str:
        """The name of an empty database."""
        name = f"masakari_{uuid.uuid4().hex[:12]}"
        engine = sqlalchemy.create_engine(
            self.first.url(""), poolclass=sqlalchemy.NullPool
        )
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        wait_for(lambda: self._has(name))
        return name

    def _has(self, name: str) -> bool:
        engine = sqlalchemy.create_engine(
            self.second.url(""), poolclass=sqlalchemy.NullPool
        )
        with engine.connect() as connection:
            return (
                name in connection.exec_driver_sql("SHOW DATABASES").scalars()
            )

    def close(self) -> None:
        for node in self.nodes:
            node.kill()


@contextlib.contextmanager
def cluster() -> Iterator[Cluster]:
    """A cluster that runs."""
    # The path of a socket must not be long.
    with tempfile.TemporaryDirectory(prefix="galera") as directory:
        Path(directory).chmod(0o755)
        made = Cluster(Path(directory))
        try:
            made.start()
            yield made
        finally:
            made.close()
