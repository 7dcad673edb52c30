# SPDX-License-Identifier: Apache-2.0
"""The compute port over the simulated cloud, in process."""

import copy
import datetime
from collections.abc import Callable
from typing import TypeVar

from masakari.domain.server import (
    Aggregate,
    ComputeService,
    Migration,
    Server,
)
from masakari.nova import port
from masakari.simulator import cloud as cloud_module
from masakari.simulator import gate, records

T = TypeVar("T")


def utc(moment: float) -> datetime.datetime:
    """Naive UTC of epoch seconds, whole seconds as Nova keeps them."""
    aware = datetime.datetime.fromtimestamp(int(moment), datetime.UTC)
    return aware.replace(tzinfo=None)


def _epoch(moment: datetime.datetime) -> float:
    whole = moment.replace(tzinfo=datetime.UTC, microsecond=0)
    return whole.timestamp()


def _error(error: records.CloudError, *, read: bool) -> port.ComputeError:
    text = str(error)
    if error.code == 401 or (error.code == 403 and read):
        return port.Denied(text, code=error.code)
    if error.code == 404:
        return port.NotFound(text)
    if error.code in (408, 413, 429) or error.code >= 500:
        return port.Unavailable(
            text,
            retry_after=error.retry_after,
            in_doubt=error.code in port.DOUBTFUL,
        )
    return port.Refused(text, code=error.code)


def _server(record: records.ServerRecord) -> Server:
    return Server(
        uuid=record.uuid,
        name=record.name,
        host=record.host,
        hypervisor=record.hypervisor,
        vm_state=record.vm_state,
        task_state=record.task_state,
        power_state=record.power_state,
        metadata=dict(record.metadata),
        locked=record.locked,
        fault=record.fault if record.vm_state == "error" else None,
        updated_at=utc(record.updated_at),
    )


def _migration(record: records.MigrationRecord) -> Migration:
    changed = record.updated_at
    return Migration(
        id=record.id,
        instance_uuid=record.instance_uuid,
        source_host=record.source_host,
        dest_host=record.dest_host,
        status=record.status,
        created_at=utc(record.created_at),
        updated_at=None if changed is None else utc(changed),
    )


