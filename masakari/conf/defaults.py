# SPDX-License-Identifier: Apache-2.0
"""Masakari's defaults for options that libraries own."""

import oslo_messaging
from oslo_config import cfg
from oslo_db import options as oslo_db_options
from oslo_middleware import cors

from masakari.conf import database

#: Seconds that Keystone has for an answer of the several that a check of a
#: token may take, and how often it is asked again after none: a caller waits.
KEYSTONE_TIMEOUT = 5
KEYSTONE_RETRIES = 1


def set_sample_defaults() -> None:
    """Have the configuration generator show all of Masakari's defaults."""
    set_library_defaults()
    set_token_defaults()
    cfg.set_defaults(
        oslo_db_options.database_opts,
        connection=database.CONNECTION,
        max_retries=database.MAX_RETRIES,
    )


def set_token_defaults() -> None:
    """Change the defaults of Keystone's middleware; may be called repeatedly.

    By itself it waits for Keystone for ever. It reads its configuration in
    several ways, with and without an ``api-paste.ini``: here they are the
    same objects.
    """
    # Slow to import, and the API alone needs it.
    from keystonemiddleware.auth_token import _opts

    cfg.set_defaults(
        _opts._OPTS,
        http_connect_timeout=KEYSTONE_TIMEOUT,
        http_request_max_retries=KEYSTONE_RETRIES,
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
