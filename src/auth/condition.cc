// SPDX-License-Identifier: Apache-2.0
#include "auth/condition.h"

#include <arpa/inet.h>

#include <array>
#include <cmath>
#include <cstring>
#include <optional>

#include "auth/glob.h"
#include "auth/iso_time.h"
#include "base/status.h"
#include "base/text.h"

namespace hearth::auth {
namespace {

struct OperatorName {
  std::string_view name;  // lower case
  ConditionOperator op;
  bool negated;
};

using Op = ConditionOperator;
constexpr std::array kOperators = {
    OperatorName{"stringequals", Op::kStringEquals, false},
    OperatorName{"stringnotequals", Op::kStringEquals, true},
    OperatorName{"stringequalsignorecase", Op::kStringEqualsIgnoreCase, false},
    OperatorName{"stringnotequalsignorecase", Op::kStringEqualsIgnoreCase, true},
    OperatorName{"stringlike", Op::kStringLike, false},
    OperatorName{"stringnotlike", Op::kStringLike, true},
    OperatorName{"numericequals", Op::kNumericEquals, false},
    OperatorName{"numericnotequals", Op::kNumericEquals, true},
    OperatorName{"numericlessthan", Op::kNumericLessThan, false},
    OperatorName{"numericlessthanequals", Op::kNumericLessThanEquals, false},
    OperatorName{"numericgreaterthan", Op::kNumericGreaterThan, false},
    OperatorName{"numericgreaterthanequals", Op::kNumericGreaterThanEquals, false},
    OperatorName{"dateequals", Op::kDateEquals, false},
    OperatorName{"datenotequals", Op::kDateEquals, true},
    OperatorName{"datelessthan", Op::kDateLessThan, false},
    OperatorName{"datelessthanequals", Op::kDateLessThanEquals, false},
    OperatorName{"dategreaterthan", Op::kDateGreaterThan, false},
    OperatorName{"dategreaterthanequals", Op::kDateGreaterThanEquals, false},
    OperatorName{"bool", Op::kBool, false},
    OperatorName{"binaryequals", Op::kBinaryEquals, false},
    OperatorName{"ipaddress", Op::kIpAddress, false},
    OperatorName{"notipaddress", Op::kIpAddress, true},
    OperatorName{"arnequals", Op::kArnLike, false},
    OperatorName{"arnlike", Op::kArnLike, false},
    OperatorName{"arnnotequals", Op::kArnLike, true},
    OperatorName{"arnnotlike", Op::kArnLike, true},
    OperatorName{"null", Op::kNull, false},
};

bool IsNumeric(Op op) { return op >= Op::kNumericEquals && op <= Op::kNumericGreaterThanEquals; }
bool IsDate(Op op) { return op >= Op::kDateEquals && op <= Op::kDateGreaterThanEquals; }

bool ParseNumber(std::string_view text, double* value) {
  if (text.empty() || text.size() > 64) return false;
  std::string copy(text);
  char* end = nullptr;
  *value = std::strtod(copy.c_str(), &end);
  return end == copy.c_str() + copy.size() && std::isfinite(*value) && copy[0] != ' ';
}

// An address of either family as 16 bytes; IPv4 is mapped, so that one comparison serves both.
struct Network {
  std::array<unsigned char, 16> bytes{};
  int prefix = 128;
  bool v4 = false;
};

bool ParseNetwork(std::string_view text, Network* network) {
  size_t slash = text.find('/');
  std::string address(text.substr(0, slash));
  unsigned char raw[16];
  if (inet_pton(AF_INET, address.c_str(), raw) == 1) {
    network->v4 = true;
    network->bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, raw[0], raw[1], raw[2], raw[3]};
  } else if (inet_pton(AF_INET6, address.c_str(), raw) == 1) {
    std::memcpy(network->bytes.data(), raw, 16);
  } else {
    return false;
  }
  if (slash == std::string_view::npos) return true;
  int64_t bits = 0;
  if (!ParseInt64(text.substr(slash + 1), &bits) || bits < 0 || bits > (network->v4 ? 32 : 128)) {
    return false;
  }
  network->prefix = static_cast<int>(bits) + (network->v4 ? 96 : 0);
  return true;
}

bool Contains(const Network& network, const Network& address) {
  for (int bit = 0; bit < network.prefix; bit += 8) {
    size_t i = static_cast<size_t>(bit / 8);
    int rest = network.prefix - bit;
    unsigned mask = rest >= 8 ? 0xffu : (0xffu << (8 - rest)) & 0xffu;
    if (((network.bytes[i] ^ address.bytes[i]) & mask) != 0) return false;
  }
  return true;
}

template <typename T>
bool Compare(Op op, T left, T right) {
  switch (op) {
    case Op::kNumericEquals:
    case Op::kDateEquals:
      return !(left < right) && !(right < left);
    case Op::kNumericLessThan:
    case Op::kDateLessThan:
      return left < right;
    case Op::kNumericLessThanEquals:
    case Op::kDateLessThanEquals:
      return left <= right;
    case Op::kNumericGreaterThan:
    case Op::kDateGreaterThan:
      return left > right;
    default:
      return left >= right;
  }
}

// A value of the policy after variables, as plain text; nullopt where a variable has no value.
std::optional<std::string> Resolve(std::string_view value, const ConditionContext* context) {
  if (context == nullptr || value.find("${") == std::string_view::npos) return std::string(value);
  Glob glob;
  if (!CompileGlob(value, /*wildcards=*/false, context, &glob)) return std::nullopt;
  std::string text;
  for (uint16_t symbol : glob) text += static_cast<char>(symbol);
  return text;
}

// Does `actual` match the policy's `value` under the (not negated) operator?
bool Matches(Op op, std::string_view value, std::string_view actual,
             const ConditionContext* variables) {
  if (op == Op::kStringLike || op == Op::kArnLike) {
    Glob glob;
    if (!CompileGlob(value, /*wildcards=*/true, variables, &glob)) return false;
    return op == Op::kStringLike ? GlobMatches(glob, actual) : ArnMatches(glob, actual);
  }
  std::optional<std::string> text = Resolve(value, variables);
  if (!text) return false;
  if (op == Op::kStringEquals || op == Op::kBinaryEquals) return *text == actual;
  if (op == Op::kStringEqualsIgnoreCase || op == Op::kBool) {
    return EqualsIgnoreCaseAscii(*text, actual);
  }
  if (op == Op::kIpAddress) {
    Network network, address;
    return ParseNetwork(*text, &network) && ParseNetwork(actual, &address) &&
           Contains(network, address);
  }
  if (IsNumeric(op)) {
    double left = 0, right = 0;
    return ParseNumber(actual, &left) && ParseNumber(*text, &right) && Compare(op, left, right);
  }
  int64_t left = 0, right = 0;
  return ParsePolicyDate(actual, &left) && ParsePolicyDate(*text, &right) &&
         Compare(op, left, right);
}

// One value of the request against all of the policy's: any for positive operators, none for
// negated ones.
bool ValueHolds(const Condition& condition, std::string_view actual,
                const ConditionContext* variables) {
  for (const std::string& value : condition.values) {
    if (Matches(condition.op, value, actual, variables)) return !condition.negated;
  }
  return condition.negated;
}

}  // namespace

