// SPDX-License-Identifier: Apache-2.0
// The control plane of Amazon Managed Prometheus, rest-json: all 44 operations of `aps`. Everything
// is synchronous: what was created is ACTIVE at the first poll, what was deleted is 404.
// Source: aws-contract.md §1, §4, §8.1, §9; operations.cc holds the service model's tables.
// Thread-safe.
//
// What is accepted and kept but not acted on (KMS keys, VPC members, anomaly detectors)
// is listed in docs/guide/aws-compatibility.md; a description says so in its statusReason.
#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/statusor.h>
#include <absl/synchronization/mutex.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "access/gate.h"
#include "access/rest_json.h"
#include "base/clock.h"
#include "base/rng.h"
#include "catalog/amp_documents.h"
#include "catalog/amp_workspaces.h"
#include "catalog/catalog.h"
#include "net/http.h"
#include "promql/parser.h"
#include "workspace/manager.h"
#include "workspace/token_bucket.h"

namespace hearth::api {

// Called after a commit, in the request's thread; "" hooks are left out.
struct ApsHooks {
  std::function<void(std::string_view workspace)> rules_changed;
  std::function<void(std::string_view workspace)> alert_manager_changed;
  std::function<void()> scrapers_changed;
  // What a scraper does, or why it does nothing: at most 256 characters.
  std::function<std::string(std::string_view scraper)> scraper_reason;
};

struct ApsOptions {
  std::string endpoint;       // what prometheusEndpoint begins with: "http://127.0.0.1:9320"
  bool aws_fidelity = false;  // quotas and the request rate of AWS
  ApsHooks hooks{};
  promql::ParserOptions parser{};  // what rules may use
};

class Aps {
 public:
  Aps(ApsOptions options, const access::Gate& gate, catalog::Catalog& catalog,
      workspace::Manager& workspaces, Rng& rng);
  net::HttpResponse Handle(const net::HttpRequest& request);

 private:
  struct Call {
    const net::HttpRequest& request;
    const access::Caller& caller;
    const access::RestMatch& match;
    access::RestInput input;
    std::string Text(std::string_view member) const { return input.Text(member); }
  };
  using Body = absl::StatusOr<std::string>;  // JSON text; "" for none
  using Method = Body (Aps::*)(const Call&);
  struct Row;
  static const Row& FindRow(std::string_view operation);
  absl::StatusOr<std::string> Run(const net::HttpRequest& request, const access::Caller& caller,
                                  const access::RestMatch& match, net::HttpResponse* refused);

  // ---- shared by the operations ----
  const std::string& account() const { return gate_.options().account; }
  std::string Arn(const Call& call, std::string_view rest) const;
  // The ARN that the call is authorised on, and what policies may ask about tags.
  std::string TargetOf(const Call& call) const;
  absl::StatusOr<access::Gate::ConditionKeys> ConditionKeysOf(const Call& call,
                                                              const std::string& target);
  // The call itself, and iam:PassRole on the roles that it gives away; nothing where allowed.
  absl::StatusOr<std::optional<access::Refusal>> Authorize(const Call& call);
  // A scraper's cluster and workspace, which it reads and writes with nobody's rights: AWS'
  // authorization reference names both as CreateScraper's resources.
  absl::StatusOr<std::optional<access::Refusal>> AuthorizeEnds(const Call& call);
  // The workspace of the call, or ResourceNotFoundException.
  absl::StatusOr<catalog::AmpWorkspace> Owner(catalog::Reader& reader, const Call& call) const;
  // Runs `body` once for all attempts of the call (access/replay.h); `after` when it was done now.
  Body Once(const Call& call, absl::FunctionRef<Body(catalog::Transaction&)> body,
            const std::function<void()>& after = nullptr);
  std::string ScraperReason(std::string_view scraper) const;
  // The settings of a workspace, as they are in the catalog, take effect in its store.
  void Reconfigure(std::string_view workspace);
  std::string PageScope(const Call& call, std::string_view filters) const;
  Body CreateDocument(const Call& call, catalog::AmpDocumentKind kind, std::string content,
                      std::string_view type);
  Body UpdateDocument(const Call& call, catalog::AmpDocumentKind kind, std::string content,
                      std::string_view type);
  Body DeleteDocument(const Call& call, catalog::AmpDocumentKind kind, std::string_view type);
  absl::StatusOr<catalog::AmpDocument> Document(const Call& call, catalog::AmpDocumentKind kind,
                                                std::string_view type);
  void DocumentChanged(const Call& call, catalog::AmpDocumentKind kind);

  // ---- the operations, by file ----
  Body CreateWorkspace(const Call& call);  // workspaces.cc
  Body DescribeWorkspace(const Call& call);
  Body ListWorkspaces(const Call& call);
  Body UpdateWorkspaceAlias(const Call& call);
  Body DeleteWorkspace(const Call& call);
  Body DescribeWorkspaceConfiguration(const Call& call);  // configuration.cc
  Body UpdateWorkspaceConfiguration(const Call& call);
  Body DescribeResourcePolicy(const Call& call);
  Body PutResourcePolicy(const Call& call);
  Body DeleteResourcePolicy(const Call& call);
  Body CreateRuleGroupsNamespace(const Call& call);  // rule_namespaces.cc
  Body PutRuleGroupsNamespace(const Call& call);
  Body DescribeRuleGroupsNamespace(const Call& call);
  Body ListRuleGroupsNamespaces(const Call& call);
  Body DeleteRuleGroupsNamespace(const Call& call);
  Body CreateAlertManagerDefinition(const Call& call);  // documents.cc
  Body PutAlertManagerDefinition(const Call& call);
  Body DescribeAlertManagerDefinition(const Call& call);
  Body DeleteAlertManagerDefinition(const Call& call);
  Body CreateLoggingConfiguration(const Call& call);
  Body UpdateLoggingConfiguration(const Call& call);
  Body DescribeLoggingConfiguration(const Call& call);
  Body DeleteLoggingConfiguration(const Call& call);
  Body CreateQueryLoggingConfiguration(const Call& call);
  Body UpdateQueryLoggingConfiguration(const Call& call);
  Body DescribeQueryLoggingConfiguration(const Call& call);
  Body DeleteQueryLoggingConfiguration(const Call& call);
  Body CreateScraper(const Call& call);  // scrapers.cc
  Body UpdateScraper(const Call& call);
  Body DescribeScraper(const Call& call);
  Body ListScrapers(const Call& call);
  Body DeleteScraper(const Call& call);
  Body UpdateScraperLoggingConfiguration(const Call& call);
  Body DescribeScraperLoggingConfiguration(const Call& call);
  Body DeleteScraperLoggingConfiguration(const Call& call);
  Body GetDefaultScraperConfiguration(const Call& call);
  Body CreateAnomalyDetector(const Call& call);  // detectors.cc
  Body PutAnomalyDetector(const Call& call);
  Body DescribeAnomalyDetector(const Call& call);
  Body ListAnomalyDetectors(const Call& call);
  Body DeleteAnomalyDetector(const Call& call);
  void TagsChanged(std::string_view type, std::string_view id);  // tags.cc
  Body ListTagsForResource(const Call& call);
  Body TagResource(const Call& call);
  Body UntagResource(const Call& call);

  const ApsOptions options_;
  const access::Gate& gate_;
  catalog::Catalog& catalog_;
  workspace::Manager& workspaces_;
  Rng& rng_;
  workspace::TokenBucket rate_;
  absl::Mutex reconfigure_mutex_;
};

}  // namespace hearth::api
