# SPDX-License-Identifier: Apache-2.0
extensions = ["reno.sphinxext"]
project = "Masakari Release Notes"
copyright = "Masakari contributors"
html_theme = "alabaster"
