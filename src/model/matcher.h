// SPDX-License-Identifier: Apache-2.0
// A label matcher: name (= | != | =~ | !~) value. Regular expressions are RE2's, anchored at both
// ends and with dot matching newline, as Prometheus does: ^(?s:…)$. An absent label is "".
#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace re2 {
class RE2;
}

namespace hearth::model {

enum class MatchType { kEqual, kNotEqual, kRegex, kNotRegex };
std::string_view Operator(MatchType type);  // "=", "!=", "=~", "!~"

// A compiled, anchored regular expression. Immutable and thread-safe; cheap to copy.
class AnchoredRegex {
 public:
  static absl::StatusOr<AnchoredRegex> Compile(std::string_view pattern);
  bool Matches(std::string_view text) const;
  const re2::RE2& re2() const { return *regex_; }

 private:
  std::shared_ptr<const re2::RE2> regex_;
};

// Immutable, thread-safe, cheap to copy.
class Matcher {
 public:
  // InvalidArgument with RE2's reason where the pattern does not compile.
  static absl::StatusOr<Matcher> Make(MatchType type, std::string_view name,
                                      std::string_view value);
  static Matcher Equal(std::string_view name, std::string_view value);

  bool Matches(std::string_view label_value) const;
  bool MatchesEmpty() const { return Matches(""); }
  MatchType type() const { return type_; }
  const std::string& name() const { return name_; }
  const std::string& value() const { return value_; }
  std::string ToString() const;  // name=~"value"
  // For a regex that is a plain alternation of literals (a|b|c): the literals, so that an index may
  // look them up; empty where it is not.
  const std::vector<std::string>& literals() const { return literals_; }
  friend bool operator==(const Matcher& a, const Matcher& b) {
    return a.type_ == b.type_ && a.name_ == b.name_ && a.value_ == b.value_;
  }

 private:
  Matcher(MatchType type, std::string_view name, std::string_view value)
      : type_(type), name_(name), value_(value) {}
  MatchType type_;
  std::string name_;
  std::string value_;
  std::vector<std::string> literals_;
  std::shared_ptr<const AnchoredRegex> regex_;
};

}  // namespace hearth::model
