# SPDX-License-Identifier: Apache-2.0
import json
import time

import pytest

from masakari.cmd import status
from masakari.db import schema
from masakari.db.session import Database
from masakari.simulator.cloud import Cloud
from masakari.simulator.http import SimulatorServer
from masakari.simulator.tokens import known_id
from tests.ports import free_port

POLICY = "Policy File JSON to YAML Migration"
TASKS = "Recovery Workflow Tasks"
SCHEMA = "Database Schema"
VALUES = "Configuration Values"
FILES = "Policy Files"
TOKENS = "Tokens of Callers"
NOVA = "Access to Nova"
ALL = {POLICY, FILES, TASKS, VALUES, SCHEMA, TOKENS, NOVA}


@pytest.fixture(autouse=True)
def synced(database):
    """The deployment's database, with the tables of this release."""
    schema.create_all(database)
    return database


@pytest.fixture
def check(tmp_path, capsys, url):
    """Run the checks on a deployment.

    :param policy: its policy file
    :param flows: recovery flows, in a configuration file of their own
    :param connection: the database's URL
    :param more: further lines of the configuration file
    """

    def call(
        *arguments,
        policy="admin_api: role:admin\n",
        flows=None,
        connection=url,
        more="",
    ):
        (tmp_path / "policy.file").write_text(policy)
        file = tmp_path / "masakari.conf"
        file.write_text(
            "[oslo_policy]\npolicy_file = policy.file\n"
            f"[database]\nconnection = {connection}\n{more}\n"
        )
        files = ["--config-file", str(file)]
        if flows is not None:
            custom = tmp_path / "masakari-custom-recovery-methods.conf"
            custom.write_text(f"[taskflow_driver_recovery_flows]\n{flows}\n")
            files += ["--config-file", str(custom)]
        code = status.main([*files, "upgrade", "check", *arguments])
        return code, capsys.readouterr().out

    return call


@pytest.fixture
def result(check):
    """The same; returns the exit code and the results by name."""

    def call(**kwargs):
        code, out = check("--json", **kwargs)
        told = json.loads(out)
        assert told["name"] == "Upgrade Check Results"
        return code, {one["check"]: one for one in told["checks"]}

    return call


def test_a_policy_in_yaml_is_fine(check):
    code, out = check()
    assert code == 0
    assert "Upgrade Check Results" in out
    for name in ALL:
        assert f"Check: {name}" in out
    assert out.count("Result: Success") == len(ALL)


def test_a_policy_in_json_is_not(result):
    code, told = result(policy='{"admin_api": "role:admin"}')
    assert code == 2
    assert set(told) == ALL
    assert told[POLICY]["result"] == 2
    assert "oslopolicy-convert-json-to-yaml" in told[POLICY]["details"]
    assert told[TASKS]["result"] == 0


@pytest.mark.parametrize(
    "flow",
    [
        "pre:['no_op'],main:['disable_compute_node_task'],post:[]",
        "{'pre': ['no_op'], 'main': ['no_op'], 'post': ['no_op']}",
    ],
)
def test_tasks_that_are_installed_are_fine(result, flow):
    code, told = result(flows=f"process_failure_recovery_tasks = {flow}")
    assert code == 0
    assert told[TASKS] == {"check": TASKS, "result": 0, "details": None}


def test_tasks_that_are_not_installed_are_named(result):
    code, told = result(
        flows="instance_failure_recovery_tasks = "
        "pre:['no_op','b_missing'],main:['start_instance_task'],post:[]\n"
        "host_rh_failure_recovery_tasks = "
        "{'pre': [], 'main': [], 'post': ['a_missing']}"
    )
    assert code == 2
    assert told[TASKS]["result"] == 2
    assert "imported: a_missing." in told[TASKS]["details"]
    assert "imported: b_missing." in told[TASKS]["details"]
    assert "no_op" not in told[TASKS]["details"]
    assert told[POLICY]["result"] == 0


