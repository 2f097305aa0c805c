// SPDX-License-Identifier: Apache-2.0
#include "api/iam/call.h"

#include <fmt/format.h>

#include "base/status.h"

namespace hearth::api::iam {
namespace {

using access::QueryFault;

constexpr size_t kTagKeyMax = 128;
constexpr size_t kTagValueMax = 256;

bool IsNameCharacter(unsigned char c) {
  return std::isalnum(c) != 0 ||
         std::string_view("_+=,.@-").find(static_cast<char>(c)) != std::string_view::npos;
}

bool IsDocumentCharacter(unsigned char c) {
  return c == '\t' || c == '\n' || c == '\r' || c >= 0x20;
}

bool SameKey(std::string_view a, std::string_view b) { return EqualsIgnoreCaseAscii(a, b); }

catalog::Tags::iterator FindTag(std::string_view key, catalog::Tags* tags) {
  return std::find_if(tags->begin(), tags->end(),
                      [&](const auto& tag) { return SameKey(tag.first, key); });
}

// What policies may ask of a user or role that is there: its tags, and its boundary where the call
// itself does not set one (iam:PermissionsBoundary of PutRolePolicy, AttachRolePolicy, …).
void AddHolderKeys(const catalog::Tags& tags, const std::string& boundary_arn, Keys* keys) {
  for (auto& key : ResourceTagKeys(tags)) keys->push_back(std::move(key));
  constexpr std::string_view kBoundary = "iam:PermissionsBoundary";
  const bool set = std::any_of(keys->begin(), keys->end(),
                               [&](const auto& key) { return key.first == kBoundary; });
  if (!set && !boundary_arn.empty()) keys->push_back({std::string(kBoundary), {boundary_arn}});
}

}  // namespace

absl::Status Call::Authorize(std::string_view resource, const Keys& keys) const {
  const auto refusal = gate.Authorize(caller, fmt::format("iam:{}", form.action()), resource, keys);
  return refusal ? QueryFault(*refusal) : absl::OkStatus();
}

access::QueryRule NameRule(size_t max) { return {true, 1, max, IsNameCharacter, "[\\w+=,.@-]+"}; }

access::QueryRule OptionalNameRule(size_t max) {
  return {false, 1, max, IsNameCharacter, "[\\w+=,.@-]+"};
}

access::QueryRule ArnRule(bool required) { return {required, 20, 2048}; }

access::QueryRule DocumentRule() {
  return {true, 1, kDocumentMax, IsDocumentCharacter, "[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+"};
}

access::QueryRule DescriptionRule() {
  return {false, 0, 1000, IsDocumentCharacter,
          "[\\u0009\\u000A\\u000D\\u0020-\\u007E\\u00A1-\\u00FF]*"};
}

std::string ReadPath(Call& call, std::string_view parameter) {
  std::string path = call.in.Text(parameter, {false, 1, 512});
  if (path.empty()) return "/";
  const bool printable = std::all_of(path.begin(), path.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0x21 && static_cast<unsigned char>(c) <= 0x7E;
  });
  if (!printable || path.front() != '/' || path.back() != '/' || path == "//") {
    call.in.Fail(parameter, path,
                 "Member must satisfy regular expression pattern: "
                 "(\\u002F)|(\\u002F[\\u0021-\\u007E]+\\u002F)");
  }
  return path;
}

std::string ReadPathPrefix(Call& call) {
  std::string prefix = call.in.Text("PathPrefix", {false, 1, 512});
  if (prefix.empty()) return "/";
  if (prefix.front() != '/') {
    call.in.Fail("PathPrefix", prefix,
                 "Member must satisfy regular expression pattern: \\u002F[\\u0021-\\u007F]*");
  }
  return prefix;
}

absl::StatusOr<catalog::Tags> ReadTags(const Call& call) {
  catalog::Tags tags;
  for (const access::QueryForm& tag : call.form.Structures("Tags")) {
    const std::string key(tag.Text("Key"));
    const std::string value(tag.Text("Value"));
    if (key.empty() || key.size() > kTagKeyMax || value.size() > kTagValueMax) {
      return QueryFault(400, "ValidationError",
                        fmt::format("1 validation error detected: Value '{}' at 'tags' failed to "
                                    "satisfy constraint: a key has 1 to {} characters, a value at "
                                    "most {}",
                                    key, kTagKeyMax, kTagValueMax));
    }
    if (ToLowerAscii(key).starts_with("aws:")) {
      return QueryFault(400, "InvalidInput",
                        fmt::format("Tag key '{}' is reserved: keys may not begin with aws:", key));
    }
    if (FindTag(key, &tags) != tags.end()) {
      return QueryFault(400, "InvalidInput",
                        "Duplicate tag keys found. Please note that Tag keys are case "
                        "insensitive.");
    }
    tags[key] = value;
  }
  if (tags.size() > kTagsMax) {
    return QueryFault(409, "LimitExceeded",
                      fmt::format("Cannot exceed quota for TagsPerResource: {}", kTagsMax));
  }
  return tags;
}

