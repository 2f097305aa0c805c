// SPDX-License-Identifier: Apache-2.0
// SimulatePrincipalPolicy and SimulateCustomPolicy: the engine that judges real requests, asked for
// requests that nobody made. Context keys are those that the call names, and for a principal of
// ours what is known of it.
#include <fmt/format.h>

#include <memory>
#include <set>

#include "api/iam/call.h"
#include "auth/access.h"
#include "base/status.h"
#include "catalog/identity.h"

namespace hearth::api::iam {
namespace {

using access::QueryFault;
using auth::NamedPolicy;
using auth::PolicyDocument;

// Action × resource pairs of one call: bounds the work and the answer.
constexpr size_t kPairsMax = 10'000;
constexpr size_t kListMax = 1000;
// Pairs × patterns of all policies: some seconds of one of the catalog's few readers.
constexpr size_t kWorkMax = 20'000'000;

struct Simulation {
  auth::Principal principal;
  auth::ConditionContext context;
  std::shared_ptr<const PolicyDocument> resource_policy;
  std::string resource_account;
  std::vector<std::string> actions;
  std::vector<std::string> resources;
};

absl::StatusOr<std::shared_ptr<const PolicyDocument>> ParseInput(const std::string& text,
                                                                 auth::PolicyKind kind) {
  auto document = PolicyDocument::Parse(text, kind);
  if (document.ok()) return document;
  return QueryFault(400, "InvalidInput", Message(document.status()));
}

absl::Status AddInputs(Call& call, std::string_view parameter, std::vector<NamedPolicy>* list) {
  size_t number = 0;
  for (const std::string& text : call.in.List(parameter, kListMax)) {
    TRY_ASSIGN(auto document, ParseInput(text, auth::PolicyKind::kIdentity));
    list->push_back({fmt::format("{}.{}", parameter, ++number), std::move(document)});
  }
  return absl::OkStatus();
}

void AddContext(Call& call, Simulation* simulation) {
  for (const access::QueryForm& entry : call.form.Structures("ContextEntries")) {
    const std::string_view key = entry.Text("ContextKeyName");
    simulation->context.SetMany(key, entry.List("ContextKeyValues"));
  }
}

absl::Status ReadRequest(Call& call, Simulation* simulation) {
  simulation->actions = call.in.List("ActionNames", kListMax, {true, 3, 128});
  simulation->resources = call.in.List("ResourceArns", kListMax, {false, 1, 2048});
  TRY(call.in.status());
  if (simulation->resources.empty()) simulation->resources = {"*"};
  if (simulation->actions.size() * simulation->resources.size() > kPairsMax) {
    return QueryFault(
        409, "LimitExceeded",
        fmt::format("{} actions times {} resources: at most {} pairs are judged at "
                    "once",
                    simulation->actions.size(), simulation->resources.size(), kPairsMax));
  }
  if (call.form.Has("ResourcePolicy")) {
    TRY_ASSIGN(
        simulation->resource_policy,
        ParseInput(std::string(call.form.Text("ResourcePolicy")), auth::PolicyKind::kResource));
  }
  // An account, or the ARN of something in it.
  const std::string_view owner = call.form.Text("ResourceOwner");
  const auto fields = Split(owner, ':');
  simulation->resource_account = fields.size() >= 6 ? fields[4] : owner;
  AddContext(call, simulation);
  return absl::OkStatus();
}

// Keys that the policies ask for and nobody gave.
std::vector<std::string> MissingKeys(const Simulation& simulation) {
  std::set<std::string> missing;
  const auto look = [&](const std::vector<NamedPolicy>& policies) {
    for (const NamedPolicy& policy : policies) {
      if (policy.document == nullptr) continue;
      for (const auth::Statement& statement : policy.document->statements()) {
        for (const auth::Condition& condition : statement.conditions) {
          if (simulation.context.Find(condition.key) == nullptr) missing.insert(condition.key);
        }
      }
    }
  };
  look(simulation.principal.identity_policies);
  look(simulation.principal.boundary);
  return {missing.begin(), missing.end()};
}

std::string_view DecisionName(const auth::AccessDecision& decision) {
  if (decision.allowed) return "allowed";
  return decision.explicit_deny ? "explicitDeny" : "implicitDeny";
}

void WriteResult(Call& call, const Simulation& simulation, const std::string& action,
                 const std::string& resource, const std::vector<std::string>& missing) {
  const auth::AccessDecision decision =
      auth::DecideAccess({simulation.principal, action, resource, simulation.context,
                          simulation.resource_policy.get(), simulation.resource_account});
  access::XmlWriter& out = call.out;
  out.Open("member");
  out.Text("EvalActionName", action);
  out.Text("EvalResourceName", resource);
  out.Text("EvalDecision", DecisionName(decision));
  out.Open("MatchedStatements");
  if (!decision.policy_name.empty()) {
    out.Open("member");
    out.Text("SourcePolicyId", decision.policy_name);
    out.Text("SourcePolicyType", "IAM Policy");
    out.Close("member");
  }
  out.Close("MatchedStatements");
  out.List("MissingContextValues", missing);
  if (!simulation.principal.boundary.empty()) {
    const bool allowed = decision.allowed || decision.source != auth::PolicySource::kBoundary;
    out.Open("PermissionsBoundaryDecisionDetail");
    out.Flag("AllowedByPermissionsBoundary", allowed);
    out.Close("PermissionsBoundaryDecisionDetail");
  }
  out.Close("member");
}

// What a pair costs: every policy's patterns may be compared with it.
size_t CountPatterns(const Simulation& simulation) {
  size_t count = 1;
  const auto add = [&](const PolicyDocument* document) {
    if (document == nullptr) return;
    for (const auth::Statement& statement : document->statements()) {
      count += 1 + statement.actions.patterns.size() + statement.resources.patterns.size() +
               statement.conditions.size();
    }
  };
  for (const NamedPolicy& policy : simulation.principal.identity_policies) {
    add(policy.document.get());
  }
  for (const NamedPolicy& policy : simulation.principal.boundary) add(policy.document.get());
  add(simulation.resource_policy.get());
  return count;
}

absl::Status CheckWork(const Simulation& simulation) {
  const size_t pairs = simulation.actions.size() * simulation.resources.size();
  const size_t patterns = CountPatterns(simulation);
  if (patterns <= kWorkMax / std::max<size_t>(pairs, 1)) return absl::OkStatus();
  return QueryFault(409, "LimitExceeded",
                    fmt::format("{} pairs of action and resource times {} patterns of policies "
                                "exceed {}: ask for fewer at once",
                                pairs, patterns, kWorkMax));
}

absl::Status Run(Call& call, const Simulation& simulation) {
  TRY(CheckWork(simulation));
  const Page page = ReadPage(call);
  TRY(call.in.status());
  const size_t total = simulation.actions.size() * simulation.resources.size();
  int64_t first = 0;
  if (!page.after.empty() && !ParseInt64(page.after, &first)) {
    return QueryFault(400, "ValidationError", "Marker is not one of an answer before");
  }
  // Without MaxItems everything fits: the pairs are bounded.
  const size_t max = call.form.Has("MaxItems") ? page.max : total;
  const size_t begin = std::min(total, static_cast<size_t>(std::max<int64_t>(0, first)));
  const size_t end = std::min(total, begin + max);
  const auto missing = MissingKeys(simulation);
  call.out.Open("EvaluationResults");
  for (size_t i = begin; i < end; ++i) {
    WriteResult(call, simulation, simulation.actions[i / simulation.resources.size()],
                simulation.resources[i % simulation.resources.size()], missing);
  }
  call.out.Close("EvaluationResults");
  call.out.Flag("IsTruncated", end < total);
  if (end < total) call.out.Text("Marker", Base64UrlEncode(std::to_string(end)));
  return absl::OkStatus();
}

absl::Status SimulateCustomPolicy(Call& call) {
  TRY(call.Authorize("*"));
  Simulation simulation;
  auth::Principal& principal = simulation.principal;
  principal.account = call.account;
  const std::string caller = call.in.Text("CallerArn", {false, 1, 2048});
  principal.arn = caller.empty() ? auth::UserArn(call.account, "/", "simulated") : caller;
  if (const auto fields = Split(caller, ':'); fields.size() >= 6) principal.account = fields[4];
  if (call.form.List("PolicyInputList").empty()) {
    return QueryFault(400, "ValidationError",
                      "1 validation error detected: Value null at 'policyInputList' failed to "
                      "satisfy constraint: Member must not be null");
  }
  TRY(AddInputs(call, "PolicyInputList", &principal.identity_policies));
  TRY(AddInputs(call, "PermissionsBoundaryPolicyInputList", &principal.boundary));
  TRY(ReadRequest(call, &simulation));
  return Run(call, simulation);
}

absl::Status SimulatePrincipalPolicy(Call& call) {
  const std::string arn = call.in.Text("PolicySourceArn", ArnRule());
  TRY(call.in.status());
  TRY(call.Authorize(arn));
  auto principal = catalog::LoadPrincipal(call.reader, arn);
  if (absl::IsInvalidArgument(principal.status())) {
    return QueryFault(400, "InvalidInput", Message(principal.status()));
  }
  TRY(Reworded(principal.status(), fmt::format("{} cannot be found.", arn)));
  Simulation simulation;
  simulation.principal = *std::move(principal);
  simulation.context = auth::StandardContext(simulation.principal, call.caller.facts);
  TRY(AddInputs(call, "PolicyInputList", &simulation.principal.identity_policies));
  std::vector<NamedPolicy> boundary;
  TRY(AddInputs(call, "PermissionsBoundaryPolicyInputList", &boundary));
  if (!boundary.empty()) simulation.principal.boundary = std::move(boundary);
  TRY(ReadRequest(call, &simulation));
  return Run(call, simulation);
}

void WriteContextKeys(Call& call, const std::vector<NamedPolicy>& policies) {
  Simulation simulation;
  simulation.principal.identity_policies = policies;
  call.out.List("ContextKeyNames", MissingKeys(simulation));
}

absl::Status GetContextKeysForCustomPolicy(Call& call) {
  TRY(call.Authorize("*"));
  std::vector<NamedPolicy> policies;
  TRY(AddInputs(call, "PolicyInputList", &policies));
  TRY(call.in.status());
  WriteContextKeys(call, policies);
  return absl::OkStatus();
}

absl::Status GetContextKeysForPrincipalPolicy(Call& call) {
  const std::string arn = call.in.Text("PolicySourceArn", ArnRule());
  TRY(call.in.status());
  TRY(call.Authorize(arn));
  const auto principal = catalog::LoadPrincipal(call.reader, arn);
  if (absl::IsInvalidArgument(principal.status())) {
    return QueryFault(400, "InvalidInput", Message(principal.status()));
  }
  TRY(Reworded(principal.status(), fmt::format("{} cannot be found.", arn)));
  std::vector<NamedPolicy> policies = principal->identity_policies;
  TRY(AddInputs(call, "PolicyInputList", &policies));
  WriteContextKeys(call, policies);
  return absl::OkStatus();
}

constexpr Operation kOperations[] = {
    {"SimulateCustomPolicy", SimulateCustomPolicy},
    {"SimulatePrincipalPolicy", SimulatePrincipalPolicy},
    {"GetContextKeysForCustomPolicy", GetContextKeysForCustomPolicy},
    {"GetContextKeysForPrincipalPolicy", GetContextKeysForPrincipalPolicy},
};

}  // namespace

std::span<const Operation> SimulationOperations() { return kOperations; }

}  // namespace hearth::api::iam
