# SPDX-License-Identifier: Apache-2.0
"""The unmodified hashicorp/aws provider: every aws_prometheus_* and aws_grafana_* resource of 5.100
and the IAM resources beside them, through a whole life; then the same on a bad network."""

import pytest

from fault_proxy import FaultProxy, is_create
from terraform_process import ROOT, Terraform, inventory

CONFIGURATIONS = ROOT / 'test' / 'terraform'
# What a change of the variables must touch.
CHANGED = {
    'aws_prometheus_workspace.first', 'aws_prometheus_rule_group_namespace.this',
    'aws_prometheus_alert_manager_definition.this', 'aws_prometheus_workspace_configuration.this',
    'aws_grafana_workspace.sso', 'aws_iam_policy.write', 'aws_iam_role.ingest',
    'aws_iam_role_policy.ingest', 'aws_iam_openid_connect_provider.cluster', 'aws_iam_user.writer',
    'aws_iam_user_policy.writer', 'aws_iam_group_policy.writers'}
# Retries back off up to 20 s each; dozens of operations fail twice.
FAULTY_LIMIT_S = 900


def configuration(folder):
    return {path.name: path.read_text() for path in (CONFIGURATIONS / folder).glob('*.tf')}


@pytest.fixture
def stack(start_hearth):
    """stack(folder, endpoint=…) → Terraform on a server of its own."""
    made = []

    def make(folder, hearth=None, **options):
        hearth = hearth or start_hearth()
        made.append(Terraform(hearth, configuration(folder), **options))
        return made[-1]

    yield make
    for terraform in made:
        terraform.remove()


def test_whole_life(stack):
    every = stack('everything')
    before = inventory(every.hearth)
    every.apply()
    assert every.plan() == []
    assert '0 added, 0 changed, 0 destroyed' in every.apply()

    every.variables = {
        'alias': 'renamed', 'tags': {'Env': 'prod', 'New': 'yes'}, 'expression': 'count(up)',
        'receiver': 'pager', 'actions': ['aps:RemoteWrite', 'aps:GetSeries'], 'retention': 30,
    }
    changed = {address: actions for address, actions in every.plan()}
    assert set(changed.values()) == {('update',)}, changed
    assert CHANGED <= set(changed)
    every.apply()
    assert every.plan() == []

    every.destroy()
    assert every.addresses() == []
    assert inventory(every.hearth) == before


def counts(hearth):
    """How many there are of each kind."""
    return {kind: len(found) for kind, found in inventory(hearth).items()}


@pytest.fixture(scope='module')
def expected(module_hearth):
    """How many objects of each kind `everything` makes on a good network."""
    hearth = module_hearth()
    before = counts(hearth)
    with Terraform(hearth, configuration('everything')) as every:
        every.apply()
    after = counts(hearth)
    hearth.stop()
    return {kind: after[kind] - before[kind] for kind in after}


@pytest.mark.parametrize('faults', [
    pytest.param({'drop': is_create}, id='answers lost after the commit'),
    pytest.param({'statuses': (429, 500)}, id='429 and 500'),
])
def test_faults_make_one_object_each(stack, start_hearth, expected, faults):
    hearth = start_hearth()
    before, had = inventory(hearth), counts(hearth)
    with FaultProxy(hearth.http, **faults) as proxy:
        every = stack('everything', hearth=hearth, endpoint=proxy.url)
        every.apply(timeout=FAULTY_LIMIT_S)
        assert len(proxy.faults()) >= len(CHANGED), proxy.faults()
        after = counts(hearth)
        assert {kind: after[kind] - had[kind] for kind in after} == expected
        assert every.plan() == []
        every.destroy(timeout=FAULTY_LIMIT_S)
    assert inventory(hearth) == before


@pytest.mark.long
def test_scraper(stack):
    scraped = stack('scraper')
    before = inventory(scraped.hearth)
    scraped.apply()
    assert scraped.plan() == []
    scraped.variables = {'alias': 'second'}
    assert scraped.plan() == [('aws_prometheus_scraper.this', ('update',))]
    scraped.apply()
    assert scraped.plan() == []
    # The provider sleeps for eight minutes between its DELETE and its first look.
    scraped.destroy(timeout=900)
    assert inventory(scraped.hearth) == before
