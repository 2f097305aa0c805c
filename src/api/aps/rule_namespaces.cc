// SPDX-License-Identifier: Apache-2.0
// Rule groups namespaces (aws-contract.md §4.2): bytes are kept as they came, and a file that
// Prometheus would refuse is refused at once, with line and reason.
#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/aps/answers.h"
#include "api/aps/aps.h"
#include "base/status.h"
#include "catalog/amp_rules.h"
#include "rules/rule_file.h"

namespace hearth::api {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kFileBytesMax = 1'000'000;    // §11.1, L-C62641E3
constexpr size_t kNamesBytesMax = 721;         // of namespace and group together
constexpr size_t kAwsRulesMax = 2000;          // --fidelity aws: a workspace, L-3D15CDB4
constexpr int64_t kAwsIntervalMinMs = 30'000;  // --fidelity aws: L-8DEDEE8E
constexpr size_t kErrorsShown = 5;
constexpr std::string_view kType = "rulegroupsnamespace";

Json NamespaceJson(const catalog::AmpWorkspace& owner, const catalog::RuleNamespace& rules) {
  return {{"arn", catalog::RuleNamespaceArn(owner.account, owner.region, owner.id, rules.name)},
          {"name", rules.name},
          {"status", ActiveStatus()},
          {"createdAt", access::EpochSeconds(rules.created_ms)},
          {"modifiedAt", access::EpochSeconds(rules.modified_ms)},
          {"tags", TagsJson(rules.tags)}};
}

std::string Created(const catalog::AmpWorkspace& owner, const catalog::RuleNamespace& rules) {
  Json json = NamespaceJson(owner, rules);
  json.erase("createdAt");
  json.erase("modifiedAt");
  return access::RestBody(json);
}

// How many rules the file has.
absl::StatusOr<size_t> CheckFile(const std::string& data, const std::string& name,
                                 const ApsOptions& options) {
  if (data.size() > kFileBytesMax) {
    return access::QuotaExceeded(
        fmt::format("Limit exceeded. A rule groups namespace has at most {} bytes, not {}.",
                    kFileBytesMax, data.size()),
        name, kType, "aps", "L-C62641E3");
  }
  const rules::RuleFile file = rules::ParseRuleFile(data, name, {.parser = options.parser});
  std::string errors;
  for (size_t i = 0; i < std::min(file.errors.size(), kErrorsShown); ++i) {
    errors += (i == 0 ? "" : "; ") + file.errors[i];
  }
  if (!errors.empty()) return access::InvalidField("data", errors);
  size_t count = 0;
  for (const rules::Group& group : file.groups) {
    count += group.rules.size();
    if (name.size() + group.name.size() > kNamesBytesMax) {
      return access::InvalidField(
          "data",
          fmt::format("group \"{}\": the names of namespace and group have {} bytes "
                      "together, at most {} are allowed",
                      group.name.substr(0, 64), name.size() + group.name.size(), kNamesBytesMax));
    }
    if (options.aws_fidelity && group.interval_ms != 0 && group.interval_ms < kAwsIntervalMinMs) {
      return access::InvalidField(
          "data", fmt::format("group \"{}\": the interval is {} ms, AMP's shortest is {} ms",
                              group.name, group.interval_ms, kAwsIntervalMinMs));
    }
  }
  return count;
}

// With --fidelity aws: all rules of the workspace, this namespace's being `count`.
absl::Status CheckRuleQuota(catalog::Reader& reader, const std::string& workspace,
                            const std::string& name, size_t count, const ApsOptions& options) {
  TRY_ASSIGN(const auto all, catalog::ListRuleNamespaces(reader, workspace));
  for (const catalog::RuleNamespace& other : all) {
    if (other.name == name) continue;
    for (const rules::Group& group :
         rules::ParseRuleFile(other.data, other.name, {.parser = options.parser}).groups) {
      count += group.rules.size();
    }
  }
  if (count <= kAwsRulesMax) return absl::OkStatus();
  return access::QuotaExceeded(
      fmt::format("Limit exceeded. Maximum {} rules per workspace.", kAwsRulesMax), workspace,
      "workspace", "aps", "L-3D15CDB4");
}

}  // namespace

