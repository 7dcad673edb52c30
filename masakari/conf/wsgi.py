# SPDX-License-Identifier: Apache-2.0
"""Options of the server that ``masakari-api`` brings along."""

from typing import Any

from oslo_config import cfg, types

#: What the line on a request may tell, with an example of each.
LINE = {
    "client_ip": "192.0.2.1",
    "date_time": "01/Jan/2026 00:00:00",
    "request_line": "GET / HTTP/1.1",
    "status_code": "200",
    "body_length": 0,
    "wall_seconds": 0.0,
}


class LineFormat(types.String):
    """A format of the line on a request: one that will not do loses it."""

    def __call__(self, value: Any) -> str:
        text: str = super().__call__(value)
        try:
            _ = text % LINE
        except KeyError as error:
            raise ValueError(
                f"there is no {error.args[0]}, only {', '.join(LINE)}"
            ) from None
        except (TypeError, ValueError) as error:
            raise ValueError(str(error)) from None
        return text


GROUP = cfg.OptGroup(
    "wsgi",
    title="The server of masakari-api",
    help="Except for api_paste_config, nothing here has an effect when the "
    "API runs under another WSGI server.",
)

OPTS: list[cfg.Opt] = [
    cfg.StrOpt(
        "api_paste_config",
        default="api-paste.ini",
        help="Name of the PasteDeploy file, looked for in the directories "
        "of the configuration files. Without such a file the API builds the "
        "same pipeline by itself.",
    ),
    cfg.Opt(
        "wsgi_log_format",
        type=LineFormat(),
        default='%(client_ip)s "%(request_line)s" status: %(status_code)s '
        "len: %(body_length)s time: %(wall_seconds).7f",
        help="Format of the line that is logged for a request. It may hold "
        "client_ip, date_time, request_line, status_code, body_length and "
        "wall_seconds.",
    ),
    cfg.StrOpt(
        "secure_proxy_ssl_header",
        deprecated_for_removal=True,
        deprecated_reason="Use [oslo_middleware] "
        "enable_proxy_headers_parsing instead.",
        help="Key of the WSGI environment that tells the scheme of the "
        "original request although a proxy has ended TLS, for instance "
        "HTTP_X_FORWARDED_PROTO.",
    ),
    cfg.StrOpt(
        "ssl_ca_file",
        help="File with the certificates of the authorities by which "
        "clients prove themselves. When it is set, a client without a "
        "certificate is refused.",
    ),
    cfg.StrOpt(
        "ssl_cert_file",
        help="File with the certificate of the API server.",
    ),
    cfg.StrOpt(
        "ssl_key_file",
        help="File with the private key of the API server.",
    ),
    cfg.IntOpt(
        "tcp_keepidle",
        default=600,
        min=1,
        help="Seconds after which an idle connection is probed "
        "(TCP_KEEPIDLE).",
    ),
    cfg.IntOpt(
        "default_pool_size",
        default=1000,
        min=1,
        help="The most connections that a worker holds at once, but never "
        "more than half the files that it may have open. One more is let in "
        "at the expense of the one that has been silent for longest.",
    ),
    cfg.IntOpt(
        "max_header_line",
        default=16384,
        min=1024,
        help="The longest header in bytes. Large tokens need more.",
    ),
    cfg.BoolOpt(
        "keep_alive",
        default=True,
        help="Whether a connection stays open for further requests.",
    ),
    cfg.IntOpt(
        "client_socket_timeout",
        default=900,
        min=0,
        help="Seconds without a byte after which a connection is closed; 0 "
        "waits for ever.",
    ),
]


def list_opts() -> list[tuple[str | cfg.OptGroup, list[cfg.Opt]]]:
    return [(GROUP, OPTS)]
