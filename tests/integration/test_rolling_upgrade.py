# SPDX-License-Identifier: Apache-2.0
"""Programs of two neighbouring releases on one database and one bus."""

import openstack
import oslo_messaging
import pytest
import sqlalchemy

from masakari import conf as configuration
from masakari import context
from masakari.db.session import Database
from masakari.rpc import bus
from tests.integration import deployment, neighbour
from tests.integration.deployment import wait_for
from tests.integration.disaster import (
    assert_all_is_back,
    fail,
    works_on,
)
from tests.integration.reports import ended

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    return neighbour.neighbour(tmp_path_factory.mktemp("neighbour"))


@pytest.fixture(scope="module")
def releases(other):
    """The earlier and the later one."""
    return sorted(
        [neighbour.this(), other], key=lambda release: release.revisions
    )


@pytest.fixture
def deployed(deploy, releases):
    """Tables of the earlier release; nothing runs yet."""
    deployed = deploy(sync=False, concurrent_recoveries=2)
    deployed.sync(tree=releases[0].tree)
    return deployed


@pytest.fixture
def upgraded(deployed, releases):
    """Tables of the later release; nothing runs yet."""
    deployed.sync(tree=releases[1].tree)
    return deployed


def test_a_database_is_upgraded_in_mid_recovery(deployed, releases):
    """As in the guide: the tables first, then API and engines in turn."""
    earlier, later = (release.tree for release in releases)
    api = deployed.start_api(tree=earlier)
    ha = deployed.connect().instance_ha
    deployed.populate(ha, hosts=2, servers=30, doomed=1)
    old = deployed.start_engine("earlier", tree=earlier)
    uuid = fail(deployed, ha, 1)
    wait_for(lambda: len(deployed.cloud.migrations) >= 5)
    # However long the upgrade takes, something is left for the new engine.
    deployed.cloud.faults.add("evacuate", 503)
    deployed.sync(tree=later)
    new = deployed.start_engine("later", tree=later)
    old.kill()
    deployed.cloud.faults.clear()
    assert api.stop() == 0
    deployed.start_api("later-api", tree=later)
    assert ended(ha, uuid).status == "finished"
    assert works_on(new, uuid)
    assert_all_is_back(deployed.cloud, failing=1)
    assert len(list(ha.vmoves(uuid))) == 30
    assert not new.tracebacks


def test_the_earlier_release_takes_over_from_the_later(upgraded, releases):
    earlier, later = (release.tree for release in releases)
    upgraded.start_api(tree=earlier)
    ha = upgraded.connect().instance_ha
    upgraded.populate(ha, hosts=2, servers=30, doomed=1)
    new = upgraded.start_engine("later", tree=later)
    uuid = fail(upgraded, ha, 1)
    wait_for(lambda: len(upgraded.cloud.migrations) >= 5)
    old = upgraded.start_engine("earlier", tree=earlier)
    new.kill()
    assert ended(ha, uuid).status == "finished"
    assert works_on(old, uuid)
    assert_all_is_back(upgraded.cloud, failing=1)
    assert len(list(ha.vmoves(uuid))) == 30
    assert not old.tracebacks


def test_both_work_side_by_side(upgraded, releases):
    upgraded.start_api(tree=releases[1].tree)
    ha = upgraded.connect().instance_ha
    upgraded.populate(ha, hosts=8, servers=4, doomed=4)
    engines = [
        upgraded.start_engine(name, tree=release.tree)
        for name, release in zip(("earlier", "later"), releases, strict=True)
    ]
    uuids = [fail(upgraded, ha, number) for number in range(1, 5)]
    assert {ended(ha, uuid).status for uuid in uuids} == {"finished"}
    assert_all_is_back(upgraded.cloud, failing=4)
    for uuid in uuids:
        assert [works_on(engine, uuid) for engine in engines].count(True) == 1
    for engine in engines:
        assert "Working on notification" in engine.text
        assert not engine.lines("WARNING") + engine.lines("ERROR")
        assert engine.stop() == 0


