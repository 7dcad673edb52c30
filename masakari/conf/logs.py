# SPDX-License-Identifier: Apache-2.0
"""The log, as oslo.log's options say."""

import errno
import logging
import os
import pathlib
import pwd
import sys

from oslo_config import cfg
from oslo_log import formatters
from oslo_log import log as oslo_log

from masakari import exception

LOG = logging.getLogger(__name__)

#: Whoever runs a program may not write there.
_NOT_PERMITTED = (errno.EACCES, errno.EPERM)


class _Formatter(formatters.ContextFormatter):
    """oslo.log's, which tells an error of ours once.

    To a warning that is logged while an exception is handled oslo.log adds
    that exception. Ours say what there is to say of it themselves.
    """

    def format(self, record: logging.LogRecord) -> str:
        text: str = super().format(record)
        summary = getattr(record, "error_summary", "")
        ours = record.name.partition(".")[0] == __name__.partition(".")[0]
        if not ours or record.exc_info or not summary:
            return text
        return text.removesuffix(f": {summary}")


def set_up(
    conf: cfg.ConfigOpts, project: str, *, or_stderr: bool = False
) -> None:
    """Write where ``conf`` says; once in a process.

    :param or_stderr: write there, with a warning, where a file may not be
        written: for commands that somebody waits for
    :raises ConfigurationError: the log cannot be written
    """
    try:
        _set_up(conf, project)
    except OSError as error:
        reason = _in_words(error)
        if not or_stderr or error.errno not in (*_NOT_PERMITTED, errno.EROFS):
            raise exception.ConfigurationError(reason) from error
        conf.set_override("log_file", None)
        conf.set_override("log_dir", None)
        conf.set_override("use_stderr", True)
        _set_up(conf, project)
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


def _set_up(conf: cfg.ConfigOpts, project: str) -> None:
    oslo_log.setup(conf, project)
    for handler in logging.getLogger().handlers:
        if type(handler.formatter) is formatters.ContextFormatter:
            handler.setFormatter(
                _Formatter(
                    project=project, datefmt=conf.log_date_format, config=conf
                )
            )


def on_terminal() -> bool:
    """Whether who has started the program sees the log."""
    handlers = logging.getLogger().handlers
    streams = [getattr(handler, "stream", None) for handler in handlers]
    return not streams or any(
        stream in (sys.stdout, sys.stderr) for stream in streams
    )
