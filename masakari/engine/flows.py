# SPDX-License-Identifier: Apache-2.0
"""Runs recovery workflows, and records them.

The graphs are run with persistence so that they can be shown
(``recovery_workflow_details``). Nothing is ever resumed from it: a recovery
that is taken over looks at the world and runs as a new flow in the same
logbook.
"""

import contextlib
import functools
import logging
import threading
from collections.abc import Mapping
from typing import Any

from oslo_config import cfg
from taskflow import engines
from taskflow import exceptions as taskflow_exc
from taskflow.patterns import linear_flow
from taskflow.persistence import models
from taskflow.utils import persistence_utils

from masakari import exception
from masakari.db import progress
from masakari.domain.planner.host import Destination
from masakari.engine import reserves, workflows
from masakari.engine.recovery import Recovery
from masakari.engine.workflows import Workflow

LOG = logging.getLogger(__name__)


class Records:
    """TaskFlow's persistence back end, as far as its engines use it.

    TaskFlow describes its tables anew for every connection it hands out,
    and SQLAlchemy keeps the descriptions. So there is one; what it does, it
    does on a connection of the pool, and threads may share it.

    :param backend: what :func:`masakari.db.progress.backend` makes
    """

    def __init__(self, backend: Any) -> None:
        self._backend = backend
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

    Running one raises the error of Masakari that a task of it raises; any
    other one is logged, and becomes one of Masakari.

    :param backend: where they are recorded; one for a process
    """

    def __init__(
        self,
        backend: Records,
        *,
        host: Mapping[Destination, Workflow],
        instance: Workflow,
        process: Workflow,
    ) -> None:
        self._backend = backend
        self._host = host
        self._instance = instance
        self._process = process

    @classmethod
    def from_conf(cls, conf: cfg.ConfigOpts) -> "Flows":
        """The workflows that are configured, each of which can be run.

        :raises ConfigurationError: one cannot
        """
        loaded = workflows.load(conf)
        return cls.of(loaded, Records(progress.backend(conf)))

    @classmethod
    def of(cls, loaded: Mapping[str, Workflow], backend: Records) -> "Flows":
        """Those that :func:`workflows.load` has loaded."""
        return cls(
            backend,
            host={
                Destination.ANYWHERE: loaded[
                    "host_auto_failure_recovery_tasks"
                ],
                Destination.RESERVED: loaded["host_rh_failure_recovery_tasks"],
            },
            instance=loaded["instance_failure_recovery_tasks"],
            process=loaded["process_failure_recovery_tasks"],
        )

    def run_host(
        self,
        recovery: Recovery,
        destination: Destination,
        *,
        has_alternative: bool,
    ) -> None:
        """Run the workflow that sends a host's instances somewhere.

        :param has_alternative: what is refused there can be sent elsewhere
        :raises HostRecoveryFailureException: some were planned, and no task
            of the workflow took care of them
        """
        workflow = self._host[destination]
        store: dict[str, Any] = {
            "host_name": recovery.host.name,
            "has_alternative": has_alternative,
        }
        update_host = None
        if workflow.over_reserves:
            update_host = functools.partial(_update_host, recovery)
            store["reserved_host_list"] = [
                host.name for host in reserves.candidates(recovery)
            ]
        self._run(workflow, recovery, store, update_host_method=update_host)
        if recovery.journal.has_unsettled_moves():
            raise exception.HostRecoveryFailureException(
                "The recovery flow has evacuated nothing of what it planned: "
                "no task of it is made for that."
            )

    def run_instance(self, recovery: Recovery, uuid: str) -> None:
        """Run the workflow of a failed instance."""
        self._run(self._instance, recovery, {"instance_uuid": uuid})

    def run_process(self, recovery: Recovery, process: str) -> None:
        """Run the workflow of a failed process."""
        store = {"process_name": process, "host_name": recovery.host.name}
        self._run(self._process, recovery, store)

    def _run(
        self,
        workflow: Workflow,
        recovery: Recovery,
        store: dict[str, Any],
        **more: Any,
    ) -> None:
        store = {**store, "notification_uuid": recovery.notification.uuid}
        try:
            self._execute(workflow, recovery, store, more)
        except exception.MasakariException:
            raise
        except Exception as error:
            # To what could be tried next, it is a failure like any other.
            LOG.exception(
                "A task of notification %s failed unexpectedly",
                recovery.notification.uuid,
            )
            raise exception.MasakariException(
                f"Unexpected {type(error).__name__} in a recovery task; the "
                "engine's log has the details "
                f"[{recovery.lease.claim.request_id}]."
            ) from error

    def _execute(
        self,
        workflow: Workflow,
        recovery: Recovery,
        store: dict[str, Any],
        more: Mapping[str, Any],
    ) -> None:
        """Run a flow; raises what a task raised.

        What cannot be recorded, such as a result of a third-party task that
        is no JSON, is run once more without records: tasks can be repeated.
        """
        uuid = recovery.notification.uuid
        flow = workflows.build(workflow, recovery, more)
        records = self._records(flow, recovery, workflow.logbook)
        try:
            _run_flow(flow, store, records)
        except taskflow_exc.StorageFailure as error:
            LOG.warning(
                "The progress of notification %s cannot be recorded any "
                "further and will not be shown: %s",
                uuid,
                error,
            )
            recovery.check()
            _run_flow(workflows.build(workflow, recovery, more), store, {})

    def _records(
        self, flow: linear_flow.Flow, recovery: Recovery, name: str
    ) -> dict[str, Any]:
        """Where the flow is recorded.

        Without its tables, a recovery cannot be shown; that is no reason
        not to recover.
        """
        uuid = recovery.notification.uuid
        try:
            book = self._logbook(uuid, name)
            detail = persistence_utils.create_flow_detail(
                flow,
                book=book,
                backend=self._backend,
                meta={progress.ENGINE: recovery.lease.owner},
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


def _run_flow(
    flow: linear_flow.Flow, store: dict[str, Any], records: dict[str, Any]
) -> None:
    """:raises taskflow.exceptions.StorageFailure: it cannot be recorded"""
    try:
        engines.load(flow, store=store, engine="serial", **records).run()
    except taskflow_exc.WrappedFailure as failures:
        raise _weightiest(failures) from failures


def _update_host(
    recovery: Recovery,
    context: Any,
    host_name: str,
    reserved: bool = False,
) -> None:
    """What third-party tasks get as ``update_host_method``."""
    del context
    recovery.journal.set_reserved(host_name, reserved)


def _weightiest(failures: Any) -> BaseException:
    """Of several errors, the one that says what is to become of it all."""
    errors = [failure.exception for failure in failures]
    for kind in (exception.RecoveryAbandoned, exception.RecoveryWaits):
        for error in errors:
            if isinstance(error, kind):
                return error
    first: BaseException = errors[0]
    return first
