# SPDX-License-Identifier: Apache-2.0
"""Steps that restart an instance where it is.

Each looks at the instance first, so that a recovery which was taken over
goes on from wherever the instance is.
"""

from collections.abc import Callable

from masakari import exception
from masakari.domain.planner import instance as planner
from masakari.domain.planner.instance import Step
from masakari.domain.server import Server, VMState
from masakari.engine.recovery import LONGEST_PAUSE
from masakari.engine.tasks.base import RecoveryTask
from masakari.nova import port


class InstanceTask(RecoveryTask):
    """Steers an instance by a rule that says what it needs next."""

    #: Whether what Nova refuses is asked for again, as long as there is time.
    persists = True

    def _steer(
        self,
        uuid: str,
        rule: Callable[[Server], Step],
        *,
        until: Step = Step.DONE,
        goal: str,
        timeout: float,
    ) -> None:
        """Take one step after the other, until it is where it has to be.

        What Nova could not do is tried again with growing pauses, since an
        instance must not be left half way.

        :param until: the last step
        :param goal: what that leads to, for people
        :param timeout: seconds
        :raises InstanceGone: it has been deleted meanwhile
        :raises InstanceRecoveryFailureException: it does not get there
        :raises port.Unavailable: Nova could not say, or do, anything
        """
        clock = self.recovery.world.clock
        ends_at = clock.monotonic() + timeout
        pause = self.recovery.world.settings.verify_interval
        refused: Step | None = None
        silence: port.Unavailable | None = None
        trouble = "It took too long."
        while clock.monotonic() < ends_at:
            self.recovery.give_way()
            server = None
            try:
                server = self.recovery.compute.server(uuid)
                step, silence = rule(server), None
                stuck = step is refused and server.task_state is None
                if step is Step.GIVE_UP or (stuck and not self.persists):
                    trouble = f"It is {server.vm_state}. {trouble}"
                    break
                self._take(step, uuid)
                if step in (Step.DONE, until):
                    return
            except port.NotFound as error:
                raise exception.InstanceGone(uuid=uuid) from error
            except port.ComputeError as error:
                trouble, silence = str(error), _silence(error)
                pause = min(2 * pause, LONGEST_PAUSE)
                # A busy instance may take it as soon as it is not.
                idle = server is not None and server.task_state is None
                final = idle and isinstance(error, port.Refused)
                refused = step if final else None
            self.recovery.linger(pause)
        if silence is not None:
            raise silence
        raise _failure(uuid, goal, trouble)

    def _take(self, step: Step, uuid: str) -> None:
        compute = self.recovery.compute
        if step is Step.STOP:
            compute.stop(uuid)
        elif step is Step.RESET:
            compute.reset_state(uuid, VMState.ACTIVE)
        elif step is Step.START:
            compute.start(uuid)


class StopInstanceTask(InstanceTask):
    """Stop the instance; one that has stopped by itself is left so.

    A refusal may only mean that it is busy, or has stopped meanwhile.
    """

    persists = False

    def execute(self, instance_uuid: str) -> None:
        self.update_details(f"Stopping instance {instance_uuid}")
        self._steer(
            instance_uuid,
            planner.to_stop,
            goal="stopped",
            timeout=self.recovery.world.settings.stop_timeout,
        )
        self.update_details(f"Instance {instance_uuid} is stopped", 1.0)


class StartInstanceTask(InstanceTask):
    """Tell Nova to start the instance, again and again if need be."""

    def execute(self, instance_uuid: str) -> None:
        self.update_details(f"Starting instance {instance_uuid}")
        self._steer(
            instance_uuid,
            planner.to_start,
            until=Step.START,
            goal="started",
            timeout=self.recovery.world.settings.start_timeout,
        )
        self.update_details(f"Instance {instance_uuid} is starting", 1.0)


class ConfirmInstanceActiveTask(InstanceTask):
    """Wait until the instance is active; start it again if it stops."""

    def execute(self, instance_uuid: str) -> None:
        self.update_details(f"Instance {instance_uuid} has to become active")
        self._steer(
            instance_uuid,
            planner.to_active,
            goal="active",
            timeout=self.recovery.world.settings.start_timeout,
        )
        self.update_details(f"Instance {instance_uuid} is active", 1.0)


def _silence(error: port.ComputeError) -> port.Unavailable | None:
    """:raises port.Denied: there is no use in going on"""
    if isinstance(error, port.Denied):
        raise error
    return error if isinstance(error, port.Unavailable) else None


def _failure(uuid: str, goal: str, trouble: str) -> Exception:
    return exception.InstanceRecoveryFailureException(
        f"Instance {uuid} is not {goal}. {trouble}".strip()
    )
