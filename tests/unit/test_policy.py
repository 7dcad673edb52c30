# SPDX-License-Identifier: Apache-2.0

import concurrent.futures
import os
import threading

import pytest
from oslo_policy import policy as oslo_policy

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


@oslo_policy.register("meanwhile")
class Meanwhile(oslo_policy.Check):
    """Holds, after what a test does while it is read or asked."""

    @staticmethod
    def read():
        pass

    @staticmethod
    def asked():
        pass

    def __init__(self, kind, match):
        super().__init__(kind, match)
        self.read()

    def __call__(self, target, creds, enforcer, current_rule=None):
        self.asked()
        return True


class Pause:
    """Holds a thread up when it comes by for the nth time."""

    def __init__(self, times=1):
        self.times = times
        self.reached = threading.Event()
        self.over = threading.Event()

    def __call__(self):
        self.times -= 1
        if self.times == 0:
            self.reached.set()
            assert self.over.wait(30)


def test_nobody_is_refused_while_files_are_read_again(monkeypatch, tmp_path):
    file = tmp_path / "policy.yaml"
    rule = "os_masakari_api:segments:index"
    file.write_text(f'"{rule}": "meanwhile:1 and rule:admin_api"\n')
    conf_file = tmp_path / "masakari.conf"
    conf_file.write_text(f"[oslo_policy]\npolicy_file = {file}\n")
    conf = configuration.load(
        [], prog="masakari-api", config_files=[str(conf_file)]
    )
    enforcer = policy.make_enforcer(conf)
    policy.authorize(enforcer, context.admin(), rule)
    # It is read once for what it means, and once more for the record.
    asked, read = Pause(), Pause(times=2)
    monkeypatch.setattr(Meanwhile, "asked", staticmethod(asked))
    monkeypatch.setattr(Meanwhile, "read", staticmethod(read))
    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        try:
            permitted = threads.submit(
                policy.permits, enforcer, context.admin(), rule
            )
            assert asked.reached.wait(30)
            os.utime(file, (0, file.stat().st_mtime + 10))
            threads.submit(enforcer.load_rules)
            assert read.reached.wait(30)
            asked.over.set()
            assert permitted.result(30)
        finally:
            asked.over.set()
            read.over.set()
