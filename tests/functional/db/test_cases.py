# SPDX-License-Identifier: Apache-2.0
"""What is said of a database is tried on each kind of it."""

import importlib
import inspect
import pkgutil

import pytest


def modules(package, prefix=""):
    where = importlib.import_module(package)
    return [
        importlib.import_module(f"{package}.{module.name}")
        for module in pkgutil.iter_modules(where.__path__)
        if module.name.startswith(prefix)
    ]


def classes(module):
    return [
        member
        for member in vars(module).values()
        if inspect.isclass(member) and member.__module__ == module.__name__
    ]


def cases():
    return {
        case
        for module in modules("tests.functional.db.cases")
        for case in classes(module)
        if any(name.startswith("test_") for name in vars(case))
    }


@pytest.mark.parametrize(
    "package", ["tests.functional.db", "tests.integration"]
)
def test_every_case_is_tried(package):
    tried = {
        ancestor
        for module in modules(package, "test_")
        for found in classes(module)
        if found.__name__.startswith("Test")
        for ancestor in found.__mro__
    }
    assert len(cases()) > 10
    assert cases() - tried == set()
