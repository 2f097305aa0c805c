// SPDX-License-Identifier: Apache-2.0
#include "api/aps/aps.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "access/aws_errors.h"
#include "access/replay.h"
#include "api/aps/answers.h"
#include "api/aps/operations.h"
#include "base/check.h"
#include "base/log.h"
#include "base/status.h"

namespace hearth::api {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kService = "aps";
constexpr std::string_view kScraperPrincipal = "scraper.aps.amazonaws.com";
// --fidelity aws: control operations a second and region (L-8491EB93).
constexpr double kAwsCallsPerSecond = 10;
constexpr size_t kTagsMax = 50;  // aws-contract.md §9.1

}  // namespace

Json ActiveStatus(std::string_view reason) {
  Json status = {{"statusCode", "ACTIVE"}};
  if (!reason.empty()) status["statusReason"] = reason;
  return status;
}

Json TagsJson(const catalog::Tags& tags) {
  Json json = Json::object();
  for (const auto& [key, value] : tags) json[key] = value;
  return json;
}

Json StoredJson(std::string_view text) {
  if (text.empty()) return nullptr;
  return Json::parse(text, nullptr, /*allow_exceptions=*/false);
}

absl::Status CheckTags(const catalog::Tags& tags) {
  for (const auto& [key, value] : tags) {
    if (key.starts_with("aws:")) {
      return access::InvalidField("tags", "Tag keys that begin with aws: are reserved");
    }
  }
  if (tags.size() > kTagsMax) {
    return access::InvalidField(
        "tags", fmt::format("A resource has at most {} tags, not {}", kTagsMax, tags.size()));
  }
  return absl::OkStatus();
}

// How an operation runs, and the resource that it is authorised on.
struct Aps::Row {
  std::string_view operation;
  Method method;
  enum class Target { kWorkspace, kWorkspaces, kNamespace, kDetector, kScraper, kArn, kNone };
  Target target;
};

const Aps::Row& Aps::FindRow(std::string_view operation) {
  using T = Row::Target;
  static constexpr Row kRows[] = {
      {"CreateWorkspace", &Aps::CreateWorkspace, T::kWorkspaces},
      {"ListWorkspaces", &Aps::ListWorkspaces, T::kWorkspaces},
      {"DescribeWorkspace", &Aps::DescribeWorkspace, T::kWorkspace},
      {"UpdateWorkspaceAlias", &Aps::UpdateWorkspaceAlias, T::kWorkspace},
      {"DeleteWorkspace", &Aps::DeleteWorkspace, T::kWorkspace},
      {"DescribeWorkspaceConfiguration", &Aps::DescribeWorkspaceConfiguration, T::kWorkspace},
      {"UpdateWorkspaceConfiguration", &Aps::UpdateWorkspaceConfiguration, T::kWorkspace},
      {"DescribeResourcePolicy", &Aps::DescribeResourcePolicy, T::kWorkspace},
      {"PutResourcePolicy", &Aps::PutResourcePolicy, T::kWorkspace},
      {"DeleteResourcePolicy", &Aps::DeleteResourcePolicy, T::kWorkspace},
      {"CreateRuleGroupsNamespace", &Aps::CreateRuleGroupsNamespace, T::kNamespace},
      {"PutRuleGroupsNamespace", &Aps::PutRuleGroupsNamespace, T::kNamespace},
      {"DescribeRuleGroupsNamespace", &Aps::DescribeRuleGroupsNamespace, T::kNamespace},
      {"ListRuleGroupsNamespaces", &Aps::ListRuleGroupsNamespaces, T::kWorkspace},
      {"DeleteRuleGroupsNamespace", &Aps::DeleteRuleGroupsNamespace, T::kNamespace},
      {"CreateAlertManagerDefinition", &Aps::CreateAlertManagerDefinition, T::kWorkspace},
      {"PutAlertManagerDefinition", &Aps::PutAlertManagerDefinition, T::kWorkspace},
      {"DescribeAlertManagerDefinition", &Aps::DescribeAlertManagerDefinition, T::kWorkspace},
      {"DeleteAlertManagerDefinition", &Aps::DeleteAlertManagerDefinition, T::kWorkspace},
      {"CreateLoggingConfiguration", &Aps::CreateLoggingConfiguration, T::kWorkspace},
      {"UpdateLoggingConfiguration", &Aps::UpdateLoggingConfiguration, T::kWorkspace},
      {"DescribeLoggingConfiguration", &Aps::DescribeLoggingConfiguration, T::kWorkspace},
      {"DeleteLoggingConfiguration", &Aps::DeleteLoggingConfiguration, T::kWorkspace},
      {"CreateQueryLoggingConfiguration", &Aps::CreateQueryLoggingConfiguration, T::kWorkspace},
      {"UpdateQueryLoggingConfiguration", &Aps::UpdateQueryLoggingConfiguration, T::kWorkspace},
      {"DescribeQueryLoggingConfiguration", &Aps::DescribeQueryLoggingConfiguration, T::kWorkspace},
      {"DeleteQueryLoggingConfiguration", &Aps::DeleteQueryLoggingConfiguration, T::kWorkspace},
      {"CreateScraper", &Aps::CreateScraper, T::kScraper},
      {"UpdateScraper", &Aps::UpdateScraper, T::kScraper},
      {"DescribeScraper", &Aps::DescribeScraper, T::kScraper},
      {"ListScrapers", &Aps::ListScrapers, T::kScraper},
      {"DeleteScraper", &Aps::DeleteScraper, T::kScraper},
      {"UpdateScraperLoggingConfiguration", &Aps::UpdateScraperLoggingConfiguration, T::kScraper},
      {"DescribeScraperLoggingConfiguration", &Aps::DescribeScraperLoggingConfiguration,
       T::kScraper},
      {"DeleteScraperLoggingConfiguration", &Aps::DeleteScraperLoggingConfiguration, T::kScraper},
      {"GetDefaultScraperConfiguration", &Aps::GetDefaultScraperConfiguration, T::kNone},
      {"CreateAnomalyDetector", &Aps::CreateAnomalyDetector, T::kDetector},
      {"PutAnomalyDetector", &Aps::PutAnomalyDetector, T::kDetector},
      {"DescribeAnomalyDetector", &Aps::DescribeAnomalyDetector, T::kDetector},
      {"ListAnomalyDetectors", &Aps::ListAnomalyDetectors, T::kWorkspace},
      {"DeleteAnomalyDetector", &Aps::DeleteAnomalyDetector, T::kDetector},
      {"ListTagsForResource", &Aps::ListTagsForResource, T::kArn},
      {"TagResource", &Aps::TagResource, T::kArn},
      {"UntagResource", &Aps::UntagResource, T::kArn},
  };
  static_assert(std::size(kRows) == 44);
  for (const Row& row : kRows) {
    if (row.operation == operation) return row;
  }
  CheckFailed(__FILE__, __LINE__, "an operation without a method");
}

