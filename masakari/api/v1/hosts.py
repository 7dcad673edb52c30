# SPDX-License-Identifier: Apache-2.0
"""``/segments/{segment_uuid}/hosts``: the hosts of a segment."""

from typing import Any

from oslo_utils import strutils

from masakari.api import paging
from masakari.api.resource import Call, Collection, Member, operation
from masakari.api.schema import lines
from masakari.api.v1 import views
from masakari.api.v1.schemas import host as schema
from masakari.policies import hosts as rules
from masakari.services import hosts


class Host(Member):
    variable = "host_uuid"

    @operation(rules.DETAIL, response=schema.ONE, errors=(404,))
    def show(self, call: Call) -> dict[str, Any]:
        """Show a host."""
        host = hosts.get(
            call.services, self.path["segment_uuid"], self.path["host_uuid"]
        )
        return {"host": views.host(host)}

    @operation(
        rules.UPDATE,
        body=schema.UPDATE,
        response=schema.ONE,
        errors=(400, 404, 409, 503),
    )
    def update(self, call: Call) -> dict[str, Any]:
        """Change a host."""
        host = hosts.update(
            call.services,
            call.context,
            self.path["segment_uuid"],
            self.path["host_uuid"],
            _values(call.body["host"]),
        )
        return {"host": views.host(host)}

    @operation(rules.DELETE, status=204, errors=(404, 409))
    def delete(self, call: Call) -> None:
        """Take a host out of its segment."""
        hosts.delete(
            call.services,
            call.context,
            self.path["segment_uuid"],
            self.path["host_uuid"],
        )


class Hosts(Collection):
    member = Host

    @operation(
        rules.INDEX,
        query=schema.QUERY,
        response=schema.MANY,
        errors=(400, 404),
    )
    def index(self, call: Call) -> dict[str, Any]:
        """List the hosts of a segment."""
        found = hosts.find(
            call.services,
            self.path["segment_uuid"],
            {
                **paging.texts(
                    call.query, "name", "type", "control_attributes"
                ),
                **paging.flags(call.query, "reserved", "on_maintenance"),
            },
            paging.page(call.query, call.services.settings.max_limit),
        )
        return {"hosts": [views.host(host) for host in found]}

    @operation(
        rules.CREATE,
        body=schema.CREATE,
        status=201,
        response=schema.ONE,
        errors=(400, 404, 409, 503),
    )
    def create(self, call: Call) -> dict[str, Any]:
        """Add a host to a segment."""
        host = hosts.create(
            call.services,
            call.context,
            self.path["segment_uuid"],
            **_values(call.body["host"]),
        )
        return {"host": views.host(host)}


def _values(body: dict[str, Any]) -> dict[str, Any]:
    values = dict(body)
    for name in ("reserved", "on_maintenance"):
        if name in values:
            values[name] = strutils.bool_from_string(values[name])
    if "control_attributes" in values:
        values["control_attributes"] = lines(values["control_attributes"])
    return values
