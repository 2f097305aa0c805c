// SPDX-License-Identifier: Apache-2.0
#include "auth/policy.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "auth/glob.h"
#include "base/status.h"
#include "base/text.h"

namespace hearth::auth {
namespace {

using Json = nlohmann::json;

// The grammar is six levels deep at most; deeper is not a policy, and parsing it is work for
// naught.
constexpr int kDepthMax = 10;

template <typename... Args>
absl::Status Syntax(fmt::format_string<Args...> format, Args&&... args) {
  return InvalidArgument("Syntax errors in policy: {}",
                         fmt::format(format, std::forward<Args>(args)...));
}

// Refuses duplicate keys, which a JSON library would silently drop, and deep nesting.
absl::StatusOr<Json> ParseStrictly(std::string_view text) {
  if (text.size() > kPolicyBytesMax) {
    return Syntax("{} bytes, at most {} are read.", text.size(), kPolicyBytesMax);
  }
  std::vector<std::set<std::string>> keys;
  std::string fault;
  auto watch = [&](int depth, Json::parse_event_t event, Json& value) {
    if (depth > kDepthMax) fault = "nested too deeply.";
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end && !keys.empty()) keys.pop_back();
    if (event == Json::parse_event_t::key && !keys.empty() &&
        !keys.back().insert(value.get<std::string>()).second) {
      fault = fmt::format("duplicate element '{}'.", value.get<std::string>());
    }
    return fault.empty();
  };
  Json json = Json::parse(text.begin(), text.end(), watch, /*allow_exceptions=*/false);
  if (!fault.empty()) return Syntax("{}", fault);
  if (!json.is_object()) return Syntax("not a JSON object.");
  return json;
}

bool IsAccount(std::string_view text) {
  return text.size() == 12 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool IsAlphanumeric(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
}

// A string or a list of strings.
absl::StatusOr<std::vector<std::string>> Strings(const Json& json, std::string_view element) {
  std::vector<std::string> out;
  if (json.is_string()) {
    out.push_back(json.get<std::string>());
    return out;
  }
  if (!json.is_array()) return Syntax("{} must be a string or a list of strings.", element);
  for (const Json& entry : json) {
    if (!entry.is_string()) return Syntax("{} must be a string or a list of strings.", element);
    out.push_back(entry.get<std::string>());
  }
  return out;
}

// Condition values may also be numbers and booleans.
absl::StatusOr<std::string> Scalar(const Json& json) {
  if (json.is_string()) return json.get<std::string>();
  if (json.is_boolean() || json.is_number()) return json.dump();
  return Syntax("a condition value must be a string, a number or a boolean.");
}

}  // namespace

class PolicyParser {
 public:
  explicit PolicyParser(PolicyKind kind) : kind_(kind) {}

  absl::StatusOr<std::shared_ptr<const PolicyDocument>> Parse(std::string_view text) {
    TRY_ASSIGN(Json json, ParseStrictly(text));
    std::shared_ptr<PolicyDocument> document(new PolicyDocument());
    document->kind_ = kind_;
    for (const auto& [key, value] : json.items()) {
      if (key == "Version") {
        if (value != "2012-10-17" && value != "2008-10-17") {
          return Syntax("Version must be 2012-10-17 or 2008-10-17.");
        }
        document->version_ = value.get<std::string>();
      } else if (key != "Statement" && key != "Id") {
        return Syntax("unknown element '{}'.", key);
      }
    }
    auto statements = json.find("Statement");
    if (statements == json.end()) return Syntax("Statement is missing.");
    Json list = statements->is_array() ? *statements : Json::array({*statements});
    if (list.empty()) return Syntax("Statement is empty.");
    for (const Json& entry : list) {
      TRY_ASSIGN(Statement statement, ParseStatement(entry));
      if (!statement.sid.empty() && !sids_.insert(statement.sid).second) {
        return InvalidArgument("Statement IDs (SID) in a single policy must be unique.");
      }
      document->statements_.push_back(std::move(statement));
    }
    return std::shared_ptr<const PolicyDocument>(std::move(document));
  }