@pytest.mark.parametrize("caller", [0, 1], ids=["earlier", "later"])
def test_an_api_wakes_an_engine_of_the_other_release(
    upgraded, releases, caller
):
    """The engine looks for work so seldom that only a message helps."""
    upgraded.change(notification_poll_interval=600)
    upgraded.start_api(tree=releases[caller].tree)
    ha = upgraded.connect().instance_ha
    upgraded.populate(ha, hosts=2, servers=1, doomed=1)
    engine = upgraded.start_engine(tree=releases[1 - caller].tree)
    wait_for(lambda: _listens(upgraded))
    uuid = fail(upgraded, ha, 1)
    engine.says(f"Working on notification {uuid}", timeout=30)
    assert ended(ha, uuid).status == "finished"


def _listens(deployed):
    """Whether an engine answers on the bus."""
    try:
        call(deployed, "1.0", "process_notification", notification={})
    except oslo_messaging.MessagingTimeout:
        return False
    return True


def call(deployed, version, method, **arguments):
    """Ask whichever engine is there."""
    conf = configuration.load(
        [], prog="test", config_files=[str(deployed.file)]
    )
    client = oslo_messaging.get_rpc_client(
        bus.get_transport(conf),
        bus.target(topic=conf.masakari_topic),
        serializer=bus.ContextSerializer(),
        timeout=5,
    )
    return client.prepare(version=version).call(
        context.admin("req-1"), method, **arguments
    )


@pytest.fixture
def made(releases):
    """The tests' own next release, of which more is known."""
    if not releases[1].made:
        pytest.skip("MASAKARI_TEST_NEIGHBOUR is another release")
    return releases[1].tree


def test_what_is_new_is_the_later_releases_alone(upgraded, made):
    later = upgraded.start_engine("later", tree=made)
    wait_for(lambda: _listens(upgraded))
    version = neighbour.next_version()
    assert call(upgraded, version, neighbour.METHOD, text="a") == "a"
    later.kill()
    upgraded.start_engine("earlier")
    wait_for(lambda: _listens(upgraded))
    with pytest.raises(oslo_messaging.RemoteError, match="UnsupportedVersion"):
        call(upgraded, version, neighbour.METHOD, text="a")


def test_a_column_that_only_one_writes_bothers_nobody(
    upgraded, made, database
):
    upgraded.start_api()
    ha = upgraded.connect().instance_ha
    upgraded.populate(ha, hosts=4, servers=1, doomed=2)
    marks = []
    for number, tree in enumerate((None, made), start=1):
        engine = upgraded.start_engine(f"engine-{number}", tree=tree)
        uuid = fail(upgraded, ha, number)
        assert ended(ha, uuid).status == "finished"
        assert works_on(engine, uuid)
        assert engine.stop() == 0
        marks.append(_written_by(database, uuid))
    assert marks == [None, neighbour.MARK]
    assert_all_is_back(upgraded.cloud, failing=2)


def _written_by(url, uuid):
    database = Database(url)
    try:
        return database.read(
            lambda session: session.scalar(
                sqlalchemy.text(
                    "SELECT written_by FROM recoveries "
                    "WHERE notification_uuid = :uuid"
                ),
                {"uuid": uuid},
            )
        )
    finally:
        database.dispose()


def test_the_earlier_release_knows_that_it_is_late(upgraded, made):
    """Its ``db sync`` is not for a database of the later one."""
    version = upgraded.manage("db", "version")
    assert (version.returncode, version.stdout.strip()) == (
        0,
        neighbour.REVISION,
    )
    done = upgraded.manage("db", "sync")
    assert done.returncode == 1
    assert neighbour.REVISION in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert upgraded.manage("db", "purge").returncode == 0


def test_an_engine_does_not_start_before_its_tables_are_there(deployed, made):
    started = deployed.begin("masakari-engine", "later", tree=made)
    assert started.process.wait(deployment.PATIENCE) == 1
    assert "run masakari-manage db sync" in started.text
    assert "rehearsals" in started.text
    assert "claims.written_by" in started.text


def test_an_api_that_has_come_before_its_tables_says_so(deployed, made):
    deployed.start_api(tree=made)
    ha = deployed.connect().instance_ha
    deployed.populate(ha, hosts=2, servers=1, doomed=1)
    with pytest.raises(openstack.exceptions.HttpException) as caught:
        fail(deployed, ha, 1)
    assert caught.value.status_code == 503
    deployed.sync(tree=made)
    assert fail(deployed, ha, 1)
