// SPDX-License-Identifier: Apache-2.0
#include "api/aps/aps.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "access/aws_errors.h"
#include "base/log.h"
#include "base/status.h"

namespace hearth::api {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kService = "aps";
constexpr size_t kAliasMax = 100;  // aws-contract.md §9.1
constexpr size_t kTagsMax = 50;
constexpr size_t kTagKeyMax = 128;
constexpr size_t kTagValueMax = 256;
constexpr int kPageDefault = 100;
constexpr int kPageMax = 1000;
constexpr size_t kAwsWorkspacesMax = 25;  // --fidelity aws: AMP's quota in a region

net::HttpResponse Answer(int status, const Json& json) {
  return net::JsonResponse(status, json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

net::HttpResponse Invalid(std::string_view message) {
  return access::AwsJsonError(400, "ValidationException", message,
                              R"("reason":"FIELD_VALIDATION_FAILED")");
}

net::HttpResponse NotFoundError(std::string_view id) {
  return access::AwsJsonError(
      404, "ResourceNotFoundException", "Workspace not found",
      fmt::format(R"("resourceId":{},"resourceType":"workspace")", Json(id).dump()));
}

net::HttpResponse ServerError(const absl::Status& status) {
  log::Error("aps", "catalog", {{"error", Message(status)}});
  net::HttpResponse response =
      access::AwsJsonError(500, "InternalServerException", "The catalog cannot be used right now");
  response.headers.Set("Retry-After", "1");
  return response;
}

Json WorkspaceJson(const catalog::AmpWorkspace& workspace) {
  Json json = {{"workspaceId", workspace.id},
               {"arn", catalog::AmpWorkspaceArn(workspace)},
               {"status", {{"statusCode", catalog::WorkspaceStatusName(workspace.status)}}},
               {"createdAt", static_cast<double>(workspace.created_ms) / 1000},
               {"tags", Json::object()}};
  if (!workspace.alias.empty()) json["alias"] = workspace.alias;
  if (!workspace.kms_key_arn.empty()) json["kmsKeyArn"] = workspace.kms_key_arn;
  for (const auto& [key, value] : workspace.tags) json["tags"][key] = value;
  return json;
}

std::string WorkspaceArn(const access::Caller& caller, std::string_view account,
                         std::string_view id) {
  return fmt::format("arn:aws:aps:{}:{}:workspace/{}", caller.region, account, id);
}

// A string member, "" where absent; false where it is something else.
bool TextMember(const Json& json, const char* name, std::string* out) {
  const auto found = json.find(name);
  if (found == json.end() || found->is_null()) return true;
  if (!found->is_string()) return false;
  *out = std::string(TrimSpace(found->get_ref<const std::string&>()));
  return true;
}

// "" where they are fine.
std::string ReadTags(const Json& json, catalog::Tags* tags) {
  const auto found = json.find("tags");
  if (found == json.end() || found->is_null()) return "";
  if (!found->is_object()) return "tags must be a map";
  for (const auto& [key, value] : found->items()) {
    if (!value.is_string()) return "tag values must be strings";
    const std::string& text = value.get_ref<const std::string&>();
    if (key.empty() || key.size() > kTagKeyMax || text.size() > kTagValueMax) {
      return fmt::format("tag '{}': a key has 1 to {} characters, a value at most {}", key,
                         kTagKeyMax, kTagValueMax);
    }
    if (key.starts_with("aws:")) return "tag keys that begin with aws: are reserved";
    (*tags)[key] = text;
  }
  if (tags->size() > kTagsMax) {
    return fmt::format("{} tags, at most {} are allowed", tags->size(), kTagsMax);
  }
  return "";
}

}  // namespace

net::HttpResponse Aps::Handle(const net::HttpRequest& request) {
  net::HttpResponse response;
  const access::Identified who = gate_.Identify(request, kService);
  if (who.refusal) {
    response = access::AwsJsonRefusal(*who.refusal, false);
  } else {
    std::vector<std::string> segments;
    bool well_formed = true;
    for (const std::string_view raw : Split(std::string_view(request.path).substr(1), '/')) {
      std::string segment;
      well_formed = well_formed && PercentDecode(raw, false, &segment);
      segments.push_back(std::move(segment));
    }
    response = well_formed ? Route(request, who.caller, segments) : Invalid("bad path");
  }
  response.headers.Set("x-amzn-RequestId", NewUuid(rng_));
  return response;
}

net::HttpResponse Aps::Route(const net::HttpRequest& request, const access::Caller& caller,
                             const std::vector<std::string>& segments) {
  const std::string& method = request.method;
  const size_t n = segments.size();
  if (segments[0] == "workspaces" && n == 1) {
    if (method == "GET") return List(request, caller);
    if (method == "POST") return Create(request, caller);
  }
  if (segments[0] == "workspaces" && n == 2) {
    if (method == "GET") return Describe(caller, segments[1]);
    if (method == "DELETE") return Delete(caller, segments[1]);
  }
  if (segments[0] == "tags" && n == 2 && method == "GET") return ListTags(caller, segments[1]);
  const bool logging = n == 3 && segments[0] == "workspaces" && segments[2] == "logging";
  if (logging && method == "GET") {
    // No workspace has one: the provider reads this on every refresh (aws-contract.md §4.1).
    const std::string arn = WorkspaceArn(caller, gate_.options().account, segments[1]);
    if (const auto refusal = gate_.Authorize(caller, "aps:DescribeLoggingConfiguration", arn)) {
      return access::AwsJsonRefusal(*refusal, false);
    }
    return access::AwsJsonError(404, "ResourceNotFoundException",
                                "Logging configuration not found");
  }
  return access::AwsJsonError(
      501, "NotImplementedException",
      fmt::format("{} {} of aps is not part of this version of hearth", method, request.path));
}

absl::StatusOr<catalog::AmpWorkspace> Aps::Find(const access::Caller& caller, std::string_view id) {
  TRY_ASSIGN(catalog::AmpWorkspace workspace, catalog_.Read([&](catalog::Reader& reader) {
    return catalog::GetAmpWorkspace(reader, id);
  }));
  if (workspace.region != caller.region || workspace.account != gate_.options().account) {
    return NotFound("workspace {} is in another region", id);
  }
  return workspace;
}

net::HttpResponse Aps::List(const net::HttpRequest& request, const access::Caller& caller) {
  const std::string all = WorkspaceArn(caller, gate_.options().account, "*");
  if (const auto refusal = gate_.Authorize(caller, "aps:ListWorkspaces", all)) {
    return access::AwsJsonRefusal(*refusal, false);
  }
  catalog::AmpWorkspaceQuery query;
  query.account = gate_.options().account;
  query.region = caller.region;
  int64_t page = kPageDefault;
  const auto parameters = net::ParseForm(request.query);
  if (!parameters.ok()) return Invalid(Message(parameters.status()));
  for (const net::Parameter& parameter : *parameters) {
    if (parameter.name == "alias") query.alias_prefix = parameter.value;
    if (parameter.name == "nextToken" && !Base64UrlDecode(parameter.value, &query.after)) {
      return Invalid("nextToken is not one of ours");
    }
    if (parameter.name == "maxResults" &&
        (!ParseInt64(parameter.value, &page) || page < 1 || page > kPageMax)) {
      return Invalid(fmt::format("maxResults must be a number from 1 to {}", kPageMax));
    }
  }
  query.limit = static_cast<int>(page) + 1;
  auto rows = catalog_.Read(
      [&](catalog::Reader& reader) { return catalog::ListAmpWorkspaces(reader, query); });
  if (!rows.ok()) return ServerError(rows.status());
  Json answer = {{"workspaces", Json::array()}};
  const bool more = rows->size() > static_cast<size_t>(page);
  if (more) rows->resize(static_cast<size_t>(page));
  for (const catalog::AmpWorkspace& row : *rows) {
    answer["workspaces"].push_back(WorkspaceJson(row));
  }
  if (more) answer["nextToken"] = Base64UrlEncode(rows->back().id);
  return Answer(200, answer);
}

net::HttpResponse Aps::Create(const net::HttpRequest& request, const access::Caller& caller) {
  const std::string all = WorkspaceArn(caller, gate_.options().account, "*");
  if (const auto refusal = gate_.Authorize(caller, "aps:CreateWorkspace", all)) {
    return access::AwsJsonRefusal(*refusal, false);
  }
  const Json body = Json::parse(request.body.empty() ? "{}" : request.body, nullptr, false);
  if (!body.is_object()) {
    return access::AwsJsonError(400, "ValidationException", "The body is not a JSON object",
                                R"("reason":"CANNOT_PARSE")");
  }
  catalog::AmpWorkspace workspace;
  workspace.account = gate_.options().account;
  workspace.region = caller.region;
  if (!TextMember(body, "alias", &workspace.alias) ||
      !TextMember(body, "kmsKeyArn", &workspace.kms_key_arn)) {
    return Invalid("alias and kmsKeyArn must be strings");
  }
  if (workspace.alias.size() > kAliasMax) {
    return Invalid(fmt::format("alias has {} characters, at most {} are allowed",
                               workspace.alias.size(), kAliasMax));
  }
  if (const std::string problem = ReadTags(body, &workspace.tags); !problem.empty()) {
    return Invalid(problem);
  }
  const absl::Status status =
      catalog_.Write([&](catalog::Transaction& transaction) -> absl::Status {
        if (options_.aws_fidelity) {
          catalog::AmpWorkspaceQuery query;
          query.account = workspace.account;
          query.region = workspace.region;
          TRY_ASSIGN(const auto rows, catalog::ListAmpWorkspaces(transaction, query));
          if (rows.size() >= kAwsWorkspacesMax) return ResourceExhausted("quota");
        }
        return catalog::CreateAmpWorkspace(transaction, &workspace);
      });
  if (absl::IsResourceExhausted(status)) {
    return access::AwsJsonError(402, "ServiceQuotaExceededException",
                                "Limit exceeded. Maximum workspaces per account.",
                                R"("resourceType":"workspace","serviceCode":"aps")");
  }
  if (!status.ok()) return ServerError(status);
  if (const absl::Status opened = workspaces_.Add(workspace); !opened.ok()) {
    return ServerError(opened);
  }
  Json answer = WorkspaceJson(workspace);
  answer.erase("createdAt");
  answer.erase("alias");
  return Answer(202, answer);
}

net::HttpResponse Aps::Describe(const access::Caller& caller, std::string_view id) {
  const std::string arn = WorkspaceArn(caller, gate_.options().account, id);
  if (const auto refusal = gate_.Authorize(caller, "aps:DescribeWorkspace", arn)) {
    return access::AwsJsonRefusal(*refusal, false);
  }
  const auto workspace = Find(caller, id);
  if (absl::IsNotFound(workspace.status())) return NotFoundError(id);
  if (!workspace.ok()) return ServerError(workspace.status());
  Json json = WorkspaceJson(*workspace);
  json["prometheusEndpoint"] = options_.endpoint + "/workspaces/" + workspace->id + "/";
  return Answer(200, {{"workspace", std::move(json)}});
}

net::HttpResponse Aps::Delete(const access::Caller& caller, std::string_view id) {
  const std::string arn = WorkspaceArn(caller, gate_.options().account, id);
  if (const auto refusal = gate_.Authorize(caller, "aps:DeleteWorkspace", arn)) {
    return access::AwsJsonRefusal(*refusal, false);
  }
  const auto workspace = Find(caller, id);
  if (absl::IsNotFound(workspace.status())) return NotFoundError(id);
  if (!workspace.ok()) return ServerError(workspace.status());
  const absl::Status status = catalog_.Write([&](catalog::Transaction& transaction) {
    return catalog::DeleteAmpWorkspace(transaction, id);
  });
  if (absl::IsNotFound(status)) return NotFoundError(id);
  if (!status.ok()) return ServerError(status);
  if (const absl::Status removed = workspaces_.Remove(id); !removed.ok()) {
    log::Error("aps", "files of a deleted workspace remain",
               {{"workspace", id}, {"error", Message(removed)}});
  }
  net::HttpResponse response;
  response.status = 202;
  return response;
}

net::HttpResponse Aps::ListTags(const access::Caller& caller, std::string_view arn) {
  if (const auto refusal = gate_.Authorize(caller, "aps:ListTagsForResource", arn)) {
    return access::AwsJsonRefusal(*refusal, false);
  }
  const std::string prefix = WorkspaceArn(caller, gate_.options().account, "");
  if (!arn.starts_with(prefix)) return NotFoundError(arn);
  const auto workspace = Find(caller, arn.substr(prefix.size()));
  if (absl::IsNotFound(workspace.status())) return NotFoundError(arn);
  if (!workspace.ok()) return ServerError(workspace.status());
  Json tags = Json::object();
  for (const auto& [key, value] : workspace->tags) tags[key] = value;
  return Answer(200, {{"tags", std::move(tags)}});
}

}  // namespace hearth::api
