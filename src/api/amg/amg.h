// SPDX-License-Identifier: Apache-2.0
// The control plane of Amazon Managed Grafana (service `grafana`, rest-json), all 25 operations.
// Sources: aws-contract.md §1, §5, §8.2, §9, §12; botocore data/grafana/2020-08-18. Thread-safe.
#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/statusor.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/gate.h"
#include "access/replay.h"
#include "access/rest_json.h"
#include "base/rng.h"
#include "catalog/catalog.h"
#include "catalog/grafana_access.h"
#include "catalog/grafana_objects.h"
#include "net/http.h"
#include "workspace/token_bucket.h"

namespace hearth::api {

struct AmgOptions {
  // The `endpoint` of a workspace, without scheme: "localhost:9443/g-0123456789".
  std::function<std::string(const catalog::GrafanaWorkspace&)> endpoint;
  bool aws_fidelity = false;  // AMG's quotas and request rates
};

class Amg {
 public:
  // All must outlive it.
  Amg(AmgOptions options, const access::Gate& gate, catalog::Catalog& catalog, Rng& rng);
  net::HttpResponse Handle(const net::HttpRequest& request);

 private:
  struct Call {
    const net::HttpRequest& request;
    const access::Caller& caller;
    const access::RestOperation& operation;
    access::RestInput input;
    std::string Label(std::string_view name) const { return input.Text(name); }
  };
  using Answer = absl::StatusOr<std::string>;  // the body
  using Method = Answer (Amg::*)(const Call&);
  struct Row;
  using WriteBody = absl::FunctionRef<absl::StatusOr<std::string>(catalog::Transaction&,
                                                                  catalog::GrafanaWorkspace&)>;

  static Method FindMethod(std::string_view operation);
  // False where --fidelity aws has used up the operation's rate.
  bool WithinRate(std::string_view operation);
  std::string ResourceOf(const access::Caller& caller, const access::RestMatch& match) const;
  // The call itself, and iam:PassRole on a role that it gives to a workspace; nothing where
  // allowed.
  absl::StatusOr<std::optional<access::Refusal>> Authorize(const Call& call,
                                                           const access::RestMatch& match);

  // The workspace of that id in the caller's region, or ResourceNotFoundException.
  absl::StatusOr<catalog::GrafanaWorkspace> Find(catalog::Reader& reader, const Call& call,
                                                 std::string_view id) const;
  absl::StatusOr<catalog::GrafanaWorkspace> Find(const Call& call);
  // The id of the workspace that an ARN of the caller's region and account names (a part of `arn`);
  // "" for other ARNs.
  std::string_view IdOfArn(const Call& call, std::string_view arn) const;
  absl::StatusOr<catalog::GrafanaWorkspace> FindByArn(catalog::Reader& reader,
                                                      const Call& call) const;
  // Once, whatever a client repeats: the workspace of the path is read, `body` changes things and
  // answers.
  Answer Change(const Call& call, WriteBody body);

  Answer CreateWorkspace(const Call& call);
  Answer DescribeWorkspace(const Call& call);
  Answer ListWorkspaces(const Call& call);
  Answer UpdateWorkspace(const Call& call);
  Answer DeleteWorkspace(const Call& call);
  Answer DescribeWorkspaceConfiguration(const Call& call);
  Answer UpdateWorkspaceConfiguration(const Call& call);
  Answer ListVersions(const Call& call);
  Answer ListTagsForResource(const Call& call);
  Answer TagResource(const Call& call);
  Answer UntagResource(const Call& call);

  Answer DescribeWorkspaceAuthentication(const Call& call);
  Answer UpdateWorkspaceAuthentication(const Call& call);
  Answer ListPermissions(const Call& call);
  Answer UpdatePermissions(const Call& call);

  Answer AssociateLicense(const Call& call);
  Answer DisassociateLicense(const Call& call);
  Answer CreateWorkspaceApiKey(const Call& call);
  Answer DeleteWorkspaceApiKey(const Call& call);

  Answer CreateWorkspaceServiceAccount(const Call& call);
  Answer ListWorkspaceServiceAccounts(const Call& call);
  Answer DeleteWorkspaceServiceAccount(const Call& call);
  Answer CreateWorkspaceServiceAccountToken(const Call& call);
  Answer ListWorkspaceServiceAccountTokens(const Call& call);
  Answer DeleteWorkspaceServiceAccountToken(const Call& call);

  const AmgOptions options_;
  const access::Gate& gate_;
  catalog::Catalog& catalog_;
  Rng& rng_;
  const access::RestOperations operations_;
  workspace::TokenBucket create_rate_;
  workspace::TokenBucket delete_rate_;
  workspace::TokenBucket describe_rate_;
};

}  // namespace hearth::api
