// SPDX-License-Identifier: Apache-2.0
// label_replace and label_join: they look at labels only, once a series.
#include <re2/re2.h>

#include <optional>

#include "base/status.h"
#include "promql/evaluator.h"

namespace hearth::promql {
namespace {

const std::string& Text(const Expr& expr) { return As<StringLiteral>(Unwrap(expr)).value; }

bool IsNameByte(char c) {
  // Go takes any Unicode letter or digit here; bytes of multi-byte runes count as letters.
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         (static_cast<unsigned char>(c) & 0x80) != 0;
}

// The reference at the start of `text` (behind its "$"): $1, $name, ${1}, ${name}.
std::optional<std::string_view> TakeReference(std::string_view* text) {
  const bool braces = text->starts_with('{');
  const size_t begin = braces ? 1 : 0;
  size_t end = begin;
  while (end < text->size() && IsNameByte((*text)[end])) ++end;
  if (end == begin) return std::nullopt;
  if (braces && (end == text->size() || (*text)[end] != '}')) return std::nullopt;
  const std::string_view name = text->substr(begin, end - begin);
  text->remove_prefix(end + begin);
  return name;
}

// A group's number, or -1 for a name. No leading zeros.
int GroupNumber(std::string_view name) {
  if (name.size() > 1 && name[0] == '0') return -1;
  int number = 0;
  for (const char c : name) {
    if (c < '0' || c > '9' || number >= 100'000'000) return -1;
    number = number * 10 + (c - '0');
  }
  return number;
}

// Go's Regexp.Expand.
std::string Expand(std::string_view text, const re2::RE2& regex,
                   const std::vector<re2::StringPiece>& groups) {
  std::string out;
  for (;;) {
    const size_t dollar = text.find('$');
    out += text.substr(0, dollar);
    if (dollar == std::string_view::npos) return out;
    text.remove_prefix(dollar + 1);
    if (text.starts_with('$')) {
      out += '$';
      text.remove_prefix(1);
      continue;
    }
    const std::optional<std::string_view> name = TakeReference(&text);
    if (!name) {
      out += '$';
      continue;
    }
    int group = GroupNumber(*name);
    if (group < 0) {
      const auto& names = regex.NamedCapturingGroups();
      const auto found = names.find(std::string(*name));
      if (found != names.end()) group = found->second;
    }
    if (group >= 0 && static_cast<size_t>(group) < groups.size()) {
      const re2::StringPiece& piece = groups[static_cast<size_t>(group)];
      out.append(piece.data(), piece.size());
    }
  }
}

// Any UTF-8 but nothing at all (the lexer has checked that it is UTF-8).
bool IsValidLabelName(std::string_view name) { return !name.empty() && IsValidUtf8(name); }

void SetLabel(Grid* grid, size_t row, std::string_view name, std::string_view value) {
  model::LabelsBuilder labels(grid->labels(row));
  labels.Set(name, value);
  grid->set_labels(row, labels.Build());
  if (name == model::kMetricName) grid->set_drop_name(row, false);
}

}  // namespace

absl::StatusOr<Value> Evaluator::EvalLabelReplace(const Call& call) {
  const std::string& target = Text(*call.args[1]);
  const std::string& replacement = Text(*call.args[2]);
  const std::string& source = Text(*call.args[3]);
  const std::string& pattern = Text(*call.args[4]);
  const absl::StatusOr<model::AnchoredRegex> regex = model::AnchoredRegex::Compile(pattern);
  if (!regex.ok()) {
    return FailedPrecondition("invalid regular expression in label_replace(): {}", pattern);
  }
  if (!IsValidLabelName(target)) {
    return FailedPrecondition("invalid destination label name in label_replace(): {}", target);
  }
  TRY_ASSIGN(Grid grid, EvalVector(*call.args[0]));
  const re2::RE2& re2 = regex->re2();
  std::vector<re2::StringPiece> groups(static_cast<size_t>(re2.NumberOfCapturingGroups()) + 1);
  for (size_t row = 0; row < grid.rows(); ++row) {
    TRY(query_.Tick());
    const std::string value(grid.labels(row).Get(source));
    const re2::StringPiece text(value);
    if (!re2.Match(text, 0, text.size(), re2::RE2::ANCHOR_BOTH, groups.data(),
                   static_cast<int>(groups.size()))) {
      continue;
    }
    const std::string expanded = Expand(replacement, re2, groups);
    TRY(query_.HoldBytes(expanded.size()));
    SetLabel(&grid, row, target, expanded);
  }
  TRY(grid.MergeEqualRows());
  return Value{ValueType::kVector, {}, {}, std::move(grid)};
}

absl::StatusOr<Value> Evaluator::EvalLabelJoin(const Call& call) {
  const std::string& target = Text(*call.args[1]);
  const std::string& separator = Text(*call.args[2]);
  for (size_t i = 3; i < call.args.size(); ++i) {
    if (!IsValidLabelName(Text(*call.args[i]))) {
      return FailedPrecondition("invalid source label name in label_join(): {}",
                                Text(*call.args[i]));
    }
  }
  if (!IsValidLabelName(target)) {
    return FailedPrecondition("invalid destination label name in label_join(): {}", target);
  }
  TRY_ASSIGN(Grid grid, EvalVector(*call.args[0]));
  for (size_t row = 0; row < grid.rows(); ++row) {
    TRY(query_.Tick());
    std::string joined;
    for (size_t i = 3; i < call.args.size(); ++i) {
      if (i > 3) joined += separator;
      joined += grid.labels(row).Get(Text(*call.args[i]));
    }
    TRY(query_.HoldBytes(joined.size()));
    SetLabel(&grid, row, target, joined);
  }
  TRY(grid.MergeEqualRows());
  return Value{ValueType::kVector, {}, {}, std::move(grid)};
}

}  // namespace hearth::promql
