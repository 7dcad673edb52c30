# SPDX-License-Identifier: Apache-2.0
import logging
from concurrent import futures

import pytest
from oslo_context import context as oslo_context

from masakari import conf as configuration
from masakari import exception
from masakari.conf import logs
from masakari.context import RequestContext
from tests.functional.api.world import ini


class OddError(Exception):
    pass


@pytest.fixture
def set_up(tmp_path):
    """Log as these options say."""
    factory = logging.getLogRecordFactory()

    def begin(**options):
        file = tmp_path / "masakari.conf"
        file.write_text(ini(options))
        conf = configuration.load(
            [], prog="masakari-test", config_files=[str(file)]
        )
        configuration.setup_logging(conf)

    yield begin
    logging.setLogRecordFactory(factory)
    for handler in list(logging.getLogger().handlers):
        logging.getLogger().removeHandler(handler)
        handler.close()


@pytest.fixture
def lines(tmp_path, set_up):
    """Log something while an error is handled; gives what the log has."""
    file = tmp_path / "log"
    set_up(log_file=file)

    def written(log, text="it is odd"):
        try:
            raise OddError(text)
        except OddError as error:
            log(error)
        return file.read_text().split("\n")[:-1]

    return written


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


#: What would be a line of its own, or seem to be, or do something to a
#: terminal.
HOSTILE = [
    "\n",
    "\r",
    "\x00",
    "\x08",
    "\x1b[2K",
    "\x7f",
    "\x85",
    "\x9b2K",
    "\u2028",
    "\u202e",
    "\ud800",
]


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_a_record_is_one_line_whatever_is_in_it(lines, text):
    def log(error):
        RequestContext(user_id=f"u{text}x", request_id=f"r{text}x")
        logging.getLogger("masakari.somewhere").warning("a%sb", text)
        logging.getLogger("library").warning("a%sb", text)

    told = lines(log, f"odd{text}odd")
    assert len(told) == 2
    assert all(line.isprintable() for line in told)
    spelled = text.encode("unicode_escape").decode()
    assert told[0].endswith(f"] a{spelled}b")
    assert f"r{spelled}x u{spelled}x " in told[0]


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_each_line_of_a_traceback_begins_like_its_record(lines, text):
    log = logging.getLogger("masakari.somewhere")
    told = lines(
        lambda error: log.error("It failed", exc_info=error), f"odd{text}odd"
    )
    assert all(line.isprintable() for line in told)
    assert all(" ERROR masakari.somewhere " in line for line in told)


def test_an_error_is_told_once_whatever_is_in_it(lines):
    log = logging.getLogger("masakari.somewhere")
    (line,) = lines(lambda error: log.error("It failed: %s", error), "a\x1bb")
    assert line.endswith("] It failed: a\\x1bb")


def test_umlauts_stay_what_they_are():
    assert logs.printable("Zürich 東京") == "Zürich 東京"


@pytest.mark.parametrize(
    "option",
    [
        "instance_uuid_format",
        "logging_context_format_string",
        "logging_debug_format_suffix",
        "logging_default_format_string",
        "logging_exception_prefix",
    ],
)
@pytest.mark.parametrize("form", ["%(nothing)s", "%(message)d", "%"])
def test_a_format_that_would_lose_lines_is_refused(set_up, option, form):
    with pytest.raises(exception.ConfigurationError, match=option):
        set_up(**{option: form})


def test_one_of_the_user_may_name_anything(set_up):
    set_up(logging_user_identity_format="%(nothing)s")
    with pytest.raises(
        exception.ConfigurationError, match="logging_user_identity_format"
    ):
        set_up(logging_user_identity_format="%(nothing")


def test_formats_may_tell_what_a_context_holds(set_up, tmp_path):
    set_up(
        log_file=tmp_path / "log",
        logging_context_format_string="%(remote_address)s %(user_name)s "
        "%(resource)s%(message)s",
    )
    RequestContext(remote_address="192.0.2.1", user_name="u")
    logging.getLogger("masakari.somewhere").info("a")
    assert (tmp_path / "log").read_text() == "192.0.2.1 u a\n"


def test_looking_at_the_formats_makes_no_context(set_up):
    def begin():
        set_up()
        return oslo_context.get_current()

    # No other test has left one there.
    with futures.ThreadPoolExecutor(1) as elsewhere:
        assert elsewhere.submit(begin).result() is None


def test_the_file_is_named_for_the_program(set_up, tmp_path):
    directory = tmp_path / "logs"
    directory.mkdir()
    set_up(log_dir=directory)
    assert [file.name for file in directory.iterdir()] == ["masakari-test.log"]
