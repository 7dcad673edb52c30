# SPDX-License-Identifier: Apache-2.0
"""The program masakari-demo: what it says, and when it fails."""

import json
import os
import signal
import subprocess
import sys
from importlib import metadata

import pytest

from masakari.cmd import demo
from masakari.cmd.demo.result import Report, Requests, Result
from masakari.cmd.demo.watch import Move, Stage

pytestmark = pytest.mark.slow

PATIENCE = 120

#: A cloud in which only one instance finds room, and a Masakari that is soon
#: content with that.
CROWDED = """
import functools, sys
from masakari.cmd.demo import program
program.Scenario = functools.partial(
    program.Scenario,
    room=1,
    options=(("wait_period_after_evacuation", 1),),
)
sys.exit(program.main())
"""


def begin(tmp_path, *command):
    return subprocess.Popen(
        [sys.executable, *command],
        env=os.environ | {"TMPDIR": str(tmp_path), "COLUMNS": "80"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(tmp_path, *command):
    process = begin(tmp_path, *command)
    try:
        out, err = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    return process.returncode, out, err


def test_it_tells_its_version(tmp_path):
    code, out, err = run(tmp_path, "-m", "masakari.cmd.demo", "--version")
    assert (code, err) == (0, "")
    assert out == f"{metadata.version('masakari')}\n"


def test_json(tmp_path):
    code, out, err = run(
        tmp_path, "-m", "masakari.cmd.demo", "--json", "--servers=6"
    )
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert found["ok"]
    assert found["problems"] == []
    assert found["instances"] == len(found["moves"]) == 6
    assert found["failed_hosts"] == ["compute-0"]
    for move in found["moves"]:
        assert move["stage"] == "back"
        assert move["state"] == move["state_before"]
        assert move["source"] == "compute-0" != move["destination"]
    assert {m["state"] for m in found["moves"]} == {"active", "stopped"}
    assert [n["status"] for n in found["notifications"]] == ["finished"]

    seconds = found["seconds"]
    assert seconds["down_to_first_evacuation"] > 0
    assert seconds["best_possible"] == pytest.approx(2.15)
    assert seconds["down_to_last_back"] >= seconds["best_possible"]
    assert seconds["ratio_to_best"] == pytest.approx(
        seconds["down_to_last_back"] / seconds["best_possible"]
    )
    calls = found["calls"]
    assert calls["nova"] == sum(
        number
        for request, number in calls["by_request"].items()
        if request.startswith("compute ")
    )
    # An evacuation and a look at each at least, and no more than a few.
    assert 2 <= calls["nova_per_instance"] < 8
    assert calls["keystone_per_instance"] < 0.5
    assert 1 <= found["most_in_flight"] <= 6
    assert list(tmp_path.iterdir()) == []


def test_an_instance_that_finds_no_room(tmp_path):
    code, out, err = run(
        tmp_path, "-c", CROWDED, "--json", "--hosts=2", "--servers=2"
    )
    assert code == 1
    found = json.loads(out)
    assert not found["ok"]
    assert any("No valid host" in problem for problem in found["problems"])
    assert sorted(m["stage"] for m in found["moves"]) == ["back", "failed"]
    (directory,) = tmp_path.iterdir()
    assert err == f"What happened is in {directory}/masakari.log\n"
    assert (directory / "masakari.log").stat().st_size


def manage(export, *arguments):
    """What masakari-manage says to somebody who has done as he was told."""
    name, _, value = export.removeprefix("export ").partition("=")
    done = subprocess.run(
        [
            *(sys.executable, "-c"),
            "from masakari.cmd import manage; raise SystemExit(manage.main())",
            *(*arguments, "--json"),
        ],
        env=os.environ | {name: value},
        capture_output=True,
        timeout=PATIENCE,
        check=True,
    )
    return json.loads(done.stdout)


def test_plain_lines_and_staying_up(tmp_path):
    process = begin(
        tmp_path,
        *["-m", "masakari.cmd.demo", "--keep"],
        *["--hosts=3", "--servers=1", "--fail=2"],
    )
    lines = []
    try:
        for line in process.stdout:
            lines.append(line.rstrip("\n"))
            if line.startswith("export OS_DATABASE__CONNECTION="):
                break
        shown = manage(lines[-1], "notification", "list", "--since=1")
        process.send_signal(signal.SIGINT)
        rest, err = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert (process.returncode, rest, err) == (0, "", "")
    text = "\n".join(lines)
    assert "compute-0 and compute-1 lost power, with 2 instances." in lines
    assert "Back: 2 instances of 2." in lines
    assert "vm-1  compute-0 → compute-2  active" in text
    assert "export OS_USERNAME=admin" in lines
    assert [one["status"] for one in shown] == ["finished"] * 2
    assert text.replace("\n", "").isprintable()
    # How long the last one is depends on where temporary files are.
    assert max(len(line) for line in lines[:-1]) <= 80
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "options",
    ["--fail=5", "--fail=0", "--servers=0", "--hosts=1", "--hosts=x"],
)
def test_options_that_make_no_sense(options, capsys):
    with pytest.raises(SystemExit) as stopped:
        demo.main([options])
    assert stopped.value.code == 2
    assert "usage: masakari-demo" in capsys.readouterr().err


def test_what_is_not_installed_is_named(monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert demo.main(["--json"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "openstacksdk and rich: in Masakari's source tree, " in told.err
    assert "pip install '.[demo]'" in told.err


def move(name, source, begin, end):
    return Move(
        uuid=name,
        name=name,
        source=source,
        ha_enabled=False,
        priority="",
        state_before="active",
        state="active",
        stage=Stage.BACK if end else Stage.FAILED,
        destination="c",
        asked_at=begin,
        began_at=begin,
        ended_at=end,
    )


def result(moves, status="finished", vmove="succeeded"):
    return Result(
        hosts=3,
        moves=moves,
        reports=[
            Report(
                uuid="n",
                host=host,
                status=status,
                moves={m.uuid: vmove for m in moves if m.source == host},
            )
            for host in ("a", "b")
        ],
        failed_at=5.0,
        down_at={"a": 10.0, "b": 11.0},
        best_seconds=4.0,
        rounds=2,
        rebuilds=3,
        evacuation_seconds=2.0,
        requests=Requests(),
    )


def test_figures_of_two_hosts():
    found = result(
        [
            move("1", "a", 10.2, 12.0),
            move("2", "a", 10.3, 13.0),
            move("3", "b", 12.5, 15.0),
        ]
    )
    assert found.problems == []
    # The host that had to wait longest counts, from its own end.
    assert found.first_seconds == pytest.approx(1.5)
    assert found.last_seconds == pytest.approx(5.0)
    assert found.ratio == pytest.approx(1.25)
    assert found.most_in_flight == 2


@pytest.mark.parametrize(
    ("status", "vmove"), [("error", "succeeded"), ("finished", "failed")]
)
def test_being_back_is_not_enough(status, vmove):
    moves = [move("1", "a", 10.2, 12.0), move("2", "b", 11.1, 12.0)]
    assert len(result(moves, status, vmove).problems) == 2


def test_what_is_not_back_has_no_figure():
    found = result([move("1", "a", 10.2, None), move("2", "b", 11.1, 12.0)])
    assert found.last_seconds is None
    assert any("1 is not back" in problem for problem in found.problems)
