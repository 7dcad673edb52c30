# SPDX-License-Identifier: Apache-2.0
from tests.functional.db.cases import clocks as clocks_cases
from tests.functional.db.cases import engines as engines_cases
from tests.functional.db.cases import hosts as hosts_cases
from tests.functional.db.cases import interventions as interventions_cases
from tests.functional.db.cases import notifications as notifications_cases
from tests.functional.db.cases import paging as paging_cases
from tests.functional.db.cases import recoveries as recoveries_cases
from tests.functional.db.cases import segments as segments_cases
from tests.functional.db.cases import vmoves as vmoves_cases


class TestSegments(segments_cases.Segments):
    pass


class TestHosts(hosts_cases.Hosts):
    pass


class TestNotifications(notifications_cases.Notifications):
    pass


class TestVMoves(vmoves_cases.VMoves):
    pass


class TestClaims(recoveries_cases.Claims):
    pass


class TestReserves(recoveries_cases.Reserves):
    pass


class TestEngines(engines_cases.Engines):
    pass


class TestInterventions(interventions_cases.Interventions):
    pass


class TestOutages(recoveries_cases.Outages):
    pass


class TestStoppedProcesses(recoveries_cases.StoppedProcesses):
    pass


class TestHostClaims(recoveries_cases.HostClaims):
    pass


class TestMoves(recoveries_cases.Moves):
    pass


class TestPaging(paging_cases.Paging):
    pass


class TestClocks(clocks_cases.Clocks):
    pass
