# SPDX-License-Identifier: Apache-2.0
"""masakari-api as a process."""

import pytest

from tests.programs.program import Program


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
