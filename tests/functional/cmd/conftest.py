# SPDX-License-Identifier: Apache-2.0
"""``masakari-manage`` in a directory of its own."""

import logging

import pytest

from masakari.cmd import manage
from masakari.db.session import Database


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/masakari.sqlite"


@pytest.fixture
def database(url):
    database = Database(url)
    yield database
    database.dispose()


@pytest.fixture
def config(tmp_path):
    file = tmp_path / "masakari.conf"
    file.write_text(f"[DEFAULT]\nstate_path = {tmp_path}\n")
    return file


@pytest.fixture
def run(config, capsys):
    """Call it; gives the exit code and what was printed, and where."""

    def call(*arguments):
        try:
            code = manage.main(["--config-file", str(config), *arguments])
        except SystemExit as left:
            code = left.code
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    yield call
    logging.getLogger().handlers.clear()
