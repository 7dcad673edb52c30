# SPDX-License-Identifier: Apache-2.0

import pytest

from masakari import conf as configuration
from masakari import context, exception, policies, policy

DEFAULTS = {
    "context_is_admin": "role:admin",
    "admin_or_owner": "is_admin:True or project_id:%(project_id)s",
    "admin_api": "is_admin:True",
    "os_masakari_api:versions:index": "@",
    "os_masakari_api:versions:discoverable": "@",
}
ADMIN = {
    "extensions": "index detail discoverable",
    "os-hosts": "index detail create update delete discoverable",
    "notifications": "index detail create discoverable",
    "segments": "index detail create update delete discoverable",
    "vmoves": "index detail discoverable",
}


def test_the_rules_are_those_of_policy_files():
    expected = dict(DEFAULTS)
    for name, actions in ADMIN.items():
        for action in actions.split():
            rule = f"os_masakari_api:{name}:{action}"
            expected[rule] = "rule:admin_api"
    rules = policies.list_rules()
    assert {rule.name: rule.check_str for rule in rules} == expected
    assert not any(rule.scope_types for rule in rules)


@pytest.fixture
def enforcer():
    conf = configuration.load([], prog="masakari-api", config_files=[])
    return policy.make_enforcer(conf)


@pytest.mark.parametrize(
    ("roles", "admin"), [(["ADMIN"], True), (["member"], False), ([], False)]
)
def test_who_is_an_administrator(enforcer, roles, admin):
    caller = context.RequestContext(user_id="u", roles=roles)
    assert policy.is_admin(enforcer, caller) is admin


def test_a_rule_is_enforced(enforcer):
    rule = "os_masakari_api:segments:index"
    caller = context.RequestContext(user_id="u")
    with pytest.raises(exception.Forbidden, match=f"allow {rule} to be"):
        policy.authorize(enforcer, caller, rule)
    policy.authorize(enforcer, context.admin(), rule)
