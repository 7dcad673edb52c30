# SPDX-License-Identifier: Apache-2.0
"""Where the progress of recovery workflows is kept.

The options of ``[database]`` are oslo.db's.
"""

from oslo_config import cfg

#: Masakari's default for oslo.db's ``[database] connection``.
CONNECTION = "sqlite:///$state_path/masakari.sqlite"

#: And for ``[database] max_retries``: a program waits for its database for
#: as long as it takes.
MAX_RETRIES = -1

GROUP = cfg.OptGroup("taskflow", title="Progress of recovery workflows")

OPTS: list[cfg.Opt] = [
    cfg.StrOpt(
        "connection",
        secret=True,
        help="SQLAlchemy URL of the database in which the progress of "
        "recovery workflows is kept, which the API shows as "
        "recovery_workflow_details. When it is not set, it is the one of "
        "[database] connection.",
    ),
]


def list_opts() -> list[tuple[str | cfg.OptGroup, list[cfg.Opt]]]:
    return [(GROUP, OPTS)]
