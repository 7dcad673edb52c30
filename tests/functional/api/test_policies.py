# SPDX-License-Identifier: Apache-2.0
"""Every operation has a rule, and the rule decides."""

import re

import pytest
from oslo_policy import policy as oslo_policy

from masakari import policies
from masakari.api import auth, resource
from masakari.api.v1 import root
from tests.functional.api.world import World, message

OPERATIONS = [
    (method, path, operation)
    for method, path, operation in resource.operations(root.Root)
    if operation.rule is not None
]
RULES = {rule.name: rule for rule in policies.list_rules()}

PERSONAS = {
    "admin": ({"X-Roles": "admin"}, True),
    "Admin of the system": (
        {"X-Roles": "Admin,reader", "OpenStack-System-Scope": "all"},
        True,
    ),
    "manager": ({"X-Roles": "manager,member,reader"}, False),
    "reader": ({"X-Roles": "reader"}, False),
    "service": ({"X-Roles": "service"}, False),
    "nobody in particular": ({}, False),
}

ids = [operation.rule.split(":", 1)[1] for _, _, operation in OPERATIONS]
each_operation = pytest.mark.parametrize(
    ("method", "path", "operation"), OPERATIONS, ids=ids
)


@pytest.fixture(scope="module")
def strict_world(tmp_path_factory):
    """One for all: nothing is ever changed in it."""
    made = World(
        tmp_path_factory.mktemp("strict"),
        identify=auth.MasakariKeystoneContext,
    )
    yield made
    made.close()


@pytest.fixture(scope="module")
def open_world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("open"))
    yield made
    made.close()


def concrete(path):
    return re.sub(r"\{\w+\}", "53d61b4e-9fc2-4e1b-a9ae-9c6c3f6d7b7e", path)


def valid_body(operation):
    """Nothing is created: the items that it is about are not there."""
    return None if operation.body is None else {"nothing": "valid"}


def call(world, method, path, operation, **headers):
    return world.request(
        method,
        f"/v1{concrete(path)}",
        valid_body(operation),
        headers={"X-User-Id": "u", **headers},
    )


@each_operation
def test_the_rule_is_documented_with_the_real_path(method, path, operation):
    rule = RULES[operation.rule]
    assert isinstance(rule, oslo_policy.DocumentedRuleDefault)
    assert rule.operations == [{"method": method, "path": path}]


def test_every_rule_of_an_operation_has_its_operation():
    used = {operation.rule for _, _, operation in OPERATIONS}
    documented = {
        name
        for name in RULES
        if ":" in name
        and not name.endswith(":discoverable")
        and name != "os_masakari_api:versions:index"
    }
    assert used == documented


@each_operation
@pytest.mark.parametrize("persona", PERSONAS)
def test_who_may(strict_world, method, path, operation, persona):
    headers, may = PERSONAS[persona]
    answer = call(strict_world, method, path, operation, **headers)
    if may:
        assert answer.status_int in (200, 400, 404)
    else:
        assert answer.status_int == 403
        assert answer.json == {
            "forbidden": {
                "code": 403,
                "message": f"Policy doesn't allow {operation.rule} to be "
                "performed.",
            }
        }


@each_operation
def test_without_a_user_nobody_is_heard(strict_world, method, path, operation):
    answer = strict_world.request(
        method,
        f"/v1{concrete(path)}",
        valid_body(operation),
        headers={"X-Roles": "admin"},
    )
    assert answer.status_int == 401
    assert answer.json["unauthorized"]["code"] == 401


@each_operation
def test_without_authentication_everybody_is_admin(
    open_world, method, path, operation
):
    answer = call(open_world, method, path, operation)
    assert answer.status_int in (200, 400, 404)


def test_a_policy_file_changes_a_rule_while_the_api_runs(tmp_path):
    file = tmp_path / "policy.yaml"
    file.write_text("{}")
    world = World(
        tmp_path,
        identify=auth.MasakariKeystoneContext,
        oslo_policy__policy_file=str(file),
    )
    reader = {"X-User-Id": "u", "X-Roles": "reader"}
    assert (
        world.request("GET", "/v1/segments", headers=reader).status_int == 403
    )
    file.write_text(
        '"os_masakari_api:segments:index": "role:reader or is_admin:True"\n'
        '"os_masakari_api:extensions:index": "@"\n'
        '"os_masakari_api:extensions:detail": "@"\n'
        '"os_masakari_api:vmoves:discoverable": "is_admin:true"\n'
        '"os_masakari_api:segments:discoverable": "@"\n'
    )
    assert (
        world.request("GET", "/v1/segments", headers=reader).status_int == 200
    )
    hidden = world.request("GET", "/v1/extensions/vmoves", headers=reader)
    assert (hidden.status_int, message(hidden)) == (
        404,
        "The resource could not be found.",
    )
    listed = world.request("GET", "/v1/extensions", headers=reader)
    assert [e["alias"] for e in listed.json["extensions"]] == [
        "segments",
        "versions",
    ]
    world.close()


def test_the_owner_rule_compares_projects(tmp_path):
    file = tmp_path / "policy.yaml"
    file.write_text(
        '"os_masakari_api:segments:index": "rule:admin_or_owner"\n'
    )
    world = World(
        tmp_path,
        identify=auth.MasakariKeystoneContext,
        oslo_policy__policy_file=str(file),
    )
    headers = {"X-User-Id": "u", "X-Project-Id": "abc"}
    answer = world.request("GET", "/v1/abc/segments", headers=headers)
    assert answer.status_int == 200
    world.close()
