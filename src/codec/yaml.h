// SPDX-License-Identifier: Apache-2.0
// YAML documents as a plain tree with line numbers; the only place that knows yaml-cpp. Aliases are
// copied and merge keys (<<) merged while reading, all within limits, so that a few bytes cannot
// become gigabytes. Errors are InvalidArgument "line 3, column 7: …".
#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hearth::codec {

struct YamlLimits {
  size_t bytes_max = 16 << 20;   // of the text; Prometheus' largest generated files are a few MiB
  size_t depth_max = 64;         // nesting; real files stay below 20
  size_t nodes_max = 1'000'000;  // aliases counted as often as they are used
};

// A node of the document. A value type: copies are deep.
class YamlNode {
 public:
  enum class Kind : uint8_t { kNull, kScalar, kSequence, kMap };
  using Entry = std::pair<YamlNode, YamlNode>;  // key, value, in the file's order

  YamlNode() = default;
  Kind kind() const { return kind_; }
  bool is_null() const { return kind_ == Kind::kNull; }
  bool is_scalar() const { return kind_ == Kind::kScalar; }
  bool is_sequence() const { return kind_ == Kind::kSequence; }
  bool is_map() const { return kind_ == Kind::kMap; }
  std::string_view kind_name() const;     // "null", "text", "list", "map": for messages
  int line() const { return line_; }      // from 1; 0 where there is no text
  int column() const { return column_; }  // from 1

  // A scalar's text. `quoted` tells "1" from 1; both have the text 1.
  const std::string& text() const { return text_; }
  bool quoted() const { return quoted_; }
  const std::vector<YamlNode>& items() const { return items_; }   // of a sequence
  const std::vector<Entry>& entries() const { return entries_; }  // of a map
  // The value of a map's key, or null where this is no map or has no such key.
  const YamlNode* Find(std::string_view key) const;

  // Scalars as types, by YAML 1.1's plain forms as Go's yaml.v2 reads them into typed fields
  // (true/yes/on, 0x1f, 1_000). InvalidArgument with line, value and what is allowed.
  absl::StatusOr<std::string> AsText() const;  // null is ""
  absl::StatusOr<bool> AsBool() const;
  absl::StatusOr<int64_t> AsInt() const;
  absl::StatusOr<double> AsDouble() const;
  // "line 3, column 7: what"
  absl::Status Error(std::string_view what) const;

 private:
  friend class YamlTreeBuilder;
  Kind kind_ = Kind::kNull;
  bool quoted_ = false;
  int line_ = 0;
  int column_ = 0;
  std::string text_;
  std::vector<YamlNode> items_;
  std::vector<Entry> entries_;
};

// The first document of `text`; an empty text is a null node. More than one document is an error.
absl::StatusOr<YamlNode> ParseYaml(std::string_view text, const YamlLimits& limits = {});

}  // namespace hearth::codec
