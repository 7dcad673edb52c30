# SPDX-License-Identifier: Apache-2.0
"""Many simulations in many processes, and what becomes of them."""

import argparse
import contextlib
import logging
import multiprocessing
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from tests.simulation.invariants import Violation
from tests.simulation.scenario import Scenario

A = TypeVar("A")
T = TypeVar("T")

#: Simulations that a process plays before another one takes its place.
_PLAYED_BY_ONE = 200


@contextlib.contextmanager
def telling(scenario: Scenario) -> Iterator[None]:
    """Have failures tell what happened, and leave the database to others."""
    try:
        yield
    except (AssertionError, Violation) as error:
        error.add_note(scenario.told())
        raise
    finally:
        scenario.simulation.close()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--jobs",
        type=int,
        default=os.cpu_count(),
        help="processes that share the work",
    )


def spread(
    work: Callable[[A], T], given: Sequence[A], jobs: int
) -> Iterator[T]:
    """Call ``work`` with each of ``given``; the results come as they do."""
    with multiprocessing.get_context("spawn").Pool(
        jobs, initializer=_be_quiet, maxtasksperchild=_PLAYED_BY_ONE
    ) as pool:
        yield from pool.imap_unordered(work, given)


def judge(play: Callable[[A], object], given: Sequence[A], jobs: int) -> int:
    """Play all, and print what fails and how many that are.

    :returns: the exit status: 1 when any fails
    """
    began = time.monotonic()
    failed = []
    for number, (name, failure) in enumerate(
        spread(_Attempt(play), given, jobs), start=1
    ):
        if failure is not None:
            failed.append(name)
            _say(f"FAILED {name}\n{failure}")
        if number % 1000 == 0:
            _say(f"{number} of {len(given)} played, {len(failed)} failed")
    seconds = time.monotonic() - began
    _say(f"{len(given)} played in {seconds:.0f} s, {len(failed)} failed")
    for name in sorted(failed):
        _say(f"  {name}")
    return 1 if failed else 0


class _Attempt:
    """Calls ``play``; what it raises becomes text."""

    def __init__(self, play: Callable[[A], object]) -> None:
        self._play = play

    def __call__(self, given: A) -> tuple[str, str | None]:
        try:
            self._play(given)
        except (AssertionError, Violation) as error:
            notes = "\n".join(getattr(error, "__notes__", ()))
            return str(given), f"{error}\n{notes}"
        except BaseException:
            return str(given), traceback.format_exc()
        return str(given), None


def _be_quiet() -> None:
    logging.disable(logging.CRITICAL)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
