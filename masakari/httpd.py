# SPDX-License-Identifier: Apache-2.0
"""HTTP servers inside a process.

One loop reads all requests and threads answer them. A thread gets a request
whole, so that a client that says nothing, or stops in the midst of what it
says, holds a connection and nobody up. Waitress does this; what it lacks is
here: TLS, connections that make room for others, an end that lets requests
be answered.
"""

import errno
import logging
import resource
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from waitress import adjustments, channel, server, task, wasyncore

LOG = logging.getLogger(__name__)

#: A WSGI application.
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_BACKLOG = 1024

#: Bytes of a body from which on it is kept in a file.
_LARGE_BODY = 65536

#: Seconds after which a loop that has nothing to do looks up.
_IDLE = 1.0

#: Seconds between two looks for connections that are silent for too long.
_CLEANUP = 30

#: Seconds for threads to end that have nothing to do any more.
_FAREWELL = 1.0

_NO_FILES_LEFT = (errno.EMFILE, errno.ENFILE)

_TO_BE_CONTINUED = (ssl.SSLWantReadError, ssl.SSLWantWriteError)


def listen(host: str, port: int, *, keepidle: int = 0) -> socket.socket:
    """A socket on which clients can connect from now on.

    :param host: an address or a name of this machine; the IPv6 wildcard
        stands for IPv4 too
    :param port: 0 takes a free one
    :param keepidle: seconds after which an idle connection is probed; 0
        leaves that to the system
    :raises OSError: the address cannot be had
    """
    try:
        listener = _bind(host, port)
    except OSError as error:
        raise OSError(
            f"{host} port {port} cannot be listened on: {error}"
        ) from error
    if keepidle:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, keepidle)
    listener.listen(_BACKLOG)
    return listener


def _bind(host: str, port: int) -> socket.socket:
    """The first address of the name that can be had."""
    for family, kind, protocol, _name, address in socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    ):
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            listener.bind(address)
        except OSError as error:
            listener.close()
            refusal = error
            if error.errno == errno.EADDRINUSE:
                break
        else:
            return listener
    raise refusal


class Server:
    """Serves a WSGI application on a socket.

    Its threads begin at once: a process that forks makes it afterwards.

    :param tls: what encrypts connections; None leaves them as they are
    :param connections: how many there may be at once; others are let in at
        the expense of the one that has been silent for longest
    :param timeout: seconds of silence after which a connection is closed;
        None waits for ever
    :param header_limit: bytes that the headers of a request may have
    :param body_limit: bytes that its body may have
    :param keep_alive: whether a connection serves several requests
    :param grace: seconds for what is being answered when it is to end
    """

    def __init__(
        self,
        application: Application,
        listener: socket.socket,
        *,
        threads: int = 4,
        tls: ssl.SSLContext | None = None,
        connections: int = 1000,
        timeout: int | None = 60,
        header_limit: int = 65536,
        body_limit: int = 1 << 20,
        keep_alive: bool = True,
        grace: float = 0,
    ) -> None:
        # It tells of each request that finds all threads busy.
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        self._grace = grace
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._listener = _Listener(
            application,
            listener,
            _adjustments(
                threads=threads,
                url_scheme="https" if tls else "http",
                connection_limit=_affordable(connections),
                max_request_header_size=header_limit,
                max_request_body_size=body_limit,
                channel_timeout=timeout or threading.TIMEOUT_MAX,
                cleanup_interval=min(timeout or _CLEANUP, _CLEANUP),
            ),
            tls=tls,
            keep_alive=keep_alive,
        )

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens, in numbers."""
        return self._listener.address

    @property
    def netloc(self) -> str:
        """The same as a URL has it."""
        return "{}:{}".format(*_as_in_url(*self.address))

    def serve(self) -> None:
        """Answer requests until :meth:`stop`, and then what is left."""
        while not self._stopping.is_set():
            self.step()
        self.drain()

    def start(self, name: str) -> None:
        """The same in a thread of that name."""
        self._thread = threading.Thread(
            target=self.serve, name=name, daemon=True
        )
        self._thread.start()

    def step(self, timeout: float = _IDLE) -> None:
        """Read and write what can be; :meth:`wake` ends it early."""
        wasyncore.loop(timeout, True, self._listener.map, 1)

    def wake(self) -> None:
        """Have the loop look up; a handler of signals may call it."""
        self._listener.pull_trigger()

    def stop(self) -> None:
        """End what :meth:`start` began."""
        if self._thread is None or self._stopping.is_set():
            return
        self._stopping.set()
        self.wake()
        self._thread.join()
        self._listener.close_trigger()

    def drain(self) -> None:
        """Answer what has come, for the time that there is, and close.

        New connections are refused meanwhile.
        """
        deadline = time.monotonic() + self._grace
        # What clients have sent before they could know.
        self.step(0)
        self.step(0)
        self._listener.close_listener()
        while self._listener.close_idle():
            left = deadline - time.monotonic()
            if left <= 0:
                break
            self.step(min(left, _IDLE))
        cut_off = self._listener.close_all()
        if cut_off:
            LOG.warning(
                "%d requests have not been answered within %d seconds and "
                "are cut off",
                cut_off,
                self._grace,
            )
        self._listener.end(_FAREWELL)


def _adjustments(**values: Any) -> Any:
    """What Waitress calls its settings."""
    return adjustments.Adjustments(
        backlog=_BACKLOG,
        ident=None,
        # What proxies say is judged by the application.
        clear_untrusted_proxy_headers=False,
        inbuf_overflow=_LARGE_BODY,
        log_socket_errors=False,
        sockets=[],
        **values,
    )


def _affordable(connections: int) -> int:
    """As many, but no more than half the files that a process may open."""
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most == resource.RLIM_INFINITY:
        return connections
    return max(1, min(connections, most // 2))


def _as_in_url(host: str, port: int) -> tuple[str, int]:
    host = host.removeprefix("::ffff:")
    return f"[{host}]" if ":" in host else host, port


class _Task(task.WSGITask):
    def get_environment(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environment()
        # The address that the client has connected to, for links.
        host, port = self.channel.local
        environ["SERVER_NAME"], environ["SERVER_PORT"] = host, str(port)
        return environ

    def build_response_header(self) -> bytes:
        if not self.channel.server.keep_alive:
            self.request.headers["CONNECTION"] = "close"
        header: bytes = super().build_response_header()
        return header


class _ErrorTask(task.ErrorTask):
    """What cannot be given to the application; nobody else tells of it."""

    def execute(self) -> None:
        error = self.request.error
        LOG.info(
            "A request of %s is refused (%d %s): %s",
            self.channel.addr[0],
            error.code,
            error.reason,
            error.body,
        )
        super().execute()


class _Channel(channel.HTTPChannel):
    """A connection."""

    task_class = _Task
    error_task_class = _ErrorTask

    def __init__(
        self, server: Any, sock: socket.socket, addr: Any, adj: Any, map: Any
    ) -> None:
        self.local = _as_in_url(*sock.getsockname()[:2])
        super().__init__(server, sock, addr, adj, map)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being answered."""
        return not (self.requests or self.total_outbufs_len)


