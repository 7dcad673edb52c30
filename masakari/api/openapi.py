# SPDX-License-Identifier: Apache-2.0
"""A description of the API in OpenAPI 3.1, made of the operations.

It holds for the newest microversion. Nothing in it is written twice: paths,
bodies, parameters and answers are those by which requests are served.
"""

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from masakari.api import resource, versions
from masakari.api.v1 import root

_FAULT = {
    "type": "object",
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": {
        "type": "object",
        "properties": {
            "code": {"type": "integer"},
            "message": {"type": "string"},
        },
        "required": ["code", "message"],
    },
}

_REASONS = {
    200: "It is done.",
    201: "It has been created.",
    202: "It has been accepted.",
    204: "It has been deleted.",
    400: "The request is not valid.",
    401: "The caller is not known.",
    403: "The caller may not do that.",
    404: "There is no such item.",
    405: "The method is not supported here.",
    406: "The version is not supported.",
    409: "It conflicts with the current state.",
    413: "The body is too large.",
    415: "The body is of a type that is not read.",
    503: "The database, or Nova, is away.",
}

#: What any operation may answer.
_ALWAYS = (400, 401, 403, 405, 406, 415, 503)

#: How a caller asks for a version.
_VERSION = {
    "name": versions.HEADER,
    "in": "header",
    "schema": {
        "type": "string",
        "enum": [
            f"{versions.SERVICE_TYPE} {version}"
            for version, _ in versions.HISTORY
        ],
        "default": f"{versions.SERVICE_TYPE} {versions.MAXIMUM}",
    },
}


def describe() -> dict[str, Any]:
    """The description, as what JSON can hold."""
    paths: dict[str, Any] = {}
    for method, path, operation in resource.operations(root.Root):
        paths.setdefault(path, {"parameters": _variables(path)})
        paths[path][method.lower()] = _operation(method, path, operation)
    return copy.deepcopy(
        {
            "openapi": "3.1.0",
            "info": {"title": "Masakari", "version": versions.MAXIMUM},
            "servers": [{"url": "/v1"}],
            "paths": paths,
        }
    )


def _operation(
    method: str, path: str, operation: resource.Operation
) -> dict[str, Any]:
    described = {
        "operationId": _name(method, path, operation),
        "summary": resource.summary(root.Root, path, method),
        "parameters": [_VERSION, *_query(operation.query)],
        "responses": dict(_responses(method, operation)),
    }
    if operation.body is not None:
        described["requestBody"] = {
            "required": True,
            "content": _json(operation.body.published),
        }
    return described


def _name(method: str, path: str, operation: resource.Operation) -> str:
    if operation.rule is None:
        return f"{method} {path}"
    return operation.rule.removeprefix("os_masakari_api:")


def _variables(path: str) -> list[dict[str, Any]]:
    return [
        {
            "name": part[1:-1],
            "in": "path",
            "required": True,
            "schema": {"type": "string", "minLength": 1},
        }
        for part in path.split("/")
        if part.startswith("{")
    ]


def _query(
    query: Mapping[str, Mapping[str, Any]],
) -> Iterator[dict[str, Any]]:
    for name, schema in query.items():
        yield {"name": name, "in": "query", "schema": schema}


def _responses(
    method: str, operation: resource.Operation
) -> Iterator[tuple[str, dict[str, Any]]]:
    success: dict[str, Any] = {"description": _REASONS[operation.status]}
    if operation.response is not None:
        success["content"] = _json(operation.response)
    yield str(operation.status), success
    limit = (413,) if method in ("POST", "PUT") else ()
    for code in sorted({*_ALWAYS, *operation.errors, *limit}):
        content = _json(_FAULT)
        if code in (401, 413):
            # Not ours to shape: they come from the middleware.
            content = {"text/plain": {}, "text/html": {}, **content}
        yield str(code), {"description": _REASONS[code], "content": content}


def _json(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
