# SPDX-License-Identifier: Apache-2.0
"""Bodies of Prometheus' remote write 1.0, made by hand so that wrong ones can be made as well.

https://prometheus.io/docs/specs/prw/remote_write_spec/ :
  WriteRequest { repeated TimeSeries timeseries = 1; repeated MetricMetadata metadata = 3; }
  TimeSeries { repeated Label labels = 1; repeated Sample samples = 2; }
  Label { string name = 1; string value = 2; }   Sample { double value = 1; int64 timestamp = 2; }
"""

import struct
import time

import cramjam

HEADERS = {'Content-Type': 'application/x-protobuf', 'Content-Encoding': 'snappy',
           'X-Prometheus-Remote-Write-Version': '0.1.0'}
# A staleness marker is a NaN with this payload (Prometheus, model/value/value.go).
STALE_NAN = struct.unpack('<d', struct.pack('<Q', 0x7ff0000000000002))[0]


def varint(number):
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 0x7f:
        out.append(number & 0x7f | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number, data):
    """A length-delimited field."""
    return varint(number << 3 | 2) + varint(len(data)) + data


def as_bytes(text):
    return text if isinstance(text, bytes) else text.encode()


def label(name, value):
    return field(1, field(1, as_bytes(name)) + field(2, as_bytes(value)))


def sample(time_ms, value):
    bits = value if isinstance(value, bytes) else struct.pack('<d', value)
    return field(2, b'\x09' + bits + b'\x10' + varint(int(time_ms)))


def series_with_order(labels, samples):
    """A TimeSeries whose label pairs stay in the order given."""
    return field(1, b''.join(label(n, v) for n, v in labels) +
                 b''.join(sample(t, v) for t, v in samples))


def series(labels, samples):
    """`labels` is a dict, or "name" for a series of that name alone; `samples` [(ms, value), …]."""
    if isinstance(labels, str):
        labels = {'__name__': labels}
    return series_with_order(sorted(labels.items()), samples)


def metadata(metric, kind=1, description='', unit=''):
    """kind: 1 counter, 2 gauge, 3 histogram, …"""
    return field(3, b'\x08' + varint(kind) + field(2, as_bytes(metric)) +
                 field(4, as_bytes(description)) + field(5, as_bytes(unit)))


def snappy(raw):
    return bytes(cramjam.snappy.compress_raw(raw))


def body(*parts):
    """A whole body, compressed."""
    return snappy(b''.join(parts))


def now_ms():
    return int(time.time() * 1000)
