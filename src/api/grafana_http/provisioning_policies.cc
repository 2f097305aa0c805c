// SPDX-License-Identifier: Apache-2.0
// Notification policies and mute timings of the provisioning API.
#include <absl/time/time.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "api/grafana_http/answers.h"
#include "api/grafana_http/face.h"
#include "api/grafana_http/provisioning.h"
#include "base/status.h"
#include "catalog/grafana_items.h"

namespace hearth::api::grafana_http {
namespace {

constexpr std::string_view kTree = "notification_policy";
constexpr std::string_view kTreeUid = "root";
constexpr std::string_view kTiming = "mute_timing";
constexpr int kRoutesDepthMax = 20;  // deeper than any routing that a person follows
constexpr int kRoutesMax = 2000;     // of one tree: one for each team and severity and then some

Json DefaultTree() {
  return {{"receiver", "grafana-default-email"}, {"group_by", {"grafana_folder", "alertname"}}};
}

// ---- checking a tree ---------------------------------------------------------------------------

class TreeChecker {
 public:
  TreeChecker(catalog::Reader& reader, const Call& call) : reader_(reader), call_(call) {}

  absl::Status Check(const Json& tree) {
    if (tree.value("receiver", Json()).is_null() || tree.value("receiver", Json()) == Json("")) {
      return InvalidArgument("invalid object specification: root route must specify a receiver");
    }
    return Route(tree, 0);
  }

 private:
  absl::Status Matchers(const Json& route) {
    const auto matchers = route.find("object_matchers");
    if (matchers == route.end() || matchers->is_null()) return absl::OkStatus();
    if (!matchers->is_array()) return InvalidArgument("object_matchers must be a list");
    for (const Json& matcher : *matchers) {
      const bool three = matcher.is_array() && matcher.size() == 3 &&
                         std::all_of(matcher.begin(), matcher.end(),
                                     [](const Json& part) { return part.is_string(); });
      if (!three) {
        return InvalidArgument("each of object_matchers is [label, operator, value]");
      }
      const std::string op = matcher[1].get<std::string>();
      if (op != "=" && op != "!=" && op != "=~" && op != "!~") {
        return InvalidArgument("{} is no operator of a matcher: =, !=, =~ or !~", op);
      }
    }
    return absl::OkStatus();
  }

  absl::Status Timings(const Json& route) {
    for (const char* key : {"mute_time_intervals", "active_time_intervals"}) {
      const auto names = route.find(key);
      if (names == route.end() || names->is_null()) continue;
      if (!names->is_array()) return InvalidArgument("{} must be a list", key);
      for (const Json& name : *names) {
        if (!name.is_string()) return InvalidArgument("{} must be a list of names", key);
        const auto timing =
            catalog::GetItem(reader_, call_.id(), kTiming, name.get_ref<const std::string&>());
        if (absl::IsNotFound(timing.status())) {
          return InvalidArgument(
              "invalid object specification: mute time interval {} does not "
              "exist",
              name.get<std::string>());
        }
        TRY(timing);
      }
    }
    return absl::OkStatus();
  }

  absl::Status Route(const Json& route, int depth) {
    if (!route.is_object()) return InvalidArgument("a route must be an object");
    if (depth > kRoutesDepthMax || ++routes_ > kRoutesMax) {
      return InvalidArgument("at most {} routes, nested {} deep", kRoutesMax, kRoutesDepthMax);
    }
    Body body(route, "routes.");
    const std::string receiver = body.Text("receiver");
    for (const char* key : {"group_wait", "group_interval", "repeat_interval"}) {
      const std::string text = body.Text(key);
      if (!text.empty()) TRY(ParseDuration(text));
    }
    body.Texts("group_by");
    body.Flag("continue");
    TRY(body.status());
    if (!receiver.empty()) {
      TRY_ASSIGN(const bool there, ReceiverExists(reader_, call_, receiver));
      if (!there) {
        return InvalidArgument("invalid object specification: receiver '{}' does not exist",
                               receiver);
      }
    }
    TRY(Matchers(route));
    TRY(Timings(route));
    for (const Json& child : body.Array("routes")) TRY(Route(child, depth + 1));
    return body.status();
  }