Aps::Aps(ApsOptions options, const access::Gate& gate, catalog::Catalog& catalog,
         workspace::Manager& workspaces, Rng& rng)
    : options_(std::move(options)),
      gate_(gate),
      catalog_(catalog),
      workspaces_(workspaces),
      rng_(rng),
      rate_(kAwsCallsPerSecond, kAwsCallsPerSecond) {}

net::HttpResponse Aps::Handle(const net::HttpRequest& request) {
  const access::Identified who = gate_.Identify(request, kService);
  net::HttpResponse refused;
  if (who.refusal) {
    refused = access::AwsJsonRefusal(*who.refusal, false);
    refused.headers.Set("x-amzn-RequestId", NewUuid(rng_));
    return refused;
  }
  access::RestMatch match;
  static const access::RestOperations kOperations(ApsOperations());
  if (!kOperations.Find(request, &match)) {
    return access::RestErrorResponse(access::UnknownOperation(request), rng_);
  }
  refused.status = 0;
  const auto body = Run(request, who.caller, match, &refused);
  if (refused.status != 0) {
    refused.headers.Set("x-amzn-RequestId", NewUuid(rng_));
    return refused;
  }
  if (!body.ok()) return access::RestErrorResponse(body.status(), rng_);
  return access::RestResponse(match.operation->ok_status, *body, rng_);
}

Aps::Body Aps::Run(const net::HttpRequest& request, const access::Caller& caller,
                   const access::RestMatch& match, net::HttpResponse* refused) {
  if (options_.aws_fidelity && !rate_.Take(1, catalog_.clock().MonotonicNs())) {
    return access::Throttled("Rate exceeded", kService, "L-8491EB93");
  }
  // What the request names is authorised before anything is said of what is wrong with it.
  auto input = access::ReadRestInput(*match.operation, match, request);
  const Call call{request, caller, match, input.ok() ? *input : access::RestInput()};
  TRY_ASSIGN(const std::optional<access::Refusal> refusal, Authorize(call));
  if (refusal) {
    *refused = access::AwsJsonRefusal(*refusal, false);
    return "";
  }
  TRY(input);
  return (this->*FindRow(match.operation->name).method)(call);
}

absl::StatusOr<std::optional<access::Refusal>> Aps::Authorize(const Call& call) {
  const std::string target = TargetOf(call);
  TRY_ASSIGN(const access::Gate::ConditionKeys keys, ConditionKeysOf(call, target));
  auto refusal =
      gate_.Authorize(call.caller, fmt::format("aps:{}", call.match.operation->name), target, keys);
  if (!refusal) {
    TRY_ASSIGN(refusal, AuthorizeEnds(call));
  }
  // Of the operations' inputs only a scraper's has roles.
  const access::RestInput roles = call.input.Child("roleConfiguration");
  for (const char* member : {"sourceRoleArn", "targetRoleArn"}) {
    if (refusal || !roles.Has(member)) continue;
    refusal = gate_.AuthorizePassRole(call.caller, roles.Text(member), kScraperPrincipal);
  }
  return refusal;
}

