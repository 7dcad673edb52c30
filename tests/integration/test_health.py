# SPDX-License-Identifier: Apache-2.0
"""Engines that wait, work and stop, as supervisors and operators see them."""

import json
import signal
import socket
import subprocess

import pytest
import requests
import sqlalchemy

from tests.integration import deployment, proxy
from tests.integration.deployment import wait_for
from tests.integration.reports import ended, report
from tests.ports import free_port

pytestmark = pytest.mark.integration


def told(port, path="/healthcheck/ready"):
    """Status and content of the engine's answer; None without one."""
    try:
        answer = requests.get(f"http://127.0.0.1:{port}{path}", timeout=10)
    except requests.ConnectionError:
        return None
    is_json = answer.headers["Content-Type"] == "application/json"
    return answer.status_code, answer.json() if is_json else answer.text


def ready(port):
    found = told(port)
    return found is not None and found[0] == 200


def checks(port):
    return told(port)[1]["checks"]


def manage(deployed, *arguments, code=0):
    """What masakari-manage prints, on the one channel or the other."""
    done = subprocess.run(
        [
            deployment.PROGRAMS / "masakari-manage",
            f"--config-file={deployed.file}",
            *arguments,
        ],
        capture_output=True,
        text=True,
        timeout=deployment.PATIENCE,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout if code == 0 else done.stderr


def engines(deployed):
    return json.loads(manage(deployed, "engine", "list", "--json"))


def states(deployed):
    return [engine["state"] for engine in engines(deployed)]


def test_an_engine_lives_while_it_waits_for_the_database(deploy, cut_off):
    port = free_port()
    deployed = deploy(engine_health_port=port)
    deployed.change(database__connection=cut_off.url)
    engine = deployed.begin("masakari-engine", "engine")
    engine.says("The engine waits for the database")
    wait_for(lambda: told(port, "/healthcheck") == (200, "OK"))
    assert told(port)[0] == 503
    assert told(port)[1]["ready"] is False
    assert checks(port)["database"] == "away"
    wait_for(lambda: len(engine.lines("WARNING")) >= 3)
    first, second, *_ = engine.lines("WARNING")
    assert "The database is not there yet (attempt 1): " in first
    assert "Connection refused" in first
    assert "(attempt 2)" in second
    cut_off.join()
    engine.says("The engine has started")
    wait_for(lambda: ready(port))
    cut_off.cut()
    wait_for(lambda: not ready(port))
    assert checks(port)["database"] == "away"
    assert told(port, "/healthcheck") == (200, "OK")
    cut_off.join()
    wait_for(lambda: ready(port))
    assert not engine.tracebacks
    assert engine.stop(timeout=5) == 0


def test_one_that_waits_ends_when_told_with_its_health_on(deploy, cut_off):
    port = free_port()
    deployed = deploy(
        sync=False,
        database__connection=cut_off.url,
        engine_health_port=port,
    )
    engine = deployed.begin("masakari-engine", "engine")
    wait_for(lambda: told(port, "/healthcheck") == (200, "OK"))
    assert engine.stop(timeout=3) == -signal.SIGTERM


def test_how_often_is_tried_may_be_limited(deploy, cut_off):
    deployed = deploy(
        sync=False,
        database__connection=cut_off.url,
        database__max_retries=1,
    )
    engine = deployed.begin("masakari-engine", "engine")
    assert engine.process.wait(deployment.PATIENCE) == 1
    assert "cannot start" in engine.lines("CRITICAL")[0]


def test_a_port_that_is_taken_is_refused_at_the_start(deploy):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        deployed = deploy(sync=False, engine_health_port=port)
        engine = deployed.begin("masakari-engine", "engine")
        assert engine.process.wait(deployment.PATIENCE) == 1
    assert "The engine cannot start" in engine.lines("CRITICAL")[0]
    assert not engine.tracebacks


@pytest.fixture
def way_to_broker():
    url = sqlalchemy.make_url(deployment.BROKER)
    way = proxy.Proxy(url.host, url.port)
    way.url = f"rabbit://{url.username}:{url.password}@127.0.0.1:{way.port}/"
    yield way
    way.cut()


def test_a_broker_that_comes_later(deploy, way_to_broker):
    port = free_port()
    deployed = deploy(transport_url=way_to_broker.url, engine_health_port=port)
    engine = deployed.start_engine()
    wait_for(lambda: ready(port))
    assert checks(port) == {"database": "ok", "broker": "away"}
    engine.says("The broker is not there yet")
    way_to_broker.join()
    engine.says("The broker is there; messages wake the engine")
    wait_for(lambda: checks(port)["broker"] == "ok")
    assert engine.stop(timeout=5) == 0


def test_a_broker_that_refuses_the_engine(deploy):
    url = sqlalchemy.make_url(deployment.BROKER)
    wrong = f"rabbit://nobody:wrong@{url.host}:{url.port or 5672}/"
    port = free_port()
    deployed = deploy(transport_url=wrong, engine_health_port=port)
    engine = deployed.start_engine()
    engine.says("The broker refuses the engine")
    (line,) = engine.lines("ERROR")
    assert "ACCESS_REFUSED" in line
    assert "wrong" not in line
    assert checks(port) == {"database": "ok", "broker": "away"}
    assert told(port, "/healthcheck") == (200, "OK")
    assert not engine.tracebacks
    assert engine.stop(timeout=5) == 0


def test_one_that_drains_is_not_ready_and_is_listed_as_stopping(deploy):
    port = free_port()
    deployed = deploy(engine_health_port=port, graceful_shutdown_timeout=8)
    deployed.start_api()
    ha = deployed.connect().instance_ha
    deployed.populate(ha, servers=2)
    deployed.cloud.kill("compute-1")
    deployed.cloud.faults.add("evacuate", "hang")
    engine = deployed.start_engine()
    wait_for(lambda: states(deployed) == ["up"])
    report(ha)
    wait_for(lambda: deployed.cloud.counts["evacuate"])
    (found,) = engines(deployed)
    assert [work["host"] for work in found["works_on"]] == ["compute-1"]
    engine.send(signal.SIGTERM)
    wait_for(lambda: told(port) is None or told(port)[1]["stopping"])
    assert told(port)[0] == 503
    assert told(port, "/healthcheck") == (200, "OK")
    assert states(deployed) == ["stopping"]
    assert engine.process.wait(15) == 0
    # What hung in a call to Nova is left to others until its lease ends.
    assert states(deployed) == ["unknown"]


def test_one_that_is_killed_is_listed_as_down(deploy):
    deployed = deploy()
    one = deployed.start_engine("one")
    wait_for(lambda: states(deployed) == ["up"])
    one.kill()
    wait_for(lambda: states(deployed) == ["down"])
    deployed.start_engine("two")
    wait_for(lambda: states(deployed) == ["down", "up"])


def test_heartbeats_pause_and_claims_go_on_without_a_database(deploy, cut_off):
    deployed = deploy()
    cut_off.join()
    deployed.change(database__connection=cut_off.url)
    engine = deployed.start_engine()
    wait_for(lambda: states(deployed) == ["up"])
    cut_off.cut()
    engine.says("The heartbeat failed and is tried again")
    cut_off.join()
    wait_for(lambda: states(deployed) == ["up"])
    assert not engine.tracebacks
    assert engine.stop(timeout=5) == 0
    assert states(deployed) == []


def test_what_failed_is_retried_by_the_command(deploy):
    deployed = deploy(
        wait_period_after_evacuation=2,
        process_unfinished_notifications_interval=1,
    )
    deployed.start_api()
    ha = deployed.connect().instance_ha
    deployed.populate(ha, hosts=2, servers=2)
    deployed.cloud.faults.add("evacuate", 400, message="not today")
    deployed.cloud.kill("compute-1")
    deployed.start_engine()
    uuid = report(ha)
    assert ended(ha, uuid).status == "failed"
    (listed,) = json.loads(manage(deployed, "notification", "list", "--json"))
    assert (listed["uuid"], listed["attempts"]) == (uuid, 2)
    deployed.cloud.faults.clear()
    assert uuid in manage(deployed, "notification", "retry", uuid)
    wait_for(lambda: ended(ha, uuid).status == "finished")
    assert {server.host for server in deployed.cloud.servers.values()} == {
        "compute-2"
    }
    refused = manage(deployed, "notification", "retry", uuid, code=1)
    assert "it is finished" in refused
