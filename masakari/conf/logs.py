# SPDX-License-Identifier: Apache-2.0
"""The log, as oslo.log's options say.

What clients send gets into it: a record is one line, whatever its message
holds, and tells the terminal of whoever reads it nothing.
"""

import collections
import logging
import sys
from types import TracebackType
from typing import Any

from oslo_config import cfg
from oslo_context import context as oslo_context
from oslo_log import formatters
from oslo_log import log as oslo_log

#: What a request's context has to tell besides what oslo.context's has.
_OURS = ("read_deleted", "remote_address", "service_catalog", "timestamp")

_ExcInfo = (
    tuple[type[BaseException], BaseException, TracebackType | None]
    | tuple[None, None, None]
)


def printable(text: str) -> str:
    """``text`` as one line, in which control characters are spelled out."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else _spell(char) for char in text
    )


def _spell(char: str) -> str:
    return char.encode("unicode_escape").decode()


class _Record(logging.LogRecord):
    """A record whose message is one line, whichever handler writes it."""

    def getMessage(self) -> str:  # noqa: N802
        return printable(super().getMessage())


class _Formatter(formatters.ContextFormatter):
    """oslo.log's, with what else it puts into a line made printable too.

    To a warning that is logged while an exception is handled oslo.log adds
    that exception. Ours say what there is to say of it themselves.
    """

    def format(self, record: logging.LogRecord) -> str:
        text: str = super().format(record)
        summary = getattr(record, "error_summary", "")
        ours = record.name.partition(".")[0] == __name__.partition(".")[0]
        if not ours or record.exc_info or not summary:
            return text
        return text.removesuffix(f": {printable(summary)}")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        return printable(super().formatMessage(record))

    def formatException(  # noqa: N802
        self, ei: _ExcInfo, *, record: logging.LogRecord | None = None
    ) -> str:
        text: str = super().formatException(ei, record=record)
        return "\n".join(printable(line) for line in text.split("\n"))


def set_up(conf: cfg.ConfigOpts, project: str) -> None:
    """Write where ``conf`` says; once in a process.

    :raises oslo_config.cfg.Error: a format would lose lines
    """
    _check_formats(conf, project)
    if conf.log_dir and not conf.log_file:
        # oslo.log asks who has started the process: a WSGI server is not us.
        conf.set_default("log_file", f"{conf.prog}.log")
    logging.setLogRecordFactory(_Record)
    oslo_log.setup(conf, project)
    for handler in logging.getLogger().handlers:
        if type(handler.formatter) is formatters.ContextFormatter:
            handler.setFormatter(_formatter(conf, project))


def _formatter(conf: cfg.ConfigOpts, project: str) -> _Formatter:
    return _Formatter(
        project=project, datefmt=conf.log_date_format, config=conf
    )


def _check_formats(conf: cfg.ConfigOpts, project: str) -> None:
    """Write a record of each kind; who comes first has used one option only.

    :raises oslo_config.cfg.Error: that loses lines
    """
    formatter = _formatter(conf, project)
    anything = collections.defaultdict(str, uuid="")
    context = _Nobody().get_logging_values() | dict.fromkeys(_OURS)
    for option, use in (
        (
            "logging_user_identity_format",
            lambda: conf.logging_user_identity_format % anything,
        ),
        (
            "instance_uuid_format",
            lambda: conf.instance_uuid_format % {"uuid": ""},
        ),
        (
            "logging_default_format_string",
            lambda: formatter.format(_sample(logging.INFO)),
        ),
        (
            "logging_debug_format_suffix",
            lambda: formatter.format(_sample(logging.DEBUG)),
        ),
        (
            "logging_exception_prefix",
            lambda: formatter.format(_sample(logging.ERROR, failed=True)),
        ),
        (
            "logging_context_format_string",
            lambda: formatter.format(_sample(logging.INFO, context)),
        ),
    ):
        try:
            use()
        except (KeyError, TypeError, ValueError) as error:
            raise cfg.ConfigFileValueError(
                f"[DEFAULT] {option} cannot be used: {conf[option]!r}: {error}"
            ) from error


class _Nobody(oslo_context.RequestContext):
    """A context that is not the one of this thread."""

    def update_store(self) -> None:
        pass


def _sample(
    level: int, context: Any = None, *, failed: bool = False
) -> logging.LogRecord:
    error = ValueError("example")
    record = logging.LogRecord(
        __name__,
        level,
        __file__,
        1,
        "example",
        (),
        (ValueError, error, None) if failed else None,
    )
    record.__dict__["context"] = context
    return record


def on_terminal() -> bool:
    """Whether who has started the program sees the log."""
    handlers = logging.getLogger().handlers
    streams = [getattr(handler, "stream", None) for handler in handlers]
    return not streams or any(
        stream in (sys.stdout, sys.stderr) for stream in streams
    )
