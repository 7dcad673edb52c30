# SPDX-License-Identifier: Apache-2.0
from tests.functional.db.cases import commits as cases


class TestClaims(cases.Claims):
    pass


class TestRecoveries(cases.Recoveries):
    pass


class TestInterventions(cases.Interventions):
    pass


class TestRequests(cases.Requests):
    pass
