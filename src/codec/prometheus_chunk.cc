// SPDX-License-Identifier: Apache-2.0
#include "codec/prometheus_chunk.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/status.h"
#include "codec/chunk_bits.h"
#include "codec/histogram_chunk.h"
#include "codec/xor2_chunk.h"

namespace hearth::codec {
namespace {

// As Prometheus cuts: so many samples, or for histograms so many bytes once there are ten.
constexpr uint32_t kChunkSamplesMax = 120;
constexpr size_t kHistogramChunkBytes = 1024;
constexpr uint32_t kHistogramSamplesMin = 10;
constexpr size_t kXorHeaderBytes = 2;

// Widths of a time's delta of deltas behind 1, 2 and 3 ones; four ones: 64 bits.
constexpr int kTimeWidths[] = {0, 14, 17, 20};

int64_t ReadTimeDod(BitReader* in) {
  int ones = 0;
  while (ones < 4 && in->Bit()) ++ones;
  if (ones == 4) return static_cast<int64_t>(in->Bits(64));
  return ones == 0 ? 0 : SignedOf(in->Bits(kTimeWidths[ones]), kTimeWidths[ones]);
}

void WriteTimeDod(int64_t dod, BitWriter* out) {
  if (dod == 0) return out->Bit(false);
  int ones = 1;
  while (ones < 4 && !FitsSigned(dod, kTimeWidths[ones])) ++ones;
  if (ones == 4) {
    out->Bits(0xf, 4);
    return out->Bits(static_cast<uint64_t>(dod), 64);
  }
  out->Bits((uint64_t{2} << ones) - 2, ones + 1);
  out->Bits(static_cast<uint64_t>(dod), kTimeWidths[ones]);
}

absl::Status DecodeXor(std::string_view data, ChunkSamples* out) {
  const size_t count = ChunkHeader16(data);
  BitReader in(data.substr(kXorHeaderBytes));
  int64_t time_ms = 0;
  int64_t delta = 0;
  XorColumn value;
  for (size_t i = 0; i < count; ++i) {
    if (i == 0) {
      time_ms = in.Varint();
      value.value = std::bit_cast<double>(in.Bits(64));
    } else {
      delta = i == 1 ? static_cast<int64_t>(in.Uvarint()) : WrappingAdd(delta, ReadTimeDod(&in));
      time_ms = WrappingAdd(time_ms, delta);
      value.Read(&in);
    }
    if (!in.ok() || !value.ok) return EndsEarly(i, count);
    if (i > 0 && time_ms <= out->times_ms.back()) return NotSorted(time_ms);
    out->times_ms.push_back(time_ms);
    out->values.push_back(value.value);
  }
  return absl::OkStatus();
}

// Writes one series' chunks, sample by sample in the order of time.
class ChunkCutter {
 public:
  ChunkCutter(bool with_starts, std::vector<EncodedChunk>* out)
      : with_starts_(with_starts), out_(out) {}

  void Float(int64_t time_ms, double value, int64_t start_ms) {
    if (!IsFloat() || chunk_.samples >= kChunkSamplesMax) {
      Begin(with_starts_ ? ChunkEncoding::kXor2 : ChunkEncoding::kXor, time_ms);
      chunk_.data.assign(with_starts_ ? kChunkHeaderBytes : kXorHeaderBytes, '\0');
      xor2_ = Xor2Writer();
    }
    if (with_starts_) {
      xor2_.Add(chunk_.samples, time_ms, value, start_ms, &bits_);
    } else {
      AddXor(time_ms, value);
    }
    Count(time_ms);
  }

  void Histogram(const model::HistogramSample& sample) {
    const bool full =
        chunk_.samples >= kChunkSamplesMax ||
        (chunk_.data.size() >= kHistogramChunkBytes && chunk_.samples >= kHistogramSamplesMin);
    const bool open = chunk_.samples > 0 && !IsFloat();
    if (!open || full || !histogram_.Takes(*sample.histogram)) {
      const bool is_float = sample.histogram->is_float;
      Begin(with_starts_
                ? (is_float ? ChunkEncoding::kFloatHistogramSt : ChunkEncoding::kHistogramSt)
                : (is_float ? ChunkEncoding::kFloatHistogram : ChunkEncoding::kHistogram),
            sample.time_ms);
      histogram_.Begin(*sample.histogram, with_starts_, &chunk_.data, &bits_);
    }
    histogram_.Add(sample, &bits_);
    Count(sample.time_ms);
  }

  void Cut() {
    if (chunk_.samples == 0) return;
    if (IsFloat()) {
      SetChunkHeader16(chunk_.samples, &chunk_.data);
      if (with_starts_) chunk_.data[kXorHeaderBytes] = static_cast<char>(xor2_.header());
    } else {
      histogram_.Finish(chunk_.samples, &chunk_.data);
    }
    out_->push_back(std::move(chunk_));
    chunk_ = EncodedChunk();
  }

 private:
  bool IsFloat() const {
    return chunk_.samples > 0 &&
           (chunk_.encoding == ChunkEncoding::kXor || chunk_.encoding == ChunkEncoding::kXor2);
  }
  void Begin(ChunkEncoding encoding, int64_t time_ms) {
    Cut();
    chunk_.encoding = encoding;
    chunk_.min_ms = time_ms;
    bits_ = BitWriter(&chunk_.data);
  }
  void AddXor(int64_t time_ms, double value) {
    if (chunk_.samples == 0) {
      value_ = {.value = value};
      bits_.Varint(time_ms);
      return bits_.Bits(std::bit_cast<uint64_t>(value), 64);
    }
    const int64_t delta = WrappingSub(time_ms, chunk_.max_ms);
    chunk_.samples == 1 ? bits_.Uvarint(static_cast<uint64_t>(delta))
                        : WriteTimeDod(WrappingSub(delta, delta_), &bits_);
    delta_ = delta;
    value_.Write(value, &bits_);
  }
  void Count(int64_t time_ms) {
    chunk_.max_ms = time_ms;
    ++chunk_.samples;
  }

