# SPDX-License-Identifier: Apache-2.0
"""Logbooks as TaskFlow itself writes them when an engine runs a flow."""

import contextlib
import uuid as uuids
from typing import Any

from oslo_utils import timeutils
from taskflow import engines, task
from taskflow.patterns import linear_flow
from taskflow.persistence import backends, models


class Told(task.Task):
    """A task that tells of its progress as those of Masakari do."""

    def __init__(self, name: str, messages: tuple[str, ...]) -> None:
        super().__init__(name)
        self._messages = messages

    def execute(self) -> None:
        told: list[dict[str, str]] = []
        for number, message in enumerate(self._messages, 1):
            progress = number / len(self._messages)
            told.append(
                {
                    "timestamp": str(timeutils.utcnow()),
                    "progress": str(progress),
                    "message": message,
                }
            )
            self.notifier.notify(
                task.EVENT_UPDATE_PROGRESS,
                {"progress": progress, "progress_details": list(told)},
            )


class Failing(Told):
    def execute(self) -> None:
        super().execute()
        raise ValueError("failed on purpose")


class _Killed(BaseException):
    """What TaskFlow has no chance to record."""


class Dying(Told):
    """The task of an engine that is killed in the midst of it."""

    def execute(self) -> None:
        super().execute()
        raise _Killed


def run(url: str, uuid: str, *tasks: task.Task, name: str) -> None:
    """Run a flow in the notification's logbook, opened if it is there."""
    with (
        contextlib.closing(backends.fetch({"connection": url})) as backend,
        contextlib.closing(backend.get_connection()) as connection,
    ):
        book = _book(connection, uuid, name)
        detail = models.FlowDetail(f"{name}_engine", str(uuids.uuid4()))
        book.add(detail)
        connection.save_logbook(book)
        flow = linear_flow.Flow(f"{name}_engine").add(*tasks)
        engine = engines.load(
            flow, flow_detail=detail, book=book, backend=backend
        )
        with contextlib.suppress(ValueError, _Killed):
            engine.run()


def _book(connection: Any, uuid: str, name: str) -> models.LogBook:
    for book in connection.get_logbooks():
        if book.uuid == uuid:
            return book
    return models.LogBook(name, uuid)
