# SPDX-License-Identifier: Apache-2.0
"""masakari-api as a process, and what it needs for TLS."""

import shutil
import subprocess

import pytest

from tests.functional.program import Program


@pytest.fixture
def start(tmp_path):
    programs = []

    def begin(**options):
        programs.append(Program(tmp_path, **options))
        return programs[-1]

    yield begin
    for program in programs:
        if program.process.poll() is None:
            program.process.kill()
            program.process.wait()
        program.process.stderr.close()


@pytest.fixture
def certificate(tmp_path):
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("There is no openssl to make a certificate with.")
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        [
            openssl,
            *["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"],
            *[
                "-subj",
                "/CN=localhost",
                "-addext",
                "subjectAltName=IP:127.0.0.1",
            ],
            "-keyout",
            str(key),
            "-out",
            str(cert),
        ],
        check=True,
        capture_output=True,
    )
    return str(cert), str(key)
