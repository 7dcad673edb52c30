# SPDX-License-Identifier: Apache-2.0
import logging

import pytest

from masakari import conf as configuration


class OddError(Exception):
    pass


@pytest.fixture
def lines(tmp_path):
    """Log something while an error is handled; gives what the log has."""
    file = tmp_path / "log"
    conf = configuration.load(
        [f"--log-file={file}"], prog="masakari-test", config_files=[]
    )
    configuration.setup_logging(conf)

    def written(log):
        try:
            raise OddError("it is odd")
        except OddError as error:
            log(error)
        return file.read_text().splitlines()

    yield written
    for handler in list(logging.getLogger().handlers):
        logging.getLogger().removeHandler(handler)
        handler.close()


@pytest.mark.parametrize("name", ["warning", "error", "critical"])
def test_a_line_of_ours_tells_an_error_once(lines, name):
    log = getattr(logging.getLogger("masakari.somewhere"), name)
    (line,) = lines(lambda error: log("It failed: %s", error))
    assert f" {name.upper()} masakari.somewhere [" in line
    assert line.endswith("] It failed: it is odd")


def test_one_with_a_traceback_keeps_it(lines):
    log = logging.getLogger("masakari.somewhere")
    first, *rest = lines(lambda error: log.error("It failed", exc_info=error))
    assert "It failed" in first
    assert any("Traceback" in line for line in rest)
    assert any(line.endswith("OddError: it is odd") for line in rest)


def test_one_of_a_library_says_what_it_is_about(lines):
    log = logging.getLogger("library")
    (line,) = lines(lambda _error: log.warning("It failed"))
    assert line.endswith("OddError: it is odd")
