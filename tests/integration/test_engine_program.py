# SPDX-License-Identifier: Apache-2.0
"""The program masakari-engine: its start, its signals, its messages."""

import contextlib
import signal
import subprocess

import oslo_messaging
import pytest

from masakari import conf as configuration
from masakari import context
from masakari.rpc import bus
from tests.integration import deployment
from tests.integration.deployment import wait_for
from tests.integration.reports import ended, report
from tests.ports import free_port

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    ("argument", "told"),
    [("--version", "1!1."), ("--help", "usage: masakari-engine")],
)
def test_it_tells_of_itself(argument, told):
    done = subprocess.run(
        [deployment.PROGRAMS / "masakari-engine", argument],
        capture_output=True,
        text=True,
        timeout=deployment.PATIENCE,
        check=True,
    )
    assert told in done.stdout
    assert done.stderr == ""


def test_an_option_nobody_knows_is_refused():
    done = subprocess.run(
        [deployment.PROGRAMS / "masakari-engine", "--nonsense"],
        capture_output=True,
        text=True,
        timeout=deployment.PATIENCE,
        check=False,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            {
                "taskflow_driver_recovery_flows__"
                "host_auto_failure_recovery_tasks": "pre:['no_such_task'],"
                "main:['prepare_HA_enabled_instances_task'],"
                "post:['evacuate_instances_task']"
            },
            "not installed or cannot be imported: no_such_task",
        ),
        ({"transport_url": "nonsense://"}, "transport_url cannot be used"),
        ({"notification_lease": 3, "notification_lease_renewal": 3}, "below"),
        ({"os_privileged_user_password": ""}, "have no password"),
        ({"notification_driver": "other"}, "notification_driver is 'other'"),
    ],
    ids=["task", "bus", "lease", "password", "driver"],
)
def test_what_cannot_work_is_refused_at_the_start(deploy, options, told):
    engine = deploy(sync=False, **options).begin("masakari-engine", "engine")
    assert engine.process.wait(deployment.PATIENCE) == 1
    assert told in engine.lines("CRITICAL")[0]
    assert not engine.tracebacks


def test_a_database_without_tables_is_refused_at_the_start(deploy):
    engine = deploy(sync=False).begin("masakari-engine", "engine")
    assert engine.process.wait(deployment.PATIENCE) == 1
    assert "run masakari-manage db sync" in engine.lines("CRITICAL")[0]
    assert not engine.tracebacks


def test_sighup_takes_over_what_may_change(deploy):
    deployed = deploy()
    engine = deployed.start_engine()
    deployed.change(debug=True)
    engine.send(signal.SIGHUP)
    engine.says("Option DEFAULT.debug changed from [None] to [True]")
    listening(deployed)
    caller(deployed)("1.0").cast(
        context.admin(), "process_notification", notification=as_sent("x")
    )
    engine.says("DEBUG masakari.engine.endpoint")
    deployed.file.write_text("[DEFAULT\nnonsense")
    engine.send(signal.SIGHUP)
    engine.says("The configuration stays as it was")
    assert engine.stop(timeout=3) == 0


def test_sigint_ends_it_too(deploy):
    engine = deploy().start_engine()
    engine.send(signal.SIGINT)
    assert engine.process.wait(3) == 0
    assert "Traceback" not in engine.text + engine.output


def caller(deployed, timeout=20):
    """Another program on the same bus."""
    conf = configuration.load(
        [], prog="another", config_files=[str(deployed.file)]
    )
    client = oslo_messaging.get_rpc_client(
        bus.get_transport(conf),
        oslo_messaging.Target(topic=deployed.values["masakari_topic"]),
        serializer=bus.ContextSerializer(),
        timeout=timeout,
    )
    return lambda version: client.prepare(version=version)


def as_sent(uuid):
    """The object that releases up to 21.0.0 put on the bus."""
    return {
        "masakari_object.name": "Notification",
        "masakari_object.namespace": "masakari",
        "masakari_object.version": "1.0",
        "masakari_object.data": {
            "id": 1,
            "notification_uuid": uuid,
            "generated_time": "2026-01-01T00:00:00Z",
            "source_host_uuid": "6d9fd8a5-2a4e-4a84-8fc8-9bd8a1fa4cd5",
            "type": "COMPUTE_HOST",
            "payload": {"event": "STOPPED"},
            "status": "new",
            "created_at": "2026-01-01T00:00:00Z",
            "updated_at": None,
            "deleted_at": None,
            "deleted": False,
        },
        "masakari_object.changes": ["status"],
    }


def listening(deployed):
    """Wait until the engine answers on the bus.

    What is sent before its queue is there is lost.
    """
    another = caller(deployed, timeout=1)

    def answered():
        with contextlib.suppress(oslo_messaging.MessagingTimeout):
            return another("1.1").call(
                context.admin(),
                "get_notification_recovery_workflow_details",
                notification=as_sent("7ba5b0f4-7d4b-4fd9-8a3f-8d4a7a2d4d10"),
            )

    wait_for(answered)


def test_a_report_wakes_the_engine(deploy):
    deployed = deploy(notification_poll_interval=600)
    deployed.start_api()
    engine = deployed.start_engine()
    listening(deployed)
    ha = deployed.connect().instance_ha
    deployed.populate(ha, servers=1)
    deployed.cloud.kill("compute-1")
    uuid = report(ha)
    engine.says(f"Working on notification {uuid}", timeout=5)
    assert ended(ha, uuid).status == "finished"


def test_the_casts_and_calls_of_other_releases_are_understood(deploy):
    nobody = f"rabbit://guest:guest@127.0.0.1:{free_port()}/"
    deployed = deploy(notification_poll_interval=600, transport_url=nobody)
    deployed.start_api()
    deployed.change(transport_url=deployment.BROKER)
    engine = deployed.start_engine()
    listening(deployed)
    ha = deployed.connect().instance_ha
    deployed.populate(ha, servers=1)
    deployed.cloud.kill("compute-1")
    uuid = report(ha)
    another = caller(deployed)
    another("1.0").cast(
        context.admin(), "process_notification", notification=as_sent(uuid)
    )
    engine.says(f"Working on notification {uuid}", timeout=5)
    shown = ended(ha, uuid).recovery_workflow_details
    answer = another("1.1").call(
        context.admin(),
        "get_notification_recovery_workflow_details",
        notification=as_sent(uuid),
    )
    details = answer["masakari_object.data"]["recovery_workflow_details"]
    assert [task["masakari_object.data"] for task in details] == [
        {
            "name": task.name,
            "progress": task.progress,
            "state": task.state,
            "progress_details": [
                {
                    key: entry[key]
                    for key in ("timestamp", "progress", "message")
                }
                for entry in task.progress_details
            ],
        }
        for task in shown
    ]
    assert len(details) == 3
