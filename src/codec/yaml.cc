// SPDX-License-Identifier: Apache-2.0
#include "codec/yaml.h"

#include <fmt/core.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <charconv>
#include <exception>
#include <sstream>
#include <unordered_map>

#include "base/status.h"
#include "base/string_map.h"
#include "base/text.h"
#include "codec/go_float.h"
#include "model/labels.h"

namespace hearth::codec {
namespace {

absl::Status At(int line, int column, std::string_view what) {
  return InvalidArgument("line {}, column {}: {}", line, column, what);
}

bool IsNullText(std::string_view text) {
  return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
}

size_t CountNodes(const YamlNode& node) {
  size_t nodes = 1;
  for (const YamlNode& item : node.items()) nodes += CountNodes(item);
  for (const auto& [key, value] : node.entries()) nodes += CountNodes(key) + CountNodes(value);
  return nodes;
}

size_t DepthOf(const YamlNode& node) {
  size_t depth = 0;
  for (const YamlNode& item : node.items()) depth = std::max(depth, DepthOf(item));
  for (const auto& [key, value] : node.entries()) depth = std::max(depth, DepthOf(value));
  return depth + 1;
}

}  // namespace

// Builds the tree from yaml-cpp's events, within the limits. A stack of open sequences and maps.
// After the first error every event is ignored: callbacks have no other way to stop the parser.
class YamlTreeBuilder : public YAML::EventHandler {
 public:
  explicit YamlTreeBuilder(const YamlLimits& limits) : limits_(limits) {}

  const absl::Status& status() const { return status_; }
  YamlNode TakeRoot() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Add(MakeNode(YamlNode::Kind::kNull, mark), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (!status_.ok()) return;
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) return Fail(mark, "an alias stands inside what it names");
    CheckDepth(mark, stack_.size() + found->second.depth);
    Count(mark, found->second.nodes);  // before the copy is made
    if (!status_.ok()) return;
    YamlNode copy = found->second.node;
    copy.line_ = mark.line + 1;
    copy.column_ = mark.column + 1;
    Add(std::move(copy), 0);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    const bool quoted = tag == "!" || tag == "tag:yaml.org,2002:str";
    YamlNode node = MakeNode(YamlNode::Kind::kScalar, mark);
    if (!quoted && IsNullText(value)) {
      node.kind_ = YamlNode::Kind::kNull;
    } else {
      node.text_ = value;
      node.quoted_ = quoted;
    }
    Add(std::move(node), anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(YamlNode::Kind::kSequence, mark, anchor);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(YamlNode::Kind::kMap, mark, anchor);
  }
  void OnMapEnd() override {
    if (status_.ok()) MergeKeys(&stack_.back().node);
    Close();
  }

 private:
  struct Frame {
    YamlNode node;
    YAML::anchor_t anchor = 0;
    bool has_key = false;
    YamlNode key;
    std::unordered_map<std::string, int> lines;  // of a large map's keys
  };
  struct Anchor {
    YamlNode node;
    size_t nodes = 0;
    size_t depth = 0;
  };

  void Fail(const YAML::Mark& mark, std::string_view what) {
    if (status_.ok()) status_ = At(mark.line + 1, mark.column + 1, what);
  }
  void FailAt(const YamlNode& node, std::string_view what) {
    if (status_.ok()) status_ = At(node.line_, node.column_, what);
  }

  void Count(const YAML::Mark& mark, size_t nodes) {
    nodes_ += nodes;
    if (nodes_ > limits_.nodes_max) {
      Fail(mark, fmt::format("the document has more than {} values, aliases counted as often as "
                             "they are used",
                             limits_.nodes_max));
    }
  }

  void CheckDepth(const YAML::Mark& mark, size_t depth) {
    if (depth <= limits_.depth_max) return;
    Fail(mark, fmt::format("nested deeper than {} levels", limits_.depth_max));
  }