  catalog::Reader& reader_;
  const Call& call_;
  int routes_ = 0;
};

// Whether a route or one below it names this receiver or mute timing.
bool Names(const Json& route, const std::string& name, bool timing) {
  if (!timing && route.value("receiver", "") == name) return true;
  for (const char* key : {"mute_time_intervals", "active_time_intervals"}) {
    const auto names = route.find(key);
    if (!timing || names == route.end()) continue;
    if (std::find(names->begin(), names->end(), Json(name)) != names->end()) return true;
  }
  const auto routes = route.find("routes");
  return routes != route.end() && std::any_of(routes->begin(), routes->end(), [&](const Json& r) {
           return Names(r, name, timing);
         });
}

Answer GetTree(Face& face, const Call& call) {
  const auto item = face.catalog().Read([&](catalog::Reader& reader) {
    return catalog::GetItem(reader, call.id(), kTree, kTreeUid);
  });
  if (absl::IsNotFound(item.status())) return Unevaluated(Reply(DefaultTree()));
  TRY(item);
  return Unevaluated(Reply(Stored(item->json)));
}

Answer PutTree(Face& face, const Call& call) {
  TRY_ASSIGN(const Body body, Body::Of(call));
  Json tree = WithoutEmpty(body.json());
  tree.erase("provenance");
  if (const std::string provenance = Provenance(call); !provenance.empty()) {
    tree["provenance"] = provenance;
  }
  const absl::Status written =
      face.catalog().Write([&](catalog::Transaction& transaction) -> absl::Status {
        TRY(TreeChecker(transaction, call).Check(body.json()));
        catalog::GrafanaItem item;
        item.workspace = call.id();
        item.kind = kTree;
        item.uid = kTreeUid;
        item.updated_by = call.user.login;
        item.json = Dump(tree);
        return catalog::PutItem(transaction, &item);
      });
  TRY(written);
  return Unevaluated(Message(202, "policies updated"));
}

Answer ResetTree(Face& face, const Call& call) {
  const auto written = face.catalog().Write([&](catalog::Transaction& transaction) {
    return catalog::DeleteItem(transaction, call.id(), kTree, kTreeUid);
  });
  if (!absl::IsNotFound(written)) TRY(written);
  return Unevaluated(Reply(DefaultTree(), 202));
}

// ---- mute timings ------------------------------------------------------------------------------

Json TimingShape(const catalog::GrafanaItem& item) {
  const Json own = Stored(item.json);
  const Json intervals = own.value("time_intervals", Json::array());
  Json json = {
      {"name", item.uid}, {"time_intervals", intervals}, {"version", VersionOf(Dump(intervals))}};
  if (const std::string provenance = own.value("provenance", ""); !provenance.empty()) {
    json["provenance"] = provenance;
  }
  return json;
}

bool IsTime(std::string_view text) {
  if (text == "24:00") return true;
  if (text.size() != 5 || text[2] != ':') return false;
  int64_t hours = 0;
  int64_t minutes = 0;
  return ParseInt64(text.substr(0, 2), &hours) && ParseInt64(text.substr(3), &minutes) &&
         hours >= 0 && hours < 24 && minutes >= 0 && minutes < 60;
}

// "a" or "a:b", each one of `words` or a number from low to high.
bool IsRange(std::string_view text, const std::vector<std::string_view>& words, int64_t low,
             int64_t high) {
  const std::vector<std::string_view> ends = Split(text, ':');
  if (ends.size() > 2) return false;
  return std::all_of(ends.begin(), ends.end(), [&](std::string_view end) {
    if (std::find(words.begin(), words.end(), ToLowerAscii(end)) != words.end()) return true;
    int64_t number = 0;
    return low <= high && ParseInt64(end, &number) && number >= low && number <= high;
  });
}

absl::Status CheckInterval(const Json& json) {
  if (!json.is_object()) return InvalidArgument("time_intervals must be a list of objects");
  Body interval(json, "time_intervals.");
  for (const Json& each : interval.Array("times")) {
    if (!each.is_object()) return InvalidArgument("times must be a list of objects");
    Body time(each, "times.");
    const std::string start = time.Text("start_time");
    const std::string end = time.Text("end_time");
    TRY(time.status());
    if (!IsTime(start) || !IsTime(end) || start >= end) {
      return InvalidArgument("start_time {} and end_time {} are no time range of a day", start,
                             end);
    }
  }
  const struct {
    const char* key;
    std::vector<std::string_view> words;
    int64_t low;
    int64_t high;
  } rows[] = {
      {"weekdays",
       {"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"},
       1,
       0},
      {"months",
       {"january", "february", "march", "april", "may", "june", "july", "august", "september",
        "october", "november", "december"},
       1,
       12},
      {"days_of_month", {}, -31, 31},
      {"years", {}, 1, 9999},
  };
  for (const auto& row : rows) {
    for (const std::string& text : interval.Texts(row.key)) {
      if (!IsRange(text, row.words, row.low, row.high)) {
        return InvalidArgument("{} is no range of {}", text, row.key);
      }
    }
  }
  const std::string zone = interval.Text("location");
  TRY(interval.status());
  absl::TimeZone found;
  if (!zone.empty() && !absl::LoadTimeZone(zone, &found)) {
    return InvalidArgument("{} is no time zone", zone);
  }
  return absl::OkStatus();
}

absl::StatusOr<catalog::GrafanaItem> ReadTiming(const Call& call, const std::string& name) {
  TRY_ASSIGN(Body body, Body::Of(call));
  catalog::GrafanaItem item;
  item.workspace = call.id();
  item.kind = kTiming;
  item.uid = name.empty() ? body.Required("name", kAlertNameBytesMax) : name;
  item.name = item.uid;
  item.created_by = item.updated_by = call.user.login;
  const Json intervals = body.Array("time_intervals");
  TRY(body.status());
  Json kept = Json::array();
  for (const Json& interval : intervals) {
    TRY(CheckInterval(interval));
    kept.push_back(WithoutEmpty(interval));
  }
  item.json = Dump({{"time_intervals", std::move(kept)}, {"provenance", Provenance(call)}});
  return item;
}

constexpr std::string_view kNoTiming = "mute timing not found";

Answer ListTimings(Face& face, const Call& call) {
  TRY_ASSIGN(const auto items, face.catalog().Read([&](catalog::Reader& reader) {
    return catalog::ListItems(reader, call.id(), kTiming);
  }));
  Json list = Json::array();
  for (const catalog::GrafanaItem& item : items) list.push_back(TimingShape(item));
  return Unevaluated(Reply(list));
}

Answer GetTiming(Face& face, const Call& call) {
  TRY_ASSIGN(const auto item, Named(face.catalog().Read([&](catalog::Reader& reader) {
               return catalog::GetItem(reader, call.id(), kTiming, call.argument());
             }),
                                    kNoTiming));
  return Unevaluated(Reply(TimingShape(item)));
}

Answer CreateTiming(Face& face, const Call& call) {
  TRY_ASSIGN(catalog::GrafanaItem item, ReadTiming(call, ""));
  const absl::Status written =
      face.catalog().Write([&](catalog::Transaction& transaction) -> absl::Status {
        TRY_ASSIGN(const int64_t count, catalog::CountItems(transaction, call.id(), kTiming));
        if (count >= kAlertObjectsMax) {
          return ResourceExhausted("Quota reached: a workspace has at most {} mute timings",
                                   kAlertObjectsMax);
        }
        return catalog::CreateItem(transaction, &item);
      });
  TRY(written);
  return Unevaluated(Reply(TimingShape(item), 201));
}

Answer UpdateTiming(Face& face, const Call& call) {
  TRY_ASSIGN(catalog::GrafanaItem item, ReadTiming(call, call.argument()));
  const absl::Status written =
      face.catalog().Write([&](catalog::Transaction& transaction) -> absl::Status {
        TRY(Named(catalog::GetItem(transaction, call.id(), kTiming, item.uid), kNoTiming));
        return catalog::PutItem(transaction, &item);
      });
  TRY(written);
  return Unevaluated(Reply(TimingShape(item), 202));
}

Answer DeleteTiming(Face& face, const Call& call) {
  const absl::Status written =
      face.catalog().Write([&](catalog::Transaction& transaction) -> absl::Status {
        TRY_ASSIGN(const bool named, PolicyNames(transaction, call, call.argument(), true));
        if (named) {
          return AlreadyExists(
              "mute timing {} is named by a notification policy: change the "
              "policy first",
              call.argument());
        }
        return catalog::DeleteItem(transaction, call.id(), kTiming, call.argument());
      });
  if (!absl::IsNotFound(written)) TRY(written);
  return net::HttpResponse{204};
}

}  // namespace

absl::StatusOr<bool> PolicyNames(catalog::Reader& reader, const Call& call, const std::string& name,
                                 bool timing) {
  const auto item = catalog::GetItem(reader, call.id(), kTree, kTreeUid);
  if (absl::IsNotFound(item.status())) return false;
  TRY(item);
  return Names(Stored(item->json), name, timing);
}

Json WithoutEmpty(const Json& json) {
  if (json.is_array()) {
    Json list = Json::array();
    for (const Json& each : json) list.push_back(WithoutEmpty(each));
    return list;
  }
  if (!json.is_object()) return json;
  Json out = Json::object();
  for (const auto& [key, value] : json.items()) {
    Json kept = WithoutEmpty(value);
    const bool none = kept.is_null() || (kept.is_structured() && kept.empty()) || kept == "" ||
                      (key == "continue" && kept == false);
    if (!none) out[key] = std::move(kept);
  }
  return out;
}

absl::StatusOr<int64_t> ParseDuration(std::string_view text) {
  constexpr std::pair<std::string_view, int64_t> kUnits[] = {
      {"ms", 1},         {"s", 1000},        {"m", 60'000},        {"h", 3'600'000},
      {"d", 86'400'000}, {"w", 604'800'000}, {"y", 31'536'000'000}};
  int64_t total = 0;
  std::string_view rest = text;
  if (rest == "0") return 0;
  while (!rest.empty()) {
    const size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
    int64_t number = 0;
    // Nine digits of years are beyond any clock and still no overflow.
    if (digits == 0 || digits > 8 || !ParseInt64(rest.substr(0, digits), &number)) break;
    rest.remove_prefix(digits);
    const size_t letters = std::min(rest.find_first_of("0123456789"), rest.size());
    const auto unit = std::find_if(std::begin(kUnits), std::end(kUnits), [&](const auto& each) {
      return each.first == rest.substr(0, letters);
    });
    if (unit == std::end(kUnits)) break;
    if (total >= int64_t{1} << 50) break;
    total += number * unit->second;
    rest.remove_prefix(letters);
    if (rest.empty() && total < int64_t{1} << 50) return total;
  }
  return InvalidArgument("\"{}\" is no duration: write 5m, 1h30m, 10s", text);
}

std::string FormatDuration(int64_t ms) {
  if (ms == 0) return "0s";
  constexpr std::pair<std::string_view, int64_t> kUnits[] = {{"w", 604'800'000}, {"d", 86'400'000},
                                                             {"h", 3'600'000},   {"m", 60'000},
                                                             {"s", 1000},        {"ms", 1}};
  std::string out;
  for (const auto& [unit, size] : kUnits) {
    // As Prometheus prints: weeks only where they say all of it.
    if (unit == "w" && ms % size != 0) continue;
    if (ms / size > 0) out += fmt::format("{}{}", ms / size, unit);
    ms %= size;
  }
  return out;
}

std::vector<Route> PolicyRoutes() {
  const std::string_view read = "alert.provisioning:read";
  const std::string_view write = "alert.provisioning:write";
  return {
      {"GET", "v1/provisioning/policies", Role::kEditor, read, GetTree},
      {"PUT", "v1/provisioning/policies", Role::kEditor, write, PutTree},
      {"DELETE", "v1/provisioning/policies", Role::kEditor, write, ResetTree},
      {"GET", "v1/provisioning/mute-timings", Role::kEditor, read, ListTimings},
      {"POST", "v1/provisioning/mute-timings", Role::kEditor, write, CreateTiming},
      {"GET", "v1/provisioning/mute-timings/:name", Role::kEditor, read, GetTiming},
      {"PUT", "v1/provisioning/mute-timings/:name", Role::kEditor, write, UpdateTiming},
      {"DELETE", "v1/provisioning/mute-timings/:name", Role::kEditor, write, DeleteTiming},
  };
}

}  // namespace hearth::api::grafana_http