Aps::Body Aps::CreateRuleGroupsNamespace(const Call& call) {
  catalog::RuleNamespace rules;
  rules.workspace = std::string(call.match.Label("workspaceId"));
  rules.name = call.Text("name");
  rules.data = call.input.Blob("data");
  rules.tags = call.input.TextMap("tags");
  if (rules.name.find('/') != std::string::npos) {
    return access::InvalidField("name", "Member must not have a slash");
  }
  TRY(CheckTags(rules.tags));
  TRY_ASSIGN(const size_t count, CheckFile(rules.data, rules.name, options_));
  return Once(
      call,
      [&](catalog::Transaction& transaction) -> Body {
        TRY_ASSIGN(const catalog::AmpWorkspace owner, Owner(transaction, call));
        if (catalog::GetRuleNamespace(transaction, owner.id, rules.name).ok()) {
          return access::ResourceConflict(
              fmt::format("A rule groups namespace named {} exists", rules.name), rules.name,
              kType);
        }
        if (options_.aws_fidelity) {
          TRY(CheckRuleQuota(transaction, owner.id, rules.name, count, options_));
        }
        TRY(catalog::CreateRuleNamespace(transaction, &rules));
        return Created(owner, rules);
      },
      [&] {
        if (options_.hooks.rules_changed) options_.hooks.rules_changed(rules.workspace);
      });
}

Aps::Body Aps::PutRuleGroupsNamespace(const Call& call) {
  const std::string workspace(call.match.Label("workspaceId"));
  const std::string name(call.match.Label("name"));
  const std::string data = call.input.Blob("data");
  TRY_ASSIGN(const size_t count, CheckFile(data, name, options_));
  return Once(
      call,
      [&](catalog::Transaction& transaction) -> Body {
        TRY_ASSIGN(const catalog::AmpWorkspace owner, Owner(transaction, call));
        TRY_ASSIGN(catalog::RuleNamespace rules,
                   OrNotFound(catalog::GetRuleNamespace(transaction, workspace, name),
                              "Rule groups namespace", name, kType));
        if (options_.aws_fidelity)
          TRY(CheckRuleQuota(transaction, owner.id, name, count, options_));
        rules.data = data;
        TRY(catalog::UpdateRuleNamespace(transaction, &rules));
        return Created(owner, rules);
      },
      [&] {
        if (options_.hooks.rules_changed) options_.hooks.rules_changed(workspace);
      });
}

Aps::Body Aps::DescribeRuleGroupsNamespace(const Call& call) {
  const std::string_view name = call.match.Label("name");
  return catalog_.Read([&](catalog::Reader& reader) -> Body {
    TRY_ASSIGN(const catalog::AmpWorkspace owner, Owner(reader, call));
    TRY_ASSIGN(const catalog::RuleNamespace rules,
               OrNotFound(catalog::GetRuleNamespace(reader, owner.id, name),
                          "Rule groups namespace", name, kType));
    Json json = NamespaceJson(owner, rules);
    json["data"] = Base64Encode(rules.data);
    return access::RestBody(Json{{"ruleGroupsNamespace", std::move(json)}});
  });
}

Aps::Body Aps::ListRuleGroupsNamespaces(const Call& call) {
  const std::string prefix = call.Text("name");
  const int64_t page = call.input.Number("maxResults").value_or(kPageDefault);
  const std::string scope = PageScope(call, prefix);
  TRY_ASSIGN(const std::string after, access::ReadPageToken(scope, call.Text("nextToken")));
  return catalog_.Read([&](catalog::Reader& reader) -> Body {
    TRY_ASSIGN(const catalog::AmpWorkspace owner, Owner(reader, call));
    TRY_ASSIGN(auto rows, catalog::ListRuleNamespaces(reader, owner.id, prefix, after,
                                                      static_cast<int>(page) + 1));
    const std::string next = CutPage(page, scope, &rows, [](const auto& row) { return row.name; });
    Json answer = {{"ruleGroupsNamespaces", Json::array()}};
    for (const catalog::RuleNamespace& row : rows) {
      answer["ruleGroupsNamespaces"].push_back(NamespaceJson(owner, row));
    }
    if (!next.empty()) answer["nextToken"] = next;
    return access::RestBody(answer);
  });
}

Aps::Body Aps::DeleteRuleGroupsNamespace(const Call& call) {
  const std::string workspace(call.match.Label("workspaceId"));
  const std::string name(call.match.Label("name"));
  return Once(
      call,
      [&](catalog::Transaction& transaction) -> Body {
        TRY(Owner(transaction, call));
        const absl::Status status = catalog::DeleteRuleNamespace(transaction, workspace, name);
        if (absl::IsNotFound(status)) {
          return access::ResourceNotFound("Rule groups namespace not found", name, kType);
        }
        TRY(status);
        return "";
      },
      [&] {
        if (options_.hooks.rules_changed) options_.hooks.rules_changed(workspace);
      });
}

}  // namespace hearth::api
