# SPDX-License-Identifier: Apache-2.0
"""``/notifications/{notification_uuid}/vmoves``: what became of instances.

They can be read at every version: clients do not ask for 1.3.
"""

from typing import Any

from masakari.api import paging
from masakari.api.resource import Call, Collection, Member, operation
from masakari.api.v1 import views
from masakari.api.v1.schemas import vmove as schema
from masakari.policies import vmoves as rules
from masakari.services import vmoves


class VMove(Member):
    variable = "vmove_uuid"

    @operation(rules.DETAIL, response=schema.ONE, errors=(400, 404))
    def show(self, call: Call) -> dict[str, Any]:
        """Show a move."""
        vmove = vmoves.get(
            call.services,
            self.path["notification_uuid"],
            self.path["vmove_uuid"],
        )
        return {"vmove": views.vmove(vmove)}


class VMoves(Collection):
    member = VMove

    @operation(
        rules.INDEX,
        query=schema.QUERY,
        response=schema.MANY,
        errors=(400, 404),
    )
    def index(self, call: Call) -> dict[str, Any]:
        """List the moves of a notification."""
        found = vmoves.find(
            call.services,
            self.path["notification_uuid"],
            paging.texts(call.query, "status", "type"),
            paging.page(call.query, call.services.settings.max_limit),
        )
        return {"vmoves": [views.vmove(vmove) for vmove in found]}
