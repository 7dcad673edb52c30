# SPDX-License-Identifier: Apache-2.0
"""The command line of ``masakari-demo``, and its tidying up."""

import argparse
import contextlib
import importlib.util
import io
import json
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from importlib import metadata
from types import FrameType
from typing import TextIO

from oslo_config import cfg

from masakari import conf as configuration
from masakari import exception
from masakari.cmd.demo.result import Result
from masakari.cmd.demo.scenario import Scenario
from masakari.cmd.demo.show import Lines, Show, Silence
from masakari.cmd.demo.stack import Stack, configure
from masakari.cmd.demo.story import Story

_NEEDED = {"openstack": "openstacksdk", "rich": "rich"}


def main(argv: Sequence[str] | None = None) -> int:
    """Play the story once.

    :returns: 0 when every instance is back; 1 when not; 2 when something
        is not installed; 130 when it was interrupted, 141 when nobody
        reads what it shows
    """
    arguments = _parse(argv)
    missing = [
        package
        for module, package in _NEEDED.items()
        if importlib.util.find_spec(module) is None
    ]
    if missing:
        print(
            f"masakari-demo needs {' and '.join(missing)}: "
            "in Masakari's source tree, pip install '.[demo]'",
            file=sys.stderr,
        )
        return 2
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _interrupt)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    directory = pathlib.Path(tempfile.mkdtemp(prefix="masakari-demo-"))
    code = 1
    try:
        code = _run(arguments, directory)
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:
        code = 141
        # At the end Python would flush it again, and complain.
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115
    finally:
        if code == 1:
            log = directory / "masakari.log"
            print(f"What happened is in {log}", file=sys.stderr)
        else:
            shutil.rmtree(directory, ignore_errors=True)
    return code


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="masakari-demo",
        description="Watch Masakari bring back the instances of a compute "
        "host that dies, on a simulated cloud.",
        epilog="The exit status is 0 only if every instance is back.",
    )
    parser.add_argument(
        "--version",
        action="version",
        version=metadata.version(configuration.PROJECT),
    )
    for name, default, text in (
        ("hosts", 5, "compute hosts of the cloud"),
        ("servers", 20, "instances on each host that dies"),
        ("fail", 1, "how many hosts die, all at once"),
    ):
        parser.add_argument(
            f"--{name}",
            type=int,
            default=default,
            metavar="N",
            help=f"{text} (default: {default})",
        )
    parser.add_argument(
        "--json",
        action="store_true",
        help="show nothing, but print the result as a JSON document",
    )
    parser.add_argument(
        "--keep",
        action="store_true",
        help="stay up afterwards, until Ctrl-C, for the openstack command",
    )
    arguments = parser.parse_args(argv)
    if arguments.servers < 1 or arguments.fail < 1:
        parser.error("--servers and --fail have to be 1 at least")
    if arguments.fail >= arguments.hosts:
        parser.error(
            "--fail has to be less than --hosts: instances need a host to "
            "be evacuated to"
        )
    return arguments


def _run(arguments: argparse.Namespace, directory: pathlib.Path) -> int:
    from openstack import exceptions

    scenario = Scenario(
        hosts=arguments.hosts,
        servers=arguments.servers,
        fail=arguments.fail,
    )
    conf = configure(directory, scenario.options, into=configuration.CONF)
    configuration.setup_logging(conf)
    notes = sys.stderr if arguments.json else sys.stdout

    def then(stack: Stack, result: Result) -> None:
        if arguments.json:
            print(json.dumps(result.document(), indent=2), flush=True)
        if arguments.keep:
            _keep(stack, notes)

    try:
        result = play(scenario, conf, _show(arguments.json), then)
    except (
        exception.MasakariException,
        exceptions.SDKException,
        OSError,
    ) as error:
        print(f"masakari-demo failed: {error}", file=sys.stderr)
        return 1
    return 1 if result.problems else 0


def play(
    scenario: Scenario,
    conf: cfg.ConfigOpts,
    show: Show,
    then: Callable[[Stack, Result], None] = lambda *_: None,
) -> Result:
    """Play ``scenario`` and show it.

    :param conf: what :func:`masakari.cmd.demo.stack.configure` made
    :param then: called with the result, while everything is still up
    """
    _reach_directly("127.0.0.1")
    stack = Stack(scenario.build(), conf)
    try:
        stack.start()
        with stack.connect() as connection:
            result = Story(scenario, stack, show).play(connection.instance_ha)
        then(stack, result)
        return result
    finally:
        try:
            show.close()
        finally:
            stack.stop()


def _show(as_json: bool) -> Show:
    if as_json:
        return Silence()
    from masakari.cmd.demo import screen

    return screen.Screen() if sys.stdout.isatty() else Lines(sys.stdout)


def _reach_directly(host: str) -> None:
    """Keep a proxy that the user may have out of the way to ``host``."""
    for name in ("no_proxy", "NO_PROXY"):
        known = os.environ.get(name)
        os.environ[name] = f"{known},{host}" if known else host


def _keep(stack: Stack, out: TextIO) -> None:
    """Stay up until interrupted."""
    lines = (f"export {key}={value}" for key, value in stack.environment())
    with contextlib.suppress(KeyboardInterrupt):
        print(
            "\nEverything stays up until Ctrl-C. For the openstack command\n"
            "and masakari-manage:\n",
            *lines,
            sep="\n",
            file=out,
            flush=True,
        )
        threading.Event().wait()
