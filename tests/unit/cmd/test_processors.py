# SPDX-License-Identifier: Apache-2.0
"""How many workers masakari-api has when nobody says so."""

import os

import pytest

from masakari.cmd import api


@pytest.fixture
def count(tmp_path, monkeypatch):
    """With eight processors, in these groups with these limits."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(8)))
    groups, mounted = tmp_path / "cgroup", tmp_path / "mounted"

    def call(lines, files):
        groups.write_text(lines)
        for name, text in files.items():
            file = mounted / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return api.processors(groups, mounted)

    return call


@pytest.mark.parametrize(
    ("lines", "files", "number"),
    [
        ("", {}, 8),
        ("0::/\n", {}, 8),
        ("0::/\n", {"cpu.max": "max 100000\n"}, 8),
        ("0::/\n", {"cpu.max": "200000 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "50000 100000\n"}, 1),
        ("0::/\n", {"cpu.max": "250000 100000\n"}, 3),
        ("0::/\n", {"cpu.max": "9900000 100000\n"}, 8),
        (
            "0::/a/b\n",
            {"a/b/cpu.max": "max 100000", "a/cpu.max": "300000 100000"},
            3,
        ),
        # A container sees its own group at the top.
        ("0::/not/seen/here\n", {"cpu.max": "100000 100000"}, 1),
        (
            "3:memory:/a\n2:cpu,cpuacct:/a\n1:name=systemd:/\n",
            {
                "cpu/a/cpu.cfs_quota_us": "400000\n",
                "cpu/a/cpu.cfs_period_us": "100000\n",
                "cpu/cpu.cfs_quota_us": "-1\n",
                "cpu/cpu.cfs_period_us": "100000\n",
            },
            4,
        ),
    ],
)
def test_a_limit_of_a_container_is_heeded(count, lines, files, number):
    assert count(lines, files) == number


def test_without_control_groups_it_is_what_the_process_may_run_on(tmp_path):
    assert api.processors(tmp_path / "x", tmp_path) == len(
        os.sched_getaffinity(0)
    )
