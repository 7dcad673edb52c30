# SPDX-License-Identifier: Apache-2.0
import logging

import pytest
from oslo_config import cfg

from masakari import conf as masakari_conf

DEPLOYED = """
[DEFAULT]
enabled_apis = masakari_api
notification_delay_max = 3
nova_api_insecure = "false"
osapi_max_limit = 50
[a_section_nobody_knows]
option = value
[coordination]
backend_url = redis://:secret@192.0.2.1
[keystone_authtoken]
auth_type = password
[taskflow_driver_recovery_flows]
instance_failure_recovery_tasks = pre:['a'],main:['b'],post:['c']
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def deployed(tmp_path):
    path = tmp_path / "deployed.conf"
    path.write_text(DEPLOYED)
    return masakari_conf.load(
        ["--config-file", str(path)], prog="masakari-engine"
    )


def test_a_deployed_file_is_read_whatever_else_it_holds(deployed):
    assert deployed.osapi_max_limit == 50
    assert deployed.nova_api_insecure is False
    assert deployed.keystone_authtoken.auth_type == "password"
    assert deployed.taskflow_driver_recovery_flows[
        "instance_failure_recovery_tasks"
    ] == {"pre": ["a"], "main": ["b"], "post": ["c"]}


def test_files_are_found_by_project_and_program(home):
    (home / ".masakari").mkdir()
    (home / ".masakari" / "masakari.conf").write_text(
        "[DEFAULT]\nosapi_max_limit = 7\nverify_interval = 4\n"
    )
    (home / ".masakari" / "masakari-engine.conf").write_text(
        "[DEFAULT]\nverify_interval = 5\n"
    )
    engine = masakari_conf.load([], prog="masakari-engine")
    api = masakari_conf.load([], prog="masakari-api")
    assert (engine.osapi_max_limit, engine.verify_interval) == (7, 5)
    assert (api.osapi_max_limit, api.verify_interval) == (7, 4)


def test_the_command_line_goes_before_the_given_files(tmp_path):
    given = tmp_path / "given.conf"
    given.write_text("[DEFAULT]\nosapi_max_limit = 1\n")
    asked = tmp_path / "asked.conf"
    asked.write_text("[DEFAULT]\nosapi_max_limit = 2\n")
    conf = masakari_conf.load(
        ["--config-file", str(asked)],
        prog="masakari-api",
        config_files=[str(given)],
    )
    assert conf.osapi_max_limit == 2
    conf = masakari_conf.load(
        [], prog="masakari-api", config_files=[str(given)]
    )
    assert conf.osapi_max_limit == 1


def test_two_configurations_do_not_know_of_each_other(deployed):
    other = masakari_conf.load([], prog="masakari-api", config_files=[])
    assert (deployed.osapi_max_limit, other.osapi_max_limit) == (50, 1000)


def test_a_value_that_cannot_be_is_refused(tmp_path):
    path = tmp_path / "masakari.conf"
    path.write_text("[DEFAULT]\nhost_failure_recovery_ceiling = 0\n")
    conf = masakari_conf.load(["--config-file", str(path)], prog="x")
    with pytest.raises(cfg.ConfigFileValueError):
        _ = conf.host_failure_recovery_ceiling


def test_only_options_set_in_vain_are_logged(deployed, caplog):
    with caplog.at_level(logging.INFO):
        masakari_conf.log_ignored(deployed)
    assert [record.getMessage() for record in caplog.records] == [
        "These options are set but have no effect: "
        "[DEFAULT] notification_delay_max, [coordination] backend_url."
    ]


def test_nothing_is_logged_when_nothing_is_set_in_vain(caplog):
    conf = masakari_conf.load([], prog="masakari-api", config_files=[])
    with caplog.at_level(logging.INFO):
        masakari_conf.log_ignored(conf)
    assert caplog.records == []