 private:
  absl::StatusOr<Statement> ParseStatement(const Json& json) {
    if (!json.is_object()) return Syntax("a statement must be an object.");
    Statement statement;
    for (const auto& [key, value] : json.items()) {
      TRY(ParseElement(key, value, &statement));
    }
    if (!json.contains("Effect")) return Syntax("Missing required field Effect.");
    if (!statement.actions.present) {
      return InvalidArgument("Policy statement must contain actions.");
    }
    if (kind_ == PolicyKind::kTrust) {
      if (statement.resources.present) return InvalidArgument("Has prohibited field Resource");
    } else if (!statement.resources.present) {
      return InvalidArgument("Policy statement must contain resources.");
    }
    if (kind_ == PolicyKind::kIdentity && statement.has_principal) {
      return InvalidArgument("Policy document should not specify a principal.");
    }
    if (kind_ != PolicyKind::kIdentity && !statement.has_principal) {
      return InvalidArgument("Missing required field Principal");
    }
    return statement;
  }

  absl::Status ParseElement(const std::string& key, const Json& value, Statement* statement) {
    if (key == "Sid") return ParseSid(value, statement);
    if (key == "Effect") {
      if (value != "Allow" && value != "Deny") return Syntax("Effect must be Allow or Deny.");
      statement->allow = value == "Allow";
      return absl::OkStatus();
    }
    if (key == "Action" || key == "NotAction") {
      return ParseActions(key, value, &statement->actions);
    }
    if (key == "Resource" || key == "NotResource") {
      return ParseResources(key, value, &statement->resources);
    }
    if (key == "Principal" || key == "NotPrincipal") {
      return ParsePrincipals(key, value, statement);
    }
    if (key == "Condition") return ParseConditions(value, &statement->conditions);
    return Syntax("unknown element '{}'.", key);
  }

  absl::Status ParseSid(const Json& value, Statement* statement) {
    if (!value.is_string()) return Syntax("Sid must be a string.");
    statement->sid = value.get<std::string>();
    if (kind_ == PolicyKind::kIdentity && !IsAlphanumeric(statement->sid)) {
      return InvalidArgument(
          "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular "
          "expression [0-9A-Za-z]*");
    }
    return absl::OkStatus();
  }

  absl::Status TakeList(const std::string& key, const Json& value, PatternList* list) {
    if (list->present) return Syntax("'{}' beside its opposite.", key);
    list->present = true;
    list->negated = key.substr(0, 3) == "Not";
    TRY_ASSIGN(list->patterns, Strings(value, key));
    if (list->patterns.empty()) return Syntax("{} is empty.", key);
    return absl::OkStatus();
  }

