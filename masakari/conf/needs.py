# SPDX-License-Identifier: Apache-2.0
"""What options ask for that is not a value: URLs, packages, files.

It is looked for when a program starts, so that it ends with one line that
names the option. Nothing that is read here gets into that line: most of it
comes with a password.
"""

import importlib.metadata
import importlib.util
import pathlib
import urllib.parse
from typing import Any

from oslo_config import cfg
from oslo_utils import netutils

from masakari import exception

#: Where a module comes from, if not from a package of the same name.
_PACKAGES = {
    "MySQLdb": "mysqlclient",
    "bmemcached": "python-binary-memcached",
    "confluent_kafka": "confluent-kafka",
    "cryptography": "cryptography (the extra memcached)",
    "memcache": "python-memcached (the extra memcached)",
    "psycopg2": "psycopg2-binary (the extra postgresql)",
}

#: How to write what would end a part of a URL.
ESCAPES = (
    "in user and password, '@' is written %40, ':' %3A, '/' %2F, '?' %3F, "
    "'#' %23 and '%' %25"
)


def value(conf: cfg.ConfigOpts, option: str, group: str = "DEFAULT") -> Any:
    """The value of an option that may hold a ``$``.

    :raises oslo_config.cfg.Error: it cannot have that value
    """
    values = conf if group == "DEFAULT" else conf[group]
    try:
        return values[option]
    except (cfg.NoSuchOptError, cfg.TemplateSubstitutionError):
        # The error would quote what follows the "$", of a password maybe.
        raise cfg.ConfigFileValueError(
            f"[{group}] {option} has a '$', which begins the name of another "
            "option: write '$$' for a '$'"
        ) from None


def package(option: str, module: str) -> None:
    """Make sure that a module is there.

    :param option: what needs it, as in ``[group] option``
    :raises ConfigurationError: it is not
    """
    if importlib.util.find_spec(module) is None:
        raise lacking(option, module)


def lacking(option: str, module: str) -> exception.ConfigurationError:
    """That an option needs a module which is not there."""
    return exception.ConfigurationError(
        f"{option} cannot be used: it needs the Python package "
        f"{_PACKAGES.get(module, module)}, which is not installed."
    )


def file(option: str, path: str | None) -> None:
    """Make sure that a file can be read, if there is to be one.

    :raises ConfigurationError: it cannot
    """
    if not path:
        return
    try:
        with pathlib.Path(path).open("rb"):
            pass
    except OSError as error:
        raise exception.ConfigurationError(
            f"{option}: the file {path} cannot be read: {error.strerror}."
        ) from error


def bus_url(option: str, url: str | None) -> str:
    """A URL of the message bus, which makes sense.

    :raises ConfigurationError: it does not
    """
    if url and _has_meaning(url):
        return url
    raise exception.ConfigurationError(
        f"{option} cannot be used: it is no URL of the form "
        f"rabbit://user:password@host:port/virtual_host; {ESCAPES}."
    )


def bus_driver(option: str, url: str) -> None:
    """Make sure that the driver of a URL of the message bus is there.

    :raises ConfigurationError: it is not
    """
    name = urllib.parse.urlsplit(url).scheme
    driver(option, "oslo.messaging.drivers", name.partition("+")[0])


def _has_meaning(url: str) -> bool:
    try:
        parts = urllib.parse.urlsplit(url)
        ports = [_port(host) for host in parts.netloc.split(",")]
    except ValueError:
        return False
    rest = parts.path + parts.query + parts.fragment
    return (
        "://" in url
        and all(port is None or 0 < port < 65536 for port in ports)
        # A password with one of "/?#" ends the address.
        and "@" not in rest
        and not parts.fragment
    )


def _port(host: str) -> int | None:
    """:raises ValueError: it is no number"""
    port: int | None
    _, port = netutils.parse_host_port(host.rpartition("@")[2])
    return port


def driver(option: str, group: str, name: str) -> None:
    """Make sure that a driver is installed, and what it needs.

    :param group: of entry points
    :raises ConfigurationError: it is not
    """
    found = importlib.metadata.entry_points(group=group, name=name)
    if not found:
        known = sorted(importlib.metadata.entry_points(group=group).names)
        raise exception.ConfigurationError(
            f"{option} cannot be used: there is no driver {name}, only "
            f"{', '.join(known)}."
        )
    try:
        (*found,)[0].load()
    except ImportError as error:
        raise lacking(option, error.name or name) from error
