# SPDX-License-Identifier: Apache-2.0
"""A way to a server that can fail, where the server goes on for others."""

import contextlib
import selectors
import socket
import threading

from tests.ports import free_port


class Proxy:
    """Passes connections on to a server until it is cut or paused.

    :param heard: called with whatever clients say, before it is passed on
    """

    def __init__(self, host, port, heard=None):
        self._server = (host, port)
        self._heard = heard
        self._flowing = threading.Event()
        self._flowing.set()
        self._listener = None
        self._lock = threading.Lock()
        self._open = []
        self.port = free_port()

    def join(self):
        """Let connections through; before that there is nobody."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen()
        self._listener = listener
        threading.Thread(
            target=self._accept, args=(listener,), daemon=True
        ).start()

    def pause(self):
        """Keep connections, take new ones, and pass nothing on.

        What is said meanwhile arrives late, as it does in a network.
        """
        self._flowing.clear()

    def resume(self):
        self._flowing.set()

    def cut(self):
        """Break all connections and take no more."""
        with self._lock:
            ends = [*self._open, self._listener]
            self._open, self._listener = [], None
        for end in ends:
            if end is not None:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()

    def _accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
                server = socket.create_connection(self._server)
            except OSError:
                return
            with self._lock:
                self._open += [client, server]
            threading.Thread(
                target=self._carry, args=(client, server), daemon=True
            ).start()

    def _carry(self, client, server):
        other = {client: server, server: client}
        with selectors.DefaultSelector() as ready, client, server:
            for end in other:
                ready.register(end, selectors.EVENT_READ)
            with contextlib.suppress(OSError, ValueError):
                while True:
                    for key, _ in ready.select():
                        data = key.fileobj.recv(65536)
                        if not data:
                            return
                        self._flowing.wait()
                        if self._heard and key.fileobj is client:
                            self._heard(data)
                        other[key.fileobj].sendall(data)
