# SPDX-License-Identifier: Apache-2.0
import json

import pytest

from masakari.cmd import status


@pytest.fixture
def check(tmp_path, capsys):
    def call(policy, *arguments):
        (tmp_path / "policy.file").write_text(policy)
        file = tmp_path / "masakari.conf"
        file.write_text("[oslo_policy]\npolicy_file = policy.file\n")
        code = status.main(
            ["--config-file", str(file), "upgrade", "check", *arguments]
        )
        return code, capsys.readouterr().out

    return call


def test_a_policy_in_yaml_is_fine(check):
    code, out = check("admin_api: role:admin\n")
    assert code == 0
    assert "Upgrade Check Results" in out
    assert "Check: Policy File JSON to YAML Migration" in out
    assert "Result: Success" in out


def test_a_policy_in_json_is_not(check):
    code, out = check('{"admin_api": "role:admin"}', "--json")
    assert code == 2
    result = json.loads(out)
    assert result["name"] == "Upgrade Check Results"
    (only,) = result["checks"]
    assert only["check"] == "Policy File JSON to YAML Migration"
    assert only["result"] == 2
    assert "oslopolicy-convert-json-to-yaml" in only["details"]
