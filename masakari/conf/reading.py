# SPDX-License-Identifier: Apache-2.0
"""Reading configuration files, at the start and again while a program runs."""

import contextlib
import io
import re
import sys
from collections.abc import Iterator, Sequence

from oslo_config import cfg
from oslo_log import log as logging

from masakari.conf import ignored, needs

LOG = logging.getLogger(__name__)

#: With which oslo.config ends the program for a value in a file that it
#: refuses. Where it asks for another command line it is 2.
_REFUSED = 1

#: The line that an error of oslo.config's parser quotes: it may be one with a
#: password.
_QUOTED_LINE = re.compile(r""": (['"]).*\1$""", re.DOTALL)

#: Where oslo.config searches when the command line names no file.
_PLACES = ("~/.masakari", "~", "/etc/masakari", "/etc")


@contextlib.contextmanager
def errors() -> Iterator[None]:
    """Have whatever is wrong with a file be an error of oslo.config.

    Values of options that the command line has too are otherwise told to
    the terminal, and the program is ended.

    :raises oslo_config.cfg.Error: a file cannot be read
    """
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            yield
    except SystemExit as end:
        if end.code != _REFUSED:
            raise
        reason, said = said.getvalue(), io.StringIO()
        raise cfg.ConfigFileValueError(" ".join(reason.split())) from None
    except cfg.ConfigFileParseError as error:
        raise cfg.ConfigFileParseError(
            error.config_file, _QUOTED_LINE.sub("", str(error.msg))
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        # Which file, the latter does not know.
        raise cfg.ConfigFileValueError(
            f"A configuration file cannot be read: {error}"
        ) from error
    finally:
        sys.stderr.write(said.getvalue())


def log_absence(conf: cfg.ConfigOpts, places: Sequence[str] = _PLACES) -> None:
    """Warn, in one line, that there is no configuration file.

    :param places: where one was looked for
    """
    if not (conf.config_file or conf.config_dir):
        LOG.warning(
            "No configuration file was found in %s: the defaults hold",
            ", ".join(places),
        )


def mutate(conf: cfg.ConfigOpts) -> None:
    """Take over the options that may change while the program runs.

    A file that cannot be read is logged and changes nothing.
    """
    reason = _refusal(conf)
    if reason is not None:
        LOG.error("The configuration stays as it was: %s", reason)


def _refusal(conf: cfg.ConfigOpts) -> str | None:
    try:
        with errors():
            conf.mutate_config_files()
    except (cfg.Error, logging.LogConfigError) as error:
        return " ".join(str(error).split())
    return None


def check(conf: cfg.ConfigOpts) -> None:
    """Look at every option once, instead of when it is needed first.

    :raises oslo_config.cfg.Error: one has a value that it cannot have, or
        none where it needs one
    """
    # Those that were registered after the files were read.
    conf._check_required_opts()
    unread = set(ignored.IGNORED)
    for name in conf:
        if ("DEFAULT", name) in unread:
            continue
        value = needs.value(conf, name)
        if isinstance(value, cfg.ConfigOpts.GroupAttr):
            for option in value:
                if (name, option) not in unread:
                    needs.value(conf, option, name)
