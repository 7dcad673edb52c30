# SPDX-License-Identifier: Apache-2.0
"""The log, as oslo.log's options say."""

import logging
import sys

from oslo_config import cfg
from oslo_log import formatters
from oslo_log import log as oslo_log


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


def set_up(conf: cfg.ConfigOpts, project: str) -> None:
    """Write where ``conf`` says; once in a process."""
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
