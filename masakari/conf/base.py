# SPDX-License-Identifier: Apache-2.0
"""Options of every program: names and places."""

import pathlib
import socket
import sys

from oslo_config import cfg

#: The directory above the package.
_PACKAGE_PARENT = str(pathlib.Path(__file__).absolute().parents[2])

_UNUSED = "It has no effect any more; the option is accepted and ignored."

PLACES: list[cfg.Opt] = [
    cfg.HostAddressOpt(
        "host",
        default=socket.gethostname(),
        sample_default="<current_hostname>",
        help="Name under which an engine is known on the message bus, and "
        "which begins its name in the claims it holds. Every machine has its "
        "own.",
    ),
    cfg.StrOpt(
        "pybasedir",
        default=_PACKAGE_PARENT,
        sample_default="<Path>",
        help="Directory in which the Python package masakari is installed.",
    ),
    cfg.StrOpt(
        "bindir",
        default=str(pathlib.Path(sys.prefix, "local", "bin")),
        sample_default="<Path>",
        help="Directory in which Masakari's programs are installed.",
    ),
    cfg.StrOpt(
        "state_path",
        default="$pybasedir",
        help="Directory for the files that Masakari keeps, such as the "
        "SQLite database of a small installation. The user that runs "
        "Masakari must be allowed to write to it.",
    ),
]

UNUSED: list[cfg.Opt] = [
    cfg.StrOpt(
        "tempdir",
        deprecated_for_removal=True,
        deprecated_reason=_UNUSED,
        help="Directory for temporary files, of which there are none.",
    ),
    cfg.BoolOpt(
        "monkey_patch",
        default=False,
        deprecated_for_removal=True,
        deprecated_reason=_UNUSED,
        help="Whether to decorate functions for debugging.",
    ),
    cfg.ListOpt(
        "monkey_patch_modules",
        default=["masakari.api:masakari.cmd"],
        deprecated_for_removal=True,
        deprecated_reason=_UNUSED,
        help="Modules and decorators for monkey_patch.",
    ),
    cfg.BoolOpt(
        "fatal_exception_format_errors",
        default=False,
        deprecated_for_removal=True,
        deprecated_reason=_UNUSED,
        help="Whether a mistake in the text of an error is itself an error.",
    ),
    cfg.IntOpt(
        "report_interval",
        default=10,
        deprecated_for_removal=True,
        deprecated_reason=_UNUSED,
        help="Seconds between reports of a service about itself.",
    ),
    cfg.IntOpt(
        "service_down_time",
        default=60,
        deprecated_for_removal=True,
        deprecated_reason=_UNUSED,
        help="Seconds after which a service that has not reported is down.",
    ),
]


def list_opts() -> list[tuple[str | cfg.OptGroup, list[cfg.Opt]]]:
    return [("DEFAULT", [*PLACES, *UNUSED])]
