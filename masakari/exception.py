# SPDX-License-Identifier: Apache-2.0
"""What can go wrong, in the words of the domain; HTTP is not one of them.

The names that third-party recovery tasks import (``Skip...``,
``...RecoveryFailureException``, ``ReservedHostsUnavailable``) are part of
the plug-in contract and stay as they are.
"""


class MasakariException(Exception):
    """Base of every error that Masakari raises on purpose.

    :param message: the text; None takes the class's ``default``
    :param values: named values put into ``default`` (``%(name)s``)
    """

    default = "An unknown exception occurred."

    def __init__(self, message: str | None = None, **values: object) -> None:
        super().__init__(message or self.default % values)


class InvalidInput(MasakariException):
    """A value that a caller gave is not acceptable."""

    default = "Invalid input received: %(reason)s"


class MarkerNotFound(InvalidInput):
    default = "Marker %(marker)s could not be found."


class NotFound(MasakariException):
    default = "Resource could not be found."


class SegmentNotFound(NotFound):
    default = "No failover segment with id %(uuid)s."


class HostNotFound(NotFound):
    default = "No host with id %(uuid)s."


class HostNotFoundInSegment(NotFound):
    default = (
        "Host '%(host)s' under failover_segment '%(segment)s' "
        "could not be found."
    )


class NotificationNotFound(NotFound):
    default = "No notification with id %(uuid)s."


class VMoveNotFound(NotFound):
    default = "No vm move with id %(uuid)s."


class Forbidden(MasakariException):
    default = "Policy doesn't allow %(action)s to be performed."


class Conflict(MasakariException):
    default = "The request conflicts with the current state."


class SegmentExists(Conflict):
    default = "Failover segment with name %(name)s already exists."


class HostExists(Conflict):
    default = "Host with name %(name)s already exists."


class SegmentInUse(Conflict):
    default = (
        "Failover segment %(uuid)s can't be %(changed)s as it is in-use to "
        "process notifications. %(work)s"
    )


class HostInUse(Conflict):
    default = (
        "Host %(uuid)s can't be %(changed)s as it is in-use to process "
        "notifications. %(work)s"
    )


class HostOnMaintenance(Conflict):
    default = (
        "Notification received from host %(host)s of type '%(type)s' is "
        "ignored as the host is already under maintenance."
    )


class DuplicateNotification(Conflict):
    default = (
        "Notification received from host %(host)s of type %(type)s is "
        "duplicate. It repeats notification %(uuid)s, generated at %(time)s, "
        "which is %(status)s."
    )


class ServiceUnavailable(MasakariException):
    """A neighbour (database, Nova, Keystone) cannot be used right now."""

    default = "The service is temporarily unavailable."


class DatabaseUnavailable(ServiceUnavailable):
    """The database cannot be used right now."""

    @property
    def reason(self) -> str:
        """What its driver says, in one line; not for users of the API."""
        # The text goes on with a link for developers.
        return str(self.__cause__ or self).partition("\n")[0]


class ConfigurationError(MasakariException):
    """The configuration cannot work; raised at start, never later."""


class RecoveryAbandoned(MasakariException):
    """The engine has to leave the recovery to whoever goes on with it."""


class ClaimLost(RecoveryAbandoned):
    """The engine no longer owns what it works on and has to stop acting."""

    default = "The claim on %(claim)s is lost."


class RecoveryInterrupted(RecoveryAbandoned):
    """The recovery stops half way, for others to go on.

    The engine is to stop, or what the recovery is about has failed with its
    whole host.
    """

    default = "The recovery of notification %(uuid)s is handed over."


class RecoveryWaits(MasakariException):
    """The recovery cannot go on now, for no reason of its own.

    It is put back as it is, without counting as an attempt, and any engine
    looks again later. The message says what it waits for.

    :param reason: a short name of what it waits for: ``nova`` (it cannot be
        asked), ``destination`` (there is no host to evacuate to) or
        ``compute`` (nova-compute of its host)
    """

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class SkipHostRecoveryException(MasakariException):
    default = "Skipping execution of host recovery workflow."


class SkipInstanceRecoveryException(MasakariException):
    default = "Skipping execution of instance recovery workflow."


class SkipProcessRecoveryException(MasakariException):
    default = "Skipping execution of process recovery workflow."


class IgnoreInstanceRecoveryException(MasakariException):
    default = "Ignoring execution of instance recovery workflow."
    #: Whether it is told as an error although nothing was to be done.
    alarming = True


class InstanceGone(IgnoreInstanceRecoveryException):
    """It has been deleted: that is how its failure ends."""

    default = (
        "Nova knows no instance %(uuid)s: it has been deleted, and there is "
        "nothing to recover."
    )
    alarming = False


class HostRecoveryFailureException(MasakariException):
    default = "Failed to execute host recovery."


class HostNotDown(HostRecoveryFailureException):
    """Nothing may be evacuated, by whatever method."""

    default = "Host %(host)s is not known to be down."


class InstancesLeftBehind(HostRecoveryFailureException):
    """All have been tried by all ways, and some were not recovered."""

    default = "%(count)d instances of host %(host)s were not recovered."


class InstanceRecoveryFailureException(MasakariException):
    default = "Failed to execute instance recovery workflow."


class ProcessRecoveryFailureException(MasakariException):
    default = "Failed to execute process recovery workflow."


class ReservedHostsUnavailable(MasakariException):
    default = "No reserved_hosts available for evacuation."
