# SPDX-License-Identifier: Apache-2.0
"""Bodies of Prometheus' remote write 1.0, made by hand so that wrong ones can be made as well.

https://prometheus.io/docs/specs/prw/remote_write_spec/ :
  WriteRequest { repeated TimeSeries timeseries = 1; repeated MetricMetadata metadata = 3; }
  TimeSeries { repeated Label labels = 1; repeated Sample samples = 2; }
  Label { string name = 1; string value = 2; }   Sample { double value = 1; int64 timestamp = 2; }
and, since Prometheus 2.40, TimeSeries { repeated Histogram histograms = 4; } (prompb/types.proto).
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


def zigzag(number):
    return varint((number << 1) ^ (number >> 63))


def spans(number, indexes):
    """BucketSpans of sorted bucket indexes."""
    runs, after = [], 0
    for index in indexes:
        if runs and index == after:
            runs[-1][1] += 1
        else:
            runs.append([index - after, 1])
        after = index + 1
    return b''.join(field(number, b'\x08' + zigzag(offset) + b'\x10' + varint(length))
                    for offset, length in runs)


def packed_counts(number, counts, whole):
    if not counts:
        return b''
    if whole:
        before = [0, *counts[:-1]]
        return field(number, b''.join(zigzag(b - a) for a, b in zip(before, counts)))
    return field(number + 1, struct.pack(f'<{len(counts)}d', *counts))


def double(number, value):
    return varint(number << 3 | 1) + struct.pack('<d', value)


def histogram(time_ms, positive=None, negative=None, *, schema=0, total=0.0, zero=0, custom=(),
              zero_threshold=0.001, gauge=False, whole=True, count=None):
    """A Histogram of a TimeSeries. Buckets are {index: count}; `total` is the sum; `count` is what
    the buckets hold unless given; `custom` are the bounds of schema -53."""
    positive, negative = dict(sorted((positive or {}).items())), dict(sorted(
        (negative or {}).items()))
    if custom:
        schema, zero_threshold = -53, 0
    if count is None:
        count = sum(positive.values()) + sum(negative.values()) + zero
    out = (b'\x08' + varint(count)) if whole else double(2, count)
    out += double(3, total) + b'\x20' + zigzag(schema) + double(5, zero_threshold)
    out += (b'\x30' + varint(zero)) if whole else double(7, zero)
    out += spans(8, negative) + packed_counts(9, [*negative.values()], whole)
    out += spans(11, positive) + packed_counts(12, [*positive.values()], whole)
    out += (b'\x70' + varint(3) if gauge else b'') + b'\x78' + varint(int(time_ms))
    if custom:
        out += field(16, struct.pack(f'<{len(custom)}d', *custom))
    return field(4, out)


def histogram_series(labels, histograms):
    """A TimeSeries of what histogram() made."""
    return field(1, b''.join(label(n, v) for n, v in sorted(labels.items())) + b''.join(histograms))


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
