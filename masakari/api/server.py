# SPDX-License-Identifier: Apache-2.0
"""The API's own HTTP server, as ``[wsgi]`` describes it."""

import logging
import pathlib
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator

from oslo_config import cfg
from oslo_middleware import opts as middleware_opts

from masakari import exception, httpd
from masakari.api import wsgi

LOG = logging.getLogger(__name__)

#: Requests that one process answers at once.
_THREADS = 32

#: The most seconds for requests when the server is to end.
_GRACE = 10

#: Bytes of a body that the application is given in any case.
_BODY = 1 << 20


def listen(conf: cfg.ConfigOpts, port: int | None = None) -> socket.socket:
    """The socket of the API; clients can connect from now on.

    :param port: None takes what ``conf`` says, 0 a free one
    :raises OSError: the address cannot be had
    """
    return httpd.listen(
        conf.masakari_api_listen,
        conf.masakari_api_listen_port if port is None else port,
        keepidle=conf.wsgi.tcp_keepidle,
    )


def make(
    conf: cfg.ConfigOpts,
    application: wsgi.Application,
    listener: socket.socket,
) -> httpd.Server:
    """A server of ``application``; its threads begin at once.

    :raises ConfigurationError: TLS cannot work
    """
    options = conf.wsgi
    application = _Scheme(application, options.secure_proxy_ssl_header)
    application = _Log(application, options.wsgi_log_format)
    return httpd.Server(
        application,
        listener,
        threads=_THREADS,
        tls=tls(conf),
        connections=options.default_pool_size,
        timeout=options.client_socket_timeout or None,
        # The limit is one for all headers together; one of them is the token.
        header_limit=2 * options.max_header_line,
        # Beyond, it is refused by the server and not by the application.
        body_limit=max(_BODY, 2 * _largest_body(conf)),
        keep_alive=options.keep_alive,
        grace=grace(conf),
    )


def grace(conf: cfg.ConfigOpts) -> int:
    """Seconds for what is being answered when the server is to end."""
    wanted: int = conf.graceful_shutdown_timeout
    return min(wanted, _GRACE)


def tls(conf: cfg.ConfigOpts) -> ssl.SSLContext | None:
    """What encrypts connections; None when nothing does.

    :raises ConfigurationError: it cannot work
    """
    if not conf.use_ssl:
        return None
    cert, key, ca = (
        _readable(conf, name)
        for name in ("ssl_cert_file", "ssl_key_file", "ssl_ca_file")
    )
    if not (cert and key):
        raise exception.ConfigurationError(
            "With use_ssl, [wsgi] ssl_cert_file and ssl_key_file have to be "
            "set."
        )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        # Without a password the terminal would be asked for one.
        context.load_cert_chain(cert, key, password="")
    except ssl.SSLError as error:
        raise exception.ConfigurationError(
            f"[wsgi] ssl_cert_file {cert} cannot be used with ssl_key_file "
            f"{key}: {error}"
        ) from error
    if ca:
        try:
            context.load_verify_locations(ca)
        except ssl.SSLError as error:
            raise exception.ConfigurationError(
                f"[wsgi] ssl_ca_file {ca} cannot be used: {error}"
            ) from error
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _readable(conf: cfg.ConfigOpts, name: str) -> str | None:
    """The file that an option names, if it does."""
    path: str | None = conf.wsgi[name]
    if path:
        try:
            pathlib.Path(path).read_bytes()
        except OSError as error:
            raise exception.ConfigurationError(
                f"[wsgi] {name} cannot be read: {error}"
            ) from error
    return path


def _largest_body(conf: cfg.ConfigOpts) -> int:
    for group, options in middleware_opts.list_opts_sizelimit():
        conf.register_opts(options, group)
    largest: int = conf.oslo_middleware.max_request_body_size
    return largest


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

        # The application may change it: this is what the client asked for.
        target = environ.get("REQUEST_URI", "")
        body = self.application(environ, start)
        try:
            for part in body:
                length += len(part)
                yield part
        finally:
            close = getattr(body, "close", None)
            if close is not None:
                close()
            LOG.info(
                "%s",
                self.line
                % {
                    "client_ip": environ.get("REMOTE_ADDR"),
                    "date_time": time.strftime("%d/%b/%Y %H:%M:%S"),
                    "request_line": _request_line(environ, target),
                    "status_code": status,
                    "body_length": length,
                    "wall_seconds": time.monotonic() - begin,
                },
            )


def _request_line(environ: wsgi.Environ, target: str) -> str:
    """What was asked for, as it was written."""
    # A quotation mark would end the request line, where it is in them.
    target = target.replace('"', "%22")
    method, protocol = environ["REQUEST_METHOD"], environ["SERVER_PROTOCOL"]
    return f"{method} {target} {protocol}"