def test_one_that_cannot_be_imported_is_named_with_the_reason(result):
    """The package of ``tests/plugin`` has one."""
    code, told = result(
        flows="instance_failure_recovery_tasks = "
        "pre:['sample_inspect_instance'],main:['sample_broken'],post:[]"
    )
    assert code == 2
    details = told[TASKS]["details"]
    assert ": sample_broken (No module named" in details
    assert details.count("sample_broken") == 1


def test_a_flow_that_cannot_be_read_is_a_failure(result):
    code, told = result(flows="process_failure_recovery_tasks = main:['x'")
    assert code == 2
    assert "process_failure_recovery_tasks" in told[TASKS]["details"]


def test_a_database_that_is_not_synced_is_to_be(result, tmp_path):
    file = tmp_path / "other.sqlite"
    code, told = result(connection=f"sqlite:///{file}")
    assert code == 0
    assert told[SCHEMA]["result"] == 0
    assert "run masakari-manage db sync" in told[SCHEMA]["details"]
    assert not file.exists()


@pytest.mark.parametrize("revision", ["8bdf5929c5a6", "13adff5efb9a"])
def test_one_of_an_earlier_release_is_to_be_upgraded(
    result, tmp_path, revision
):
    url = f"sqlite:///{tmp_path}/other.sqlite"
    earlier = Database(url)
    schema.sync(earlier, revision)
    earlier.dispose()
    code, told = result(connection=url)
    assert code == 0
    assert "run masakari-manage db sync" in told[SCHEMA]["details"]


def test_one_that_lacks_a_step_is_to_be_upgraded(result, synced):
    name_revision(synced, "5c0e7f3a9d21")
    code, told = result()
    assert code == 0
    assert "run masakari-manage db sync" in told[SCHEMA]["details"]


def test_one_of_a_later_release_is_fine(result, synced):
    name_revision(synced, "of_tomorrow")
    assert result()[0] == 0


def name_revision(database, revision):
    with database.transaction() as connection:
        connection.exec_driver_sql(
            "UPDATE masakari_alembic_version SET version_num = ?", (revision,)
        )


@pytest.mark.parametrize(
    ("connection", "expected", "reason"),
    [
        (
            "postgresql+psycopg2://masakari:secret@127.0.0.1:9/masakari",
            1,
            "Connection refused",
        ),
        ("nonsense", 2, "[database] connection"),
    ],
)
def test_one_that_cannot_be_used_is_told(result, connection, expected, reason):
    code, told = result(connection=connection)
    assert code == expected
    assert told[SCHEMA]["result"] == expected
    assert reason in told[SCHEMA]["details"]
    assert "secret" not in told[SCHEMA]["details"]


def test_a_value_that_cannot_be_is_a_failure(result):
    code, told = result(more="[DEFAULT]\nnotification_lease = abc\n")
    assert code == 2
    assert told[VALUES]["result"] == 2
    assert "notification_lease" in told[VALUES]["details"]
    assert told[SCHEMA]["result"] == 0


def test_without_its_files_it_cannot_check(tmp_path, capsys):
    missing = tmp_path / "missing.conf"
    code = status.main(["--config-file", str(missing), "upgrade", "check"])
    assert code == 255
    assert str(missing) in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("admin_api: [", "cannot be read: "),
        ("admin_api: role:admin or", "what is no rule: 'role:admin or'"),
        ("admin_api: rule:nothing", "a rule that is not there"),
    ],
)
def test_a_policy_file_that_makes_no_sense_is_a_failure(result, content, told):
    code, results = result(policy=content)
    assert code == 2
    assert results[FILES]["result"] == 2
    assert told in results[FILES]["details"]


def test_a_rule_in_vain_is_warned_of(result):
    code, told = result(policy="os_masakari_api:nothing:index: role:a\n")
    assert code == 1
    assert told[FILES]["details"].endswith(": os_masakari_api:nothing:index")