  absl::Status ParseActions(const std::string& key, const Json& value, PatternList* list) {
    TRY(TakeList(key, value, list));
    for (const std::string& action : list->patterns) {
      size_t colon = action.find(':');
      if (action != "*" &&
          (colon == std::string::npos || colon == 0 || colon + 1 == action.size())) {
        return InvalidArgument(
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.");
      }
      if (kind_ == PolicyKind::kTrust && action != "*" &&
          !EqualsIgnoreCaseAscii(std::string_view(action).substr(0, colon), "sts")) {
        return InvalidArgument("AssumeRole policy may only specify STS AssumeRole actions.");
      }
    }
    return absl::OkStatus();
  }

  absl::Status ParseResources(const std::string& key, const Json& value, PatternList* list) {
    TRY(TakeList(key, value, list));
    for (const std::string& resource : list->patterns) {
      bool wild = resource == "*" || resource.substr(0, 2) == "${";
      if (!wild && resource.substr(0, 4) != "arn:") {
        return InvalidArgument("Resource {} must be in ARN format or \"*\".", resource);
      }
    }
    return absl::OkStatus();
  }

  absl::Status ParsePrincipals(const std::string& key, const Json& value, Statement* statement) {
    if (statement->has_principal) return Syntax("'{}' beside its opposite.", key);
    statement->has_principal = true;
    statement->not_principal = key == "NotPrincipal";
    if (value == "*") {
      statement->principals.push_back({PrincipalPattern::Type::kAny, "*"});
      return absl::OkStatus();
    }
    if (!value.is_object() || value.empty()) return Syntax("{} must be \"*\" or an object.", key);
    for (const auto& [type_name, entries] : value.items()) {
      PrincipalPattern::Type type;
      if (type_name == "AWS")
        type = PrincipalPattern::Type::kAws;
      else if (type_name == "Federated")
        type = PrincipalPattern::Type::kFederated;
      else if (type_name == "Service")
        type = PrincipalPattern::Type::kService;
      else if (type_name == "CanonicalUser")
        type = PrincipalPattern::Type::kCanonicalUser;
      else
        return Syntax("{} has no kind '{}'.", key, type_name);
      TRY_ASSIGN(std::vector<std::string> names, Strings(entries, key));
      if (names.empty()) return Syntax("{} is empty.", key);
      for (std::string& name : names) {
        TRY(CheckPrincipal(type, name));
        statement->principals.push_back({type, std::move(name)});
      }
    }
    return absl::OkStatus();
  }

  // Not in the words "Invalid principal in policy": Terraform's provider takes those for IAM's
  // eventual consistency and repeats the call for two minutes.
  static absl::Status CheckPrincipal(PrincipalPattern::Type type, const std::string& name) {
    if (type != PrincipalPattern::Type::kAws || name == "*" || IsAccount(name)) {
      return absl::OkStatus();
    }
    bool unique_id =
        name.size() >= 16 && name.size() <= 128 && name[0] == 'A' && IsAlphanumeric(name);
    bool arn = name.substr(0, 13) == "arn:aws:iam::" || name.substr(0, 13) == "arn:aws:sts::";
    if (unique_id) return absl::OkStatus();
    if (!arn || name.find('*') != std::string::npos) {
      return Syntax("'{}' is no account, ARN of a principal, or \"*\".", name);
    }
    return absl::OkStatus();
  }

  static absl::Status ParseConditions(const Json& json, std::vector<Condition>* conditions) {
    if (!json.is_object()) return Syntax("Condition must be an object.");
    for (const auto& [operator_name, keys] : json.items()) {
      TRY_ASSIGN(const Condition base, ParseConditionOperator(operator_name));
      if (!keys.is_object()) return Syntax("{} must be an object.", operator_name);
      for (const auto& [key, values] : keys.items()) {
        Condition condition = base;
        condition.key = NormalizeConditionKey(key);
        if (key.find(':') == std::string::npos) {
          return InvalidArgument(
              "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.");
        }
        Json list = values.is_array() ? values : Json::array({values});
        for (const Json& value : list) {
          TRY_ASSIGN(std::string text, Scalar(value));
          TRY(CheckConditionValue(condition, text));
          condition.values.push_back(std::move(text));
        }
        conditions->push_back(std::move(condition));
      }
    }
    return absl::OkStatus();
  }

  const PolicyKind kind_;
  std::set<std::string> sids_;
};

absl::StatusOr<std::shared_ptr<const PolicyDocument>> PolicyDocument::Parse(std::string_view json,
                                                                            PolicyKind kind) {
  return PolicyParser(kind).Parse(json);
}

bool MatchesAction(const PatternList& actions, std::string_view action) {
  Glob glob;
  for (const std::string& pattern : actions.patterns) {
    CompileGlob(pattern, /*wildcards=*/true, nullptr, &glob);
    if (GlobMatches(glob, action, /*ignore_case=*/true)) return !actions.negated;
  }
  return actions.negated;
}

bool MatchesResource(const PatternList& resources, std::string_view resource,
                     const ConditionContext& context, bool variables, bool allow) {
  if (!resources.present) return true;
  Glob glob;
  bool unresolved = false;
  for (const std::string& pattern : resources.patterns) {
    if (pattern == "*") return !resources.negated;
    if (!CompileGlob(pattern, /*wildcards=*/true, variables ? &context : nullptr, &glob)) {
      unresolved = true;
      continue;
    }
    if (ArnMatches(glob, resource)) return !resources.negated;
  }
  return resources.negated && !(unresolved && allow);
}

}  // namespace hearth::auth
