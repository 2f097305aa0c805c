// SPDX-License-Identifier: Apache-2.0
#include "bodies.h"

#include <snappy.h>

#include <cstring>

namespace hearth::bench {

void AppendVarint(uint64_t number, std::string* out) {
  while (number > 0x7f) {
    out->push_back(static_cast<char>((number & 0x7f) | 0x80));
    number >>= 7;
  }
  out->push_back(static_cast<char>(number));
}

void AppendField(int number, std::string_view data, std::string* out) {
  AppendVarint(static_cast<uint64_t>(number) << 3 | 2, out);
  AppendVarint(data.size(), out);
  out->append(data);
}

uint32_t Symbols::Intern(std::string_view text) {
  const auto [at, added] = ids_.try_emplace(std::string(text), texts_.size());
  if (added) texts_.push_back(at->first);
  return at->second;
}

BodyFile::~BodyFile() {
  if (file_ != nullptr) std::fclose(file_);
}

bool BodyFile::Finish() { return ok() && std::fflush(file_) == 0; }

void BodyFile::Add(std::string_view raw, uint32_t samples) {
  snappy::Compress(raw.data(), raw.size(), &body_);
  const uint32_t head[2] = {static_cast<uint32_t>(body_.size()), samples};
  failed_ = failed_ || std::fwrite(head, sizeof head, 1, file_) != 1 ||
            std::fwrite(body_.data(), body_.size(), 1, file_) != 1;
}

void BodyWriter::BeginSeries(const SeriesLabels& labels) {
  series_.clear();
  series_samples_ = 0;
  EncodeLabels(labels);
}

// https://prometheus.io/docs/specs/prw/remote_write_spec/ and …_spec_2_0/.
void BodyWriter::EncodeLabels(const SeriesLabels& labels) {
  if (protocol_ == 1) {
    for (size_t i = 0; i < labels.size(); i += 2) {
      sample_.clear();
      AppendField(1, symbols_.text(labels[i]), &sample_);
      AppendField(2, symbols_.text(labels[i + 1]), &sample_);
      AppendField(1, sample_, &series_);
    }
    return;
  }
  local_.resize(symbols_.size(), {0, 0});
  if (local_count_ == 0) {
    AppendField(4, "", &table_);  // the first symbol is always empty
    local_count_ = 1;
  }
  refs_.clear();
  for (const uint32_t symbol : labels) {
    auto& [stamp, number] = local_[symbol];
    if (stamp != stamp_) {
      stamp = stamp_;
      number = local_count_++;
      AppendField(4, symbols_.text(symbol), &table_);
    }
    AppendVarint(number, &refs_);
  }
  AppendField(1, refs_, &series_);
}

void BodyWriter::AddSample(int64_t time_ms, double value) {
  sample_.assign(9, '\x09');
  std::memcpy(sample_.data() + 1, &value, sizeof value);
  sample_.push_back('\x10');
  AppendVarint(static_cast<uint64_t>(time_ms), &sample_);
  AppendField(2, sample_, &series_);
  ++series_samples_;
}

void BodyWriter::EndSeries() {
  if (series_samples_ == 0) return;
  AppendField(protocol_ == 1 ? 1 : 5, series_, &raw_);
  samples_ += series_samples_;
  if (samples_ >= samples_per_body_) Flush();
}

void BodyWriter::Flush() {
  if (samples_ > 0) {
    table_ += raw_;
    file_->Add(table_, samples_);
  }
  table_.clear();
  raw_.clear();
  samples_ = 0;
  local_count_ = 0;
  ++stamp_;
}

}  // namespace hearth::bench
