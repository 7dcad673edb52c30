# SPDX-License-Identifier: Apache-2.0
"""How the simulated Nova shows its records, at each microversion."""

import datetime
import hashlib

from masakari.simulator.records import (
    REBUILDING,
    SPAWNING,
    AggregateRecord,
    HostRecord,
    MigrationRecord,
    ServerRecord,
)
from masakari.simulator.web import Body

#: A microversion: (2, 53).
Version = tuple[int, int]

FLAVOR = {
    "id": "1",
    "name": "tiny",
    "ram": 64,
    "disk": 0,
    "vcpus": 1,
    "swap": 0,
    "rxtx_factor": 1.0,
    "OS-FLV-EXT-DATA:ephemeral": 0,
    "OS-FLV-DISABLED:disabled": False,
    "os-flavor-access:is_public": True,
    "extra_specs": {},
    "description": None,
    "links": [],
}

_STATUS = {
    "active": "ACTIVE",
    "building": "BUILD",
    "stopped": "SHUTOFF",
    "error": "ERROR",
    "resized": "VERIFY_RESIZE",
    "rescued": "RESCUE",
}


def zulu(moment: float) -> str:
    """Epoch seconds as Nova writes the times of servers."""
    aware = datetime.datetime.fromtimestamp(int(moment), datetime.UTC)
    return aware.strftime("%Y-%m-%dT%H:%M:%SZ")


def long_time(moment: float | None) -> str | None:
    """Epoch seconds as Nova writes all other times; None stays None."""
    if moment is None:
        return None
    return zulu(moment).replace("Z", ".000000")


def status(record: ServerRecord) -> str:
    """The status that the API derives from the states."""
    if record.task_state in (REBUILDING, SPAWNING):
        return "REBUILD"
    return _STATUS.get(record.vm_state, record.vm_state.upper())


def _links(base: str, kind: str, identity: str) -> list[Body]:
    return [{"rel": "self", "href": f"{base}/compute/v2.1/{kind}/{identity}"}]


def server_summary(record: ServerRecord, base: str) -> Body:
    """A server in a list without details."""
    return {
        "id": record.uuid,
        "name": record.name,
        "links": _links(base, "servers", record.uuid),
    }


def _flavor(version: Version, base: str) -> Body:
    if version < (2, 47):
        return {"id": "1", "links": _links(base, "flavors", "1")}
    return {
        "vcpus": FLAVOR["vcpus"],
        "ram": FLAVOR["ram"],
        "disk": FLAVOR["disk"],
        "ephemeral": 0,
        "swap": 0,
        "original_name": FLAVOR["name"],
        "extra_specs": {},
    }


def server(record: ServerRecord, version: Version, base: str) -> Body:
    """What every user sees of a server."""
    where = f"{record.project_id}{record.host}".encode()
    shown = {
        **server_summary(record, base),
        "status": status(record),
        "tenant_id": record.project_id,
        "user_id": record.user_id,
        "metadata": record.metadata,
        "created": zulu(record.created_at),
        "updated": zulu(record.updated_at),
        "hostId": hashlib.sha224(where).hexdigest() if record.host else "",
        "image": "",
        "flavor": _flavor(version, base),
        "addresses": {},
        "accessIPv4": "",
        "accessIPv6": "",
        "key_name": None,
        "config_drive": "",
        "OS-DCF:diskConfig": "MANUAL",
        "OS-EXT-AZ:availability_zone": "nova",
        "OS-SRV-USG:launched_at": long_time(record.created_at),
        "OS-SRV-USG:terminated_at": None,
        "OS-EXT-STS:vm_state": record.vm_state,
        "OS-EXT-STS:task_state": record.task_state,
        "OS-EXT-STS:power_state": record.power_state,
        "os-extended-volumes:volumes_attached": [],
    }
    if shown["status"] == "ERROR" and record.fault is not None:
        shown["fault"] = {
            "code": 500,
            "message": record.fault,
            "created": zulu(record.fault_at or record.updated_at),
        }
    if version >= (2, 9):
        shown["locked"] = record.locked
    if version >= (2, 19):
        shown["description"] = record.name
    if version >= (2, 26):
        shown["tags"] = []
    return shown


