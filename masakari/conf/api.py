# SPDX-License-Identifier: Apache-2.0
"""Options of the REST API."""

from oslo_config import cfg

_EXTENSIONS = "The API always offers all its resources; this is ignored."

API: list[cfg.Opt] = [
    cfg.StrOpt(
        "auth_strategy",
        default="keystone",
        choices=[
            ("keystone", "Tokens are checked with Keystone."),
            (
                "noauth2",
                "Nobody is checked and everybody is an administrator. For "
                "tests only.",
            ),
        ],
        help="How a caller of the API is identified.",
    ),
    cfg.BoolOpt(
        "use_forwarded_for",
        default=False,
        deprecated_for_removal=True,
        deprecated_reason="Use [oslo_middleware] "
        "enable_proxy_headers_parsing instead.",
        help="Take the client's address from the header X-Forwarded-For. "
        "Only for an API behind a proxy that sets this header.",
    ),
    cfg.IntOpt(
        "osapi_max_limit",
        default=1000,
        min=1,
        help="The most items that one answer lists. A caller's limit above "
        "it is lowered to it.",
    ),
    cfg.StrOpt(
        "osapi_masakari_link_prefix",
        help="Base URL to be put into the links of version documents in "
        "place of the one that the request was sent to, for instance "
        "https://cloud.example.com/instance-ha.",
    ),
    cfg.IntOpt(
        "notification_delay_max",
        default=5,
        min=0,
        help="Formerly the longest random delay, in seconds, before a "
        "notification was stored. Duplicates are now told apart in the "
        "database and no delay is needed: the option is accepted and "
        "ignored.",
    ),
]

SERVER: list[cfg.Opt] = [
    cfg.HostAddressOpt(
        "masakari_api_listen",
        default="0.0.0.0",
        help="Address on which masakari-api listens; IPv6 is fine. Not used "
        "under another WSGI server.",
    ),
    cfg.PortOpt(
        "masakari_api_listen_port",
        default=15868,
        min=1,
        help="Port on which masakari-api listens.",
    ),
    cfg.IntOpt(
        "masakari_api_workers",
        min=1,
        help="Number of processes of masakari-api. When it is not set, "
        "there is one for each processor that the program may use.",
    ),
    cfg.BoolOpt(
        "use_ssl",
        default=False,
        help="Whether masakari-api speaks TLS itself; the certificate is "
        "set in the group [wsgi].",
    ),
]

OSAPI_V1 = cfg.OptGroup("osapi_v1", title="Version 1 of the REST API")

V1: list[cfg.Opt] = [
    cfg.ListOpt(
        "extensions_blacklist",
        default=[],
        deprecated_for_removal=True,
        deprecated_reason=_EXTENSIONS,
        help="Extensions not to be loaded.",
    ),
    cfg.ListOpt(
        "extensions_whitelist",
        default=[],
        deprecated_for_removal=True,
        deprecated_reason=_EXTENSIONS,
        help="The only extensions to be loaded.",
    ),
    cfg.StrOpt(
        "project_id_regex",
        deprecated_for_removal=True,
        deprecated_reason="The project id in a URL is compared with the "
        "token's in any case.",
        help=r"What a project id in a URL looks like. When it is not set, "
        r"it is [0-9a-f\-]+.",
    ),
]


def list_opts() -> list[tuple[str | cfg.OptGroup, list[cfg.Opt]]]:
    return [("DEFAULT", [*API, *SERVER]), (OSAPI_V1, V1)]