std::string NormalizeConditionKey(std::string_view key) {
  // "oidc.example.com/id/ABC:sub", "localhost:8443/x:aud": the issuer comes before the last colon
  // and its path is case-sensitive. Keys of services begin with a word and a colon.
  size_t first = key.find(':');
  std::string_view vendor = key.substr(0, first);
  bool issuer =
      first != std::string_view::npos && (vendor.find_first_of("./") != std::string_view::npos ||
                                          (first + 1 < key.size() && key[first + 1] >= '0' &&
                                           key[first + 1] <= '9' && key.rfind(':') != first));
  if (!issuer) return ToLowerAscii(key);
  size_t last = key.rfind(':');
  return std::string(key.substr(0, last)) + ToLowerAscii(key.substr(last));
}

void ConditionContext::Set(std::string_view key, std::string value) {
  values_[NormalizeConditionKey(key)] = {std::move(value)};
}

void ConditionContext::SetMany(std::string_view key, std::vector<std::string> values) {
  values_[NormalizeConditionKey(key)] = std::move(values);
}

const std::vector<std::string>* ConditionContext::Find(std::string_view key) const {
  auto it = values_.find(NormalizeConditionKey(key));
  return it == values_.end() ? nullptr : &it->second;
}

absl::StatusOr<Condition> ParseConditionOperator(std::string_view name) {
  std::string lower = ToLowerAscii(name);
  std::string_view rest = lower;
  Condition condition;
  auto take_prefix = [&](std::string_view prefix) {
    if (rest.substr(0, prefix.size()) != prefix) return false;
    rest.remove_prefix(prefix.size());
    return true;
  };
  if (take_prefix("foranyvalue:"))
    condition.qualifier = SetQualifier::kForAnyValue;
  else if (take_prefix("forallvalues:"))
    condition.qualifier = SetQualifier::kForAllValues;
  constexpr std::string_view kIfExists = "ifexists";
  if (rest.size() > kIfExists.size() && rest.substr(rest.size() - kIfExists.size()) == kIfExists) {
    condition.if_exists = true;
    rest.remove_suffix(kIfExists.size());
  }
  for (const OperatorName& entry : kOperators) {
    if (entry.name != rest) continue;
    if (entry.op == Op::kNull && condition.if_exists) break;  // IAM has no NullIfExists
    condition.op = entry.op;
    condition.negated = entry.negated;
    return condition;
  }
  return InvalidArgument("Invalid Condition type : {}.", name);
}

