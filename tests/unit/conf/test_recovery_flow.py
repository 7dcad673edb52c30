# SPDX-License-Identifier: Apache-2.0
import pytest

from masakari.conf import recovery_flows

FLOW = {"pre": ["z"], "main": ["x", "y"], "post": []}


@pytest.mark.parametrize(
    "text",
    [
        "main:['x','y'],post:[],pre:['z']",
        "main:[x,y],post:[],pre:[z]",
        """ pre : [ "z" ] , main : [ 'x' , "y" ] , post : [ ] """,
        "{'pre': ['z'], 'main': ['x', 'y'], 'post': []}",
        '{"pre": ["z"],\n"main": ["x",\n"y"], "post": []}',
        "pre:['z'],main:['x','y',],post:[],",
    ],
)
def test_both_spellings_are_read(text):
    assert recovery_flows.RecoveryFlow()(text) == FLOW


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "x",
        "pre:['z'],main:['x']",
        "pre:['z'],main:['x'],post:[],after:[]",
        "pre:[],pre:[],main:['x'],post:[]",
        "pre:'z',main:['x'],post:[]",
        "pre:['z'] main:['x'] post:[]",
        "pre:['z'],main:[['x']],post:[]",
    ],
)
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match=r"flow|phase"):
        recovery_flows.RecoveryFlow()(text)


def test_what_the_sample_shows_can_be_read_back():
    flow = recovery_flows.RecoveryFlow()
    (text,) = flow.format_defaults(FLOW)
    assert text == "pre:['z'],main:['x', 'y'],post:[]"
    assert flow(text) == FLOW
