// SPDX-License-Identifier: Apache-2.0
#include "model/labels.h"

#include <fmt/core.h>
#include <xxhash.h>

#include <algorithm>

#include "base/check.h"
#include "base/text.h"

namespace hearth::model {
namespace {

// Sizes are almost always below 128: one byte.
const char* ReadSize(const char* p, size_t* size) {
  auto byte = static_cast<unsigned char>(*p++);
  size_t value = byte & 0x7f;
  for (unsigned shift = 7; (byte & 0x80) != 0; shift += 7) {
    byte = static_cast<unsigned char>(*p++);
    value |= static_cast<size_t>(byte & 0x7f) << shift;
  }
  *size = value;
  return p;
}

void AppendSize(size_t size, std::string* out) {
  while (size >= 0x80) {
    out->push_back(static_cast<char>(size | 0x80));
    size >>= 7;
  }
  out->push_back(static_cast<char>(size));
}

// The checked twin of ReadSize; null on truncation or a size above 32 bits.
const char* ReadSizeChecked(const char* p, const char* end, size_t* size) {
  size_t value = 0;
  for (unsigned shift = 0; shift <= 28; shift += 7) {
    if (p == end) return nullptr;
    const auto byte = static_cast<unsigned char>(*p++);
    value |= static_cast<size_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) {
      // One encoding for one set: a padded size would make equal sets differ in bytes.
      if (byte == 0 && shift > 0) return nullptr;
      *size = value;
      return p;
    }
  }
  return nullptr;
}

bool IsNameByte(char c, bool first, bool colon) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (colon && c == ':') ||
         (!first && c >= '0' && c <= '9');
}

bool IsName(std::string_view name, bool colon) {
  if (name.empty()) return false;
  for (size_t i = 0; i < name.size(); ++i) {
    if (!IsNameByte(name[i], i == 0, colon)) return false;
  }
  return true;
}

}  // namespace

void LabelsView::Iterator::Advance() {
  at_ = next_;
  if (next_ == end_) return;
  size_t size = 0;
  const char* p = ReadSize(next_, &size);
  label_.name = {p, size};
  p = ReadSize(p + size, &size);
  label_.value = {p, size};
  next_ = p + size;
}

std::string_view LabelsView::Get(std::string_view name) const {
  for (const Label& label : *this) {
    if (label.name == name) return label.value;
    if (label.name > name) break;
  }
  return {};
}

size_t LabelsView::CountLabels() const {
  return static_cast<size_t>(std::distance(begin(), end()));
}

size_t LabelsView::TextBytes() const {
  size_t bytes = 0;
  for (const Label& label : *this) bytes += label.name.size() + label.value.size();
  return bytes;
}

uint64_t LabelsView::Hash() const { return XXH3_64bits(packed_.data(), packed_.size()); }

// Equal bytes are equal labels: only the label that holds the first different byte is looked at.
// Sorting a hundred thousand series of one job compares mostly equal prefixes.
std::strong_ordering LabelsView::Compare(LabelsView other) const {
  const std::string_view a = packed_;
  const std::string_view b = other.packed_;
  const size_t n = std::min(a.size(), b.size());
  const auto same = static_cast<size_t>(
      std::mismatch(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(n), b.begin()).first -
      a.begin());
  if (same == n) return a.size() <=> b.size();
  const char* label = a.data();
  for (const char* next = label; next <= a.data() + same;) {
    label = next;
    size_t size = 0;
    next = ReadSize(next, &size) + size;
    next = ReadSize(next, &size) + size;
  }
  const auto offset = static_cast<size_t>(label - a.data());
  return *LabelsView(a.substr(offset)).begin() <=> *LabelsView(b.substr(offset)).begin();
}

std::string LabelsView::ToString() const {
  const std::string_view metric = metric_name();
  const bool bare = IsLegacyMetricName(metric);
  std::string out(bare ? metric : "");
  std::string inner = !bare && !metric.empty() ? QuoteGo(metric) : "";
  for (const Label& label : *this) {
    if (label.name == kMetricName) continue;
    if (!inner.empty()) inner += ", ";
    inner += IsLegacyLabelName(label.name) ? std::string(label.name) : QuoteGo(label.name);
    inner += "=" + QuoteGo(label.value);
  }
  if (inner.empty() && !out.empty()) return out;
  return out + "{" + inner + "}";
}

