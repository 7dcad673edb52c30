# SPDX-License-Identifier: Apache-2.0
"""What tests of several layers need."""

import os
import shutil
import subprocess

import pytest


def pytest_xdist_auto_num_workers():
    """One more than there are processors: some tests wait for time to pass."""
    return len(os.sched_getaffinity(0)) + 1


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
