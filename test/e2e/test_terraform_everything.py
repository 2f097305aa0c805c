# SPDX-License-Identifier: Apache-2.0
"""The unmodified hashicorp/aws provider: every aws_prometheus_* and aws_grafana_* resource of 5.100
and the IAM resources beside them, through a whole life; then the same on a bad network."""

import pytest

from fault_proxy import FaultProxy, is_create
from terraform_process import ROOT, Terraform, aws_client, inventory

CONFIGURATIONS = ROOT / 'test' / 'terraform'
# The Prometheus part of `everything` stands alone.
PARTS = {'prometheus': ('everything', ('main.tf', 'prometheus.tf'), ('amp',)),
         'everything': ('everything', None, ('amp', 'grafana', 'iam')),
         'scraper': ('scraper', None, ('amp',))}
CHANGED = {
    'prometheus': {'aws_prometheus_workspace.first', 'aws_prometheus_rule_group_namespace.this',
                   'aws_prometheus_alert_manager_definition.this',
                   'aws_prometheus_workspace_configuration.this'},
}
CHANGED['everything'] = CHANGED['prometheus'] | {
    'aws_grafana_workspace.sso', 'aws_iam_policy.write', 'aws_iam_role.ingest',
    'aws_iam_role_policy.ingest', 'aws_iam_openid_connect_provider.cluster', 'aws_iam_user.writer',
    'aws_iam_user_policy.writer', 'aws_iam_group_policy.writers'}
BOTH = pytest.mark.parametrize('part', ['prometheus', 'everything'])
# Retries back off up to 20 s each; dozens of operations fail twice.
FAULTY_LIMIT_S = 900


def configuration(part):
    folder, names, _ = PARTS[part]
    return {path.name: path.read_text() for path in (CONFIGURATIONS / folder).glob('*.tf')
            if names is None or path.name in names}


def held(hearth, part):
    return inventory(hearth, PARTS[part][2])


@pytest.fixture
def stack(start_hearth):
    """stack(part, endpoint=…) → Terraform on a server of its own."""
    made = []

    def make(part, hearth=None, **options):
        hearth = hearth or start_hearth()
        made.append(Terraform(hearth, configuration(part), **options))
        return made[-1]

    yield make
    for terraform in made:
        terraform.remove()


@BOTH
def test_whole_life(stack, part):
    every = stack(part)
    before = held(every.hearth, part)
    every.apply()
    assert every.plan() == []
    assert '0 added, 0 changed, 0 destroyed' in every.apply()

    every.variables = {
        'alias': 'renamed', 'tags': {'Env': 'prod', 'New': 'yes'}, 'expression': 'count(up)',
        'receiver': 'pager', 'actions': ['aps:RemoteWrite', 'aps:GetSeries'], 'retention': 30,
    }
    changed = {address: actions for address, actions in every.plan()}
    assert set(changed.values()) == {('update',)}, changed
    assert CHANGED[part] <= set(changed)
    every.apply()
    assert every.plan() == []

    every.destroy()
    assert every.addresses() == []
    assert held(every.hearth, part) == before


def test_a_deletion_behind_its_back_is_one_to_create(stack):
    every = stack('prometheus')
    every.apply()
    amp = aws_client(every.hearth, 'amp')
    bare = next(w['workspaceId'] for w in amp.list_workspaces()['workspaces'] if 'alias' not in w)
    amp.delete_workspace(workspaceId=bare)
    assert every.plan() == [('aws_prometheus_workspace.bare', ('create',))]
    every.apply()
    assert every.plan() == []


def counts(hearth, part):
    """How many there are of each kind."""
    return {kind: len(found) for kind, found in held(hearth, part).items()}


@pytest.fixture(scope='module')
def expected(module_hearth):
    """How many objects of each kind a part makes on a good network."""
    known = {}

    def find(part):
        if part not in known:
            hearth = module_hearth()
            before = counts(hearth, part)
            with Terraform(hearth, configuration(part)) as every:
                every.apply()
            after = counts(hearth, part)
            hearth.stop()
            known[part] = {kind: after[kind] - before[kind] for kind in after}
        return known[part]

    return find


@BOTH
@pytest.mark.parametrize('faults', [
    pytest.param({'drop': is_create}, id='answers lost after the commit'),
    pytest.param({'statuses': (429, 500)}, id='429 and 500'),
])
def test_faults_make_one_object_each(stack, start_hearth, expected, part, faults):
    wanted = expected(part)
    hearth = start_hearth()
    before, had = held(hearth, part), counts(hearth, part)
    with FaultProxy(hearth.http, **faults) as proxy:
        every = stack(part, hearth=hearth, endpoint=proxy.url)
        every.apply(timeout=FAULTY_LIMIT_S)
        assert len(proxy.faults()) >= len(CHANGED[part]), proxy.faults()
        after = counts(hearth, part)
        assert {kind: after[kind] - had[kind] for kind in after} == wanted
        assert every.plan() == []
        every.destroy(timeout=FAULTY_LIMIT_S)
    assert held(hearth, part) == before


@pytest.mark.long
def test_scraper(stack):
    scraped = stack('scraper')
    before = held(scraped.hearth, 'scraper')
    scraped.apply()
    assert scraped.plan() == []
    scraped.variables = {'alias': 'second'}
    assert scraped.plan() == [('aws_prometheus_scraper.this', ('update',))]
    scraped.apply()
    assert scraped.plan() == []
    # The provider sleeps for eight minutes between its DELETE and its first look.
    scraped.destroy(timeout=900)
    assert held(scraped.hearth, 'scraper') == before
