# SPDX-License-Identifier: Apache-2.0
"""What holds for every plan, whatever the instances of a host are."""

from hypothesis import given
from hypothesis import strategies as st

from masakari.domain.planner.host import plan
from masakari.domain.server import Server
from masakari.domain.settings import RecoverySettings

TEXTS = st.sampled_from(
    ["true", "True", "1", "no", "", "7", "-3", "high", "99999999999"]
)
SERVERS = st.lists(
    st.builds(
        Server,
        uuid=st.uuids().map(str),
        name=st.text(max_size=5),
        host=st.just("failed"),
        vm_state=st.sampled_from(
            ["active", "stopped", "error", "paused", "resized"]
        ),
        task_state=st.sampled_from([None, "rebooting"]),
        power_state=st.sampled_from([0, 1, 4]),
        metadata=st.dictionaries(
            st.sampled_from(["HA_Enabled", "HA_Priority"]), TEXTS
        ),
    ),
    max_size=12,
)
SETTINGS = st.builds(
    RecoverySettings,
    evacuate_all_instances=st.booleans(),
    ignore_instances_in_error_state=st.booleans(),
)


@given(SERVERS, SETTINGS)
def test_every_instance_is_moved_or_skipped_exactly_once(
    servers: list[Server], settings: RecoverySettings
) -> None:
    planned = plan(servers, settings=settings, origins={})
    named = [move.instance_uuid for move in planned.moves]
    named += [skip.move.instance_uuid for skip in planned.skipped]
    assert sorted(named) == sorted(server.uuid for server in servers)


@given(SERVERS, SETTINGS, st.randoms(use_true_random=False))
def test_the_order_of_the_list_does_not_change_the_plan(
    servers: list[Server], settings: RecoverySettings, random: object
) -> None:
    shuffled = list(servers)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert plan(shuffled, settings=settings, origins={}) == plan(
        servers, settings=settings, origins={}
    )


@given(SERVERS)
def test_only_ha_enabled_instances_move_where_that_is_configured(
    servers: list[Server],
) -> None:
    settings = RecoverySettings(evacuate_all_instances=False)
    planned = plan(servers, settings=settings, origins={})
    assert all(move.ha_enabled for move in planned.moves)


@given(SERVERS, SETTINGS)
def test_ha_enabled_come_first_and_then_the_higher_priority(
    servers: list[Server], settings: RecoverySettings
) -> None:
    planned = plan(servers, settings=settings, origins={})
    ranks = [(not m.ha_enabled, -m.priority) for m in planned.moves]
    assert ranks == sorted(ranks)


@given(SERVERS, SETTINGS, st.integers(0, 12))
def test_planning_again_after_a_part_is_done_yields_the_rest(
    servers: list[Server], settings: RecoverySettings, done: int
) -> None:
    whole = plan(servers, settings=settings, origins={})
    moved = {move.instance_uuid for move in whole.moves[:done]}
    left = [server for server in servers if server.uuid not in moved]
    again = plan(
        left,
        settings=settings,
        origins={m.instance_uuid: m.origin for m in whole.moves},
    )
    assert again.moves == whole.moves[done:]
