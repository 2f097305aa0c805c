// SPDX-License-Identifier: Apache-2.0
// Grafana-managed alert rules and their groups, of the provisioning API. A rule is a row whose
// parent is its folder and whose name is its group; its order within the group is in from_ms. A
// group's row holds its interval.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/grafana_http/access_list.h"
#include "api/grafana_http/answers.h"
#include "api/grafana_http/face.h"
#include "api/grafana_http/provisioning.h"
#include "base/status.h"
#include "catalog/grafana_items.h"

namespace hearth::api::grafana_http {
namespace {

constexpr std::string_view kRule = "alert_rule";
constexpr std::string_view kGroup = "alert_group";
constexpr std::string_view kNoRule = "alert rule not found";
constexpr int64_t kDefaultIntervalS = 60;
constexpr size_t kRuleBytesMax = 256 << 10;
constexpr size_t kRulesOfGroupMax = 100;  // Grafana's default quota of rules a group

Json RuleShape(const catalog::GrafanaItem& item) {
  Json json = {{"id", item.id},
               {"uid", item.uid},
               {"orgID", 1},
               {"folderUID", item.parent},
               {"ruleGroup", item.name}};
  const Json own = Stored(item.json);
  for (const char* key : {"title", "condition", "data"}) json[key] = own.value(key, Json());
  json["updated"] = Rfc3339(item.updated_ms);
  for (const auto& [key, value] : own.items()) {
    if (!json.contains(key)) json[key] = value;
  }
  return json;
}

// Zeros that clients leave out, as Grafana fills them in (aws-contract.md §13).
absl::StatusOr<Json> ReadQuery(const Json& each) {
  if (!each.is_object()) return InvalidArgument("data must be a list of objects");
  Body query(each, "data.");
  const std::string ref = query.Required("refId", kAlertNameBytesMax);
  Json model = query.Object("model");
  Json range_json = query.Object("relativeTimeRange");
  Body range(range_json, "relativeTimeRange.");
  const int64_t from = range.Number("from");
  const int64_t to = range.Number("to");
  const std::string source = query.Text("datasourceUid");
  const std::string type = query.Text("queryType");
  TRY(query.status());
  TRY(range.status());
  if (!model.contains("refId")) model["refId"] = ref;
  if (!model.contains("intervalMs")) model["intervalMs"] = 1000;
  if (!model.contains("maxDataPoints")) model["maxDataPoints"] = 43200;
  return Json{{"refId", ref},
              {"queryType", type},
              {"relativeTimeRange", {{"from", from}, {"to", to}}},
              {"datasourceUid", source},
              {"model", std::move(model)}};
}

absl::StatusOr<std::string> ReadSpan(Body& body, const char* key) {
  const std::string text = body.Text(key);
  if (text.empty()) return std::string("0s");
  TRY_ASSIGN(const int64_t ms, ParseDuration(text));
  return FormatDuration(ms);
}

absl::Status CheckState(const std::string& key, const std::string& value,
                        std::initializer_list<std::string_view> words) {
  if (value.empty() || std::find(words.begin(), words.end(), value) != words.end()) {
    return absl::OkStatus();
  }
  return InvalidArgument("unknown {}: {}", key, value);
}

absl::StatusOr<Json> ReadQueries(Body& body, const std::string& condition, bool records) {
  Json data = Json::array();
  bool met = false;
  for (const Json& each : body.Array("data")) {
    TRY_ASSIGN(Json query, ReadQuery(each));
    met = met || query["refId"] == Json(condition);
    data.push_back(std::move(query));
  }
  if (data.empty()) return InvalidArgument("invalid alert rule: no queries or expressions");
  if (!met && !records) {
    return InvalidArgument("invalid alert rule: condition {} is the refId of no query", condition);
  }
  return data;
}

// One rule as sent, in the row's form; uid and id are filled in by who stores it.
absl::StatusOr<catalog::GrafanaItem> ReadRule(const Call& call, const Json& json,
                                              const std::string& folder, const std::string& group) {
  if (!json.is_object()) return InvalidArgument("rules must be a list of objects");
  Body body(json, "rules.");
  catalog::GrafanaItem item;
  item.workspace = call.id();
  item.kind = kRule;
  item.uid = body.Text("uid");
  item.parent = folder.empty() ? body.Required("folderUID", kAlertNameBytesMax) : folder;
  item.name = group.empty() ? body.Required("ruleGroup", kAlertNameBytesMax) : group;
  item.created_by = item.updated_by = call.user.login;
  const bool records = body.Has("record");
  const std::string condition = body.Text("condition");
  Json own = {{"title", body.Required("title", kAlertNameBytesMax)}, {"condition", condition}};
  TRY(body.status());
  TRY_ASSIGN(own["data"], ReadQueries(body, condition, records));
  own["noDataState"] = body.Text("noDataState");
  own["execErrState"] = body.Text("execErrState");
  TRY_ASSIGN(own["for"], ReadSpan(body, "for"));
  TRY_ASSIGN(own["keep_firing_for"], ReadSpan(body, "keep_firing_for"));
  if (body.Has("missing_series_evals_to_resolve")) {
    own["missing_series_evals_to_resolve"] = body.Number("missing_series_evals_to_resolve");
  }
  for (const char* key : {"annotations", "labels"}) {
    if (const Json texts = body.Object(key); !texts.empty()) own[key] = texts;
  }
  if (const std::string provenance = Provenance(call); !provenance.empty()) {
    own["provenance"] = provenance;
  }
  own["isPaused"] = body.Flag("isPaused");
  const Json settings = WithoutEmpty(body.Object("notification_settings"));
  own["notification_settings"] = settings.empty() ? Json(nullptr) : settings;
  own["record"] = records ? body.Object("record") : Json(nullptr);
  TRY(body.status());
  TRY(CheckUid(item.uid));
  TRY(CheckState("noDataState", own["noDataState"], {"Alerting", "NoData", "OK", "KeepLast"}));
  TRY(CheckState("execErrState", own["execErrState"], {"Alerting", "Error", "OK", "KeepLast"}));
  item.json = Dump(own);
  if (item.json.size() > kRuleBytesMax) {
    return InvalidArgument("a rule of {} bytes exceeds the limit of {} bytes", item.json.size(),
                           kRuleBytesMax);
  }
  return item;
}

absl::Status MayIn(catalog::Reader& reader, const Call& call, const std::string& folder,
                   Level wanted) {
  const auto row = catalog::GetFolder(reader, call.id(), folder);
  if (absl::IsNotFound(row.status())) return InvalidArgument("folder not found: {}", folder);
  TRY(row);
  TRY_ASSIGN(const AccessList access, AccessList::Load(reader, call));
  return access.RequireFolder(folder, wanted,
                              wanted == kEdit ? "alert.rules:write" : "alert.rules:read");
}

absl::StatusOr<std::vector<catalog::GrafanaItem>> RulesOf(catalog::Reader& reader, const Call& call,
                                                          const std::string& folder,
                                                          const std::string& group) {
  TRY_ASSIGN(auto rules, catalog::ListItemsOf(reader, call.id(), kRule, folder));
  std::erase_if(rules, [&](const catalog::GrafanaItem& rule) { return rule.name != group; });
  std::stable_sort(rules.begin(), rules.end(),
                   [](const auto& a, const auto& b) { return a.from_ms < b.from_ms; });
  return rules;
}

std::string GroupUid(const std::string& folder, const std::string& group) {
  return folder + "/" + group;
}

absl::StatusOr<Json> GroupShape(catalog::Reader& reader, const Call& call,
                                const std::string& folder, const std::string& group) {
  TRY_ASSIGN(const auto rules, RulesOf(reader, call, folder, group));
  if (rules.empty()) return NotFound("rule group not found");
  int64_t interval = kDefaultIntervalS;
  const auto row = catalog::GetItem(reader, call.id(), kGroup, GroupUid(folder, group));
  if (row.ok()) interval = Stored(row->json).value("interval", kDefaultIntervalS);
  Json list = Json::array();
  for (const catalog::GrafanaItem& rule : rules) list.push_back(RuleShape(rule));
  return Json{
      {"title", group}, {"folderUid", folder}, {"interval", interval}, {"rules", std::move(list)}};
}

absl::Status PutInterval(catalog::Transaction& transaction, const Call& call,
                         const std::string& folder, const std::string& group, int64_t interval) {
  catalog::GrafanaItem item;
  item.workspace = call.id();
  item.kind = kGroup;
  item.uid = GroupUid(folder, group);
  item.parent = folder;
  item.name = group;
  item.json = Dump({{"interval", interval}});
  return catalog::PutItem(transaction, &item);
}

absl::Status CheckCount(catalog::Transaction& transaction, const Call& call) {
  TRY_ASSIGN(const int64_t count, catalog::CountItems(transaction, call.id(), kRule));
  if (count <= kAlertObjectsMax) return absl::OkStatus();
  return ResourceExhausted("Quota reached: a workspace has at most {} alert rules",
                           kAlertObjectsMax);
}

Answer GetGroup(Face& face, const Call& call) {
  TRY_ASSIGN(const Json json,
             face.catalog().Read([&](catalog::Reader& reader) -> absl::StatusOr<Json> {
               const auto may = MayIn(reader, call, call.argument(0), kView);
               if (absl::IsInvalidArgument(may)) return NotFound("rule group not found");
               TRY(may);
               return GroupShape(reader, call, call.argument(0), call.argument(1));
             }));
  return Unevaluated(Reply(json));
}

// All rules of the group at once: those with a uid are changed, others are new, and what is not
// named goes.
absl::StatusOr<Json> ReplaceGroup(catalog::Transaction& transaction, const Call& call,
                                  std::vector<catalog::GrafanaItem> rules, int64_t interval) {
  const std::string& folder = call.argument(0);
  const std::string& group = call.argument(1);
  TRY(MayIn(transaction, call, folder, kEdit));
  TRY_ASSIGN(const auto before, RulesOf(transaction, call, folder, group));
  for (const catalog::GrafanaItem& old : before) {
    const bool named = std::any_of(rules.begin(), rules.end(),
                                   [&](const auto& rule) { return rule.uid == old.uid; });
    if (!named) TRY(catalog::DeleteItem(transaction, call.id(), kRule, old.uid));
  }
  for (size_t i = 0; i < rules.size(); ++i) {
    // A uid of another folder moves that rule here: who may not write there may not.
    const auto old = catalog::GetItem(transaction, call.id(), kRule, rules[i].uid);
    if (old.ok() && old->parent != folder) TRY(MayIn(transaction, call, old->parent, kEdit));
    rules[i].from_ms = rules[i].to_ms = static_cast<int64_t>(i);
    TRY(catalog::PutItem(transaction, &rules[i]));
  }
  TRY(CheckCount(transaction, call));
  TRY(PutInterval(transaction, call, folder, group, interval));
  return GroupShape(transaction, call, folder, group);
}

Answer PutGroup(Face& face, const Call& call) {
  TRY_ASSIGN(Body body, Body::Of(call));
  const Json list = body.Array("rules");
  const int64_t interval = body.Number("interval", kDefaultIntervalS);
  TRY(body.status());
  if (list.empty()) return InvalidArgument("invalid rule group: it has no rules");
  if (list.size() > kRulesOfGroupMax) {
    return InvalidArgument("{} rules of one group exceed the limit of {}", list.size(),
                           kRulesOfGroupMax);
  }
  constexpr int64_t kStepS = 10;  // Grafana's evaluation loop ticks so
  if (interval <= 0 || interval % kStepS != 0) {
    return InvalidArgument("interval ({} s) must be a multiple of {} s", interval, kStepS);
  }
  if (call.argument(1).size() > kAlertNameBytesMax) {
    return InvalidArgument("a group name has at most {} bytes", kAlertNameBytesMax);
  }
  std::vector<catalog::GrafanaItem> rules;
  for (const Json& each : list) {
    TRY_ASSIGN(auto rule, ReadRule(call, each, call.argument(0), call.argument(1)));
    for (const catalog::GrafanaItem& other : rules) {
      if (!rule.uid.empty() && rule.uid == other.uid) {
        return InvalidArgument("rule uid {} is there twice", rule.uid);
      }
    }
    rules.push_back(std::move(rule));
  }
  TRY_ASSIGN(const Json json, face.catalog().Write([&](catalog::Transaction& transaction) {
    return ReplaceGroup(transaction, call, rules, interval);
  }));
  return Unevaluated(Reply(json));
}

Answer DeleteGroup(Face& face, const Call& call) {
  const absl::Status written =
      face.catalog().Write([&](catalog::Transaction& transaction) -> absl::Status {
        TRY(MayIn(transaction, call, call.argument(0), kEdit));
        TRY_ASSIGN(const auto rules,
                   RulesOf(transaction, call, call.argument(0), call.argument(1)));
        if (rules.empty()) return NotFound("rule group not found");
        for (const catalog::GrafanaItem& rule : rules) {
          TRY(catalog::DeleteItem(transaction, call.id(), kRule, rule.uid));
        }
        return absl::OkStatus();
      });
  TRY(written);
  return net::HttpResponse{204};
}

Answer ListRules(Face& face, const Call& call) {
  Json list = Json::array();
  const auto read = [&](catalog::Reader& reader) -> absl::Status {
    TRY_ASSIGN(const AccessList access, AccessList::Load(reader, call));
    TRY_ASSIGN(const auto rules, catalog::ListItems(reader, call.id(), kRule));
    for (const catalog::GrafanaItem& rule : rules) {
      if (access.Folder(rule.parent) >= kView) list.push_back(RuleShape(rule));
    }
    return absl::OkStatus();
  };
  TRY(face.catalog().Read(read));
  return Unevaluated(Reply(list));
}

absl::StatusOr<catalog::GrafanaItem> FindRule(catalog::Reader& reader, const Call& call,
                                              Level wanted) {
  TRY_ASSIGN(auto rule,
             Named(catalog::GetItem(reader, call.id(), kRule, call.argument()), kNoRule));
  TRY(MayIn(reader, call, rule.parent, wanted));
  return rule;
}

Answer GetRule(Face& face, const Call& call) {
  TRY_ASSIGN(const auto rule, face.catalog().Read([&](catalog::Reader& reader) {
    return FindRule(reader, call, kView);
  }));
  return Unevaluated(Reply(RuleShape(rule)));
}

Answer CreateRule(Face& face, const Call& call) {
  TRY_ASSIGN(const Json json, BodyJson(call));
  TRY_ASSIGN(auto rule, ReadRule(call, json, "", ""));
  const absl::Status written =
      face.catalog().Write([&](catalog::Transaction& transaction) -> absl::Status {
        TRY(MayIn(transaction, call, rule.parent, kEdit));
        TRY_ASSIGN(const auto others, RulesOf(transaction, call, rule.parent, rule.name));
        rule.from_ms = rule.to_ms = others.empty() ? 0 : others.back().from_ms + 1;
        TRY(catalog::CreateItem(transaction, &rule));
        return CheckCount(transaction, call);
      });
  TRY(written);
  return Unevaluated(Reply(RuleShape(rule), 201));
}

Answer UpdateRule(Face& face, const Call& call) {
  TRY_ASSIGN(const Json json, BodyJson(call));
  TRY_ASSIGN(auto rule, ReadRule(call, json, "", ""));
  const absl::Status written =
      face.catalog().Write([&](catalog::Transaction& transaction) -> absl::Status {
        TRY_ASSIGN(const auto stored, FindRule(transaction, call, kEdit));
        TRY(MayIn(transaction, call, rule.parent, kEdit));
        rule.uid = stored.uid;
        rule.from_ms = stored.from_ms;
        rule.to_ms = stored.to_ms;
        return catalog::PutItem(transaction, &rule);
      });
  TRY(written);
  return Unevaluated(Reply(RuleShape(rule)));
}

Answer DeleteRule(Face& face, const Call& call) {
  const absl::Status written =
      face.catalog().Write([&](catalog::Transaction& transaction) -> absl::Status {
        TRY_ASSIGN(const auto rule, FindRule(transaction, call, kEdit));
        return catalog::DeleteItem(transaction, call.id(), kRule, rule.uid);
      });
  if (!absl::IsNotFound(written)) TRY(written);
  return net::HttpResponse{204};
}

Answer NoExport(Face&, const Call&) {
  return Unimplemented("export of alerting objects as files is not part of hearth yet");
}

}  // namespace

std::vector<Route> RuleRoutes() {
  const std::string_view read = "alert.rules:read";
  const std::string_view write = "alert.rules:write";
  const std::string_view group = "v1/provisioning/folder/:folder/rule-groups/:group";
  return {
      {"GET", group, Role::kViewer, read, GetGroup},
      {"PUT", group, Role::kViewer, write, PutGroup},
      {"DELETE", group, Role::kViewer, write, DeleteGroup},
      {"GET", "v1/provisioning/alert-rules", Role::kViewer, read, ListRules},
      {"POST", "v1/provisioning/alert-rules", Role::kViewer, write, CreateRule},
      {"GET", "v1/provisioning/alert-rules/export", Role::kViewer, read, NoExport},
      {"GET", "v1/provisioning/alert-rules/:uid", Role::kViewer, read, GetRule},
      {"PUT", "v1/provisioning/alert-rules/:uid", Role::kViewer, write, UpdateRule},
      {"DELETE", "v1/provisioning/alert-rules/:uid", Role::kViewer, write, DeleteRule},
  };
}

}  // namespace hearth::api::grafana_http