absl::Status MergeTags(const catalog::Tags& tags, catalog::Tags* current) {
  for (const auto& [key, value] : tags) {
    if (const auto old = FindTag(key, current); old != current->end()) current->erase(old);
    (*current)[key] = value;
  }
  if (current->size() > kTagsMax) {
    return QueryFault(409, "LimitExceeded",
                      fmt::format("Cannot exceed quota for TagsPerResource: {}", kTagsMax));
  }
  return absl::OkStatus();
}

void RemoveTags(const std::vector<std::string>& keys, catalog::Tags* current) {
  for (const std::string& key : keys) {
    if (const auto old = FindTag(key, current); old != current->end()) current->erase(old);
  }
}

Keys ResourceTagKeys(const catalog::Tags& tags) {
  Keys keys;
  access::AddResourceTagKeys(tags, &keys);
  for (const auto& [key, value] : tags) keys.push_back({"iam:ResourceTag/" + key, {value}});
  return keys;
}

size_t CountWithoutSpace(std::string_view document) {
  return static_cast<size_t>(std::count_if(document.begin(), document.end(), [](char c) {
    return std::isspace(static_cast<unsigned char>(c)) == 0 && (c & 0xC0) != 0x80;
  }));
}

absl::Status CheckDocument(std::string_view document, auth::PolicyKind kind, size_t limit,
                           std::string_view limit_text) {
  if (CountWithoutSpace(document) > limit) return QueryFault(409, "LimitExceeded", limit_text);
  const auto parsed = auth::PolicyDocument::Parse(document, kind);
  if (parsed.ok()) return absl::OkStatus();
  return QueryFault(400, "MalformedPolicyDocument", Message(parsed.status()));
}

absl::StatusOr<catalog::IamRole> FindRole(Call& call, std::string_view name, const Keys& keys) {
  auto role = catalog::GetRole(call.reader, call.account, name);
  if (!role.ok() && !absl::IsNotFound(role.status())) return role.status();
  Keys all = keys;
  if (role.ok()) AddHolderKeys(role->tags, role->boundary_arn, &all);
  TRY(call.Authorize(auth::RoleArn(call.account, role.ok() ? role->path : "/",
                                   role.ok() ? std::string_view(role->name) : name),
                     all));
  if (role.ok()) return role;
  return QueryFault(404, "NoSuchEntity",
                    fmt::format("The role with name {} cannot be found.", name));
}

absl::StatusOr<catalog::IamUser> FindUser(Call& call, std::string_view name, const Keys& keys) {
  auto user = catalog::GetUser(call.reader, call.account, name);
  if (!user.ok() && !absl::IsNotFound(user.status())) return user.status();
  Keys all = keys;
  if (user.ok()) AddHolderKeys(user->tags, user->boundary_arn, &all);
  TRY(call.Authorize(auth::UserArn(call.account, user.ok() ? user->path : "/",
                                   user.ok() ? std::string_view(user->name) : name),
                     all));
  if (user.ok()) return user;
  return QueryFault(404, "NoSuchEntity",
                    fmt::format("The user with name {} cannot be found.", name));
}

std::string GroupArn(const catalog::IamGroup& group) {
  return fmt::format("arn:aws:iam::{}:group{}{}", group.account, group.path, group.name);
}

absl::StatusOr<catalog::IamGroup> FindGroup(Call& call, std::string_view name, const Keys& keys) {
  auto group = catalog::GetGroup(call.reader, call.account, name);
  if (!group.ok() && !absl::IsNotFound(group.status())) return group.status();
  catalog::IamGroup asked;
  asked.account = call.account;
  asked.name = std::string(name);
  TRY(call.Authorize(GroupArn(group.ok() ? *group : asked), keys));
  if (group.ok()) return group;
  return QueryFault(404, "NoSuchEntity",
                    fmt::format("The group with name {} cannot be found.", name));
}

int64_t IamQuota(catalog::IamKind kind) { return kind == catalog::IamKind::kGroup ? 500 : 5000; }

absl::Status CheckQuota(Call& call, catalog::IamKind kind) {
  static constexpr std::string_view kNames[] = {"UsersPerAccount", "GroupsPerAccount",
                                                "RolesPerAccount", "PoliciesPerAccount"};
  TRY_ASSIGN(const int64_t count, catalog::CountIam(call.reader, call.account, kind));
  if (count < IamQuota(kind)) return absl::OkStatus();
  return QueryFault(409, "LimitExceeded",
                    fmt::format("Cannot exceed quota for {}: {}", kNames[static_cast<size_t>(kind)],
                                IamQuota(kind)));
}

