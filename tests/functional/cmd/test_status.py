# SPDX-License-Identifier: Apache-2.0
import json

import pytest

from masakari.cmd import status
from masakari.db import schema
from masakari.db.session import Database

POLICY = "Policy File JSON to YAML Migration"
TASKS = "Recovery Workflow Tasks"
SCHEMA = "Database Schema"
VALUES = "Configuration Values"


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
    assert f"Check: {POLICY}" in out
    assert f"Check: {TASKS}" in out
    assert f"Check: {SCHEMA}" in out
    assert f"Check: {VALUES}" in out
    assert out.count("Result: Success") == 4


def test_a_policy_in_json_is_not(result):
    code, told = result(policy='{"admin_api": "role:admin"}')
    assert code == 2
    assert set(told) == {POLICY, TASKS, SCHEMA, VALUES}
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
