# SPDX-License-Identifier: Apache-2.0
"""200 random queries against the current Prometheus (`make fuzz-promql` asks 10,000)."""

import os

import pytest

import promql_fuzz
import prometheus_process
from connect import client_for
from prometheus_process import Prometheus

PROGRAM = os.environ.get('PROMETHEUS') or prometheus_process.find('prometheus', current=True)


@pytest.mark.skipif(not PROGRAM, reason='no current Prometheus under build/peers, nor $PROMETHEUS')
def test_random_queries_give_the_same_answers(start_hearth):
    hearth = start_hearth(arguments=promql_fuzz.HEARTH_ARGUMENTS)
    with Prometheus(PROGRAM, arguments=promql_fuzz.PROMETHEUS_ARGUMENTS) as prometheus:
        assert promql_fuzz.run(client_for(hearth), prometheus.client(), 200, seed=3) == []
