# SPDX-License-Identifier: Apache-2.0
"""Reading the configuration again while a program runs."""

import logging

import pytest
from oslo_log import log

from masakari import conf as configuration


@pytest.fixture
def file(tmp_path):
    made = tmp_path / "masakari.conf"
    made.write_text("[DEFAULT]\ndebug = false\n")
    return made


@pytest.fixture
def conf(file):
    return configuration.load([f"--config-file={file}"], prog="masakari-test")


def test_what_may_change_is_taken_over(conf, file):
    file.write_text("[DEFAULT]\ndebug = true\nosapi_max_limit = 3\n")
    configuration.mutate(conf)
    assert conf.debug is True
    assert conf.osapi_max_limit == 1000


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"[DEFAULT]\ndebug = maybe\n", "debug"),
        (b"[DEFAULT\nnonsense", "Failed to parse"),
        (b"[DEFAULT]\nhost = \xff\xfe\n", "cannot be read"),
        (None, "masakari.conf"),
    ],
    ids=["value", "syntax", "bytes", "gone"],
)
def test_what_cannot_be_read_changes_nothing(
    conf, file, caplog, capsys, content, reason
):
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    configuration.mutate(conf)
    (line,) = [
        record.getMessage()
        for record in caplog.records
        if record.levelno == logging.ERROR
    ]
    assert line.startswith("The configuration stays as it was: ")
    assert reason in line
    assert "\n" not in line
    assert conf.debug is False
    assert capsys.readouterr().err == ""


def test_a_log_that_cannot_be_set_up_changes_nothing(conf, file, caplog):
    conf.register_mutate_hook(log._mutate_hook)
    file.write_text("[DEFAULT]\nlog_config_append = /nowhere/logging.conf\n")
    configuration.mutate(conf)
    assert "The configuration stays as it was: " in caplog.text
    assert "/nowhere/logging.conf" in caplog.text
