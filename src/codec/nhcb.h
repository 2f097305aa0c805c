// SPDX-License-Identifier: Apache-2.0
// Classic histograms as native ones with custom buckets (prometheus/util/convertnhcb and
// model/textparse/nhcbparse.go): a collector of one histogram's parts, and a reader around a text
// reader that hands the converted histogram out after its classic series, or in their place.
#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "codec/exposition_reader.h"

namespace hearth::codec {

// One histogram's parts, in any order. The first error is kept and returned by Convert.
class NhcbBuilder {
 public:
  void SetBucket(double upper_bound, double cumulative_count);
  void SetCount(double count);
  void SetSum(double sum) { sum_ = sum; }
  // InvalidArgument: negative or falling counts, a count that is not the last bucket's.
  absl::StatusOr<std::shared_ptr<model::NativeHistogram>> Convert();
  void Reset();

 private:
  absl::Status SortBuckets();

  std::vector<std::pair<double, double>> buckets_;  // upper bound, cumulative count
  bool sorted_ = true;                              // by bound, each once
  double count_ = 0;
  double sum_ = 0;
  bool has_count_ = false;
  absl::Status error_;
};

// Not thread-safe.
class NhcbReader final : public ExpositionReader {
 public:
  // `keep_classic`: the classic series are handed out too.
  NhcbReader(std::unique_ptr<ExpositionReader> inner, bool keep_classic)
      : inner_(std::move(inner)), keep_classic_(keep_classic) {}

  absl::StatusOr<ExpositionEntry> Next() override;
  absl::StatusOr<const std::vector<model::Label>*> Labels() override;
  bool NextExemplar(model::Exemplar* exemplar) override;

 private:
  // `x_bucket` of the histogram `x` is its bucket, and so on.
  enum class Part { kNone, kBucket, kSum, kCount };
  // What became of the sample that inner_ has just read.
  enum class Took { kNothing, kPart, kEmitted };

  Part PartOf(const std::vector<model::Label>& labels, double* upper_bound) const;
  // kEmitted: it is none of the histogram before, which is ready now; it is to be looked at again.
  absl::StatusOr<Took> Collect();
  bool Emit();  // true: a converted histogram is handed out
  ExpositionEntry PassOn(ExpositionEntry entry);

  const std::unique_ptr<ExpositionReader> inner_;
  const bool keep_classic_;
  std::string family_;  // that TYPE named last; "" where it is no histogram
  // The histogram whose parts come in.
  bool collecting_ = false;
  model::Labels collected_;  // without le, under the family's name
  int64_t collected_start_ms_ = 0;
  NhcbBuilder builder_;
  std::vector<model::Exemplar> exemplars_;
  // The one that is handed out; inner_ is one entry ahead then.
  bool emitting_ = false;
  ExpositionEntry pending_ = ExpositionEntry::kEnd;
  model::Labels labels_;
  std::vector<model::Label> label_list_;
  std::string own_text_;
  std::vector<model::Exemplar> ready_exemplars_;
  size_t next_exemplar_ = 0;
};

}  // namespace hearth::codec
