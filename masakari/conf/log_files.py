# SPDX-License-Identifier: Apache-2.0
"""Opening the log, and who may not write it.

A command that root has run once leaves a file that the service's user may
not write. That ends a service, with what helps against it, and makes a
command that somebody waits for log to the terminal.
"""

import errno
import logging
import os
import pathlib
import pwd

from oslo_config import cfg
from oslo_log import log as oslo_log

from masakari import exception
from masakari.conf import logs

LOG = logging.getLogger(__name__)

#: Whoever runs a program may not write there.
_NOT_PERMITTED = (errno.EACCES, errno.EPERM)


def set_up(
    conf: cfg.ConfigOpts, project: str, *, or_stderr: bool = False
) -> None:
    """Write the log where ``conf`` says; once in a process.

    :param or_stderr: write there, with a warning, where a file may not be
        written
    :raises ConfigurationError: the log cannot be written
    """
    try:
        logs.set_up(conf, project)
    except OSError as error:
        reason = _in_words(error)
        if not or_stderr or error.errno not in (*_NOT_PERMITTED, errno.EROFS):
            raise exception.ConfigurationError(reason) from error
        conf.set_override("log_file", None)
        conf.set_override("log_dir", None)
        conf.set_override("use_stderr", True)
        logs.set_up(conf, project)
        LOG.warning("%s The log goes here instead", reason)
    except (cfg.Error, oslo_log.LogConfigError, RuntimeError, ValueError) as e:
        raise exception.ConfigurationError(
            f"The log cannot be written: {e}"
        ) from e


def _in_words(error: OSError) -> str:
    """Which file it is, whose, and what helps."""
    file = pathlib.Path(error.filename or "")
    text = f"The log {file} cannot be written: {error.strerror}."
    if error.errno not in _NOT_PERMITTED:
        return text
    in_the_way = next(p for p in (file, *file.parents) if _can_be_seen(p))
    owner, me = _user(in_the_way.stat().st_uid), _user(os.geteuid())
    kind = "file" if in_the_way == file else "directory"
    if owner == me:
        return f"{text} Do chmod u+rwX {in_the_way}."
    return (
        f"{text} The {kind} {in_the_way} belongs to {owner}, and this runs as "
        f"{me}: chown {me} {in_the_way}, or run this as {owner}."
    )


def _can_be_seen(path: pathlib.Path) -> bool:
    try:
        path.stat()
    except OSError:
        return False
    return True


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
