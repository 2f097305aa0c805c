// SPDX-License-Identifier: Apache-2.0
// The Condition element of IAM policies: the request's context keys, and operators over them. By
// the IAM User Guide, reference_policies_elements_condition_operators.html.
//
// A missing key fails a positive operator, holds for a negated one (…Not…), and holds for any with
// IfExists. Several values in the policy are alternatives (for negated operators: none may match).
// Pure, thread-safe.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::auth {

// Key → values. Keys compare without case, but for the issuer part of OIDC keys
// ("oidc.example.com/id/ABC:sub"), whose path is case-sensitive.
class ConditionContext {
 public:
  void Set(std::string_view key, std::string value);
  void SetMany(std::string_view key, std::vector<std::string> values);
  // nullptr where the key is absent.
  const std::vector<std::string>* Find(std::string_view key) const;
  // By normalised key.
  const std::map<std::string, std::vector<std::string>, std::less<>>& values() const {
    return values_;
  }

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
};

// The form under which keys are compared.
std::string NormalizeConditionKey(std::string_view key);

enum class ConditionOperator {
  kStringEquals,
  kStringEqualsIgnoreCase,
  kStringLike,
  kNumericEquals,
  kNumericLessThan,
  kNumericLessThanEquals,
  kNumericGreaterThan,
  kNumericGreaterThanEquals,
  kDateEquals,
  kDateLessThan,
  kDateLessThanEquals,
  kDateGreaterThan,
  kDateGreaterThanEquals,
  kBool,
  kBinaryEquals,
  kIpAddress,
  kArnLike,  // ArnEquals is the same
  kNull,
};

enum class SetQualifier { kNone, kForAnyValue, kForAllValues };

// One operator over one key: {"StringEquals": {"aws:username": ["a", "b"]}}.
struct Condition {
  ConditionOperator op = ConditionOperator::kStringEquals;
  bool negated = false;  // StringNotEquals and so on
  bool if_exists = false;
  SetQualifier qualifier = SetQualifier::kNone;
  std::string key;  // normalised
  std::vector<std::string> values;
};

// Sets op, negated, if_exists and qualifier from e.g. "ForAnyValue:StringNotLikeIfExists". Names
// compare without case. InvalidArgument for an operator that does not exist.
absl::StatusOr<Condition> ParseConditionOperator(std::string_view name);
// Whether a value is well-formed for the operator (a number, a date, an address, true/false).
// Values with policy variables are accepted.
absl::Status CheckConditionValue(const Condition& condition, std::string_view value);

// `variables`: whether ${…} in values is replaced from the context.
bool Holds(const Condition& condition, const ConditionContext& context, bool variables);

// ISO 8601 ("2026-08-07T12:00:00Z", "2026-08-07", with fractions or an offset) or epoch seconds to
// milliseconds; false where it is neither.
bool ParsePolicyDate(std::string_view text, int64_t* ms);

}  // namespace hearth::auth
