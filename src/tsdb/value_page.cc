// SPDX-License-Identifier: Apache-2.0
#include "tsdb/value_page.h"

#include <utility>

namespace hearth::tsdb {

namespace {

// An entry's own parameters: two varints, and exceptions of at most ten bytes each.
constexpr size_t kParameterBytesMax = 20 + kColumnSamplesMax * 10;

}  // namespace

void ValuePageBuilder::AddValues(std::span<const double> values) {
  EncodeValues(values, &column_);
  codes_.push_back(static_cast<char>(column_.code));
  PutVarint(values.size(), &counts_);
  if (NumbersInPlanes(column_.code, values.size()) > 0) {
    widths_.push_back(static_cast<char>(column_.width));
    if (column_.width > 0) planes_[column_.width - 1] += column_.planes;
  }
  PutBytes(column_.parameters, &parameters_);
  bytes_ += 4 + column_.parameters.size() + column_.planes.size();
}

void ValuePageBuilder::AddBytes(std::string_view run) {
  codes_.push_back(static_cast<char>(kCodeBytes));
  PutVarint(run.size(), &counts_);
  runs_ += run;
  bytes_ += 4 + run.size();
}

std::string ValuePageBuilder::Take() {
  std::string page;
  PutVarint(codes_.size(), &page);
  for (std::string* part : {&codes_, &counts_, &widths_, &parameters_, &runs_}) {
    page += *part;
    part->clear();
  }
  for (std::string& planes : planes_) {
    page += planes;
    planes.clear();
  }
  bytes_ = 0;
  return page;
}

std::shared_ptr<const ValuePage> ValuePage::Parse(std::string bytes) {
  auto page = std::make_shared<ValuePage>();
  page->bytes_ = std::move(bytes);
  if (!page->ParseEntries()) return nullptr;
  return page;
}

bool ValuePage::ParseEntries() {
  ByteReader reader(bytes_);
  entries_.resize(reader.Count(2));
  if (entries_.size() > kPageEntriesMax) return false;
  for (Entry& entry : entries_) entry.code = reader.Fixed<uint8_t>();
  uint64_t run_bytes = 0;
  for (Entry& entry : entries_) {
    const uint64_t count = reader.Varint();
    if (entry.code >= kCodeEnd) return false;
    if (entry.code == kCodeBytes) {
      run_bytes += count;
      if (count > bytes_.size() || run_bytes > bytes_.size()) return false;
    } else if (count == 0 || count > kColumnSamplesMax) {
      return false;
    }
    entry.count = static_cast<uint32_t>(count);
  }
  uint64_t plane_bytes[9] = {};
  for (Entry& entry : entries_) {
    const size_t numbers = NumbersInPlanes(entry.code, entry.count);
    if (numbers == 0) continue;
    entry.width = reader.Fixed<uint8_t>();
    if (entry.width > 8) return false;
    plane_bytes[entry.width] += entry.width * numbers;
  }
  for (Entry& entry : entries_) {
    if (entry.code == kCodeBytes) continue;
    const size_t size = reader.Count(1);
    if (size > kParameterBytesMax) return false;
    entry.parameters = static_cast<uint32_t>(reader.at() - bytes_.data());
    entry.parameter_bytes = static_cast<uint16_t>(size);
    reader.Take(size);
  }
  uint64_t expected = run_bytes;
  for (const uint64_t planes : plane_bytes) expected += planes;
  if (!reader.ok() || reader.left() != expected) return false;
  uint64_t next_run = bytes_.size() - reader.left();
  uint64_t next_plane[9] = {};
  next_plane[1] = next_run + run_bytes;
  for (size_t width = 2; width <= 8; ++width) {
    next_plane[width] = next_plane[width - 1] + plane_bytes[width - 1];
  }
  for (Entry& entry : entries_) {
    uint64_t& next = entry.code == kCodeBytes ? next_run : next_plane[entry.width];
    entry.data = static_cast<uint32_t>(next);
    next += entry.code == kCodeBytes ? entry.count
                                     : entry.width * NumbersInPlanes(entry.code, entry.count);
  }
  return true;
}

bool ValuePage::Values(size_t entry, std::span<double> values) const {
  if (entry >= entries_.size()) return false;
  const Entry& e = entries_[entry];
  if (e.code == kCodeBytes || e.count != values.size()) return false;
  const std::string_view bytes(bytes_);
  return DecodeValues(e.code, e.width, bytes.substr(e.parameters, e.parameter_bytes),
                      bytes.substr(e.data, e.width * NumbersInPlanes(e.code, e.count)), values);
}

bool ValuePage::MayBeMarked(size_t entry) const {
  if (entry >= entries_.size()) return true;
  const Entry& e = entries_[entry];
  return ValuesMayBeMarked(e.code,
                           std::string_view(bytes_).substr(e.parameters, e.parameter_bytes));
}

bool ValuePage::Bytes(size_t entry, std::string_view* run) const {
  if (entry >= entries_.size() || entries_[entry].code != kCodeBytes) return false;
  *run = std::string_view(bytes_).substr(entries_[entry].data, entries_[entry].count);
  return true;
}

}  // namespace hearth::tsdb