absl::Status CheckAttachable(Call& call, std::string_view arn, std::string_view missing) {
  const auto policy = catalog::GetManagedPolicy(call.reader, arn);
  const bool foreign = policy.ok() && policy->account != call.account && policy->account != "aws";
  if (foreign) return QueryFault(404, "NoSuchEntity", missing);
  return Reworded(policy.status(), missing);
}

absl::Status CheckBoundary(Call& call, std::string_view arn) {
  if (arn.empty()) return absl::OkStatus();
  return CheckAttachable(call, arn,
                         fmt::format("Scope ARN: {} does not exist or is not attachable.", arn));
}

absl::StatusOr<catalog::ManagedPolicy> FindPolicy(Call& call, std::string_view arn) {
  auto policy = catalog::GetManagedPolicy(call.reader, arn);
  if (!policy.ok() && !absl::IsNotFound(policy.status())) return policy.status();
  TRY(call.Authorize(arn, policy.ok() ? ResourceTagKeys(policy->tags) : Keys()));
  const bool foreign = policy.ok() && policy->account != call.account && policy->account != "aws";
  if (policy.ok() && !foreign) {
    if (call.transaction != nullptr && policy->account == "aws") {
      return QueryFault(403, "AccessDenied",
                        fmt::format("Cannot change {}: it is AWS's own managed policy", arn));
    }
    return policy;
  }
  return QueryFault(404, "NoSuchEntity", fmt::format("Policy {} was not found.", arn));
}

void WriteTags(access::XmlWriter& out, const catalog::Tags& tags) {
  out.Open("Tags");
  for (const auto& [key, value] : tags) {
    out.Open("member");
    out.Text("Key", key);
    out.Text("Value", value);
    out.Close("member");
  }
  out.Close("Tags");
}

namespace {
void WriteBoundary(access::XmlWriter& out, const std::string& arn) {
  if (arn.empty()) return;
  out.Open("PermissionsBoundary");
  out.Text("PermissionsBoundaryType", "Policy");
  out.Text("PermissionsBoundaryArn", arn);
  out.Close("PermissionsBoundary");
}
}  // namespace

void WriteRole(Call& call, const catalog::IamRole& role, bool with_tags) {
  access::XmlWriter& out = call.out;
  out.Text("Path", role.path);
  out.Text("RoleName", role.name);
  out.Text("RoleId", role.id);
  out.Text("Arn", auth::RoleArn(role.account, role.path, role.name));
  out.Time("CreateDate", role.created_ms);
  out.Text("AssumeRolePolicyDocument", PercentEncode(role.trust_policy, false));
  out.TextIf("Description", role.description);
  out.Number("MaxSessionDuration", role.max_session_seconds);
  if (!with_tags) return;
  WriteBoundary(out, role.boundary_arn);
  if (!role.tags.empty()) WriteTags(out, role.tags);
}

void WriteUser(Call& call, const catalog::IamUser& user, bool with_tags) {
  access::XmlWriter& out = call.out;
  out.Text("Path", user.path);
  out.Text("UserName", user.name);
  out.Text("UserId", user.id);
  out.Text("Arn", auth::UserArn(user.account, user.path, user.name));
  out.Time("CreateDate", user.created_ms);
  if (!with_tags) return;
  WriteBoundary(out, user.boundary_arn);
  if (!user.tags.empty()) WriteTags(out, user.tags);
}

void WriteGroup(Call& call, const catalog::IamGroup& group) {
  access::XmlWriter& out = call.out;
  out.Text("Path", group.path);
  out.Text("GroupName", group.name);
  out.Text("GroupId", group.id);
  out.Text("Arn", GroupArn(group));
  out.Time("CreateDate", group.created_ms);
}

Page ReadPage(Call& call) {
  Page page;
  page.max = static_cast<size_t>(std::max<int64_t>(1, call.in.Number("MaxItems", 100, 1, 1000)));
  const std::string_view marker = call.form.Text("Marker");
  if (!marker.empty() && !Base64UrlDecode(marker, &page.after)) {
    call.in.Fail("Marker", marker, "Member must be a Marker of an answer before");
  }
  return page;
}

absl::Status Reworded(const absl::Status& status, std::string_view not_found,
                      std::string_view exists) {
  if (absl::IsNotFound(status)) return QueryFault(404, "NoSuchEntity", not_found);
  if (absl::IsAlreadyExists(status) && !exists.empty()) {
    return QueryFault(409, "EntityAlreadyExists", exists);
  }
  if (absl::IsFailedPrecondition(status) && access::QueryFaultCode(status).empty()) {
    return QueryFault(409, "DeleteConflict", Message(status));
  }
  return status;
}

}  // namespace hearth::api::iam