absl::Status CheckConditionValue(const Condition& condition, std::string_view value) {
  if (value.find("${") != std::string_view::npos) return absl::OkStatus();
  bool good = true;
  std::string_view wanted;
  double number = 0;
  int64_t date = 0;
  Network network;
  if (IsNumeric(condition.op)) {
    good = ParseNumber(value, &number);
    wanted = "a number";
  } else if (IsDate(condition.op)) {
    good = ParsePolicyDate(value, &date);
    wanted = "a date (ISO 8601 or epoch seconds)";
  } else if (condition.op == Op::kIpAddress) {
    good = ParseNetwork(value, &network);
    wanted = "an IP address or CIDR range";
  } else if (condition.op == Op::kBool || condition.op == Op::kNull) {
    good = EqualsIgnoreCaseAscii(value, "true") || EqualsIgnoreCaseAscii(value, "false");
    wanted = "true or false";
  }
  if (good) return absl::OkStatus();
  return InvalidArgument("Syntax errors in policy: condition value '{}' of {} is not {}.", value,
                         condition.key, wanted);
}

bool Holds(const Condition& condition, const ConditionContext& context, bool variables) {
  const std::vector<std::string>* actual = context.Find(condition.key);
  bool present = actual != nullptr && !actual->empty();
  const ConditionContext* replace = variables ? &context : nullptr;
  if (condition.op == Op::kNull) {
    for (const std::string& value : condition.values) {
      if (Matches(Op::kBool, value, present ? "false" : "true", replace)) return true;
    }
    return false;
  }
  if (!present) {
    if (condition.qualifier == SetQualifier::kForAllValues) return true;
    if (condition.qualifier == SetQualifier::kForAnyValue) return condition.if_exists;
    return condition.negated || condition.if_exists;
  }
  // Without a qualifier a key with several values is met by any of them; a negated operator wants
  // all of them to differ.
  bool all = condition.qualifier == SetQualifier::kForAllValues ||
             (condition.qualifier == SetQualifier::kNone && condition.negated);
  for (const std::string& value : *actual) {
    if (ValueHolds(condition, value, replace) != all) return !all;
  }
  return all;
}

bool ParsePolicyDate(std::string_view text, int64_t* ms) {
  int64_t seconds = 0;
  if (ParseIsoDate(text, ms)) return true;
  // 10^11 seconds are the year 5138: beyond it is no date, and no overflow.
  if (!ParseInt64(text, &seconds) || seconds < 0 || seconds > 100'000'000'000) return false;
  *ms = seconds * 1000;
  return true;
}

}  // namespace hearth::auth
