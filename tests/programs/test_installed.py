# SPDX-License-Identifier: Apache-2.0
"""What a wheel of this source tree installs."""

import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig
import venv
from importlib import metadata

import pytest

pytestmark = pytest.mark.slow

VERSION = metadata.version("masakari")

ROOT = pathlib.Path(__file__).parents[2]

PROGRAMS = {
    "masakari-allinone",
    "masakari-api",
    "masakari-demo",
    "masakari-engine",
    "masakari-manage",
    "masakari-status",
    "masakari-wsgi",
}


def run(*command, **kwargs):
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, **kwargs
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def tracked():
    """The files of the source tree, without what has been left in it."""
    names = run("git", "ls-files", "-z", cwd=ROOT).split("\0")
    return [name for name in names if (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The directory of an environment that has Masakari and nothing else."""
    source = tmp_path_factory.mktemp("source")
    for name in tracked():
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
    # What belongs to the package is asked of git.
    run("git", "init", "-q", cwd=source)
    run("git", "add", "--all", cwd=source)
    pip = (sys.executable, "-m", "pip")
    wheels = tmp_path_factory.mktemp("wheels")
    run(
        *[*pip, "wheel", "--no-deps", "--wheel-dir", wheels, source],
    )
    (wheel,) = wheels.glob("*.whl")
    directory = tmp_path_factory.mktemp("environment")
    venv.create(directory)
    python = directory / "bin" / "python"
    run(*pip, "--python", python, "install", "--no-deps", "--no-index", wheel)
    return directory


def test_all_programs(installed):
    programs = {file.name for file in installed.glob("bin/masakari-*")}
    assert programs == PROGRAMS


def test_the_files_that_a_deployment_changes(installed):
    assert {file.name for file in installed.glob("etc/masakari/*")} == {
        "api-paste.ini",
        "masakari-custom-recovery-methods.conf",
    }


def test_the_whole_package(installed):
    (package,) = installed.glob("lib/python*/site-packages/masakari")
    found = {
        str(file.relative_to(package.parent))
        for file in package.rglob("*")
        if file.is_file() and file.suffix != ".pyc"
    }
    assert found == {
        name for name in tracked() if name.startswith("masakari/")
    }


@pytest.mark.parametrize("program", ["masakari-api", "masakari-wsgi"])
def test_a_program_runs(installed, tmp_path, program):
    told = run(
        installed / "bin" / program,
        "--version",
        cwd=tmp_path,
        # Where what it needs is installed.
        env={"PYTHONPATH": sysconfig.get_path("purelib")},
    )
    assert told.strip() == VERSION


#: What mod_wsgi does with a script.
APACHE = """
import runpy, sys
names = runpy.run_path(sys.argv[1], run_name="_mod_wsgi_1")
assert callable(names["application"])
"""


def test_apache_finds_the_application(installed, tmp_path):
    run(
        *[sys.executable, "-W", "ignore", "-c", APACHE],
        installed / "bin" / "masakari-wsgi",
        env=os.environ | {"OS_MASAKARI_CONFIG_DIR": str(tmp_path)},
    )
