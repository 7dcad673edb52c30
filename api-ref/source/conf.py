# SPDX-License-Identifier: Apache-2.0
project = "Instance HA API Reference"
copyright = "Masakari contributors"
html_theme = "alabaster"