  YamlNode MakeNode(YamlNode::Kind kind, const YAML::Mark& mark) {
    Count(mark, 1);
    YamlNode node;
    node.kind_ = kind;
    node.line_ = mark.line + 1;
    node.column_ = mark.column + 1;
    return node;
  }

  void Open(YamlNode::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    CheckDepth(mark, stack_.size() + 1);
    if (!status_.ok()) return;
    stack_.push_back({MakeNode(kind, mark), anchor, false, {}, {}});
  }

  void Close() {
    if (!status_.ok()) return;
    Frame frame = std::move(stack_.back());
    stack_.pop_back();
    Add(std::move(frame.node), frame.anchor);
  }

  void Add(YamlNode node, YAML::anchor_t anchor) {
    if (!status_.ok()) return;
    if (anchor != 0) {
      // The copy for later aliases takes memory too.
      const size_t nodes = CountNodes(node);
      nodes_ += nodes;
      if (nodes_ > limits_.nodes_max) return FailAt(node, "too many values under anchors");
      anchors_.insert_or_assign(anchor, Anchor{node, nodes, DepthOf(node)});
    }
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = stack_.back();
    if (frame.node.kind_ == YamlNode::Kind::kSequence) {
      frame.node.items_.push_back(std::move(node));
    } else if (!frame.has_key) {
      CheckKey(&frame, node);
      frame.key = std::move(node);
      frame.has_key = true;
    } else {
      frame.node.entries_.emplace_back(std::move(frame.key), std::move(node));
      frame.has_key = false;
    }
  }

  void CheckKey(Frame* frame, const YamlNode& key) {
    if (key.is_sequence() || key.is_map()) return FailAt(key, "a map's key must be text");
    if (key.text_ == "<<") return;
    const auto& entries = frame->node.entries_;
    int line = 0;
    if (entries.size() < kSmallMap) {
      for (const auto& [other, value] : entries) {
        if (other.text_ == key.text_) line = other.line_;
      }
    } else {
      if (frame->lines.empty()) {
        for (const auto& [other, value] : entries) frame->lines.emplace(other.text_, other.line_);
      }
      const auto [at, is_new] = frame->lines.emplace(key.text_, key.line_);
      if (!is_new) line = at->second;
    }
    if (line != 0) {
      FailAt(key,
             fmt::format("key {} was given before, in line {}", model::QuoteGo(key.text_), line));
    }
  }

  // `<<: *base` and `<<: [*a, *b]`: keys of the map itself win, then those of earlier bases.
  void MergeKeys(YamlNode* map) {
    std::vector<YamlNode::Entry> merged;
    std::vector<YamlNode> bases;
    for (auto& entry : map->entries_) {
      auto& [key, value] = entry;
      if (key.text_ != "<<" || key.quoted_) continue;
      if (value.is_sequence()) {
        bases.insert(bases.end(), value.items_.begin(), value.items_.end());
      } else {
        bases.push_back(value);
      }
    }
    if (bases.empty()) return;
    StringSet known;
    for (auto& entry : map->entries_) {
      if (entry.first.text_ == "<<" && !entry.first.quoted_) continue;
      known.insert(entry.first.text_);
      merged.push_back(std::move(entry));
    }
    for (YamlNode& base : bases) {
      if (!base.is_map()) return FailAt(base, "<< wants a map or a list of maps");
      for (auto& entry : base.entries_) {
        if (known.insert(entry.first.text_).second) merged.push_back(std::move(entry));
      }
    }
    map->entries_ = std::move(merged);
  }

  static constexpr size_t kSmallMap = 64;  // beyond it duplicate keys are found by hashing

