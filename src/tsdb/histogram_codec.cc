// SPDX-License-Identifier: Apache-2.0
#include "tsdb/histogram_codec.h"

#include <bit>
#include <cmath>
#include <utility>

#include "base/status.h"

namespace hearth::tsdb {

using model::CounterResetHint;
using model::HistogramSample;
using model::HistogramSpan;
using model::NativeHistogram;

namespace {

enum Flag : uint8_t {
  kHintMask = 3,
  kFloat = 4,
  kNewLayout = 8,
  kFractions = 16,  // counts that are not all whole numbers: XOR instead of differences
  kStale = 32,
  kNewStart = 64,
};

constexpr double kWholeMax = 9007199254740992.0;  // 2^53

bool IsWhole(double value) {
  return value >= -kWholeMax && value <= kWholeMax && std::trunc(value) == value &&
         !(value == 0 && std::signbit(value));
}

bool AllWhole(const NativeHistogram& h) {
  if (!IsWhole(h.count) || !IsWhole(h.zero_count)) return false;
  for (const double bucket : h.positive_buckets) {
    if (!IsWhole(bucket)) return false;
  }
  for (const double bucket : h.negative_buckets) {
    if (!IsWhole(bucket)) return false;
  }
  return true;
}

bool SameLayout(const NativeHistogram& a, const NativeHistogram& b) {
  if (a.schema != b.schema || !model::SameBits(a.zero_threshold, b.zero_threshold) ||
      a.positive_spans != b.positive_spans || a.negative_spans != b.negative_spans ||
      a.custom_values.size() != b.custom_values.size()) {
    return false;
  }
  for (size_t i = 0; i < a.custom_values.size(); ++i) {
    if (!model::SameBits(a.custom_values[i], b.custom_values[i])) return false;
  }
  return true;
}

// Low bytes of a double's change are mostly in use, high ones seldom.
void PutXor(double value, double before, std::string* out) {
  PutVarint(__builtin_bswap64(std::bit_cast<uint64_t>(value) ^ std::bit_cast<uint64_t>(before)),
            out);
}
double GetXor(ByteReader* reader, double before) {
  return std::bit_cast<double>(__builtin_bswap64(reader->Varint()) ^
                               std::bit_cast<uint64_t>(before));
}

void PutCount(double value, double before, bool fractions, std::string* out) {
  if (fractions) {
    PutXor(value, before, out);
  } else {
    PutZigzag(static_cast<int64_t>(value) - static_cast<int64_t>(before), out);
  }
}
double GetCount(ByteReader* reader, double before, bool fractions) {
  if (fractions) return GetXor(reader, before);
  if (!IsWhole(before)) before = 0;  // only damaged bytes get here
  return static_cast<double>(WrappingAdd(static_cast<int64_t>(before), reader->SignedVarint()));
}

void PutSpans(const std::vector<HistogramSpan>& spans, std::string* out) {
  PutVarint(spans.size(), out);
  for (const HistogramSpan& span : spans) {
    PutZigzag(span.offset, out);
    PutVarint(span.length, out);
  }
}

// How many buckets the spans name, or more than kHistogramPartsMax where they are not to be had.
size_t GetSpans(ByteReader* reader, std::vector<HistogramSpan>* spans) {
  const size_t n = reader->Count(2);
  uint64_t buckets = 0;
  spans->resize(n);
  for (HistogramSpan& span : *spans) {
    span.offset = static_cast<int32_t>(reader->SignedVarint());
    span.length = static_cast<uint32_t>(reader->Varint());
    buckets += span.length;
  }
  return reader->ok() && n <= kHistogramPartsMax && buckets <= kHistogramPartsMax
             ? static_cast<size_t>(buckets)
             : kHistogramPartsMax + 1;
}

double At(const std::vector<double>& values, size_t i) { return i < values.size() ? values[i] : 0; }

// Histograms whose counts the next one's are coded against: those of the same layout.
const NativeHistogram& Base(const HistogramSample& before, bool new_layout) {
  static const NativeHistogram* const empty = new NativeHistogram();
  return new_layout || before.histogram == nullptr ? *empty : *before.histogram;
}

// Walks both sides' buckets by index; true where one that was there has less now.
bool SideShrank(const std::vector<HistogramSpan>& spans, const std::vector<double>& counts,
                const std::vector<HistogramSpan>& old_spans,
                const std::vector<double>& old_counts) {
  struct Walk {
    const std::vector<HistogramSpan>& spans;
    const std::vector<double>& counts;
    size_t span = 0;
    uint32_t within = 0;
    size_t bucket = 0;
    int64_t index = 0;
    void Settle() {
      while (span < spans.size() && within == spans[span].length) {
        ++span;
        within = 0;
        if (span < spans.size()) index += spans[span].offset;
      }
    }
    bool done() const { return span >= spans.size() || bucket >= counts.size(); }
    void Step() {
      ++within;
      ++bucket;
      ++index;
      Settle();
    }
  };
  Walk now{spans, counts};
  Walk old{old_spans, old_counts};
  for (Walk* walk : {&now, &old}) {
    if (!walk->spans.empty()) walk->index = walk->spans[0].offset;
    walk->Settle();
  }
  for (; !old.done(); old.Step()) {
    while (!now.done() && now.index < old.index) now.Step();
    const double count = !now.done() && now.index == old.index ? now.counts[now.bucket] : 0;
    if (count < old.counts[old.bucket]) return true;
  }
  return false;
}

// As appendable() in upstream's tsdb/chunkenc/float_histogram.go at 3.14 decides whether a chunk
// goes on. What begins a chunk is read back as "unknown" there, resets included (counterResetHint
// of histogram_meta.go), so that queries look for themselves and warn of no conflict.
CounterResetHint Derived(const NativeHistogram& now, const NativeHistogram& before) {
  if (before.hint == CounterResetHint::kGauge || IsStale(before)) return CounterResetHint::kUnknown;
  if (now.count < before.count) return CounterResetHint::kUnknown;
  if (now.schema != before.schema || now.zero_threshold != before.zero_threshold) {
    return CounterResetHint::kUnknown;
  }
  const bool reset = now.custom_values != before.custom_values ||
                     now.zero_count < before.zero_count ||
                     SideShrank(now.positive_spans, now.positive_buckets, before.positive_spans,
                                before.positive_buckets) ||
                     SideShrank(now.negative_spans, now.negative_buckets, before.negative_spans,
                                before.negative_buckets);
  return reset ? CounterResetHint::kUnknown : CounterResetHint::kNotReset;
}

std::shared_ptr<const NativeHistogram> WithHint(
    const std::shared_ptr<const NativeHistogram>& histogram, CounterResetHint hint) {
  if (histogram->hint == hint) return histogram;
  auto copy = std::make_shared<NativeHistogram>(*histogram);
  copy->hint = hint;
  return copy;
}

}  // namespace

absl::Status CheckHistogram(const NativeHistogram& histogram) {
  const size_t parts = histogram.positive_buckets.size() + histogram.negative_buckets.size() +
                       histogram.positive_spans.size() + histogram.negative_spans.size() +
                       histogram.custom_values.size();
  if (parts > kHistogramPartsMax) {
    return InvalidArgument(
        "native histogram with {} buckets, spans and bounds, the limit is {}: lower its schema",
        parts, kHistogramPartsMax);
  }
  return model::Validate(histogram);
}

void HistogramEncoder::Append(const HistogramSample& sample, std::string* out) {
  const NativeHistogram& h = *sample.histogram;
  const bool stale = IsStale(h);
  const bool new_layout =
      !stale && (before_.histogram == nullptr || !SameLayout(h, *before_.histogram));
  const NativeHistogram& base = Base(before_, new_layout);
  const bool fractions = !stale && !(AllWhole(h) && AllWhole(base));
  unsigned flags = stale ? unsigned{kStale} : static_cast<unsigned>(h.hint) & kHintMask;
  if (h.is_float && !stale) flags |= kFloat;
  if (new_layout) flags |= kNewLayout;
  if (fractions) flags |= kFractions;
  if (sample.start_time_ms != before_.start_time_ms) flags |= kNewStart;
  out->push_back(static_cast<char>(flags));
  PutZigzag(WrappingSub(sample.time_ms, before_.time_ms), out);
  if ((flags & kNewStart) != 0) {
    PutZigzag(WrappingSub(sample.start_time_ms, before_.start_time_ms), out);
  }
  before_.time_ms = sample.time_ms;
  before_.start_time_ms = sample.start_time_ms;
  if (stale) return;
  if (new_layout) {
    PutZigzag(h.schema, out);
    PutFixed(std::bit_cast<uint64_t>(h.zero_threshold), out);
    PutSpans(h.positive_spans, out);
    PutSpans(h.negative_spans, out);
    PutVarint(h.custom_values.size(), out);
    for (const double bound : h.custom_values) PutFixed(std::bit_cast<uint64_t>(bound), out);
  }
  PutCount(h.count, base.count, fractions, out);
  PutCount(h.zero_count, base.zero_count, fractions, out);
  for (size_t i = 0; i < h.positive_buckets.size(); ++i) {
    PutCount(h.positive_buckets[i], At(base.positive_buckets, i), fractions, out);
  }
  for (size_t i = 0; i < h.negative_buckets.size(); ++i) {
    PutCount(h.negative_buckets[i], At(base.negative_buckets, i), fractions, out);
  }
  PutXor(h.sum, base.sum, out);
  before_.histogram = sample.histogram;
}

bool HistogramDecoder::Layout(ByteReader* reader, NativeHistogram* h) const {
  h->schema = static_cast<int32_t>(reader->SignedVarint());
  h->zero_threshold = std::bit_cast<double>(reader->Fixed<uint64_t>());
  const size_t positive = GetSpans(reader, &h->positive_spans);
  const size_t negative = GetSpans(reader, &h->negative_spans);
  const size_t bounds = reader->Count(8);
  if (!reader->ok() || bounds > kHistogramPartsMax) return false;
  h->custom_values.resize(bounds);
  for (double& bound : h->custom_values) bound = std::bit_cast<double>(reader->Fixed<uint64_t>());
  // Each bucket takes a byte at least: what cannot be there is not allocated.
  if (positive > kHistogramPartsMax || negative > kHistogramPartsMax ||
      positive + negative > reader->left()) {
    return false;
  }
  h->positive_buckets.resize(positive);
  h->negative_buckets.resize(negative);
  return reader->ok();
}

bool HistogramDecoder::Next(ByteReader* reader, HistogramSample* sample) {
  const auto flags = reader->Fixed<uint8_t>();
  before_.time_ms = WrappingAdd(before_.time_ms, reader->SignedVarint());
  if ((flags & kNewStart) != 0) {
    before_.start_time_ms = WrappingAdd(before_.start_time_ms, reader->SignedVarint());
  }
  if (!reader->ok() || flags >= 128) return false;
  sample->time_ms = before_.time_ms;
  sample->start_time_ms = before_.start_time_ms;
  if ((flags & kStale) != 0) {
    sample->histogram = model::StaleHistogram();
    return true;
  }
  const bool new_layout = (flags & kNewLayout) != 0;
  if (!new_layout && before_.histogram == nullptr) return false;
  const NativeHistogram& base = Base(before_, new_layout);
  const bool fractions = (flags & kFractions) != 0;
  auto h = new_layout ? std::make_shared<NativeHistogram>()
                      : std::make_shared<NativeHistogram>(*before_.histogram);
  h->is_float = (flags & kFloat) != 0;
  h->hint = static_cast<CounterResetHint>(flags & kHintMask);
  if (new_layout && !Layout(reader, h.get())) return false;
  h->count = GetCount(reader, base.count, fractions);
  h->zero_count = GetCount(reader, base.zero_count, fractions);
  for (size_t i = 0; i < h->positive_buckets.size(); ++i) {
    h->positive_buckets[i] = GetCount(reader, At(base.positive_buckets, i), fractions);
  }
  for (size_t i = 0; i < h->negative_buckets.size(); ++i) {
    h->negative_buckets[i] = GetCount(reader, At(base.negative_buckets, i), fractions);
  }
  h->sum = GetXor(reader, base.sum);
  if (!reader->ok()) return false;
  // Differences are of whole numbers only: what a damaged one makes must not break the next.
  if (!fractions && !AllWhole(*h)) return false;
  before_.histogram = h;
  sample->histogram = std::move(h);
  return true;
}

bool DecodeHistograms(std::string_view bytes, uint32_t count, std::vector<HistogramSample>* out) {
  ByteReader reader(bytes);
  HistogramDecoder decoder;
  for (uint32_t i = 0; i < count; ++i) {
    HistogramSample sample;
    if (!decoder.Next(&reader, &sample)) return false;
    out->push_back(std::move(sample));
  }
  return true;
}

bool HistogramChunkBuilder::Append(const HistogramSample& sample) {
  if (chunk_.count >= kHistogramChunkMax || chunk_.bytes.size() >= kHistogramChunkBytes) {
    return false;
  }
  if (chunk_.count == 0) chunk_.first_ms = sample.time_ms;
  encoder_.Append(sample, &chunk_.bytes);
  chunk_.last_ms = sample.time_ms;
  ++chunk_.count;
  return true;
}

HistogramChunk HistogramChunkBuilder::Take() {
  encoder_.Reset();
  return std::exchange(chunk_, HistogramChunk());
}

std::shared_ptr<const NativeHistogram> WithDerivedHint(
    const std::shared_ptr<const NativeHistogram>& histogram, const NativeHistogram* before) {
  if (histogram->hint == CounterResetHint::kGauge || IsStale(*histogram)) return histogram;
  if (histogram->hint == CounterResetHint::kReset) before = nullptr;
  return WithHint(histogram,
                  before == nullptr ? CounterResetHint::kUnknown : Derived(*histogram, *before));
}

std::shared_ptr<const NativeHistogram> WithUnknownHint(
    const std::shared_ptr<const NativeHistogram>& histogram) {
  if (histogram->hint == CounterResetHint::kGauge) return histogram;
  return WithHint(histogram, CounterResetHint::kUnknown);
}

}  // namespace hearth::tsdb
