# SPDX-License-Identifier: Apache-2.0
"""Runs the wire contract: a file is the life of one resource."""

import unittest
from pathlib import Path

import pytest
from gabbi import driver

_apps = []


def _newest(environ, start_response):
    return _apps[-1](environ, start_response)


def _suites():
    suites = driver.build_tests(
        str(Path(__file__).parent / "gabbits"),
        unittest.TestLoader(),
        intercept=lambda: _newest,
        test_loader_name=__name__,
    )
    found = {}
    for suite in suites:
        name = next(iter(suite)).__class__.__name__
        found[name.partition("_")[0]] = suite
    return found


SUITES = _suites()


@pytest.mark.parametrize("name", sorted(SUITES))
def test_the_wire_contract_holds(name, world):
    _apps.append(world.app)
    result = unittest.TestResult()
    SUITES[name].run(result)
    assert result.testsRun > 0
    problems = [*result.errors, *result.failures]
    assert not problems, "\n".join(
        f"{test}: {text}" for test, text in problems
    )
