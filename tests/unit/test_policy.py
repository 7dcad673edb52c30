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


INDEX = "os_masakari_api:segments:index"

BROKEN = {
    "no YAML": f'"{INDEX}": "role:admin\n  x: [',
    "a tab": f'"{INDEX}":\n\t"role:admin"\n',
    "no JSON": f'{{"{INDEX}": "role:admin"',
    "a list": f"- {INDEX}",
    "a text": "role:admin",
    "nothing for a rule": f'"{INDEX}":\n',
    "a number for a rule": f'"{INDEX}": 5\n',
    "a mapping for a rule": f'"{INDEX}":\n  role: admin\n',
    "half a rule": f'"{INDEX}": "role:admin or"\n',
    "half a rule beside a refusal": f'"{INDEX}": "admin or not !"\n',
    "a rule without a kind": f'"{INDEX}": "admin"\n',
    "a parenthesis": f'"{INDEX}": "role:a or (role:b"\n',
    "half a rule in a list": f'"{INDEX}": [["admin"]]\n',
    "an unknown rule": f'"{INDEX}": "rule:admin_only"\n',
    "a rule of itself": '"admin_api": "rule:admin_api"\n',
    "no text": b"\xff\xfe\x00",
}

SENSIBLE = {
    "empty": "",
    "a comment": "# nothing\n",
    "JSON": f'{{"{INDEX}": "role:reader"}}',
    "everybody": f'"{INDEX}": ""\n',
    "nobody": f'"{INDEX}": "!"\n',
    "nearly nobody": f'"{INDEX}": "(role:a and !) or not (! or role:b)"\n',
    "lists": f'"{INDEX}": [["role:a", "!"], ["@"]]\n',
    "a rule of one's own": f'"mine": "role:x"\n"{INDEX}": "rule:mine"\n',
}


@pytest.fixture(params=["file", "directory"])
def place(request, tmp_path):
    """Where policies are read from: a file, or one in a directory."""
    if request.param == "file":
        return tmp_path / "policy.yaml"
    (tmp_path / "policy.d").mkdir()
    return tmp_path / "policy.d" / "10-mine.yaml"


@pytest.fixture
def conf(tmp_path):
    file = tmp_path / "masakari.conf"
    file.write_text(
        f"[oslo_policy]\npolicy_file = {tmp_path}/policy.yaml\n"
        f"policy_dirs = {tmp_path}/policy.d\n"
    )
    return configuration.load(
        [], prog="masakari-api", config_files=[str(file)]
    )


def write(place, content):
    if isinstance(content, bytes):
        place.write_bytes(content)
    else:
        place.write_text(content)


@pytest.mark.parametrize("content", SENSIBLE.values(), ids=SENSIBLE)
def test_policies_that_make_sense(conf, place, content, caplog):
    write(place, content)
    policy.make_enforcer(conf)
    assert [r for r in caplog.records if r.levelname == "ERROR"] == []


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_policies_that_make_no_sense_are_refused(conf, place, content, caplog):
    write(place, content)
    with pytest.raises(exception.ConfigurationError) as raised:
        policy.make_enforcer(conf)
    told = str(raised.value)
    assert "\n" not in told
    assert str(place) in told or "refers to a rule" in told
    # The caller tells it, and nobody else.
    assert [r for r in caplog.records if r.levelname == "ERROR"] == []


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_while_they_make_no_sense_the_ones_before_hold(
    conf, place, content, caplog
):
    write(place, f'"{INDEX}": "role:reader"\n')
    enforcer = policy.make_enforcer(conf)
    reader = context.RequestContext(user_id="u", roles=["reader"])
    write(place, content)
    for _ in range(3):
        policy.authorize(enforcer, reader, INDEX)
    (line,) = [r for r in caplog.records if r.levelname == "ERROR"]
    assert line.getMessage().startswith("The policies stay as they were: ")
    write(place, f'"{INDEX}": "role:writer"\n')
    assert not policy.permits(enforcer, reader, INDEX)


def test_a_file_that_cannot_be_read_is_refused(conf, tmp_path):
    (tmp_path / "policy.yaml").mkdir()
    with pytest.raises(exception.ConfigurationError) as raised:
        policy.make_enforcer(conf)
    assert str(raised.value) == (
        f"The policy file {tmp_path}/policy.yaml cannot be read: Is a "
        "directory"
    )


def test_a_directory_that_is_a_file_is_refused(conf, tmp_path):
    (tmp_path / "policy.d").write_text("")
    with pytest.raises(exception.ConfigurationError, match=r"policy\.d"):
        policy.make_enforcer(conf)


def test_what_is_removed_holds_no_more(conf, place):
    write(place, f'"{INDEX}": "role:reader"\n')
    enforcer = policy.make_enforcer(conf)
    reader = context.RequestContext(user_id="u", roles=["reader"])
    assert policy.permits(enforcer, reader, INDEX)
    place.unlink()
    assert not policy.permits(enforcer, reader, INDEX)
    policy.authorize(enforcer, context.admin(), INDEX)


def test_what_is_in_vain_is_warned_of(conf, place, caplog):
    write(place, '"os_masakari_api:segment:index": "role:reader"\n')
    policy.make_enforcer(conf)
    told = [r.getMessage() for r in caplog.records]
    assert told[-1] == (
        "Policy files have rules that nothing asks for: "
        "os_masakari_api:segment:index"
    )
    is_there = (place.parent / "policy.yaml").exists()
    assert any("there is no file" in line for line in told) != is_there
