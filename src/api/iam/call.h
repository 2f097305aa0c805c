// SPDX-License-Identifier: Apache-2.0
// One call of an IAM operation: its parameters, who calls, the catalog's snapshot or transaction,
// and the result as it is written. Private to api_iam.
//
// An operation reads parameters from `in`, finds its object, asks Authorize with the object's ARN,
// acts, and writes into `out`. What fails is a QueryFault with IAM's code and words.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "access/gate.h"
#include "access/query_protocol.h"
#include "auth/policy.h"
#include "base/text.h"
#include "catalog/catalog.h"
#include "catalog/iam.h"
#include "catalog/iam_counts.h"

namespace hearth::api::iam {

using Keys = access::Gate::ConditionKeys;
using access::RequestTagKeys;

struct Call {
  const access::QueryForm& form;
  const access::Caller& caller;
  const access::Gate& gate;
  catalog::Reader& reader;
  catalog::Transaction* transaction;  // null in operations that only read
  std::string account;
  access::QueryReader in;
  access::XmlWriter out;

  catalog::Transaction& write() { return *transaction; }
  // iam:<the action called> on `resource`.
  absl::Status Authorize(std::string_view resource, const Keys& keys = {}) const;
};

struct Operation {
  std::string_view name;
  absl::Status (*run)(Call& call);
  bool writes = false;
  bool has_result = true;
};
std::span<const Operation> RoleOperations();
std::span<const Operation> UserOperations();
std::span<const Operation> GroupOperations();
std::span<const Operation> AccessKeyOperations();
std::span<const Operation> PolicyOperations();
std::span<const Operation> OwnedPolicyOperations();
std::span<const Operation> OidcOperations();
std::span<const Operation> AccountOperations();
std::span<const Operation> SimulationOperations();

// ---- parameters ----
inline constexpr size_t kRoleNameMax = 64;
inline constexpr size_t kNameMax = 128;  // of users (64 when made), groups, policies
inline constexpr size_t kTagsMax = 50;
inline constexpr size_t kDocumentMax = 131072;  // before white space is taken off

// The most that AWS grants where it is asked, of objects of an account: every list is read whole.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
int64_t IamQuota(catalog::IamKind kind);
// LimitExceeded where there is no room for one more.
absl::Status CheckQuota(Call& call, catalog::IamKind kind);

access::QueryRule NameRule(size_t max = kNameMax);  // required
access::QueryRule OptionalNameRule(size_t max = kNameMax);
access::QueryRule ArnRule(bool required = true);
access::QueryRule DocumentRule();  // required
access::QueryRule DescriptionRule();
// "/" or what is given; a ValidationError among `in`'s where it is no path.
std::string ReadPath(Call& call, std::string_view parameter = "Path");
std::string ReadPathPrefix(Call& call);
// Tags.member.N; InvalidInput for doubles and what is reserved, LimitExceeded beyond kTagsMax.
absl::StatusOr<catalog::Tags> ReadTags(const Call& call);
// `tags` over `current`, as TagRole does (keys differ without regard to case).
absl::Status MergeTags(const catalog::Tags& tags, catalog::Tags* current);
void RemoveTags(const std::vector<std::string>& keys, catalog::Tags* current);
Keys ResourceTagKeys(const catalog::Tags& tags);

// MalformedPolicyDocument, or LimitExceeded with `limit_text` where more than `limit` characters
// that are not white space.
absl::Status CheckDocument(std::string_view document, auth::PolicyKind kind, size_t limit,
                           std::string_view limit_text);
size_t CountWithoutSpace(std::string_view document);

// ---- objects, with authorisation ----
absl::StatusOr<catalog::IamRole> FindRole(Call& call, std::string_view name, const Keys& keys = {});
absl::StatusOr<catalog::IamUser> FindUser(Call& call, std::string_view name, const Keys& keys = {});
absl::StatusOr<catalog::IamGroup> FindGroup(Call& call, std::string_view name,
                                            const Keys& keys = {});
absl::StatusOr<catalog::ManagedPolicy> FindPolicy(Call& call, std::string_view arn);
std::string GroupArn(const catalog::IamGroup& group);
// Whether it may be attached, or be a boundary: there, and of this account or AWS'. `missing` is
// what is said of one that is not.
absl::Status CheckAttachable(Call& call, std::string_view arn, std::string_view missing);
// Whether a user or role may have it as its permissions boundary; "" is none.
absl::Status CheckBoundary(Call& call, std::string_view arn);

// ---- results ----
void WriteTags(access::XmlWriter& out, const catalog::Tags& tags);
void WriteRole(Call& call, const catalog::IamRole& role, bool with_tags);  // no element around
void WriteUser(Call& call, const catalog::IamUser& user, bool with_tags);
void WriteGroup(Call& call, const catalog::IamGroup& group);

// Marker and MaxItems.
struct Page {
  std::string after;
  size_t max = 100;
};
Page ReadPage(Call& call);

// <list><member>…</member></list><IsTruncated>…, with Marker where there is more. `key_of` gives
// what the list is ordered by; it must be unique.
template <typename T, typename KeyOf, typename Write>
void WritePage(Call& call, const Page& page, std::string_view list, std::vector<T> items,
               KeyOf key_of, Write write) {
  std::sort(items.begin(), items.end(),
            [&](const T& a, const T& b) { return key_of(a) < key_of(b); });
  auto first = items.begin();
  if (!page.after.empty()) {
    first = std::find_if(items.begin(), items.end(),
                         [&](const T& item) { return key_of(item) > page.after; });
  }
  const auto count = std::min(page.max, static_cast<size_t>(items.end() - first));
  const auto end = first + static_cast<std::ptrdiff_t>(count);
  call.out.Open(list);
  for (auto it = first; it != end; ++it) write(*it);
  call.out.Close(list);
  const bool more = end != items.end() && count > 0;
  call.out.Flag("IsTruncated", more);
  if (more) call.out.Text("Marker", Base64UrlEncode(key_of(*(end - 1))));
}

// A catalog error as IAM words it: NotFound → NoSuchEntity, AlreadyExists → EntityAlreadyExists,
// FailedPrecondition → DeleteConflict (its own text), the rest as it is.
absl::Status Reworded(const absl::Status& status, std::string_view not_found,
                      std::string_view exists = {});

}  // namespace hearth::api::iam