def server_hosts(record: ServerRecord, host_status: str) -> Body:
    """What an administrator sees besides."""
    return {
        "OS-EXT-SRV-ATTR:host": record.host,
        "OS-EXT-SRV-ATTR:hypervisor_hostname": record.hypervisor,
        "OS-EXT-SRV-ATTR:instance_name": f"instance-{record.number:08x}",
        "OS-EXT-SRV-ATTR:hostname": record.name,
        "OS-EXT-SRV-ATTR:root_device_name": "/dev/vda",
        "OS-EXT-SRV-ATTR:user_data": None,
        "host_status": host_status,
    }


def service(
    host: HostRecord, version: Version, up: bool, seen_at: float
) -> Body:
    """:param seen_at: epoch seconds of its last report"""
    shown: Body = {
        "id": host.service_id if version >= (2, 53) else host.number,
        "binary": "nova-compute",
        "host": host.name,
        "zone": "nova",
        "status": "enabled" if host.enabled else "disabled",
        "disabled_reason": host.disabled_reason,
        "state": "up" if up else "down",
        "updated_at": long_time(seen_at),
    }
    if version >= (2, 11):
        shown["forced_down"] = host.forced_down
    return shown


def controller(name: str, number: int, version: Version, now: float) -> Body:
    """A service of Nova that is not ``nova-compute``."""
    uuid = f"00000000-0000-0000-0000-{number:012}"
    shown: Body = {
        "id": uuid if version >= (2, 53) else -number,
        "binary": name,
        "host": "controller",
        "zone": "internal",
        "status": "enabled",
        "disabled_reason": None,
        "state": "up",
        "updated_at": long_time(now),
    }
    if version >= (2, 11):
        shown["forced_down"] = False
    return shown


def hypervisor(
    host: HostRecord, version: Version, up: bool, servers: int
) -> Body:
    """:param servers: how many it has"""
    identity = host.node_id if version >= (2, 53) else host.number
    shown: Body = {
        "id": identity,
        "hypervisor_hostname": host.hypervisor,
        "state": "up" if up else "down",
        "status": "enabled" if host.enabled else "disabled",
        "hypervisor_type": "fake",
        "hypervisor_version": 1000,
        "host_ip": "127.0.0.1",
        "service": {
            "id": host.service_id if version >= (2, 53) else host.number,
            "host": host.name,
            "disabled_reason": host.disabled_reason,
        },
    }
    if version >= (2, 88):
        shown["uptime"] = None
        return shown
    return {
        **shown,
        "vcpus": host.slots,
        "vcpus_used": servers,
        "running_vms": servers,
        "current_workload": 0,
        "disk_available_least": 0,
        "memory_mb": host.slots * 64,
        "memory_mb_used": servers * 64,
        "free_ram_mb": (host.slots - servers) * 64,
        "local_gb": 0,
        "local_gb_used": 0,
        "free_disk_gb": 0,
        "cpu_info": {} if version >= (2, 28) else "",
    }


def migration(record: MigrationRecord, version: Version) -> Body:
    """An evacuation."""
    shown: Body = {
        "id": record.id,
        "instance_uuid": record.instance_uuid,
        "status": record.status,
        "source_compute": record.source_host,
        "source_node": record.source_node,
        "dest_compute": record.dest_host,
        "dest_node": record.dest_node,
        "dest_host": None,
        "old_instance_type_id": None,
        "new_instance_type_id": None,
        "created_at": long_time(record.created_at),
        "updated_at": long_time(record.updated_at),
    }
    if version >= (2, 23):
        shown["migration_type"] = "evacuation"
    if version >= (2, 59):
        shown["uuid"] = record.uuid
    return shown


def aggregate(record: AggregateRecord, version: Version) -> Body:
    """A host aggregate."""
    shown: Body = {
        "id": record.id,
        "name": record.name,
        "hosts": list(record.hosts),
        "metadata": record.metadata,
        "availability_zone": None,
        "created_at": long_time(record.created_at),
        "updated_at": None,
        "deleted": False,
        "deleted_at": None,
    }
    if version >= (2, 41):
        shown["uuid"] = record.uuid
    return shown
