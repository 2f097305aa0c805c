// SPDX-License-Identifier: Apache-2.0
// Bodies of remote write 1.0 and 2.0, and the file that keeps them. They are built before a
// measurement, because building them costs more than serving them:
//
//   [u32 body bytes][u32 samples][body] …      little-endian; the body is snappy over protobuf
//
// Not thread-safe.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace hearth::bench {

void AppendVarint(uint64_t number, std::string* out);
// A length-delimited field of protobuf.
void AppendField(int number, std::string_view data, std::string* out);

// Names and values of labels as numbers.
class Symbols {
 public:
  uint32_t Intern(std::string_view text);
  std::string_view text(uint32_t symbol) const { return texts_[symbol]; }
  size_t size() const { return texts_.size(); }

 private:
  std::unordered_map<std::string, uint32_t> ids_;
  std::vector<std::string_view> texts_;  // keys of ids_, which never move
};

// Name, value, name, value … in the order of names.
using SeriesLabels = std::vector<uint32_t>;

class BodyFile {
 public:
  explicit BodyFile(const std::string& path) : file_(std::fopen(path.c_str(), "wb")) {}
  ~BodyFile();
  BodyFile(const BodyFile&) = delete;
  BodyFile& operator=(const BodyFile&) = delete;
  // False once something could not be written.
  bool ok() const { return file_ != nullptr && !failed_; }
  // All is written; false where it is not.
  bool Finish();
  void Add(std::string_view raw, uint32_t samples);

 private:
  std::FILE* file_;
  std::string body_;
  bool failed_ = false;
};

// Series with their samples, cut into bodies of about `samples_per_body`.
class BodyWriter {
 public:
  // `protocol` is 1 or 2.
  BodyWriter(const Symbols& symbols, int protocol, uint32_t samples_per_body, BodyFile* file)
      : symbols_(symbols), protocol_(protocol), samples_per_body_(samples_per_body), file_(file) {}
  void BeginSeries(const SeriesLabels& labels);
  void AddSample(int64_t time_ms, double value);
  void EndSeries();  // a series without samples is left out
  void Flush();      // ends the body

 private:
  void EncodeLabels(const SeriesLabels& labels);
  const Symbols& symbols_;
  const int protocol_;
  const uint32_t samples_per_body_;
  BodyFile* const file_;
  std::string raw_, series_, sample_, refs_;
  uint32_t series_samples_ = 0;
  uint32_t samples_ = 0;
  // Remote write 2.0: the number of each symbol in this body; known where its stamp is this body's.
  std::vector<std::pair<uint32_t, uint32_t>> local_;
  std::string table_;
  uint32_t local_count_ = 0;
  uint32_t stamp_ = 1;
};

}  // namespace hearth::bench
