# SPDX-License-Identifier: Apache-2.0
"""What options ask for is looked for, and nothing is told of passwords."""

import pytest
from oslo_config import cfg

from masakari import conf as configuration
from masakari import exception
from masakari.conf import needs


@pytest.mark.parametrize(
    "url",
    [
        "rabbit://",
        "rabbit://user:pass@h",
        "rabbit://user:pass@h:5672,user:pass@h2:5672/masakari?ssl=0",
        "rabbit://user:pass@h:5672//",
        "rabbit://user:p%40ss%2F%3A%23@[::1]:5672/",
        "rabbit://user@domain:pass@h/",
        "kombu+memory://",
        "fake://",
    ],
)
def test_urls_of_a_bus(url):
    assert needs.bus_url("transport_url", url) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "   ",
        None,
        "u:Hush@h",
        "rabbit",
        "rabbit:u:Hush@h/",
        "rabbit:/u:Hush@h/",
        "rabbit://u:Hu#sh@h/",
        "rabbit://u:12#Hush@h/",
        "rabbit://u:Hush#@h/",
        "rabbit://u:Hu/sh@h/",
        "rabbit://u:12/Hush@h/",
        "rabbit://u:12?Hush@h/",
        "rabbit://u:Hu,sh@h/",
        "rabbit://u:Hu[sh@h/",
        "rabbit://u:12@34/Hush@h/",
        "rabbit://u:Hush@h:56x2/",
        "rabbit://u:Hush@h:99999/",
        "rabbit://u:Hush@h:0/",
        "rabbit://u:Hush@[::1:5672/",
        "rabbit://u:Hush@h:5672,u:Hush@h2:bad/",
    ],
)
def test_a_url_of_a_bus_that_makes_no_sense(url):
    with pytest.raises(exception.ConfigurationError) as raised:
        needs.bus_url("[DEFAULT] transport_url", url)
    told = str(raised.value)
    assert told.startswith("[DEFAULT] transport_url cannot be used: it")
    assert "Hu" not in told
    assert "\n" not in told


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("foo://u:Hush@h/", "there is no driver foo, only fake, "),
        ("amqp://u:Hush@h/", "there is no driver amqp, only fake, "),
        ("kafka://u:Hush@h/", "needs the Python package confluent-kafka, "),
    ],
)
def test_a_driver_that_is_not_there(url, told):
    with pytest.raises(exception.ConfigurationError) as raised:
        needs.bus_driver("transport_url", url)
    assert told in str(raised.value)
    assert "Hush" not in str(raised.value)


def test_a_module_that_is_not_there():
    needs.package("[group] option", "json")
    with pytest.raises(exception.ConfigurationError) as raised:
        needs.package("[group] option", "MySQLdb")
    assert str(raised.value) == (
        "[group] option cannot be used: it needs the Python package "
        "mysqlclient, which is not installed."
    )


@pytest.mark.parametrize(
    ("name", "told"),
    [("nowhere.pem", "No such file or directory."), (".", "Is a directory.")],
)
def test_a_file_that_cannot_be_read(tmp_path, name, told):
    needs.file("[group] option", None)
    needs.file("[group] option", __file__)
    with pytest.raises(exception.ConfigurationError) as raised:
        needs.file("[group] option", str(tmp_path / name))
    assert str(raised.value) == (
        f"[group] option: the file {tmp_path / name} cannot be read: {told}"
    )


@pytest.fixture
def conf_of(tmp_path):
    def read(text):
        file = tmp_path / "masakari.conf"
        file.write_text(text)
        return configuration.load(
            [f"--config-file={file}"], prog="masakari-test"
        )

    return read


@pytest.mark.parametrize(
    ("group", "option"),
    [
        ("DEFAULT", "os_privileged_user_password"),
        ("database", "connection"),
        ("taskflow", "connection"),
        ("coordination", "backend_url"),
    ],
)
def test_a_dollar_is_told_without_what_follows(conf_of, group, option):
    conf = conf_of(f"[{group}]\n{option} = mysql://u:se$Hush@h/m\n")
    if group == "coordination":
        configuration.check(conf)
        return
    with pytest.raises(cfg.Error) as raised:
        configuration.check(conf)
    told = str(raised.value)
    assert f"[{group}] {option} has a '$'" in told
    assert "Hush" not in told


def test_a_dollar_that_is_written_twice_is_one(conf_of):
    conf = conf_of("[DEFAULT]\nos_privileged_user_password = a$$b\n")
    configuration.check(conf)
    assert conf.os_privileged_user_password == "a$b"


@pytest.mark.parametrize("line", ["password Hush", "[Hush", "'Hush' it's"])
def test_a_line_that_cannot_be_parsed_is_not_quoted(conf_of, line):
    with pytest.raises(cfg.Error) as raised:
        conf_of(f"[keystone_authtoken]\n{line}\n")
    told = str(raised.value)
    assert "masakari.conf:2, " in told
    assert "Hush" not in told
