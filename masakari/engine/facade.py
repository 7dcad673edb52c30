# SPDX-License-Identifier: Apache-2.0
"""Nova as recovery tasks of third parties know it.

They are handed this as ``novaclient``. Its methods, their arguments and the
attributes of what they return are part of the plug-in contract; our own
tasks use the compute port itself.
"""

import contextlib
import types
from collections.abc import Iterator
from typing import Any

from masakari import exception
from masakari.domain.server import Server
from masakari.nova import port
from masakari.nova.port import ComputePort

#: What plug-ins may catch for what Nova refuses, by HTTP status.
_REFUSALS: dict[int, type[exception.MasakariException]] = {
    400: exception.InvalidInput,
    403: exception.Forbidden,
    409: exception.Conflict,
}

_NOVA_COMPUTE = "nova-compute"


class Resource(types.SimpleNamespace):
    """What Nova has shown, with attributes named as novaclient does.

    Some of the names are no Python names: ``getattr`` reads them. To change
    one would change nothing in Nova, and is refused.
    """

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{name} can only be read")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{name} can only be read")


class NovaFacade:
    """A compute port with the method names of the plug-in contract.

    Every method takes the task's context first; tasks may give it, as any
    other argument, by its name. What it raises are errors of
    :mod:`masakari.exception`: ``NotFound``, ``Conflict``, ``Forbidden``,
    ``InvalidInput``, or ``MasakariException`` when Nova cannot answer.
    """

    def __init__(self, compute: ComputePort) -> None:
        self._compute = compute

    def get_servers(self, context: Any, host: str) -> list[Resource]:
        """All servers on a host, of all projects."""
        with _translated():
            return [_server(found) for found in self._compute.servers_on(host)]

    def get_server(self, context: Any, uuid: str) -> Resource:
        """One server."""
        with _translated():
            return _server(self._compute.server(uuid))

    def enable_disable_service(
        self,
        context: Any,
        host_name: str,
        enable: bool = False,
        reason: str | None = None,
    ) -> None:
        """Switch the nova-compute service of a host."""
        with _translated():
            service = self._compute.compute_service(host_name)
            if enable:
                self._compute.enable_service(service.id)
            else:
                self._compute.disable_service(service.id, reason)

    def is_service_disabled(
        self, context: Any, host_name: str, binary: str
    ) -> bool:
        """Whether a service is disabled; only nova-compute is looked up."""
        if binary != _NOVA_COMPUTE:
            raise exception.NotFound(
                f"No service {binary} is known on host {host_name}."
            )
        with _translated():
            return not self._compute.compute_service(host_name).enabled

    def find_compute_service(self, context: Any, name: str) -> Resource:
        """The nova-compute service of a host."""
        with _translated():
            service = self._compute.compute_service(name)
        return Resource(
            id=service.id,
            host=service.host,
            binary=_NOVA_COMPUTE,
            state="up" if service.up else "down",
            status="enabled" if service.enabled else "disabled",
            disabled_reason=service.disabled_reason,
            forced_down=service.forced_down,
        )

    def evacuate_instance(
        self, context: Any, uuid: str, target: str | None = None
    ) -> None:
        """Evacuate a server; one that was running is started there."""
        with _translated():
            self._compute.evacuate(uuid, target=target)

    def reset_instance_state(
        self, context: Any, uuid: str, status: str = "error"
    ) -> None:
        """Set ``vm_state`` to ``error`` or ``active``."""
        with _translated():
            self._compute.reset_state(uuid, status)

    def stop_server(self, context: Any, uuid: str) -> None:
        with _translated():
            self._compute.stop(uuid)

    def start_server(self, context: Any, uuid: str) -> None:
        with _translated():
            self._compute.start(uuid)

    def lock_server(self, context: Any, uuid: str) -> None:
        with _translated():
            self._compute.lock(uuid)

    def unlock_server(self, context: Any, uuid: str) -> None:
        with _translated():
            self._compute.unlock(uuid)

    def get_aggregate_list(self, context: Any) -> list[Resource]:
        """All aggregates, with ``id``, ``name`` and ``hosts``."""
        with _translated():
            found = self._compute.aggregates()
        return [
            Resource(
                id=aggregate.id,
                name=aggregate.name,
                hosts=list(aggregate.hosts),
            )
            for aggregate in found
        ]

    def add_host_to_aggregate(
        self, context: Any, host: str, aggregate: Any
    ) -> None:
        """Add a host to an aggregate of :meth:`get_aggregate_list`.

        One that is in it already stays so.
        """
        try:
            with _translated():
                self._compute.add_host_to_aggregate(aggregate.id, host)
        except exception.Conflict:
            for known in self.get_aggregate_list(context):
                if known.id == aggregate.id and host in known.hosts:
                    return
            raise


def _server(found: Server) -> Resource:
    return Resource(
        id=found.uuid,
        name=found.name,
        metadata=dict(found.metadata),
        locked=found.locked,
        **{
            "OS-EXT-STS:vm_state": found.vm_state,
            "OS-EXT-STS:task_state": found.task_state,
            "OS-EXT-STS:power_state": found.power_state,
            "OS-EXT-SRV-ATTR:host": found.host,
            "OS-EXT-SRV-ATTR:hypervisor_hostname": found.hypervisor,
        },
    )


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except port.Refused as error:
        kind = _REFUSALS.get(error.code, exception.MasakariException)
        raise kind(str(error)) from error
    except port.NotFound as error:
        raise exception.NotFound(str(error)) from error