Labels::Labels(std::initializer_list<std::pair<std::string_view, std::string_view>> pairs) {
  std::vector<Label> labels;
  labels.reserve(pairs.size());
  for (const auto& [name, value] : pairs) labels.push_back({name, value});
  *this = FromPairs(std::move(labels));
}

Labels Labels::FromPacked(std::string packed) {
  Labels labels;
  labels.packed_ = std::move(packed);
  return labels;
}

Labels Labels::FromPairs(std::vector<Label> pairs) {
  std::stable_sort(pairs.begin(), pairs.end(),
                   [](const Label& a, const Label& b) { return a.name < b.name; });
  Labels labels;
  for (size_t i = 0; i < pairs.size(); ++i) {
    const bool overridden = i + 1 < pairs.size() && pairs[i + 1].name == pairs[i].name;
    if (overridden || pairs[i].value.empty()) continue;
    AppendPacked(pairs[i].name, pairs[i].value, &labels.packed_);
  }
  return labels;
}

void LabelsBuilder::Reset(LabelsView base) {
  pairs_.clear();
  for (const Label& label : base) pairs_.emplace_back(label.name, label.value);
}

void LabelsBuilder::Set(std::string_view name, std::string_view value) {
  const auto at =
      std::lower_bound(pairs_.begin(), pairs_.end(), name,
                       [](const auto& pair, std::string_view n) { return pair.first < n; });
  const bool found = at != pairs_.end() && at->first == name;
  if (value.empty()) {
    if (found) pairs_.erase(at);
  } else if (found) {
    at->second = value;
  } else {
    pairs_.emplace(at, name, value);
  }
}

std::string_view LabelsBuilder::Get(std::string_view name) const {
  for (const auto& [n, value] : pairs_) {
    if (n == name) return value;
  }
  return {};
}

void LabelsBuilder::Keep(const std::vector<std::string>& names) {
  std::erase_if(pairs_, [&names](const auto& pair) {
    return std::find(names.begin(), names.end(), pair.first) == names.end();
  });
}

Labels LabelsBuilder::Build() const {
  std::string packed;
  for (const auto& [name, value] : pairs_) AppendPacked(name, value, &packed);
  return Labels::FromPacked(std::move(packed));
}

void AppendPacked(std::string_view name, std::string_view value, std::string* packed) {
  AppendSize(name.size(), packed);
  packed->append(name);
  AppendSize(value.size(), packed);
  packed->append(value);
}

bool IsWellFormedPacked(std::string_view bytes) {
  const char* p = bytes.data();
  const char* const end = p + bytes.size();
  std::string_view previous;
  bool first = true;
  while (p != end) {
    std::string_view parts[2];
    for (std::string_view& part : parts) {
      size_t size = 0;
      p = ReadSizeChecked(p, end, &size);
      if (p == nullptr || size == 0 || static_cast<size_t>(end - p) < size) return false;
      part = {p, size};
      p += size;
    }
    if (!first && parts[0] <= previous) return false;
    first = false;
    previous = parts[0];
  }
  return true;
}

bool IsLegacyMetricName(std::string_view name) { return IsName(name, true); }
bool IsLegacyLabelName(std::string_view name) { return IsName(name, false); }

std::string QuoteGo(std::string_view text) {
  std::string out = "\"";
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    switch (c) {
      case '"':
      case '\\':
        out += '\\';
        out += c;
        continue;
      case '\a':
        out += "\\a";
        continue;
      case '\b':
        out += "\\b";
        continue;
      case '\f':
        out += "\\f";
        continue;
      case '\n':
        out += "\\n";
        continue;
      case '\r':
        out += "\\r";
        continue;
      case '\t':
        out += "\\t";
        continue;
      case '\v':
        out += "\\v";
        continue;
      default:
        break;
    }
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else if (byte < 0x80) {
      out += c;
    } else {
      size_t n = 2;
      while (n <= 4 && !IsValidUtf8(text.substr(i, n))) ++n;
      if (n > 4) {
        out += fmt::format("\\x{:02x}", byte);
      } else {
        out += text.substr(i, n);
        i += n - 1;
      }
    }
  }
  return out + "\"";
}

}  // namespace hearth::model
