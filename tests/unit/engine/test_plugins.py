# SPDX-License-Identifier: Apache-2.0
import pytest
from stevedore import extension
from taskflow import task

from masakari import conf as configuration
from masakari import exception
from masakari.engine import plugins
from masakari.engine.tasks import base

OURS = (
    "disable_compute_service_task",
    "prepare_HA_enabled_instances_task",
    "evacuate_instances_task",
)


def test_tasks_are_found_by_the_names_that_configuration_gives_them():
    found = plugins.load_tasks([*OURS, *OURS])
    assert set(found) == set(OURS)
    assert all(issubclass(cls, base.RecoveryTask) for cls in found.values())


ENTRY_POINTS = """
[masakari.task_flow.tasks]
ring_a_bell = bells:Ring
broken = bells_that_are_not_there:Ring
rope = bells:rope
"""


@pytest.fixture
def bells(tmp_path, monkeypatch):
    """A package of somebody else's, installed."""
    (tmp_path / "bells.py").write_text(
        "from taskflow import task\n\n"
        "class Ring(task.Task):\n    pass\n\n"
        "rope = 1\n"
    )
    metadata = tmp_path / "bells-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Name: bells\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(extension.ExtensionManager, "ENTRY_POINT_CACHE", {})


@pytest.mark.usefixtures("bells")
def test_tasks_of_another_package_are_found():
    found = plugins.load_tasks(["ring_a_bell", OURS[0]])
    assert issubclass(found["ring_a_bell"], task.Task)


@pytest.mark.usefixtures("bells")
def test_one_that_cannot_be_imported_is_told_with_the_reason():
    with pytest.raises(
        exception.ConfigurationError,
        match=r": broken \(No module named 'bells_that_are_not_there'\)\.$",
    ):
        plugins.load_tasks(["broken"])


@pytest.mark.usefixtures("bells")
def test_what_is_no_task_is_told():
    with pytest.raises(exception.ConfigurationError, match=r"rope \(no class"):
        plugins.load_tasks(["rope"])


def test_every_name_that_is_missing_is_told():
    with pytest.raises(exception.ConfigurationError) as told:
        plugins.load_tasks([OURS[0], "b_missing", "a_missing"])
    assert str(told.value).endswith("imported: a_missing, b_missing.")


def test_the_default_workflow_is_installed():
    conf = configuration.load([], prog="test", config_files=[])
    flows = conf.taskflow_driver_recovery_flows
    names = {
        name
        for phase in flows.host_auto_failure_recovery_tasks.values()
        for name in phase
    }
    assert set(plugins.load_tasks(names)) == names == set(OURS)


def test_an_option_that_cannot_be_read_is_an_error_of_ours(tmp_path):
    file = tmp_path / "masakari.conf"
    file.write_text(
        "[taskflow_driver_recovery_flows]\n"
        "instance_failure_recovery_tasks = pre:['no_op'],main:[\n"
    )
    conf = configuration.load([], prog="test", config_files=[str(file)])
    with pytest.raises(
        exception.ConfigurationError, match="instance_failure_recovery_tasks"
    ):
        plugins.load_workflows(conf)
