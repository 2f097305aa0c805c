// SPDX-License-Identifier: Apache-2.0
#include "codec/histogram_wire.h"
#include "codec/remote_write.h"
#include "codec/wire.h"

namespace hearth::codec {
namespace {

// prompb/types.proto: Label is {1: name, 2: value}.
void AppendLabelFields(model::LabelsView labels, std::string* scratch, std::string* out) {
  for (const model::Label& label : labels) {
    scratch->clear();
    wire::AppendBytesField(1, label.name, scratch);
    wire::AppendBytesField(2, label.value, scratch);
    wire::AppendBytesField(1, *scratch, out);
  }
}

}  // namespace

void RemoteWriteWriter::BeginSeries(model::LabelsView labels) {
  series_.clear();
  AppendLabelFields(labels, &field_, &series_);
}

void RemoteWriteWriter::AddSample(int64_t time_ms, double value) {
  field_.clear();
  wire::AppendDoubleField(1, value, &field_);
  wire::AppendVarintField(2, static_cast<uint64_t>(time_ms), &field_);
  wire::AppendBytesField(2, field_, &series_);
}

void RemoteWriteWriter::AddHistogram(const model::HistogramSample& sample) {
  field_.clear();
  AppendHistogramMessage(sample, &field_);
  wire::AppendBytesField(4, field_, &series_);
}

void RemoteWriteWriter::AddExemplar(const model::Exemplar& exemplar) {
  std::string message;
  AppendLabelFields(exemplar.labels, &field_, &message);
  wire::AppendDoubleField(2, exemplar.value, &message);
  wire::AppendVarintField(3, static_cast<uint64_t>(exemplar.time_ms), &message);
  wire::AppendBytesField(3, message, &series_);
}

void RemoteWriteWriter::EndSeries() { wire::AppendBytesField(1, series_, &out_); }

void RemoteWriteWriter::AddMetadata(const model::Metadata& metadata) {
  field_.clear();
  wire::AppendVarintField(1, static_cast<uint64_t>(metadata.type), &field_);
  wire::AppendBytesField(2, metadata.metric, &field_);
  wire::AppendBytesField(4, metadata.help, &field_);
  wire::AppendBytesField(5, metadata.unit, &field_);
  wire::AppendBytesField(3, field_, &out_);
}

}  // namespace hearth::codec
