// SPDX-License-Identifier: Apache-2.0
// A workspace's configuration and its resource policy (aws-contract.md §4.4, §4.6).
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "api/aps/answers.h"
#include "api/aps/aps.h"
#include "auth/policy.h"
#include "base/status.h"

namespace hearth::api {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kDayMs = int64_t{24} * 3600 * 1000;
constexpr int64_t kRetentionDaysMax = 1095;  // §11.1
constexpr int64_t kLabelSetLimitsMax = 100;  // §11.1, L-2C2449DB
// No limit is documented; longer than the longest retention would mean nothing.
constexpr int64_t kWindowSecondsMax = kRetentionDaysMax * kDayMs / 1000;
// Puts a policy only where there is none (§4.6).
constexpr std::string_view kNoPolicy = "NO_POLICY";

absl::Status CheckRange(const access::RestInput& input, std::string_view member, int64_t max) {
  if (input.Number(member).value_or(0) <= max) return absl::OkStatus();
  return access::InvalidField(member,
                              fmt::format("Member must have value less than or equal to {}", max));
}

absl::StatusOr<std::vector<catalog::LabelSetLimit>> ReadLimits(const access::RestInput& input) {
  std::vector<catalog::LabelSetLimit> limits;
  for (const access::RestInput& entry : input.Children("limitsPerLabelSet")) {
    catalog::LabelSetLimit limit;
    limit.labels = entry.TextMap("labelSet");
    limit.max_series = entry.Child("limits").Number("maxSeries").value_or(0);
    for (const catalog::LabelSetLimit& other : limits) {
      if (other.labels == limit.labels) {
        return access::InvalidField("limitsPerLabelSet", "A label set may have one limit only");
      }
    }
    limits.push_back(std::move(limit));
    if (limits.size() > kLabelSetLimitsMax) {
      return access::QuotaExceeded(
          fmt::format("Limit exceeded. Maximum {} label set limits per workspace.",
                      kLabelSetLimitsMax),
          "", "workspace", "aps", "L-2C2449DB");
    }
  }
  return limits;
}

absl::Status CheckRevision(const catalog::AmpWorkspace& workspace, const std::string& revision) {
  if (revision.empty()) return absl::OkStatus();
  const std::string_view current = workspace.resource_policy_revision.empty()
                                       ? kNoPolicy
                                       : std::string_view(workspace.resource_policy_revision);
  if (revision == current) return absl::OkStatus();
  return access::ResourceConflict(
      fmt::format("The resource policy has revision {}, not {}", current, revision), workspace.id,
      "workspace");
}

}  // namespace

Aps::Body Aps::DescribeWorkspaceConfiguration(const Call& call) {
  TRY_ASSIGN(const catalog::AmpWorkspace workspace,
             catalog_.Read([&](catalog::Reader& reader) { return Owner(reader, call); }));
  const workspace::Options& defaults = workspaces_.options();
  const catalog::AmpWorkspaceConfig& config = workspace.config;
  Json limits = Json::array();
  for (const catalog::LabelSetLimit& limit : config.label_set_limits) {
    limits.push_back(
        {{"labelSet", TagsJson(limit.labels)}, {"limits", {{"maxSeries", limit.max_series}}}});
  }
  return access::RestBody(Json{
      {"workspaceConfiguration",
       {{"status", ActiveStatus()},
        {"limitsPerLabelSet", std::move(limits)},
        {"retentionPeriodInDays",
         config.retention_days.value_or(defaults.store.retention_ms / kDayMs)},
        {"outOfOrderTimeWindowInSeconds",
         config.out_of_order_window_seconds.value_or(defaults.store.out_of_order_window_ms / 1000)},
        {"ruleQueryOffsetInSeconds",
         config.rule_query_offset_seconds.value_or(defaults.rule_query_offset_ms / 1000)}}}});
}