  const YamlLimits limits_;
  absl::Status status_;
  YamlNode root_;
  std::vector<Frame> stack_;
  std::unordered_map<YAML::anchor_t, Anchor> anchors_;
  size_t nodes_ = 0;
};

absl::StatusOr<YamlNode> ParseYaml(std::string_view text, const YamlLimits& limits) {
  if (text.size() > limits.bytes_max) {
    return ResourceExhausted("the text has {} bytes, at most {} are allowed", text.size(),
                             limits.bytes_max);
  }
  if (!IsValidUtf8(text)) return InvalidArgument("the text is not valid UTF-8");
  YamlTreeBuilder builder(limits);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) return YamlNode();
    TRY(builder.status());
    YamlNode root = builder.TakeRoot();
    YamlTreeBuilder rest(limits);
    if (parser.HandleNextDocument(rest)) {
      const YamlNode second = rest.TakeRoot();
      return At(second.line(), std::max(second.column(), 1),
                "a second document; only one is allowed");
    }
    return root;
  } catch (const YAML::Exception& error) {
    TRY(builder.status());  // it came first
    return At(error.mark.line + 1, error.mark.column + 1, error.msg);
  } catch (const std::exception& error) {
    return InvalidArgument("the text is no YAML: {}", error.what());
  }
}

std::string_view YamlNode::kind_name() const {
  switch (kind_) {
    case Kind::kNull:
      return "nothing";
    case Kind::kScalar:
      return "text";
    case Kind::kSequence:
      return "a list";
    case Kind::kMap:
      return "a map";
  }
  return "nothing";
}

const YamlNode* YamlNode::Find(std::string_view key) const {
  for (const auto& [name, value] : entries_) {
    if (name.text_ == key) return &value;
  }
  return nullptr;
}

absl::Status YamlNode::Error(std::string_view what) const { return At(line_, column_, what); }

absl::StatusOr<std::string> YamlNode::AsText() const {
  if (is_null()) return std::string();
  if (!is_scalar()) return Error(fmt::format("expected text, got {}", kind_name()));
  return text_;
}

absl::StatusOr<bool> YamlNode::AsBool() const {
  if (is_scalar() && !quoted_) {
    const std::string lower = ToLowerAscii(text_);
    if (lower == "true" || lower == "yes" || lower == "on" || lower == "y") return true;
    if (lower == "false" || lower == "no" || lower == "off" || lower == "n") return false;
  }
  return Error(fmt::format("{} is not true or false",
                           is_scalar() ? model::QuoteGo(text_) : std::string(kind_name())));
}

absl::StatusOr<int64_t> YamlNode::AsInt() const {
  const absl::Status error = Error(fmt::format(
      "{} is no whole number", is_scalar() ? model::QuoteGo(text_) : std::string(kind_name())));
  if (!is_scalar() || quoted_) return error;
  std::string plain;
  for (const char c : text_) {
    if (c != '_') plain.push_back(c);
  }
  std::string_view digits = plain;
  const bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.remove_prefix(1);
  int base = 10;
  if (digits.starts_with("0x")) base = 16;
  if (digits.starts_with("0o")) base = 8;
  if (digits.starts_with("0b")) base = 2;
  if (base != 10) digits.remove_prefix(2);
  if (base == 10 && digits.size() > 1 && digits[0] == '0') base = 8;  // YAML 1.1
  int64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto [at, code] = std::from_chars(digits.data(), end, value, base);
  if (digits.empty() || at != end || code != std::errc() || value < 0) return error;
  return negative ? -value : value;
}

absl::StatusOr<double> YamlNode::AsDouble() const {
  double value = 0;
  if (is_scalar() && !quoted_) {
    const std::string lower = ToLowerAscii(text_);
    std::string_view number = lower;
    std::string special;
    if (lower == ".inf" || lower == "+.inf" || lower == "-.inf" || lower == ".nan") {
      special = lower;
      special.erase(special.find('.'), 1);
      number = special;
    }
    if (ParseGoFloat(number, &value)) return value;
    if (const auto whole = AsInt(); whole.ok()) return static_cast<double>(*whole);
  }
  return Error(fmt::format("{} is no number",
                           is_scalar() ? model::QuoteGo(text_) : std::string(kind_name())));
}

}  // namespace hearth::codec
