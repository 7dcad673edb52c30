# SPDX-License-Identifier: Apache-2.0
"""``/v1`` and what hangs below it, with and without a project's id."""

import re
from typing import Any, ClassVar

import pecan
import webob

from masakari import exception
from masakari.api import faults, resource, versions
from masakari.api.resource import Call, Collection, Member, operation
from masakari.api.v1 import extensions, notifications, segments
from masakari.api.v1.schemas import discovery as schema

_PROJECT_ID = r"[0-9a-f\-]+"


class Version(Member):
    variable = "version"

    @operation(None, response=schema.VERSION, errors=(404,))
    def show(self, call: Call) -> dict[str, Any]:
        """Show a version of the API."""
        content = versions.document(call.root)
        if self.path["version"] != content["id"]:
            raise faults.Fault(404, "The resource could not be found.")
        return {"version": content}


class Versions(Collection):
    member = Version


_BELOW: dict[str, type[resource.Resource]] = {
    "extensions": extensions.Extensions,
    "notifications": notifications.Notifications,
    "segments": segments.Segments,
    "versions": Versions,
}


class Project(resource.Resource):
    """``/v1/{project_id}``, which is nothing by itself."""

    below = _BELOW


class Root(resource.Resource):
    """``/v1``.

    :param project_id: regular expression of a project's id in a URL; None
        takes hexadecimal digits and dashes
    :raises ConfigurationError: it is no regular expression
    """

    actions: ClassVar = {"GET": "show"}
    below = _BELOW

    def __init__(self, project_id: str | None = None) -> None:
        super().__init__({})
        try:
            self._project_id = re.compile(project_id or _PROJECT_ID)
        except re.error as error:
            raise exception.ConfigurationError(
                f"[osapi_v1] project_id_regex: {error}"
            ) from error

    @pecan.expose()
    def _route(
        self, path: list[str], request: webob.Request
    ) -> tuple[Any, list[str]]:
        return resource.route(self, path, request), []

    def child(self, name: str) -> resource.Resource | None:
        known = super().child(name)
        if known is None and self._project_id.fullmatch(name):
            return Project({"project_id": name})
        return known

    @operation(None, response=schema.VERSION)
    def show(self, call: Call) -> dict[str, Any]:
        """Show this version of the API."""
        return {"version": versions.document(call.root)}