class _TLSChannel(_Channel):
    """A connection that is encrypted.

    The handshake is made by the first reads, as data comes in: it waits for
    nobody.
    """

    def __init__(
        self, server: Any, sock: socket.socket, addr: Any, adj: Any, map: Any
    ) -> None:
        sock.setblocking(False)
        encrypted = server.tls.wrap_socket(
            sock, server_side=True, do_handshake_on_connect=False
        )
        # The loop reads while a thread writes.
        self._lock = threading.Lock()
        super().__init__(server, encrypted, addr, adj, map)

    def handle_read(self) -> None:
        try:
            data = self._receive()
        except _TO_BE_CONTINUED:
            return
        except ssl.SSLError as error:
            LOG.info("The connection of %s is closed: %s", self.addr[0], error)
            data = b""
        except OSError:
            data = b""
        if data:
            self.last_activity = time.time()
            self.received(data)
        else:
            self.handle_close()

    def _receive(self) -> bytes:
        with self._lock:
            data: bytes = self.socket.recv(self.adj.recv_bytes)
            # The loop does not see what has been decrypted already.
            while rest := self.socket.pending():
                data += self.socket.recv(rest)
        return data

    def send(self, data: bytes, do_close: bool = True) -> int:
        try:
            with self._lock:
                sent: int = self.socket.send(data)
        except _TO_BE_CONTINUED:
            return 0
        except OSError:
            if do_close:
                self.handle_close()
            else:
                self.will_close = True
            return 0
        return sent


class _Listener(server.TcpWSGIServer):
    """The socket that connections come from."""

    def __init__(
        self,
        application: Application,
        listener: socket.socket,
        adj: Any,
        *,
        tls: ssl.SSLContext | None,
        keep_alive: bool,
    ) -> None:
        self.tls = tls
        self.keep_alive = keep_alive
        self.channel_class = _TLSChannel if tls else _Channel
        self.map: dict[int, Any] = {}
        # Waitress counts itself too; it is not to stop before room is made.
        self.most_channels = adj.connection_limit
        adj.connection_limit += 3
        super().__init__(
            application,
            self.map,
            _sock=listener,
            adj=adj,
            bind_socket=False,
            sockinfo=(listener.family, listener.type, 0, None),
        )

    @property
    def address(self) -> tuple[str, int]:
        return self.effective_host, int(self.effective_port)

    def handle_accept(self) -> None:
        """Let a client in; that fails for reasons of its own only."""
        if len(self.active_channels) >= self.most_channels:
            self._make_room()
        try:
            connection, address = self.socket.accept()
        except OSError as error:
            if error.errno in _NO_FILES_LEFT and not self._make_room():
                LOG.error("No more connections can be taken: %s", error)
                # The client is still waiting: there is no point in hurry.
                time.sleep(0.1)
            return
        try:
            self.set_socket_options(connection)
            self.channel_class(
                self, connection, address, self.adj, map=self.map
            )
        except OSError:
            connection.close()

    def _make_room(self) -> bool:
        """Close the connection that has been silent for longest."""
        silent = [c for c in self.active_channels.values() if not c.requests]
        if not silent:
            return False
        min(silent, key=lambda each: each.last_activity).handle_close()
        return True

    def close_listener(self) -> None:
        wasyncore.dispatcher.close(self)

    def close_idle(self) -> bool:
        """Close what nothing is answered on; says whether more is left."""
        for each in list(self.active_channels.values()):
            if each.is_idle:
                each.handle_close()
        return bool(self.active_channels)

    def close_all(self) -> int:
        """Close what is left; returns how much it was."""
        left = list(self.active_channels.values())
        for each in left:
            each.handle_close()
        return len(left)

    def end(self, patience: float) -> None:
        """Have the threads end, except those that do not within the time."""
        dispatcher = self.task_dispatcher
        deadline = time.monotonic() + patience
        dispatcher.set_thread_count(0)
        with dispatcher.lock:
            dispatcher.queue.clear()
            while dispatcher.threads:
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                dispatcher.thread_exit_cv.wait(left)

    def close_trigger(self) -> None:
        """Let go of what wakes the loop, unless a thread may still do so."""
        if not self.task_dispatcher.threads:
            self.trigger.close()
