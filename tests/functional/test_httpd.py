# SPDX-License-Identifier: Apache-2.0
"""The HTTP server that serves inside a process."""

import contextlib
import json
import logging
import socket
import ssl
import threading

import pytest
import requests

from masakari import httpd
from tests.silent import Silence

PATIENCE = 30

LARGE = b"x" * 5_000_000


class Application:
    """Answers with what it was asked; ``/wait`` until it is let go on."""

    def __init__(self):
        self.waiting = threading.Semaphore(0)
        self.go_on = threading.Event()

    def __call__(self, environ, start_response):
        path = environ["PATH_INFO"]
        if path == "/wait":
            self.waiting.release()
            assert self.go_on.wait(PATIENCE)
        told = {key: environ[key] for key in environ if key.isupper()}
        told["scheme"] = environ["wsgi.url_scheme"]
        told["body"] = len(environ["wsgi.input"].read())
        body = LARGE if path == "/large" else json.dumps(told).encode()
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]


class Running:
    def __init__(self, host="127.0.0.1", **options):
        self.application = Application()
        self.server = httpd.Server(
            self.application, httpd.listen(host, 0), **options
        )
        self.address = self.server.address
        self.server.start("httpd")
        self.url = f"http://{self.server.netloc}"

    def get(self, path, **kwargs):
        return requests.get(f"{self.url}{path}", timeout=PATIENCE, **kwargs)

    def say(self, text):
        """What a client that says this, and nothing more, is answered."""
        with socket.create_connection(self.address, PATIENCE) as client:
            client.sendall(text)
            client.shutdown(socket.SHUT_WR)
            with client.makefile("rb") as answer:
                return answer.read()

    def ask_and_wait(self):
        """Have a request be in the midst of its answer."""
        client = socket.create_connection(self.address, PATIENCE)
        client.sendall(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        assert self.application.waiting.acquire(timeout=PATIENCE)
        return client


@pytest.fixture
def run():
    with contextlib.ExitStack() as stack:

        def begin(*args, **options):
            running = Running(*args, **options)
            stack.callback(running.server.stop)
            stack.callback(running.application.go_on.set)
            return running

        yield begin


def test_who_has_been_silent_for_longest_makes_room(run):
    running = run(connections=10)
    with Silence(running.address[1]) as silence:
        silence.connect(30)
        assert running.get("/").ok


def test_so_does_who_does_not_read_the_answer(run):
    running = run(connections=10)
    with Silence(running.address[1]) as silence:
        silence.connect(10, b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        assert running.get("/").ok


def test_what_is_being_answered_makes_no_room(run):
    running = run(connections=3)
    with running.ask_and_wait() as client:
        with Silence(running.address[1]) as silence:
            silence.connect(10)
            assert running.get("/").ok
        running.application.go_on.set()
        assert client.recv(1000).startswith(b"HTTP/1.1 200 OK")


def test_who_is_silent_for_too_long_is_let_go(run):
    running = run(timeout=1)
    with socket.create_connection(running.address, PATIENCE) as client:
        assert client.recv(1) == b""


def test_what_is_being_answered_is_finished(run):
    running = run(grace=PATIENCE)
    with running.ask_and_wait() as client:
        with requests.Session() as session:
            assert session.get(running.url).ok
            stopping = threading.Thread(target=running.server.stop)
            stopping.start()
            # The connection that is kept alive is closed, the other is not.
            with pytest.raises(requests.ConnectionError):
                for _ in range(1000):
                    session.get(running.url, timeout=PATIENCE)
        running.application.go_on.set()
        assert client.recv(1000).startswith(b"HTTP/1.1 200 OK")
    stopping.join(PATIENCE)
    assert not stopping.is_alive()


def test_what_takes_too_long_is_cut_off(run, caplog):
    running = run(grace=0)
    with running.ask_and_wait() as client:
        running.server.stop()
        assert client.recv(1) == b""
    (record,) = [r for r in caplog.records if r.name == httpd.__name__]
    assert record.levelno == logging.WARNING
    assert record.getMessage() == (
        "1 requests have not been answered within 0 seconds and are cut off"
    )


def test_a_client_that_reads_nothing_holds_no_thread(run):
    running = run(threads=1)
    with Silence(running.address[1]) as silence:
        silence.connect(5, b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        assert running.get("/large").content == LARGE


def test_a_client_that_has_finished_speaking_is_answered(run):
    running = run()
    twice = b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc" * 2
    assert running.say(twice).count(b'"body": 3') == 2
    chunks = b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    chunked = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert b'"body": 5' in running.say(chunked + chunks)


@pytest.mark.parametrize(
    ("host", "name"),
    [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::1", "[::1]")],
)
def test_without_a_host_the_name_is_what_was_connected_to(run, host, name):
    running = run(host)
    port = running.address[1]
    running.address = (name.strip("[]"), port)
    answer = running.say(b"GET / HTTP/1.0\r\n\r\n")
    told = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert (told["SERVER_NAME"], told["SERVER_PORT"]) == (name, str(port))


def test_connections_are_closed_where_they_are_not_to_be_kept(run):
    assert run(keep_alive=False).get("/").headers["Connection"] == "close"
    assert "Connection" not in run().get("/").headers


@pytest.mark.parametrize(
    ("said", "status", "reason"),
    [
        (b"GET / HTTP/1.1\r\na\x1bb\r\n\r\n", b"400", "Invalid header"),
        (b"\x16\x03\x01\r\n\r\n", b"400", "Start line is invalid"),
        (
            b"GET / HTTP/1.1\r\nX: " + b"x" * 2000 + b"\r\n\r\n",
            b"431",
            "exceeds max_header of 1000",
        ),
        (
            b"POST / HTTP/1.1\r\nContent-Length: 2000\r\n\r\n",
            b"413",
            "exceeds max_body of 1000",
        ),
    ],
)
def test_what_the_application_cannot_be_given_is_told(
    run, caplog, said, status, reason
):
    caplog.set_level(logging.INFO)
    running = run(header_limit=1000, body_limit=1000)
    assert running.say(said).split()[1] == status
    told = caplog.records[0].getMessage()
    assert told.startswith(
        f"A request of 127.0.0.1 is refused ({status.decode()} "
    )
    assert told.endswith(reason)


@pytest.fixture
def encrypted(run, certificate):
    cert, key = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    running = run(tls=context, body_limit=2 * len(LARGE))
    running.url = running.url.replace("http:", "https:")
    return running, cert


def test_tls_in_both_directions(encrypted):
    running, cert = encrypted
    how = {"timeout": PATIENCE, "verify": cert}
    with requests.Session() as session:
        url = f"{running.url}/large"
        assert session.post(url, LARGE, **how).content == LARGE
        told = session.post(running.url, LARGE, **how).json()
    assert (told["body"], told["scheme"]) == (len(LARGE), "https")


def test_tls_with_a_client_that_reads_nothing(encrypted):
    running, cert = encrypted
    with Silence(running.address[1]) as silence:
        silence.connect_with_tls(9, b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        assert running.get("/large", verify=cert).content == LARGE


def test_who_does_not_speak_tls_is_told_in_the_log(encrypted, caplog):
    caplog.set_level(logging.INFO)
    running, cert = encrypted
    with socket.create_connection(running.address, PATIENCE) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(1) == b""
    assert running.get("/", verify=cert).ok
    told = caplog.records[0].getMessage()
    assert told.startswith("The connection of 127.0.0.1 is closed: ")
    assert "http request" in told.lower()


def test_an_address_that_cannot_be_had_is_named():
    with httpd.listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(OSError, match=f"127.0.0.1 port {port} cannot be"):
            httpd.listen("127.0.0.1", port)
