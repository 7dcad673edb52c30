# SPDX-License-Identifier: Apache-2.0

import json

import jsonschema

from masakari.api import openapi, resource
from masakari.api.v1 import root


def test_the_description_is_json_and_complete():
    described = json.loads(json.dumps(openapi.describe()))
    found = {
        (method.upper(), path)
        for path, item in described["paths"].items()
        for method in item
        if method != "parameters"
    }
    assert found == {
        (method, path) for method, path, _ in resource.operations(root.Root)
    }


def test_operations_have_names_and_summaries():
    operations = [
        operation
        for item in openapi.describe()["paths"].values()
        for method, operation in item.items()
        if method != "parameters"
    ]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names))
    assert all(operation["summary"] for operation in operations)


def test_every_schema_is_one():
    for item in openapi.describe()["paths"].values():
        for method, operation in item.items():
            if method == "parameters":
                continue
            contents = [
                response.get("content", {})
                for response in operation["responses"].values()
            ]
            contents.append(
                operation.get("requestBody", {}).get("content", {})
            )
            for content in contents:
                schema = content.get("application/json", {}).get("schema", {})
                jsonschema.Draft202012Validator.check_schema(schema)