absl::StatusOr<std::optional<access::Refusal>> Aps::AuthorizeEnds(const Call& call) {
  const std::string action = fmt::format("aps:{}", call.match.operation->name);
  const std::string cluster =
      call.input.Child("source").Child("eksConfiguration").Text("clusterArn");
  const std::string workspace =
      call.input.Child("destination").Child("ampConfiguration").Text("workspaceArn");
  for (const std::string& end : {cluster, workspace}) {
    if (end.empty()) continue;
    TRY_ASSIGN(const access::Gate::ConditionKeys keys, ConditionKeysOf(call, end));
    auto refusal = gate_.Authorize(call.caller, action, end, keys);
    if (refusal) return refusal;
  }
  if (cluster.empty()) return std::nullopt;
  return gate_.Authorize(call.caller, "eks:DescribeCluster", cluster,
                         {{"aws:CalledVia", {"aps.amazonaws.com"}},
                          {"aws:CalledViaFirst", {"aps.amazonaws.com"}},
                          {"aws:CalledViaLast", {"aps.amazonaws.com"}}});
}

std::string Aps::Arn(const Call& call, std::string_view rest) const {
  return fmt::format("arn:aws:aps:{}:{}:{}", call.caller.region, account(), rest);
}

std::string Aps::TargetOf(const Call& call) const {
  const std::string_view workspace = call.match.Label("workspaceId");
  // "*" where the object has no name yet, or the list is of all.
  const auto or_all = [](std::string_view text) { return text.empty() ? "*" : text; };
  using T = Row::Target;
  switch (FindRow(call.match.operation->name).target) {
    case T::kWorkspace:
      return Arn(call, fmt::format("workspace/{}", workspace));
    case T::kWorkspaces:
      return Arn(call, "workspace/*");
    case T::kNamespace:
      return Arn(call, fmt::format("rulegroupsnamespace/{}/{}", workspace,
                                   or_all(call.match.Label("name").empty()
                                              ? std::string_view(call.Text("name"))
                                              : call.match.Label("name"))));
    case T::kDetector:
      return Arn(call, fmt::format("anomalydetector/{}/{}", workspace,
                                   or_all(call.match.Label("anomalyDetectorId"))));
    case T::kScraper:
      return Arn(call, fmt::format("scraper/{}", or_all(call.match.Label("scraperId"))));
    case T::kArn:
      return std::string(call.match.Label("resourceArn"));
    case T::kNone:
      break;
  }
  return "*";
}

absl::StatusOr<catalog::AmpWorkspace> Aps::Owner(catalog::Reader& reader, const Call& call) const {
  const std::string_view id = call.match.Label("workspaceId");
  TRY_ASSIGN(catalog::AmpWorkspace workspace,
             OrNotFound(catalog::GetAmpWorkspace(reader, id), "Workspace", id, "workspace"));
  if (workspace.region != call.caller.region || workspace.account != account()) {
    return access::ResourceNotFound("Workspace not found", id, "workspace");
  }
  return workspace;
}

Aps::Body Aps::Once(const Call& call, absl::FunctionRef<Body(catalog::Transaction&)> body,
                    const std::function<void()>& after) {
  const access::ReplayKey key = access::MakeReplayKey(
      call.request, call.caller, account(), call.match.operation->name, call.Text("clientToken"));
  TRY_ASSIGN(
      access::StoredAnswer answer,
      access::WriteOnce(
          catalog_, key,
          [&](catalog::Transaction& transaction) -> absl::StatusOr<access::StoredAnswer> {
            TRY_ASSIGN(std::string text, body(transaction));
            return access::StoredAnswer{call.match.operation->ok_status, std::move(text), false};
          }));
  if (!answer.replayed && after) after();
  return std::move(answer.body);
}

void Aps::Reconfigure(std::string_view id) {
  // Read and set as one: of two changes the later one stays in force.
  const absl::MutexLock lock(&reconfigure_mutex_);
  const auto settings =
      catalog_.Read([&](catalog::Reader& reader) { return workspace::LoadSettings(reader, id); });
  if (settings.ok()) return workspaces_.Configure(*settings);
  if (absl::IsNotFound(settings.status())) return;  // deleted meanwhile
  log::Error("aps", "settings of a workspace take effect at the next start only",
             {{"workspace", id}, {"error", Message(settings.status())}});
}

std::string Aps::PageScope(const Call& call, std::string_view filters) const {
  return fmt::format("{}\n{}\n{}\n{}\n{}", call.match.operation->name, account(),
                     call.caller.region, call.match.Label("workspaceId"), filters);
}

}  // namespace hearth::api
