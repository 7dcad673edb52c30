# SPDX-License-Identifier: Apache-2.0
"""Records that are always the same."""

import datetime

from masakari.domain import model

TIMES = {
    "created_at": datetime.datetime(2026, 11, 23, 12, 0, 0, 999999),
    "updated_at": datetime.datetime(2026, 11, 23, 12, 30),
    "deleted_at": None,
    "deleted": False,
}

SEGMENT = model.Segment(
    id=1,
    uuid="5fd9f925-0379-40db-a7f8-786a0b655b2a",
    name="rack-1",
    service_type="COMPUTE",
    recovery_method=model.RecoveryMethod.AUTO,
    enabled=True,
    description=None,
    **TIMES,
)

HOST = model.Host(
    id=3,
    uuid="d6a2d900-1977-48fd-aa52-ad7a41fc068b",
    name="compute-1",
    type="COMPUTE",
    control_attributes="SSH",
    reserved=False,
    on_maintenance=False,
    segment=SEGMENT,
    **TIMES,
)

NOTIFICATION = model.Notification(
    id=7,
    uuid="9e66b95d-45da-4695-bfb6-ace68b35d955",
    type=model.NotificationType.COMPUTE_HOST,
    status=model.NotificationStatus.NEW,
    source_host_uuid=HOST.uuid,
    failover_segment_uuid=SEGMENT.uuid,
    generated_time=datetime.datetime(2026, 11, 23, 12, 40, 0, 250000),
    payload={
        "event": "STOPPED",
        "cluster_status": "OFFLINE",
        "host_status": "NORMAL",
    },
    message=None,
    **TIMES,
)

VMOVE = model.VMove(
    id=11,
    uuid="1a0d6a44-0a7a-4b3b-9a2c-6c4a5c6f2f10",
    notification_uuid=NOTIFICATION.uuid,
    instance_uuid="af1e5b1d-7b1e-4c42-8a5f-3d0f6ed5a1c8",
    instance_name="vm-1",
    source_host="compute-1",
    dest_host=None,
    start_time=None,
    end_time=None,
    type=model.VMoveType.EVACUATION,
    status=model.VMoveStatus.PENDING,
    message=None,
    **TIMES,
)
