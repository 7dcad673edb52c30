# SPDX-License-Identifier: Apache-2.0
import contextlib

import pytest
import sqlalchemy

from masakari.db import progress, schema
from masakari.db.session import Database
from tests.functional.db import records
from tests.integration import deployment, fleet, proxy, servers


@pytest.fixture(scope="module", params=sorted(servers.URLS))
def shared(request):
    """The URL of a database that the tests of a module empty in turn."""
    with servers.new_tables(request.param) as url:
        yield url


@pytest.fixture
def clock():
    return records.Clock()


@pytest.fixture(params=["mariadb"])
def server(request):
    return request.param


@pytest.fixture
def database(server):
    """An empty database's URL."""
    with servers.new_database(server) as url:
        yield url


def create_tables(url):
    """What ``masakari-manage db sync`` makes, in less time."""
    database = Database(url)
    schema.create_all(database)
    database.dispose()
    progress.create_tables(url)


@pytest.fixture
def deploy(tmp_path, database):
    """Make a deployment; nothing of it runs yet."""
    made = []

    def begin(*, sync=True, **options):
        deployed = deployment.Deployment(tmp_path, database, **options)
        made.append(deployed)
        if sync:
            create_tables(database)
        return deployed

    yield begin
    for deployed in made:
        deployed.close()


@pytest.fixture
def cut_off(database):
    """A way to the database that nothing goes through yet."""
    url = sqlalchemy.make_url(database)
    usual = {"mysql": 3306, "postgresql": 5432}[url.get_backend_name()]
    way = proxy.Proxy(url.host, url.port or usual)
    way.url = url.set(port=way.port).render_as_string(hide_password=False)
    yield way
    way.cut()


@pytest.fixture
def assemble(deploy, database):
    """Make a fleet; nothing of it runs yet."""
    with contextlib.ExitStack() as stack:

        def begin(**options):
            deployed = deploy(**options)
            return stack.enter_context(fleet.opened(deployed, database))

        yield begin
