// SPDX-License-Identifier: Apache-2.0
// Tags of every resource type, by ARN: workspace, rulegroupsnamespace, scraper, anomalydetector.
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "access/rest_tags.h"
#include "api/aps/answers.h"
#include "api/aps/aps.h"
#include "base/status.h"
#include "catalog/amp_detectors.h"
#include "catalog/amp_rules.h"
#include "catalog/amp_scrapers.h"

namespace hearth::api {
namespace {

using Json = nlohmann::ordered_json;
using catalog::Tags;

// "workspace/ws-1" of an ARN of ours.
struct Tagged {
  std::string type;
  std::string workspace;  // where the object lies in one
  std::string id;
};

absl::Status NoSuch(std::string_view arn) {
  return access::ResourceNotFound("Resource not found", arn, "resource");
}

absl::StatusOr<Tagged> ParseArn(std::string_view arn, std::string_view account,
                                std::string_view region) {
  const std::vector<std::string_view> fields = Split(arn, ':');
  if (fields.size() < 6 || fields[0] != "arn" || fields[2] != "aps") {
    return access::InvalidField("resourceArn", "The ARN is not one of this service");
  }
  const std::string prefix = fmt::format("arn:aws:aps:{}:{}:", region, account);
  if (!arn.starts_with(prefix)) return NoSuch(arn);
  const std::vector<std::string_view> parts = Split(arn.substr(prefix.size()), '/');
  Tagged tagged;
  tagged.type = std::string(parts[0]);
  const bool nested = tagged.type == "rulegroupsnamespace" || tagged.type == "anomalydetector";
  if (parts.size() != (nested ? 3U : 2U)) return NoSuch(arn);
  if (nested) tagged.workspace = std::string(parts[1]);
  tagged.id = std::string(parts.back());
  return tagged;
}

using Change = absl::FunctionRef<absl::Status(Tags*)>;

absl::Status ChangeWorkspace(catalog::Transaction& transaction, const Tagged& tagged,
                             Change change) {
  TRY_ASSIGN(auto row, catalog::GetAmpWorkspace(transaction, tagged.id));
  TRY(change(&row.tags));
  return catalog::UpdateAmpWorkspace(transaction, &row);
}

absl::Status ChangeRules(catalog::Transaction& transaction, const Tagged& tagged, Change change) {
  TRY_ASSIGN(auto row, catalog::GetRuleNamespace(transaction, tagged.workspace, tagged.id));
  TRY(change(&row.tags));
  return catalog::UpdateRuleNamespace(transaction, &row);
}

absl::Status ChangeScraper(catalog::Transaction& transaction, const Tagged& tagged, Change change) {
  TRY_ASSIGN(auto row, catalog::GetAmpScraper(transaction, tagged.id));
  TRY(change(&row.tags));
  return catalog::UpdateAmpScraper(transaction, &row);
}

absl::Status ChangeDetector(catalog::Transaction& transaction, const Tagged& tagged,
                            Change change) {
  TRY_ASSIGN(auto row, catalog::GetAmpDetector(transaction, tagged.workspace, tagged.id));
  TRY(change(&row.tags));
  return catalog::UpdateAmpDetector(transaction, &row);
}

// NotFound, also where the object is of another region or account.
absl::StatusOr<Tags> ReadTags(catalog::Reader& reader, const Tagged& tagged,
                              std::string_view account, std::string_view region) {
  if (tagged.type == "scraper") {
    TRY_ASSIGN(const auto row, catalog::GetAmpScraper(reader, tagged.id));
    if (row.account != account || row.region != region) return NotFound("of another region");
    return row.tags;
  }
  const bool workspace = tagged.type == "workspace";
  TRY_ASSIGN(const auto owner,
             catalog::GetAmpWorkspace(reader, workspace ? tagged.id : tagged.workspace));
  if (owner.account != account || owner.region != region) return NotFound("of another region");
  if (workspace) return owner.tags;
  if (tagged.type == "rulegroupsnamespace") {
    TRY_ASSIGN(const auto row, catalog::GetRuleNamespace(reader, tagged.workspace, tagged.id));
    return row.tags;
  }
  if (tagged.type == "anomalydetector") {
    TRY_ASSIGN(const auto row, catalog::GetAmpDetector(reader, tagged.workspace, tagged.id));
    return row.tags;
  }
  return NotFound("no resource type {} has tags", tagged.type);
}

absl::Status ChangeTags(catalog::Transaction& transaction, const Tagged& tagged, Change change) {
  if (tagged.type == "workspace") return ChangeWorkspace(transaction, tagged, change);
  if (tagged.type == "scraper") return ChangeScraper(transaction, tagged, change);
  if (tagged.type == "anomalydetector") return ChangeDetector(transaction, tagged, change);
  return ChangeRules(transaction, tagged, change);
}

}  // namespace

absl::StatusOr<access::Gate::ConditionKeys> Aps::ConditionKeysOf(const Call& call,
                                                                 const std::string& target) {
  access::Gate::ConditionKeys keys = access::RequestTagKeys(call.input);
  // What names no object yet ("workspace/*"), or none of ours, has no tags.
  const auto tagged = ParseArn(target, account(), call.caller.region);
  if (!tagged.ok()) return keys;
  const auto tags = catalog_.Read([&](catalog::Reader& reader) {
    return ReadTags(reader, *tagged, account(), call.caller.region);
  });
  if (tags.ok()) {
    access::AddResourceTagKeys(*tags, &keys);
  } else if (!absl::IsNotFound(tags.status())) {
    return tags.status();
  }
  return keys;
}

// Policies may ask for a workspace's tags on its data plane too.
void Aps::TagsChanged(std::string_view type, std::string_view id) {
  if (type == "workspace") Reconfigure(id);
}

Aps::Body Aps::ListTagsForResource(const Call& call) {
  const std::string_view arn = call.match.Label("resourceArn");
  TRY_ASSIGN(const Tagged tagged, ParseArn(arn, account(), call.caller.region));
  TRY_ASSIGN(const Tags tags, OrNotFound(catalog_.Read([&](catalog::Reader& reader) {
               return ReadTags(reader, tagged, account(), call.caller.region);
             }),
                                         "Resource", arn, "resource"));
  return access::RestBody(Json{{"tags", TagsJson(tags)}});
}

Aps::Body Aps::TagResource(const Call& call) {
  const std::string_view arn = call.match.Label("resourceArn");
  TRY_ASSIGN(const Tagged tagged, ParseArn(arn, account(), call.caller.region));
  const Tags given = call.input.TextMap("tags");
  TRY(CheckTags(given));
  return Once(
      call,
      [&](catalog::Transaction& transaction) -> Body {
        TRY(OrNotFound(ReadTags(transaction, tagged, account(), call.caller.region), "Resource",
                       arn, "resource"));
        TRY(ChangeTags(transaction, tagged, [&](Tags* tags) {
          for (const auto& [key, value] : given) (*tags)[key] = value;
          return CheckTags(*tags);
        }));
        return "{}";
      },
      [&] { TagsChanged(tagged.type, tagged.id); });
}

Aps::Body Aps::UntagResource(const Call& call) {
  const std::string_view arn = call.match.Label("resourceArn");
  TRY_ASSIGN(const Tagged tagged, ParseArn(arn, account(), call.caller.region));
  const std::vector<std::string> keys = call.input.TextList("tagKeys");
  return Once(
      call,
      [&](catalog::Transaction& transaction) -> Body {
        TRY(OrNotFound(ReadTags(transaction, tagged, account(), call.caller.region), "Resource",
                       arn, "resource"));
        TRY(ChangeTags(transaction, tagged, [&](Tags* tags) {
          for (const std::string& key : keys) tags->erase(key);
          return absl::OkStatus();
        }));
        return "{}";
      },
      [&] { TagsChanged(tagged.type, tagged.id); });
}

}  // namespace hearth::api