def test_a_policy_file_that_is_none_can_be_told(check, tmp_path):
    code, out = check(more=f"[oslo_policy]\npolicy_file = {tmp_path}\n")
    assert code == 2
    assert "Is a directory" in out


@pytest.mark.parametrize(
    ("more", "name", "told"),
    [
        (
            "[DEFAULT]\ntransport_url = rabbit://u:Hu#sh@h/",
            VALUES,
            "[DEFAULT] transport_url cannot be used: ",
        ),
        (
            "[DEFAULT]\nos_privileged_user_password = Hu$sh",
            VALUES,
            "[DEFAULT] os_privileged_user_password has a '$'",
        ),
        (
            "[oslo_messaging_notifications]\ndriver = other",
            VALUES,
            "[oslo_messaging_notifications] driver cannot be used: ",
        ),
        (
            "[taskflow]\nconnection = mysql+pymysql://u:Hu@sh:x@h/m",
            SCHEMA,
            "[taskflow] connection cannot be used: ",
        ),
        (
            "[keystone_authtoken]\nauth_type = v3applicationcredential\n"
            "auth_url = http://127.0.0.1:9/v3\n"
            "application_credential_id = abc",
            TOKENS,
            "no secret: set [keystone_authtoken] application_credential_sec",
        ),
        (
            "[keystone_authtoken]\nmemcached_servers = controller:abc",
            TOKENS,
            "[keystone_authtoken] memcached_servers cannot be used: ",
        ),
        (
            "[nova]\nauth_type = v3applicationcredential\n"
            "auth_url = http://127.0.0.1:9/v3\n"
            "application_credential_secret = Hush",
            NOVA,
            "see [nova] auth_type: ",
        ),
        (
            "[DEFAULT]\nos_privileged_user_password = Hush",
            NOVA,
            "no URL of Keystone and no user name: set [DEFAULT] ",
        ),
    ],
)
def test_what_no_program_could_work_with_is_a_failure(
    result, more, name, told
):
    code, results = result(more=more)
    assert code == 2
    assert results[name]["result"] == 2
    assert told in results[name]["details"]
    assert "Hu" not in str(results)


def test_without_tokens_it_says_what_that_means(result):
    code, told = result(more="[DEFAULT]\nauth_strategy = noauth2\n")
    assert code == 1
    assert "everybody is an administrator" in told[TOKENS]["details"]


ACCESS = """
[DEFAULT]
os_privileged_user_auth_url = {url}
os_privileged_user_name = masakari
os_privileged_user_password = {password}
os_privileged_user_tenant = service
[keystone_authtoken]
auth_type = v3applicationcredential
auth_url = {url}
application_credential_id = {id}
application_credential_secret = {password}
"""


@pytest.fixture
def access():
    """Configuration for a simulated cloud."""
    cloud = Cloud(time.time)
    cloud.add_host("compute-1")
    with SimulatorServer(cloud) as server:
        yield lambda password: ACCESS.format(
            url=server.auth_url,
            password=password,
            id=known_id("application_credential", "masakari"),
        )


def test_credentials_are_tried(result, access):
    code, told = result(more=access("secret"))
    assert (code, told[TOKENS]["details"]) == (0, None)
    assert told[NOVA]["details"] is None
    code, told = result(more=access("wrong"))
    assert code == 2
    assert told[TOKENS]["details"].endswith("; see [keystone_authtoken]")
    assert told[NOVA]["details"].endswith(
        "; see [DEFAULT] os_privileged_user_*"
    )


def test_a_keystone_that_is_away_is_a_warning(result):
    url = f"http://127.0.0.1:{free_port()}/v3"
    code, told = result(more=ACCESS.format(url=url, password="x", id="y"))
    assert code == 1
    assert (told[TOKENS]["result"], told[NOVA]["result"]) == (1, 1)
    assert "Connection refused" in told[NOVA]["details"]
