# SPDX-License-Identifier: Apache-2.0
"""``/segments``: hosts that stand in for one another."""

from typing import Any, ClassVar

from oslo_utils import strutils

from masakari.api import paging
from masakari.api.resource import Call, Collection, Member, operation
from masakari.api.schema import lines
from masakari.api.v1 import hosts, views
from masakari.api.v1.schemas import segment as schema
from masakari.policies import segments as rules
from masakari.services import segments


class Segment(Member):
    variable = "segment_uuid"
    below: ClassVar = {"hosts": hosts.Hosts}

    @operation(rules.DETAIL, response=schema.ONE, errors=(404,))
    def show(self, call: Call) -> dict[str, Any]:
        """Show a segment."""
        segment = segments.get(call.services, self.path["segment_uuid"])
        return {"segment": views.segment(segment)}

    @operation(
        rules.UPDATE,
        body=schema.UPDATE,
        response=schema.ONE,
        errors=(400, 404, 409),
    )
    def update(self, call: Call) -> dict[str, Any]:
        """Change a segment."""
        segment = segments.update(
            call.services,
            call.context,
            self.path["segment_uuid"],
            _values(call.body["segment"]),
        )
        return {"segment": views.segment(segment)}

    @operation(rules.DELETE, status=204, errors=(404, 409))
    def delete(self, call: Call) -> None:
        """Delete a segment together with its hosts."""
        segments.delete(call.services, call.context, self.path["segment_uuid"])


class Segments(Collection):
    member = Segment

    @operation(
        rules.INDEX, query=schema.QUERY, response=schema.MANY, errors=(400,)
    )
    def index(self, call: Call) -> dict[str, Any]:
        """List segments."""
        found = segments.find(
            call.services,
            {
                **paging.texts(call.query, "recovery_method", "service_type"),
                **paging.flags(call.query, "enabled"),
            },
            paging.page(call.query, call.services.settings.max_limit),
        )
        return {"segments": [views.segment(segment) for segment in found]}

    @operation(
        rules.CREATE,
        body=schema.CREATE,
        status=201,
        response=schema.ONE,
        errors=(400, 409),
    )
    def create(self, call: Call) -> dict[str, Any]:
        """Create a segment."""
        segment = segments.create(
            call.services, call.context, **_values(call.body["segment"])
        )
        return {"segment": views.segment(segment)}


def _values(body: dict[str, Any]) -> dict[str, Any]:
    values = dict(body)
    if "enabled" in values:
        values["enabled"] = strutils.bool_from_string(values["enabled"])
    if values.get("description"):
        values["description"] = lines(values["description"])
    return values
