# SPDX-License-Identifier: Apache-2.0
"""Databases that one simulation after another is given.

What SQLAlchemy has compiled for an engine of its own is worth keeping: it
takes longer than many a scenario.
"""

import contextlib
import functools
import itertools
import multiprocessing.util
import os
import shutil
import sqlite3
import tempfile
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

from masakari import conf as configuration
from masakari.db import clocks, progress, schema
from masakari.db.session import Database
from masakari.engine import workflows
from masakari.engine.flows import Flows, Records

#: Where engines keep the progress of their tasks when nobody reads it.
NOWHERE = "memory://"


class Place:
    """A file and what has been opened on it; one simulation has it at a time.

    :ivar database: Masakari's
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._clock: clocks.Clock = clocks.utc_now
        self.connection = f"sqlite:///{path}"
        self.database = Database(
            self.connection,
            clock=lambda: self._clock(),
            sqlite_synchronous=False,
        )
        self._backend = _backend(self.connection)
        self._records = Records(self._backend)

    def clear(self, clock: clocks.Clock) -> None:
        """Begin anew.

        :param clock: of whoever is to have it
        """
        self.database.dispose()
        self._backend.engine.dispose()
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(
                missing_ok=True
            )
        self._path.write_bytes(_empty())
        self._clock = clock

    def flows(self, progress_in: str) -> Flows:
        """The workflows of an engine.

        :param progress_in: :attr:`connection`, :data:`NOWHERE` or elsewhere
        """
        if progress_in == self.connection:
            records = self._records
        else:
            records = Records(_backend(progress_in))
        return Flows.of(_loaded(workflows.load), records)


def take(
    user: object, clock: clocks.Clock
) -> tuple[Place, Callable[[], object]]:
    """A place for as long as ``user`` is there, or until it is given back.

    :returns: it, and what gives it back
    """
    if _free:
        place = _free.pop()
    else:
        place = Place(_directory() / f"{next(_numbers)}.sqlite")
    place.clear(clock)
    return place, weakref.finalize(user, _free.append, place)


_free: list[Place] = []
_numbers = itertools.count()


@functools.cache
def _directory() -> Path:
    """In memory, where that can be: nothing here outlives the process."""
    memory = Path("/dev/shm")
    path = tempfile.mkdtemp(dir=memory if os.access(memory, os.W_OK) else None)
    remove = functools.partial(shutil.rmtree, path, ignore_errors=True)
    # Called at the end of processes of multiprocessing too.
    multiprocessing.util.Finalize(None, remove, exitpriority=0)
    return Path(path)


@functools.cache
def _empty() -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "empty.sqlite"
        connection = f"sqlite:///{path}"
        database = Database(connection)
        schema.create_all(database)
        progress.create_tables(connection)
        database.dispose()
        with contextlib.closing(sqlite3.connect(path)) as opened:
            opened.execute("PRAGMA journal_mode = DELETE")
        return path.read_bytes()


@functools.cache
def _loaded(load: Callable[[Any], Any]) -> Any:
    return load(
        configuration.load([], prog="masakari-engine", config_files=[])
    )


def _backend(connection: str) -> Any:
    conf = configuration.load([], prog="masakari-engine", config_files=[])
    conf.set_override("connection", connection, "taskflow")
    return progress.backend(conf)
