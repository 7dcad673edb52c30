# SPDX-License-Identifier: Apache-2.0
"""Recovery workflows as TaskFlow graphs: what follows what.

The graphs are run with persistence so that they can be shown
(``recovery_workflow_details``). Nothing is ever resumed from it: a recovery
that is taken over looks at the world and runs as a new flow in the same
logbook.
"""

import contextlib
import dataclasses
import logging
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from oslo_config import cfg
from taskflow import engines, task
from taskflow import exceptions as taskflow_exc
from taskflow.patterns import linear_flow
from taskflow.persistence import backends, models
from taskflow.utils import persistence_utils

from masakari import exception
from masakari.engine import plugins
from masakari.engine.tasks.base import RecoveryTask

if TYPE_CHECKING:
    from masakari.engine.recovery import Recovery

LOG = logging.getLogger(__name__)

PHASES = ("pre", "main", "post")


@dataclasses.dataclass(frozen=True, slots=True)
class Workflow:
    """The tasks of one kind of recovery, by phase."""

    logbook: str
    flow: str
    tasks: Mapping[str, Sequence[type[task.Task]]]


class Records:
    """TaskFlow's persistence back end, as far as its engines use it.

    TaskFlow describes its tables anew for every connection it hands out,
    and SQLAlchemy keeps the descriptions. So there is one; what it does, it
    does on a connection of the pool, and threads may share it.

    :param url: of the database, for SQLAlchemy
    """

    def __init__(self, url: str) -> None:
        self._backend = backends.fetch({"connection": url})
        self._lock = threading.Lock()
        self._connection: Any = None

    def get_connection(self) -> Any:
        """A connection; closing it does nothing.

        :raises taskflow.exceptions.StorageFailure: the database is away
        """
        with self._lock:
            if self._connection is None:
                self._connection = self._backend.get_connection()
            return self._connection


class Flows:
    """Builds the configured workflows and runs them.

    :param backend: where they are recorded; one for a process
    """

    def __init__(self, backend: Records, host_auto: Workflow) -> None:
        self._backend = backend
        self._host_auto = host_auto

    @classmethod
    def from_conf(cls, conf: cfg.ConfigOpts) -> "Flows":
        """Resolve every task name that is configured.

        :raises ConfigurationError: a task is not installed
        """
        recipes = conf.taskflow_driver_recovery_flows
        recipe = recipes.host_auto_failure_recovery_tasks
        classes = plugins.load_tasks(
            name for phase in PHASES for name in recipe[phase]
        )
        return cls(
            Records(conf.taskflow.connection or conf.database.connection),
            Workflow(
                "instance:evacuate",
                "instance_evacuate_engine",
                {
                    phase: [classes[name] for name in recipe[phase]]
                    for phase in PHASES
                },
            ),
        )

    def run_host(self, recovery: "Recovery") -> None:
        """Run the workflow of a failed host; raises what a task raises."""
        self._run(
            self._host_auto,
            recovery,
            store={
                "host_name": recovery.host.name,
                "notification_uuid": recovery.notification.uuid,
            },
        )

    def _run(
        self, workflow: Workflow, recovery: "Recovery", store: dict[str, Any]
    ) -> None:
        flow = linear_flow.Flow(workflow.flow)
        for phase in PHASES:
            steps = [_make(cls, recovery) for cls in workflow.tasks[phase]]
            if steps:
                flow.add(linear_flow.Flow(f"{phase}_tasks").add(*steps))
        records = self._records(
            flow, recovery.notification.uuid, workflow.logbook
        )
        try:
            engines.load(flow, store=store, engine="serial", **records).run()
        except taskflow_exc.StorageFailure as error:
            raise exception.ServiceUnavailable(
                f"TaskFlow's records cannot be written: {error}"
            ) from error

    def _records(
        self, flow: linear_flow.Flow, uuid: str, name: str
    ) -> dict[str, Any]:
        """Where the flow is recorded.

        Without its tables, a recovery cannot be shown; that is no reason
        not to recover.
        """
        try:
            book = self._logbook(uuid, name)
            detail = persistence_utils.create_flow_detail(
                flow, book=book, backend=self._backend
            )
        except taskflow_exc.StorageFailure as error:
            LOG.warning(
                "The progress of notification %s will not be shown, since "
                "it cannot be recorded (has 'masakari-manage db sync' been "
                "run?): %s",
                uuid,
                error,
            )
            return {}
        return {"flow_detail": detail, "book": book, "backend": self._backend}

    def _logbook(self, uuid: str, name: str) -> models.LogBook:
        with contextlib.closing(self._backend.get_connection()) as connection:
            try:
                return connection.get_logbook(uuid)
            except taskflow_exc.NotFound:
                return models.LogBook(name, uuid=uuid)


def _make(cls: type[task.Task], recovery: "Recovery") -> task.Task:
    """Construct a task; only our own are handed the recovery itself."""
    own = {"recovery": recovery} if issubclass(cls, RecoveryTask) else {}
    return cls(
        context=recovery.context,
        novaclient=recovery.compute,
        update_host_method=None,
        **own,
    )
