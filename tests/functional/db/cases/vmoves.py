# SPDX-License-Identifier: Apache-2.0
import pytest

from masakari import exception
from masakari.db import vmoves
from masakari.domain import model
from tests.functional.db import records
from tests.functional.db.cases import ALL, STRANGE


class VMoves:
    def test_they_belong_to_their_notification(self, database):
        notification = records.notification(database)
        other = records.notification(database)
        uuid = records.vmove(
            database,
            notification,
            source_host="a",
            dest_host=None,
            start_time=records.EPOCH,
        )
        found = database.read(vmoves.get, notification.uuid, uuid)
        assert found.uuid == uuid
        assert found.type is model.VMoveType.EVACUATION
        assert found.status is model.VMoveStatus.PENDING
        assert (found.source_host, found.dest_host) == ("a", None)
        assert database.read(vmoves.select, notification.uuid, {}, ALL) == [
            found
        ]
        assert database.read(vmoves.select, other.uuid, {}, ALL) == []
        with pytest.raises(exception.VMoveNotFound):
            database.read(vmoves.get, other.uuid, uuid)

    def test_filters_are_exact(self, database):
        notification = records.notification(database)
        done = records.vmove(database, notification, status="succeeded")
        bare = records.vmove(database, notification, status=None, type=None)

        def found(**filters):
            rows = database.read(
                vmoves.select, notification.uuid, filters, ALL
            )
            return {vmove.uuid for vmove in rows}

        assert found(status="succeeded") == {done}
        assert found(type="evacuation") == {done}
        assert found() == {done, bare}
        for text in STRANGE:
            assert found(status=text) == set()
            with pytest.raises(exception.VMoveNotFound):
                database.read(vmoves.get, notification.uuid, text)

    def test_what_nova_says_can_be_stored(self, database):
        notification = records.notification(database)
        said = "No valid host 😀 \0 \ud800 was found: " + "é" * 100000
        uuid = records.vmove(
            database,
            notification,
            instance_name="vm-😀-" + "n" * 300,
            message=said,
        )
        found = database.read(vmoves.get, notification.uuid, uuid)
        assert found.message.startswith("No valid host ")
        assert " \ufffd \ufffd was found: é" in found.message
        assert 10000 < len(found.message) < len(said)
        assert len(found.instance_name) == 255
        assert found.instance_name.endswith("nnn")
