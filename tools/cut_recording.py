#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Cuts deploy/local/recorded-cluster.txt.gz out of a long recording of scrapes.

tools/cut_recording.py kube-scrapes.txt.gz deploy/local/recorded-cluster.txt.gz

Keeps the metrics that dashboards and rules of the house read, of all targets and all frames. The
lines of one pod stand together, so that gzip finds its name and uid again; their order within a
frame means nothing, replay puts it right.
"""

import gzip
import re
import sys

KEPT = {
    'apiserver_request_total',
    'kube_deployment_spec_replicas',
    'kube_deployment_status_replicas',
    'kube_deployment_status_replicas_available',
    'kube_namespace_status_phase',
    'kube_node_info',
    'kube_node_status_allocatable',
    'kube_node_status_capacity',
    'kube_node_status_condition',
    'kube_pod_container_status_last_terminated_reason',
    'kube_pod_container_status_ready',
    'kube_pod_container_status_restarts_total',
    'kube_pod_container_status_waiting_reason',
    'kube_pod_status_phase',
}
BYTES_MAX = 1_000_000


def frames(path):
    """Yields [head line, sample lines...] of every frame that keeps any."""
    frame = []
    with gzip.open(path, 'rt') as recording:
        for line in recording:
            if line.startswith('##SCRAPE '):
                if len(frame) > 1:
                    yield frame
                frame = [line]
            elif re.split(r'[{ ]', line, maxsplit=1)[0] in KEPT:
                frame.append(line)
    if len(frame) > 1:
        yield frame


def pod_then_line(line):
    pod = re.search(r'pod="([^"]*)"', line)
    return (pod.group(1) if pod else '', line)


def main():
    source, target = sys.argv[1:]
    text = ''.join(''.join([frame[0], *sorted(frame[1:], key=pod_then_line)])
                   for frame in frames(source))
    # No time in the header: the same recording gives the same bytes.
    packed = gzip.compress(text.encode(), compresslevel=9, mtime=0)
    if len(packed) > BYTES_MAX:
        sys.exit(f'{len(packed)} bytes; at most {BYTES_MAX}: keep fewer metrics')
    with open(target, 'wb') as out:
        out.write(packed)
    print(f'{target}: {len(packed)} bytes, {text.count("##SCRAPE ")} frames')


if __name__ == '__main__':
    main()
