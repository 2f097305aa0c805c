// SPDX-License-Identifier: Apache-2.0
#include "api/amg/amg.h"

#include <fmt/core.h>

#include "access/aws_errors.h"
#include "access/rest_tags.h"
#include "api/amg/answers.h"
#include "api/amg/operations.h"
#include "base/check.h"
#include "base/status.h"

namespace hearth::api {
namespace {

constexpr std::string_view kService = "grafana";
constexpr std::string_view kServicePrincipal = "grafana.amazonaws.com";
// --fidelity aws: calls a second (aws-contract.md §12.1). AMG documents no other rates.
constexpr double kAwsCreatesPerSecond = 1;
constexpr double kAwsDeletesPerSecond = 1;
constexpr double kAwsDescribesPerSecond = 5;

// What a catalog says, in AWS's words; others stay as they are (and become 500).
absl::Status Worded(const absl::Status& status, std::string_view id) {
  if (status.ok() || access::IsRestError(status)) return status;
  switch (status.code()) {
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kAborted:
      return access::ResourceConflict(Message(status), id, "workspace");
    default:
      return status;
  }
}

}  // namespace

struct Amg::Row {
  std::string_view operation;
  Method method;
};

Amg::Amg(AmgOptions options, const access::Gate& gate, catalog::Catalog& catalog, Rng& rng)
    : options_(std::move(options)),
      gate_(gate),
      catalog_(catalog),
      rng_(rng),
      operations_(amg::Operations()),
      create_rate_(kAwsCreatesPerSecond, kAwsCreatesPerSecond),
      delete_rate_(kAwsDeletesPerSecond, kAwsDeletesPerSecond),
      describe_rate_(kAwsDescribesPerSecond, kAwsDescribesPerSecond) {}

bool Amg::WithinRate(std::string_view operation) {
  if (!options_.aws_fidelity) return true;
  workspace::TokenBucket* rate = nullptr;
  if (operation == "CreateWorkspace") rate = &create_rate_;
  if (operation == "DeleteWorkspace") rate = &delete_rate_;
  if (operation == "DescribeWorkspace") rate = &describe_rate_;
  return rate == nullptr || rate->Take(1, catalog_.clock().MonotonicNs());
}

Amg::Method Amg::FindMethod(std::string_view operation) {
  static constexpr Row kRows[] = {
      {"AssociateLicense", &Amg::AssociateLicense},
      {"CreateWorkspace", &Amg::CreateWorkspace},
      {"CreateWorkspaceApiKey", &Amg::CreateWorkspaceApiKey},
      {"CreateWorkspaceServiceAccount", &Amg::CreateWorkspaceServiceAccount},
      {"CreateWorkspaceServiceAccountToken", &Amg::CreateWorkspaceServiceAccountToken},
      {"DeleteWorkspace", &Amg::DeleteWorkspace},
      {"DeleteWorkspaceApiKey", &Amg::DeleteWorkspaceApiKey},
      {"DeleteWorkspaceServiceAccount", &Amg::DeleteWorkspaceServiceAccount},
      {"DeleteWorkspaceServiceAccountToken", &Amg::DeleteWorkspaceServiceAccountToken},
      {"DescribeWorkspace", &Amg::DescribeWorkspace},
      {"DescribeWorkspaceAuthentication", &Amg::DescribeWorkspaceAuthentication},
      {"DescribeWorkspaceConfiguration", &Amg::DescribeWorkspaceConfiguration},
      {"DisassociateLicense", &Amg::DisassociateLicense},
      {"ListPermissions", &Amg::ListPermissions},
      {"ListTagsForResource", &Amg::ListTagsForResource},
      {"ListVersions", &Amg::ListVersions},
      {"ListWorkspaceServiceAccountTokens", &Amg::ListWorkspaceServiceAccountTokens},
      {"ListWorkspaceServiceAccounts", &Amg::ListWorkspaceServiceAccounts},
      {"ListWorkspaces", &Amg::ListWorkspaces},
      {"TagResource", &Amg::TagResource},
      {"UntagResource", &Amg::UntagResource},
      {"UpdatePermissions", &Amg::UpdatePermissions},
      {"UpdateWorkspace", &Amg::UpdateWorkspace},
      {"UpdateWorkspaceAuthentication", &Amg::UpdateWorkspaceAuthentication},
      {"UpdateWorkspaceConfiguration", &Amg::UpdateWorkspaceConfiguration},
  };
  for (const Row& row : kRows) {
    if (row.operation == operation) return row.method;
  }
  CheckFailed(__FILE__, __LINE__, "an operation without a method");
}

// The IAM resource: "/workspaces/g-…" of the path, the ARN itself for tags, else the collection.
std::string Amg::ResourceOf(const access::Caller& caller, const access::RestMatch& match) const {
  if (const std::string_view arn = match.Label("resourceArn"); !arn.empty()) {
    return std::string(arn);
  }
  const std::string prefix =
      fmt::format("arn:aws:grafana:{}:{}:", caller.region, gate_.options().account);
  const std::string_view id = match.Label("workspaceId");
  if (!id.empty()) return fmt::format("{}/workspaces/{}", prefix, id);
  return prefix + std::string(match.operation->path);
}

net::HttpResponse Amg::Handle(const net::HttpRequest& request) {
  const access::Identified who = gate_.Identify(request, kService);
  if (who.refusal) {
    net::HttpResponse response = access::AwsJsonRefusal(*who.refusal, false);
    response.headers.Set("x-amzn-RequestId", NewUuid(rng_));
    return response;
  }
  access::RestMatch match;
  if (!operations_.Find(request, &match)) {
    return access::RestErrorResponse(access::UnknownOperation(request), rng_);
  }
  if (!WithinRate(match.operation->name)) {
    return access::RestErrorResponse(access::Throttled("Rate exceeded", kService, ""), rng_);
  }
  // What the request names is authorised before anything is said of what is wrong with it.
  auto input = access::ReadRestInput(*match.operation, match, request);
  const Call call{request, who.caller, *match.operation, input.ok() ? *input : access::RestInput()};
  const auto refusal = Authorize(call, match);
  if (refusal.ok() && *refusal) {
    net::HttpResponse response = access::AwsJsonRefusal(**refusal, false);
    response.headers.Set("x-amzn-RequestId", NewUuid(rng_));
    return response;
  }
  for (const absl::Status& failed : {refusal.status(), input.status()}) {
    if (!failed.ok()) return access::RestErrorResponse(failed, rng_);
  }
  const Method method = FindMethod(match.operation->name);
  Answer answer = (this->*method)(call);
  if (!answer.ok()) {
    return access::RestErrorResponse(Worded(answer.status(), call.Label("workspaceId")), rng_);
  }
  return access::RestResponse(match.operation->ok_status, *std::move(answer), rng_);
}

absl::StatusOr<std::optional<access::Refusal>> Amg::Authorize(const Call& call,
                                                              const access::RestMatch& match) {
  const access::RestInput& input = call.input;
  access::Gate::ConditionKeys keys = access::RequestTagKeys(input);
  std::string role_before;
  // The labels of the path are there even where the body is wrong.
  const std::string_view arn = match.Label("resourceArn");
  const std::string_view id = arn.empty() ? match.Label("workspaceId") : IdOfArn(call, arn);
  if (!id.empty()) {
    const auto workspace =
        catalog_.Read([&](catalog::Reader& reader) { return Find(reader, call, id); });
    if (workspace.ok()) {
      access::AddResourceTagKeys(workspace->tags, &keys);
      role_before = workspace->role_arn;
    } else if (!access::IsRestError(workspace.status())) {
      return workspace.status();
    }
  }
  auto refusal = gate_.Authorize(call.caller, fmt::format("grafana:{}", call.operation.name),
                                 ResourceOf(call.caller, match), keys);
  const std::string role = input.Text("workspaceRoleArn");
  if (!refusal && !role.empty() && role != role_before) {
    refusal = gate_.AuthorizePassRole(call.caller, role, kServicePrincipal);
  }
  return refusal;
}

absl::StatusOr<catalog::GrafanaWorkspace> Amg::Find(catalog::Reader& reader, const Call& call,
                                                    std::string_view id) const {
  auto workspace = catalog::GetGrafanaWorkspace(reader, id);
  const bool missing = absl::IsNotFound(workspace.status()) ||
                       (workspace.ok() && (workspace->region != call.caller.region ||
                                           workspace->account != gate_.options().account));
  if (missing) return access::ResourceNotFound("Workspace not found", id, "workspace");
  return workspace;
}

absl::StatusOr<catalog::GrafanaWorkspace> Amg::Find(const Call& call) {
  return catalog_.Read(
      [&](catalog::Reader& reader) { return Find(reader, call, call.Label("workspaceId")); });
}

std::string_view Amg::IdOfArn(const Call& call, std::string_view arn) const {
  const std::string prefix = fmt::format("arn:aws:grafana:{}:{}:/workspaces/", call.caller.region,
                                         gate_.options().account);
  return arn.starts_with(prefix) ? arn.substr(prefix.size()) : std::string_view();
}

absl::StatusOr<catalog::GrafanaWorkspace> Amg::FindByArn(catalog::Reader& reader,
                                                         const Call& call) const {
  const std::string arn = call.Label("resourceArn");
  const std::string_view id = IdOfArn(call, arn);
  if (id.empty()) return access::ResourceNotFound("Resource not found", arn, "workspace");
  return Find(reader, call, id);
}

Amg::Answer Amg::Change(const Call& call, WriteBody body) {
  const access::ReplayKey key =
      access::MakeReplayKey(call.request, call.caller, gate_.options().account,
                            fmt::format("grafana:{}", call.operation.name), "");
  TRY_ASSIGN(access::StoredAnswer answer,
             access::WriteOnce(
                 catalog_, key,
                 [&](catalog::Transaction& transaction) -> absl::StatusOr<access::StoredAnswer> {
                   const bool by_arn = call.input.Has("resourceArn");
                   TRY_ASSIGN(catalog::GrafanaWorkspace workspace,
                              by_arn ? FindByArn(transaction, call)
                                     : Find(transaction, call, call.Label("workspaceId")));
                   TRY_ASSIGN(std::string text, body(transaction, workspace));
                   return access::StoredAnswer{call.operation.ok_status, std::move(text)};
                 }));
  return std::move(answer.body);
}

}  // namespace hearth::api
