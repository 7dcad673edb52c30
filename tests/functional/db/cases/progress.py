# SPDX-License-Identifier: Apache-2.0
import re

import pytest

from masakari.db import progress
from tests.functional.db import logbooks
from tests.functional.db.cases import STRANGE


class Progress:
    """``url`` is the one of ``database``, which has no tables yet."""

    UUID = "5e6a7c10-0000-4000-8000-000000000009"

    def test_without_tables_there_is_nothing(self, database):
        assert database.read(progress.of_notification, self.UUID) == []

    def test_tasks_come_in_the_order_they_began(self, database, url):
        progress.create_tables(url)
        names = ["D", "B", "C", "A"]
        logbooks.run(
            url,
            self.UUID,
            *(logbooks.Told(name, ("go", "done")) for name in names),
            logbooks.Told("Silent", ()),
            name="instance:evacuate",
        )
        found = database.read(progress.of_notification, self.UUID)
        assert [task.name for task in found] == names
        for task in found:
            assert (task.progress, task.state) == (1.0, "SUCCESS")
            assert [entry.message for entry in task.entries] == ["go", "done"]
            assert [entry.progress for entry in task.entries] == [
                "0.5",
                "1.0",
            ]
            assert re.fullmatch(
                r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{6})?",
                task.entries[0].timestamp,
            )

    def test_a_failed_run_and_the_next_one_are_both_there(self, database, url):
        progress.create_tables(url)
        for task in (
            logbooks.Failing("A", ("try",)),
            logbooks.Told("A", ("again", "done")),
        ):
            logbooks.run(url, self.UUID, task, name="instance:evacuate")
        logbooks.run(
            url,
            self.UUID.replace("9", "8"),
            logbooks.Told("Other", ("other",)),
            name="instance:evacuate",
        )
        found = database.read(progress.of_notification, self.UUID)
        assert [(task.name, task.state) for task in found] == [
            ("A", "REVERTED"),
            ("A", "SUCCESS"),
        ]

    def test_what_a_killed_engine_was_at_goes_on_no_more(self, database, url):
        progress.create_tables(url)

        def run(*tasks):
            logbooks.run(url, self.UUID, *tasks, name="instance:evacuate")

        def states(status=None):
            return [
                (task.name, task.state)
                for task in database.read(
                    progress.of_notification, self.UUID, status
                )
            ]

        run(logbooks.Told("A", ("go",)), logbooks.Dying("B", ("go", "on")))
        # As far as anybody knows, the engine is at it.
        assert states() == [("A", "SUCCESS"), ("B", "RUNNING")]
        assert states("running") == states()
        for status in ("new", "error", "failed", "finished"):
            assert states(status) == [("A", "SUCCESS"), ("B", "FAILURE")]
        run(logbooks.Told("A", ("go",)), logbooks.Dying("B", ("go", "on")))
        assert states("running") == [
            ("A", "SUCCESS"),
            ("B", "FAILURE"),
            ("A", "SUCCESS"),
            ("B", "RUNNING"),
        ]

    @pytest.mark.parametrize("text", STRANGE)
    def test_what_is_not_there_has_none(self, database, url, text):
        progress.create_tables(url)
        assert database.read(progress.of_notification, text) == []
