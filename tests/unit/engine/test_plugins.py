# SPDX-License-Identifier: Apache-2.0
import sys

import pytest
from taskflow import task

from masakari import conf as configuration
from masakari import exception
from masakari.engine import plugins, workflows
from masakari.engine.tasks import base

OURS = (
    "disable_compute_service_task",
    "prepare_HA_enabled_instances_task",
    "evacuate_instances_task",
)


def load(names):
    """The tasks of these names, of what is installed at the moment."""
    return plugins.load_tasks("x", names, plugins.installed())


def test_tasks_are_found_by_the_names_that_configuration_gives_them():
    found = load([*OURS, *OURS])
    assert set(found) == set(OURS)
    assert all(
        issubclass(recipe.cls, base.RecoveryTask) for recipe in found.values()
    )


ENTRY_POINTS = """
[masakari.task_flow.tasks]
ring_a_bell = bells:Ring
broken = bells_that_are_not_there:Ring
rope = bells:rope
"""


@pytest.fixture
def bells(tmp_path, monkeypatch, request):
    """A package of somebody else's, installed.

    It imports what the test asks for, besides what it needs.
    """
    (tmp_path / "bells.py").write_text(
        f"from taskflow import task\n{getattr(request, 'param', '')}\n"
        "class Ring(task.Task):\n    pass\n\n"
        "rope = 1\n"
    )
    metadata = tmp_path / "bells-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Name: bells\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "bells", raising=False)


@pytest.mark.usefixtures("bells")
def test_tasks_of_another_package_are_found():
    found = load(["ring_a_bell", OURS[0]])
    assert issubclass(found["ring_a_bell"].cls, task.Task)


@pytest.mark.usefixtures("bells")
def test_one_that_cannot_be_imported_is_told_with_the_reason():
    with pytest.raises(
        exception.ConfigurationError,
        match=r": broken \(No module named 'bells_that_are_not_there'\)\.$",
    ):
        load(["broken"])


@pytest.mark.parametrize(
    ("bells", "reason"),
    [
        ("from masakari import objects", "'objects' from 'masakari'"),
        ("from masakari.objects import base", "'masakari.objects'"),
        ("from masakari import utils", "'utils' from 'masakari'"),
        ("import masakari.utils", "'masakari.utils'"),
        ("from masakari.compute import nova", "'masakari.compute'"),
        ("import masakari.compute.nova", "'masakari.compute'"),
    ],
    indirect=["bells"],
)
@pytest.mark.usefixtures("bells")
def test_what_tasks_of_another_masakari_import_is_told(reason):
    with pytest.raises(exception.ConfigurationError) as told:
        load(["ring_a_bell"])
    assert str(told.value).startswith(
        "x names recovery tasks that are not installed or cannot be "
        "imported: ring_a_bell ("
    )
    assert f"{reason}" in str(told.value)
    assert str(told.value).endswith(
        ": this Masakari does not have it, and the guide to recovery flows "
        "lists what a task may import)."
    )


@pytest.mark.parametrize(
    ("bells", "reason"),
    [
        ("raise SystemExit('no rope')", "ring_a_bell (SystemExit: no rope)"),
        ("assert not 1, 'no rope'", "ring_a_bell (AssertionError: no rope)"),
        ("import ropes", "ring_a_bell (No module named 'ropes')"),
        ("def", "ring_a_bell (SyntaxError: invalid syntax"),
    ],
    indirect=["bells"],
)
@pytest.mark.usefixtures("bells")
def test_whatever_keeps_a_module_from_being_imported_is_told(reason):
    with pytest.raises(exception.ConfigurationError) as told:
        load(["ring_a_bell"])
    assert reason in str(told.value)


@pytest.mark.parametrize("bells", ["import eventlet"], indirect=True)
@pytest.mark.usefixtures("bells")
def test_so_is_that_there_is_no_eventlet():
    with pytest.raises(
        exception.ConfigurationError, match="works with threads, not with"
    ):
        load(["ring_a_bell"])


@pytest.mark.parametrize(
    "bells",
    [
        "from masakari.i18n import _",
        "import masakari.conf\nCONF = masakari.conf.CONF",
        "from oslo_config import cfg\n"
        "from masakari import conf\n"
        "assert conf.CONF is cfg.CONF",
        "from masakari.engine.drivers.taskflow import base, no_op",
        "from masakari import exception",
        "from oslo_service import loopingcall",
    ],
    indirect=True,
)
@pytest.mark.usefixtures("bells")
def test_what_tasks_may_import_is_there():
    assert "ring_a_bell" in load(["ring_a_bell"])


@pytest.mark.usefixtures("bells")
def test_what_is_no_task_is_told():
    with pytest.raises(exception.ConfigurationError, match=r"rope \(no class"):
        load(["rope"])


def test_every_name_that_is_missing_is_told():
    with pytest.raises(exception.ConfigurationError) as told:
        load([OURS[0], "b_missing", "a_missing"])
    assert str(told.value).endswith("imported: a_missing, b_missing.")


def test_the_default_workflow_is_installed():
    conf = configuration.load([], prog="test", config_files=[])
    flows = conf.taskflow_driver_recovery_flows
    names = {
        name
        for phase in flows.host_auto_failure_recovery_tasks.values()
        for name in phase
    }
    assert set(load(names)) == names == set(OURS)


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
        workflows.load(conf)
