// SPDX-License-Identifier: Apache-2.0
// The protobuf exposition format: io.prometheus.client.MetricFamily messages (client_model
// metrics.proto), each behind its length. Entries come as a text format would have them
// (prometheus/model/textparse protobufparse.go): a histogram without native parts as its _count,
// _sum and _bucket series, a native one as one kHistogram, before its classic series where those
// are wanted too.
//
// Errors are InvalidArgument and name the family. `body` must outlive the reader.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "codec/exposition.h"
#include "codec/metric_message.h"
#include "codec/nhcb.h"

namespace hearth::codec {

class ProtobufExposition final : public ExpositionReader {
 public:
  ProtobufExposition(std::string_view body, const ExpositionOptions& options)
      : left_(body), options_(options) {}

  absl::StatusOr<ExpositionEntry> Next() override;
  absl::StatusOr<const std::vector<model::Label>*> Labels() override;
  bool NextExemplar(model::Exemplar* exemplar) override;

 private:
  // One entry of a metric.
  struct Step {
    enum Kind : char { kValue, kCount, kSum, kBucket, kInfinity, kQuantile, kNative, kCustom };
    Kind kind = kValue;
    size_t index = 0;  // of the bucket or quantile
  };

  absl::Status NextFamily();  // the next one that has metrics; ended_ where there is none
  absl::Status NextMetric();
  void PlanHistogram();
  ExpositionEntry Describe();
  absl::Status BeginEntry(const Step& step);
  double ValueOf(const Step& step) const;
  absl::Status SetHistogram(Step::Kind kind);
  void ListExemplars(const Step& step);
  absl::Status Fail(std::string_view what) const;
  std::string_view BoundText(const Step& step);

  std::string_view left_;  // of the body
  const ExpositionOptions options_;
  bool ended_ = false;
  FamilyMessage family_;
  size_t next_metric_ = 0;
  // HELP, UNIT and TYPE come before the first metric's entries.
  enum class Said { kNothing, kHelp, kUnit, kAll } said_ = Said::kAll;
  MetricMessage metric_message_;
  std::vector<Step> steps_;
  size_t next_step_ = 0;
  Step step_;  // of the current entry
  NhcbBuilder builder_;
  std::string name_;        // of the current entry, with its suffix
  std::string bound_text_;  // of le or quantile
  std::string key_;         // behind series_text_
  std::vector<model::Label> labels_;
  std::vector<const ExemplarMessage*> exemplars_;  // of the current entry
  size_t next_exemplar_ = 0;
};

}  // namespace hearth::codec
