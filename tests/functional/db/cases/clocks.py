# SPDX-License-Identifier: Apache-2.0
import datetime

import sqlalchemy

from masakari.db import clocks
from tests.functional.db import records


class Clocks:
    def test_the_clock_of_rows_has_whole_seconds(self, database, clock):
        clock.advance(seconds=1.75)
        assert database.read(clocks.now) == records.EPOCH + (
            datetime.timedelta(seconds=1)
        )

    def test_milliseconds_can_be_computed_with(self, database):
        def both(session):
            now = clocks.now_ms()
            return session.execute(
                sqlalchemy.select(now, now + 15000, now < now + 1)
            ).one()

        now, later, before = database.read(both)
        assert isinstance(now, int)
        assert later - now in range(15000, 15100)
        assert before
