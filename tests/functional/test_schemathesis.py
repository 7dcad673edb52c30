# SPDX-License-Identifier: Apache-2.0
"""The API against its own description: whatever is sent, no 5xx.

The requests are made up from the description, valid and not, with a fixed
seed; every answer is checked against it.
"""

import hypothesis
import pytest
import schemathesis
from schemathesis import checks
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from masakari.api import openapi
from tests.functional.api.world import World
from tests.functional.db import records

CHECKS = [
    checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


#: What is deleted is missed by what comes after.
OPERATIONS = sorted(
    (
        (path, method)
        for path, item in openapi.describe()["paths"].items()
        for method in item
        if method != "parameters"
    ),
    key=lambda one: (one[1] == "delete", -len(one[0])),
)


@pytest.fixture
def fuzzed(tmp_path):
    """A world with an item of each kind, and what their names are.

    Some requests delete them, so each test has one of its own.
    """
    world = World(tmp_path)
    segment = world.segment(description="two\nlines")
    host = world.host(segment)
    failed = records.host(world.database, name="compute-2")
    made = records.notification(world.database, failed)
    known = {
        "segment_uuid": segment["uuid"],
        "host_uuid": host["uuid"],
        "notification_uuid": made.uuid,
        "vmove_uuid": records.vmove(world.database, made),
        "alias": "vmoves",
        "version": "v1.0",
    }
    yield world, described(known)
    world.close()


def described(known):
    """The description, with names that lead somewhere."""
    document = openapi.describe()
    for path in document["paths"].values():
        for variable in path["parameters"]:
            variable["schema"] = {"enum": [known[variable["name"]]]}
    for path, key, values in (
        ("/segments/{segment_uuid}/hosts", "name", ["compute-3"]),
        ("/notifications", "hostname", ["compute-2"]),
    ):
        content = document["paths"][path]["post"]["requestBody"]["content"]
        for properties in bodies(content["application/json"]["schema"]):
            properties[key] = {"enum": values}
    return schemathesis.openapi.from_dict(document)


def bodies(schema):
    ((_, item),) = schema["properties"].items()
    return [part["properties"] for part in item.get("anyOf", [item])]


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.slow
def test_no_request_breaks_the_description(fuzzed, path, method, mode):
    world, description = fuzzed
    answers = set()
    cases = description[path][method.upper()].as_strategy(generation_mode=mode)

    @hypothesis.seed(20261123)
    @hypothesis.settings(
        max_examples=15,
        deadline=None,
        database=None,
        derandomize=False,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=cases)
    def run(case):
        answer = case.call_and_validate(
            base_url="http://localhost/v1", app=world.app, checks=CHECKS
        )
        answers.add(answer.status_code)

    run()
    if mode is GenerationMode.POSITIVE:
        # Some got as far as the use case.
        assert answers & {200, 201, 202, 204, 409}, answers