  const bool with_starts_;
  std::vector<EncodedChunk>* out_;
  EncodedChunk chunk_;
  BitWriter bits_{&chunk_.data};
  int64_t delta_ = 0;
  XorColumn value_;
  Xor2Writer xor2_;
  HistogramChunkWriter histogram_;
};

void CutBack(size_t floats, size_t histograms, ChunkSamples* out) {
  out->times_ms.resize(floats);
  out->values.resize(floats);
  if (out->start_times_ms.size() > floats) out->start_times_ms.resize(floats);
  out->histograms.resize(histograms);
}

absl::Status Decode(ChunkEncoding encoding, std::string_view data, ChunkSamples* out) {
  switch (encoding) {
    case ChunkEncoding::kXor:
      return DecodeXor(data, out);
    case ChunkEncoding::kXor2:
      return Xor2Reader(data).Read(out);
    case ChunkEncoding::kHistogram:
      return HistogramChunkReader(data, false, false).Read(&out->histograms);
    case ChunkEncoding::kFloatHistogram:
      return HistogramChunkReader(data, true, false).Read(&out->histograms);
    case ChunkEncoding::kHistogramSt:
      return HistogramChunkReader(data, false, true).Read(&out->histograms);
    case ChunkEncoding::kFloatHistogramSt:
      return HistogramChunkReader(data, true, true).Read(&out->histograms);
  }
  return Unimplemented("chunk encoding {} is not known (1 … 6 are)", static_cast<int>(encoding));
}

}  // namespace

void ChunkSamples::Clear() { CutBack(0, 0, this); }

void ChunkSamples::Trim(int64_t min_ms, int64_t max_ms) {
  const auto cut = [&](auto& column, auto begin, auto end) {
    const auto size = static_cast<ptrdiff_t>(column.size());
    column.erase(column.begin() + std::min<ptrdiff_t>(end, size), column.end());
    column.erase(column.begin(), column.begin() + std::min<ptrdiff_t>(begin, size));
  };
  const auto first = std::lower_bound(times_ms.begin(), times_ms.end(), min_ms);
  const auto last = std::upper_bound(first, times_ms.end(), max_ms);
  const auto begin = first - times_ms.begin();
  const auto end = last - times_ms.begin();
  cut(values, begin, end);
  cut(start_times_ms, begin, end);
  cut(times_ms, begin, end);
  std::erase_if(histograms, [&](const model::HistogramSample& sample) {
    return sample.time_ms < min_ms || sample.time_ms > max_ms;
  });
}

absl::Status DecodeChunk(uint8_t encoding, std::string_view data, ChunkSamples* out) {
  const size_t floats = out->times_ms.size();
  const size_t histograms = out->histograms.size();
  const bool known = encoding >= 1 && encoding <= 6;
  if (known && data.size() < (encoding == 1 ? kXorHeaderBytes : kChunkHeaderBytes)) {
    return InvalidArgument("a chunk of {} bytes has no header", data.size());
  }
  // What it decodes to is checked to be sorted in itself, not against what is there.
  ChunkSamples decoded;
  ChunkSamples* const target = floats + histograms == 0 ? out : &decoded;
  if (absl::Status status = Decode(static_cast<ChunkEncoding>(encoding), data, target);
      !status.ok()) {
    CutBack(floats, histograms, out);
    return status;
  }
  if (target == out) return absl::OkStatus();
  if (!decoded.start_times_ms.empty()) {
    out->start_times_ms.resize(floats);
    out->start_times_ms.insert(out->start_times_ms.end(), decoded.start_times_ms.begin(),
                               decoded.start_times_ms.end());
  }
  out->times_ms.insert(out->times_ms.end(), decoded.times_ms.begin(), decoded.times_ms.end());
  out->values.insert(out->values.end(), decoded.values.begin(), decoded.values.end());
  std::move(decoded.histograms.begin(), decoded.histograms.end(),
            std::back_inserter(out->histograms));
  return absl::OkStatus();
}

SampleSpans SpansOf(const ChunkSamples& samples) {
  return {samples.times_ms, samples.values, samples.histograms, samples.start_times_ms};
}

bool HasStartTimes(const SampleSpans& samples) {
  return std::any_of(samples.start_times_ms.begin(), samples.start_times_ms.end(),
                     [](int64_t start_ms) { return start_ms != 0; }) ||
         std::any_of(samples.histograms.begin(), samples.histograms.end(),
                     [](const auto& sample) { return sample.start_time_ms != 0; });
}

void EncodeChunks(const SampleSpans& samples, bool with_starts, std::vector<EncodedChunk>* out) {
  ChunkCutter cutter(with_starts && HasStartTimes(samples), out);
  size_t h = 0;
  for (size_t i = 0; i < samples.times_ms.size(); ++i) {
    const int64_t time_ms = samples.times_ms[i];
    for (; h < samples.histograms.size() && samples.histograms[h].time_ms < time_ms; ++h) {
      cutter.Histogram(samples.histograms[h]);
    }
    cutter.Float(time_ms, samples.values[i],
                 i < samples.start_times_ms.size() ? samples.start_times_ms[i] : 0);
  }
  for (; h < samples.histograms.size(); ++h) cutter.Histogram(samples.histograms[h]);
  cutter.Cut();
}

}  // namespace hearth::codec
