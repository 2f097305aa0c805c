# SPDX-License-Identifier: Apache-2.0
"""`terraform test` with mocked providers: every conditional and validation of our modules."""

import pytest

from terraform_process import Terraform

AWS = ('hashicorp/aws',)
EVERY = (*AWS, 'grafana/grafana', 'hashicorp/kubernetes', 'hashicorp/helm')
# folder, the providers whose schemas it needs, how many runs there are at least
FOLDERS = [
    ('terraform/modules/irsa', AWS, 20),
    ('terraform/modules/amp', AWS, 15),
    ('terraform/modules/amg', AWS, 8),
    ('terraform/modules/adot-collector', (*AWS, 'hashicorp/helm'), 5),
    ('terraform/modules/metrics', EVERY, 12),
    ('terraform', EVERY, 10),
]


@pytest.mark.parametrize('folder,providers,least', FOLDERS,
                         ids=[folder.split('/')[-1] for folder, _, _ in FOLDERS])
def test_runs(folder, providers, least):
    with Terraform(None, copy_of=folder, providers=providers) as terraform:
        passed, failed, skipped, code, said = terraform.test()
        assert (failed, skipped, code) == (0, 0, 0), said
        assert passed >= least, said
