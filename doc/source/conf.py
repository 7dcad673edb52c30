# SPDX-License-Identifier: Apache-2.0
from importlib import metadata

extensions = [
    "oslo_config.sphinxconfiggen",
    "oslo_config.sphinxext",
    "oslo_policy.sphinxext",
    "oslo_policy.sphinxpolicygen",
]

project = "Masakari"
version = release = metadata.version("masakari")
copyright = "Masakari contributors"

html_theme = "alabaster"
html_static_path = ["_static"]

_etc = "../../etc/masakari"
config_generator_config_file = [
    (f"{_etc}/masakari-config-generator.conf", "_static/masakari"),
    (
        f"{_etc}/masakari-customized-recovery-flow-config-generator.conf",
        "_static/masakari-custom-recovery-methods",
    ),
]
policy_generator_config_file = f"{_etc}/masakari-policy-generator.conf"
sample_policy_basename = "_static/masakari"
