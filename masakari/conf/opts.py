# SPDX-License-Identifier: Apache-2.0
"""All options but the recovery flows', for the sample file generator."""

from oslo_config import cfg

from masakari.conf import (
    api,
    base,
    compute,
    coordination,
    database,
    engine,
    host_failure,
    instance_failure,
    notifications,
    process_failure,
    ssl,
    wsgi,
)

_SUBJECTS = (
    base,
    api,
    wsgi,
    ssl,
    compute,
    coordination,
    database,
    engine,
    notifications,
    host_failure,
    instance_failure,
    process_failure,
)


def list_opts() -> list[tuple[str | cfg.OptGroup, list[cfg.Opt]]]:
    """Return (group, options) pairs, one or more for a subject."""
    return [pair for subject in _SUBJECTS for pair in subject.list_opts()]
