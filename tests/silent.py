# SPDX-License-Identifier: Apache-2.0
"""Clients that connect and then say too little."""

import contextlib
import socket
import ssl

#: What a client has said when it falls silent.
BEGUN = {
    "nothing": b"",
    "half a header": b"GET /v1/segments HTTP/1.1\r\nHost: x\r\nX-Auth",
    "half a body": b"POST /v1/segments HTTP/1.1\r\nHost: x\r\n"
    b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
    "half a chunk": b"POST /v1/segments HTTP/1.1\r\nHost: x\r\n"
    b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"64\r\n{",
}

#: The beginning of a client's part in a handshake.
_HELLO = bytes.fromhex("16030100f5010000f10303")


class Silence(contextlib.ExitStack):
    """Connections that are kept open, with nothing more to come."""

    def __init__(self, port, host="127.0.0.1"):
        super().__init__()
        self.address = (host, port)

    def connect(self, number, said=b""):
        for _ in range(number):
            self._connection().sendall(said)

    def connect_with_tls(self, number, said=b""):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        for _ in range(number):
            encrypted = context.wrap_socket(self._connection())
            self.enter_context(encrypted)
            encrypted.sendall(said)

    def begin_handshakes(self, number):
        self.connect(number, _HELLO)

    def _connection(self):
        return self.enter_context(
            socket.create_connection(self.address, timeout=30)
        )