class SimulatedCompute:
    """A :class:`masakari.nova.port.ComputePort`.

    :param timeout: seconds after which an answer is not waited for any more
    :param wait: lets that many seconds pass, for answers that take their
        time; None lets none pass
    """

    def __init__(
        self,
        cloud: cloud_module.Cloud,
        *,
        timeout: float = 30.0,
        wait: Callable[[float], None] | None = None,
        evacuates_stopped: bool = True,
    ) -> None:
        self._cloud = cloud
        self._timeout = timeout
        self._wait = wait
        self._evacuates_stopped = evacuates_stopped
        self._check: Callable[[], None] | None = None

    def _pass(self, seconds: float) -> None:
        if self._wait is not None and seconds > 0:
            self._wait(seconds)

    def _ask(
        self, call: Callable[[], gate.Answer[T]], *, read: bool = True
    ) -> T:
        self._log_in()
        try:
            answer = call()
        except records.CloudError as error:
            raise _error(error, read=read) from error
        except gate.NoAnswer:
            raise self._tired() from None
        if answer.delay > self._timeout:
            raise self._tired()
        self._pass(answer.delay)
        return answer.value

    def _log_in(self) -> None:
        """As often as there is something to be done by Keystone."""
        try:
            self._pass(self._cloud.gate.log_in())
        except records.CloudError as error:
            raise _error(error, read=True) from error
        except gate.NoAnswer:
            raise self._tired() from None

    def _change(self, call: Callable[[], gate.Answer[None]]) -> None:
        with port.fenced(self._check):
            self._ask(call, read=False)

    def _tired(self) -> port.Unavailable:
        self._pass(self._timeout)
        return port.Unavailable(
            f"Nova did not answer within {self._timeout:g} seconds."
        )

    def _service(self, record: records.HostRecord) -> ComputeService:
        return ComputeService(
            id=record.service_id,
            host=record.name,
            up=self._cloud.is_up(record.name),
            enabled=record.enabled,
            disabled_reason=record.disabled_reason,
            forced_down=record.forced_down,
        )

    def for_claim(
        self,
        request_id: str | None,
        check: Callable[[], None] | None = None,
    ) -> "SimulatedCompute":
        """The model has no log to put ``request_id`` into."""
        del request_id
        other = copy.copy(self)
        other._check = check
        return other

    @property
    def account(self) -> str:
        return "The user of the simulator"

    @property
    def evacuates_stopped(self) -> bool:
        return self._evacuates_stopped

    def compute_service(self, host: str) -> ComputeService:
        found = self._ask(lambda: self._cloud.compute.services(host))
        if not found:
            raise port.NotFound(f"No nova-compute service on host {host}.")
        return self._service(found[0])

    def compute_services(self) -> list[ComputeService]:
        found = self._ask(self._cloud.compute.services)
        return [self._service(record) for record in found]

    def enable_service(self, service_id: str) -> None:
        self._change(lambda: self._cloud.compute.enable_service(service_id))

    def disable_service(self, service_id: str, reason: str | None) -> None:
        compute = self._cloud.compute
        self._change(lambda: compute.disable_service(service_id, reason))

    def force_down(self, service_id: str, forced_down: bool) -> None:
        compute = self._cloud.compute
        self._change(lambda: compute.force_down(service_id, forced_down))

    def servers_on(self, host: str) -> list[Server]:
        found = self._ask(lambda: self._cloud.compute.servers_on(host))
        return [_server(record) for record in found]

    def any_server(self) -> Server | None:
        found = self._ask(self._cloud.compute.servers)
        return _server(found[0]) if found else None

    def server(self, uuid: str) -> Server:
        return _server(self._ask(lambda: self._cloud.compute.server(uuid)))

    def evacuate(
        self, uuid: str, *, target: str | None = None, stopped: bool = False
    ) -> None:
        compute = self._cloud.compute
        self._change(
            lambda: compute.evacuate(uuid, target=target, stopped=stopped)
        )

    def evacuations(
        self, source_host: str, since: datetime.datetime | None = None
    ) -> list[Migration]:
        compute = self._cloud.compute
        moment = None if since is None else _epoch(since)
        found = self._ask(lambda: compute.evacuations(source_host, moment))
        return [_migration(record) for record in reversed(found)]

    def stop(self, uuid: str) -> None:
        self._change(lambda: self._cloud.compute.stop(uuid))

    def start(self, uuid: str) -> None:
        self._change(lambda: self._cloud.compute.start(uuid))

    def reboot(self, uuid: str) -> None:
        self._change(lambda: self._cloud.compute.reboot(uuid))

    def reset_state(self, uuid: str, state: str) -> None:
        self._change(lambda: self._cloud.compute.reset_state(uuid, state))

    def lock(self, uuid: str) -> None:
        self._change(lambda: self._cloud.compute.lock(uuid))

    def unlock(self, uuid: str) -> None:
        self._change(lambda: self._cloud.compute.unlock(uuid))

    def aggregates(self) -> list[Aggregate]:
        found = self._ask(self._cloud.compute.aggregates)
        return [
            Aggregate(id=record.id, name=record.name, hosts=(*record.hosts,))
            for record in found
        ]

    def add_host_to_aggregate(self, aggregate_id: int, host: str) -> None:
        compute = self._cloud.compute
        self._change(lambda: compute.add_host_to_aggregate(aggregate_id, host))

    def remove_host_from_aggregate(self, aggregate_id: int, host: str) -> None:
        compute = self._cloud.compute
        self._change(
            lambda: compute.remove_host_from_aggregate(aggregate_id, host)
        )
