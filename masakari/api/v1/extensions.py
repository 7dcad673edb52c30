# SPDX-License-Identifier: Apache-2.0
"""``/extensions``: the parts of the API that the caller may know of."""

from typing import Any

from masakari.api import faults
from masakari.api.resource import Call, Collection, Member, operation
from masakari.api.v1.schemas import discovery as schema
from masakari.policies import extensions as rules

#: alias: (name, description)
_EXTENSIONS = {
    "extensions": ("Extensions", "Extension information."),
    "notifications": ("Notifications", "Notifications support."),
    "os-hosts": ("Hosts", "Hosts controller"),
    "segments": ("Segments", "Segments Extension."),
    "versions": ("Versions", "API Version information."),
    "vmoves": ("vmoves", "vmoves controller"),
}


class Extension(Member):
    variable = "alias"

    @operation(rules.DETAIL, response=schema.EXTENSION, errors=(404,))
    def show(self, call: Call) -> dict[str, Any]:
        """Show an extension."""
        alias = self.path["alias"]
        if alias not in _visible(call):
            raise faults.Fault(404, "The resource could not be found.")
        return {"extension": _view(alias)}


class Extensions(Collection):
    member = Extension

    @operation(rules.INDEX, response=schema.EXTENSIONS)
    def index(self, call: Call) -> dict[str, Any]:
        """List the extensions."""
        return {"extensions": [_view(alias) for alias in _visible(call)]}


def _visible(call: Call) -> list[str]:
    return [
        alias
        for alias in sorted(_EXTENSIONS)
        if call.permits(f"os_masakari_api:{alias}:discoverable")
    ]


def _view(alias: str) -> dict[str, Any]:
    name, description = _EXTENSIONS[alias]
    return {
        "name": name,
        "alias": alias,
        "description": description,
        "namespace": "",
        "updated": "",
        "links": [],
    }
