# SPDX-License-Identifier: Apache-2.0
"""An HTTP server in this process, as ``[wsgi]`` describes it."""

import errno
import logging
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterable, Iterator

from cheroot import wsgi as cheroot
from cheroot.ssl import builtin
from oslo_config import cfg

from masakari import exception
from masakari.api import wsgi

LOG = logging.getLogger(__name__)

_THREADS = 32
_BACKLOG = 128

#: Seconds that stand for "for ever": the server knows no other word.
_FOR_EVER = 10 * 365 * 86400


class Server(cheroot.Server):
    """Cheroot, which tells its errors to the log."""

    def error_log(
        self, msg: str = "", level: int = logging.INFO, traceback: bool = False
    ) -> None:
        LOG.log(level, "%s", msg, exc_info=traceback)


def make(
    conf: cfg.ConfigOpts,
    application: wsgi.Application,
    *,
    reuse_port: bool = False,
) -> Server:
    """A server of ``application``, not yet bound to its address.

    :param reuse_port: whether other processes share the address
    :raises ConfigurationError: TLS cannot work
    """
    options = conf.wsgi
    application = _Scheme(application, options.secure_proxy_ssl_header)
    application = _Log(application, options.wsgi_log_format)
    server = Server(
        (conf.masakari_api_listen, conf.masakari_api_listen_port),
        application,
        numthreads=_THREADS,
        accepted_queue_size=options.default_pool_size,
        request_queue_size=_BACKLOG,
        timeout=options.client_socket_timeout or _FOR_EVER,
        shutdown_timeout=conf.graceful_shutdown_timeout or _FOR_EVER,
        reuse_port=reuse_port,
    )
    # The limit is one for all headers together; one of them is the token.
    server.max_request_header_size = 2 * options.max_header_line
    server.keep_alive_conn_limit = sys.maxsize if options.keep_alive else 0
    if conf.use_ssl:
        server.ssl_adapter = _tls(conf)
    return server


def bind(server: Server, keepidle: int) -> None:
    """Take the server's address, from when on clients can connect.

    :param keepidle: seconds after which an idle connection is probed
    :raises OSError: the address cannot be had
    """
    server.prepare()
    bound = server.socket
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_KEEPIDLE"):
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, keepidle)


def check_address(conf: cfg.ConfigOpts) -> None:
    """See whether ``masakari_api_listen`` can be listened on.

    Processes that share an address would share it with a stranger who does
    so too.

    :raises OSError: it cannot
    """
    host, port = conf.masakari_api_listen, conf.masakari_api_listen_port
    try:
        _try(host, port)
    except OSError as error:
        raise OSError(
            f"{host} port {port} cannot be listened on: {error}"
        ) from error


def _try(host: str, port: int) -> None:
    """Take the first address that can be had, as the server does."""
    for family, kind, protocol, _name, address in socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    ):
        with socket.socket(family, kind, protocol) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                tried.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            try:
                tried.bind(address)
            except OSError as error:
                refusal = error
                if error.errno == errno.EADDRINUSE:
                    break
            else:
                return
    raise refusal


def _tls(conf: cfg.ConfigOpts) -> builtin.BuiltinSSLAdapter:
    options = conf.wsgi
    if not (options.ssl_cert_file and options.ssl_key_file):
        raise exception.ConfigurationError(
            "With use_ssl, [wsgi] ssl_cert_file and ssl_key_file have to be "
            "set."
        )
    try:
        adapter = builtin.BuiltinSSLAdapter(
            options.ssl_cert_file, options.ssl_key_file, options.ssl_ca_file
        )
    except (OSError, ssl.SSLError) as error:
        raise exception.ConfigurationError(
            f"The certificates of [wsgi] cannot be used: {error}"
        ) from error
    if options.ssl_ca_file:
        adapter.context.verify_mode = ssl.CERT_REQUIRED
    return adapter


class _Scheme:
    """Believes a proxy's header about the scheme.

    :param key: the header's key in the environment; None believes none
    """

    def __init__(self, application: wsgi.Application, key: str | None) -> None:
        self.application = application
        self.key = key

    def __call__(
        self, environ: wsgi.Environ, start_response: wsgi.StartResponse
    ) -> Iterable[bytes]:
        if self.key and environ.get(self.key):
            environ["wsgi.url_scheme"] = environ[self.key]
        return self.application(environ, start_response)


class _Log:
    """Logs a line for every request.

    :param line: its format, over the names of :meth:`_values`
    """

    def __init__(self, application: wsgi.Application, line: str) -> None:
        self.application = application
        self.line = line

    def __call__(
        self, environ: wsgi.Environ, start_response: wsgi.StartResponse
    ) -> Iterator[bytes]:
        begin = time.monotonic()
        status = ""
        length = 0

        def start(line: str, *args: object) -> Callable[[bytes], object]:
            nonlocal status
            status = line.partition(" ")[0]
            write: Callable[[bytes], object] = start_response(line, *args)
            return write

        body = self.application(environ, start)
        try:
            for part in body:
                length += len(part)
                yield part
        finally:
            close = getattr(body, "close", None)
            if close is not None:
                close()
            seconds = time.monotonic() - begin
            values = _values(environ, status, length, seconds)
            LOG.info("%s", self.line % values)


def _values(
    environ: wsgi.Environ, status: str, length: int, seconds: float
) -> dict[str, object]:
    path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    query = environ.get("QUERY_STRING")
    target = f"{path}?{query}" if query else path
    return {
        "client_ip": environ.get("REMOTE_ADDR"),
        "date_time": time.strftime("%d/%b/%Y %H:%M:%S"),
        "request_line": f"{environ.get('REQUEST_METHOD')} {target} "
        f"{environ.get('SERVER_PROTOCOL')}",
        "status_code": status,
        "body_length": length,
        "wall_seconds": seconds,
    }