Aps::Body Aps::UpdateWorkspaceConfiguration(const Call& call) {
  const access::RestInput& input = call.input;
  TRY(CheckRange(input, "retentionPeriodInDays", kRetentionDaysMax));
  TRY(CheckRange(input, "outOfOrderTimeWindowInSeconds", kWindowSecondsMax));
  TRY(CheckRange(input, "ruleQueryOffsetInSeconds", kWindowSecondsMax));
  const bool any = input.Has("limitsPerLabelSet") || input.Has("retentionPeriodInDays") ||
                   input.Has("outOfOrderTimeWindowInSeconds") ||
                   input.Has("ruleQueryOffsetInSeconds");
  if (!any) {
    return access::InvalidRequest(
        "OTHER",
        "At least one of limitsPerLabelSet, retentionPeriodInDays, outOfOrderTimeWindowInSeconds "
        "and ruleQueryOffsetInSeconds is needed");
  }
  TRY_ASSIGN(const auto limits, ReadLimits(input));
  return Once(
      call,
      [&](catalog::Transaction& transaction) -> Body {
        TRY_ASSIGN(catalog::AmpWorkspace workspace, Owner(transaction, call));
        catalog::AmpWorkspaceConfig& config = workspace.config;
        if (input.Has("limitsPerLabelSet")) config.label_set_limits = limits;
        if (const auto days = input.Number("retentionPeriodInDays")) config.retention_days = days;
        if (const auto window = input.Number("outOfOrderTimeWindowInSeconds")) {
          config.out_of_order_window_seconds = window;
        }
        if (const auto offset = input.Number("ruleQueryOffsetInSeconds")) {
          config.rule_query_offset_seconds = offset;
        }
        workspace.config_modified_ms = transaction.now_ms();
        TRY(catalog::UpdateAmpWorkspace(transaction, &workspace));
        return access::RestBody(Json{{"status", ActiveStatus()}});
      },
      [&] {
        const std::string id(call.match.Label("workspaceId"));
        Reconfigure(id);
        if (options_.hooks.rules_changed) options_.hooks.rules_changed(id);
      });
}

Aps::Body Aps::DescribeResourcePolicy(const Call& call) {
  TRY_ASSIGN(const catalog::AmpWorkspace workspace,
             catalog_.Read([&](catalog::Reader& reader) { return Owner(reader, call); }));
  if (workspace.resource_policy.empty()) {
    return access::ResourceNotFound("The workspace has no resource policy", workspace.id,
                                    "resource-policy");
  }
  return access::RestBody(Json{{"policyDocument", workspace.resource_policy},
                               {"policyStatus", "ACTIVE"},
                               {"revisionId", workspace.resource_policy_revision}});
}

Aps::Body Aps::PutResourcePolicy(const Call& call) {
  const std::string document = call.Text("policyDocument");
  const auto policy = auth::PolicyDocument::Parse(document, auth::PolicyKind::kResource);
  if (!policy.ok()) return access::InvalidField("policyDocument", Message(policy.status()));
  const std::string id(call.match.Label("workspaceId"));
  return Once(
      call,
      [&](catalog::Transaction& transaction) -> Body {
        TRY_ASSIGN(catalog::AmpWorkspace workspace, Owner(transaction, call));
        TRY(CheckRevision(workspace, call.Text("revisionId")));
        workspace.resource_policy = document;
        workspace.resource_policy_revision = NewUuid(transaction.rng());
        TRY(catalog::UpdateAmpWorkspace(transaction, &workspace));
        return access::RestBody(
            Json{{"policyStatus", "ACTIVE"}, {"revisionId", workspace.resource_policy_revision}});
      },
      [&] { Reconfigure(id); });
}

Aps::Body Aps::DeleteResourcePolicy(const Call& call) {
  const std::string id(call.match.Label("workspaceId"));
  return Once(
      call,
      [&](catalog::Transaction& transaction) -> Body {
        TRY_ASSIGN(catalog::AmpWorkspace workspace, Owner(transaction, call));
        if (workspace.resource_policy.empty()) {
          return access::ResourceNotFound("The workspace has no resource policy", workspace.id,
                                          "resource-policy");
        }
        TRY(CheckRevision(workspace, call.Text("revisionId")));
        workspace.resource_policy.clear();
        workspace.resource_policy_revision.clear();
        TRY(catalog::UpdateAmpWorkspace(transaction, &workspace));
        return "";
      },
      [&] { Reconfigure(id); });
}

}  // namespace hearth::api
