#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes one sample of `hearth_acceptance` to an AMP workspace: aws_write_sample.py ENDPOINT.

Signed with the credentials of the environment, as boto3 finds them; for tools/aws_acceptance.
"""

import pathlib
import sys
import time

import boto3
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'test'))
import remote_write  # noqa: E402

TIMEOUT_S = 30


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    session = boto3.Session()
    body = remote_write.body(remote_write.series('hearth_acceptance', [(time.time() * 1000, 1)]))
    request = AWSRequest('POST', sys.argv[1].rstrip('/') + '/api/v1/remote_write', data=body,
                         headers=dict(remote_write.HEADERS))
    SigV4Auth(session.get_credentials(), 'aps', session.region_name).add_auth(request)
    answer = requests.post(request.url, data=body, headers=dict(request.headers),
                           timeout=TIMEOUT_S)
    if answer.status_code >= 300:
        sys.exit(f'{answer.status_code} {answer.text}')
    print('written')


if __name__ == '__main__':
    main()
