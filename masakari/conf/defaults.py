# SPDX-License-Identifier: Apache-2.0
"""Masakari's defaults for options that libraries own."""

import oslo_messaging
from oslo_config import cfg
from oslo_db import options as oslo_db_options
from oslo_middleware import cors

from masakari.conf import database


def set_sample_defaults() -> None:
    """Have the configuration generator show all of Masakari's defaults."""
    set_library_defaults()
    cfg.set_defaults(
        oslo_db_options.database_opts,
        connection=database.CONNECTION,
        max_retries=database.MAX_RETRIES,
    )


def set_library_defaults() -> None:
    """Change the libraries' own defaults; may be called repeatedly."""
    oslo_messaging.set_transport_defaults("masakari")
    cors.set_defaults(
        allow_headers=[
            "X-Auth-Token",
            "X-Openstack-Request-Id",
            "X-Identity-Status",
            "X-Roles",
            "X-Service-Catalog",
            "X-User-Id",
            "X-Tenant-Id",
        ],
        expose_headers=[
            "X-Auth-Token",
            "X-Openstack-Request-Id",
            "X-Subject-Token",
            "X-Service-Token",
        ],
        allow_methods=["GET", "PUT", "POST", "DELETE", "PATCH"],
    )
