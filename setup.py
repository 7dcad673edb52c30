# SPDX-License-Identifier: Apache-2.0
"""What setup.cfg cannot say; all else is there."""

import pathlib
import shutil

import setuptools
from setuptools.command import build_py


class Build(build_py.build_py):
    """Takes nothing over from the last build.

    What has left the source tree since, a migration for instance, would be
    in the package.
    """

    def run(self) -> None:
        if not self.editable_mode:
            shutil.rmtree(pathlib.Path(self.build_lib), ignore_errors=True)
        super().run()


setuptools.setup(cmdclass={"build_py": Build})
