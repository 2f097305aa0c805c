# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the tests over the wire. A server that tests share is started once; a test that
kills, reconfigures or restarts one starts its own by `start_hearth`."""

import re

import pytest

import hearth_process
from connect import client_for, default_workspace
from hearth_process import HearthProcess


def pytest_collection_modifyitems(items):
    """Marks by folder, so that no file can forget its own."""
    for item in items:
        for folder in ('compat', 'crash'):
            if f'/test/{folder}/' in str(item.path):
                item.add_marker(folder)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failing test shows the end of each server's log that it may have touched."""
    outcome = yield
    report = outcome.get_result()
    if call.when in ('setup', 'call') and report.failed:
        for process in hearth_process.recent[-hearth_process.SERVERS_MAX:]:
            report.sections.append((f'log of {" ".join(process.command())}', process.log()))


@pytest.fixture(scope='session')
def shared_hearth():
    with HearthProcess() as process:
        yield process
        assert process.alive(), 'the server that tests share has died\n' + process.log()


def starter():
    made = []

    def start(**options):
        process = HearthProcess(**options)
        made.append(process)
        return process.start()

    yield start
    for process in made:
        process.remove()


@pytest.fixture
def start_hearth():
    """start_hearth(data=…, arguments=…) → HearthProcess; ended and removed after the test."""
    yield from starter()


@pytest.fixture(scope='module')
def module_hearth():
    """The same for a server that the tests of one file share."""
    yield from starter()


@pytest.fixture(scope='session')
def root(shared_hearth):
    """Root of the account, at the root paths (the default workspace)."""
    return client_for(shared_hearth)


@pytest.fixture(scope='session')
def workspace_id(root):
    return default_workspace(root)


@pytest.fixture(scope='session')
def workspace(root, workspace_id):
    """Root of the account, under /workspaces/ws-…"""
    return root.at(workspace_id)


@pytest.fixture
def metric(request):
    """A metric name that no other test uses."""
    return 'test_' + re.sub(r'[^a-zA-Z0-9_]+', '_', request.node.name).strip('_')
