// SPDX-License-Identifier: Apache-2.0
#include "auth/authorization_message.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/status.h"
#include "base/text.h"
#include "crypto/hash.h"
#include "crypto/secret.h"

namespace hearth::auth {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kContext = "hearth authorization message v1";
constexpr int64_t kDayMs = 86'400'000;
// The seal adds version, nonce and tag (29 bytes), base64 a third.
constexpr size_t kPlainBytesMax = kAuthorizationMessageMax / 4 * 3 - 29;

std::string DayKey(std::string_view key, int64_t day) {
  return crypto::HmacSha256(key, fmt::format("{} day {}", kContext, day));
}

std::string Text(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json Items() { return Json{{"items", Json::array()}}; }

Json Values(const std::vector<std::string>& values) {
  Json list = Items();
  for (const std::string& value : values) list["items"].push_back({{"value", value}});
  return list;
}

Json KeyAndValues(std::string_view key, const std::vector<std::string>& values) {
  return {{"key", key}, {"values", Values(values)}};
}

void AddList(const PatternList& list, const char* name, const char* negated, Json* statement) {
  if (list.present) (*statement)[list.negated ? negated : name] = Values(list.patterns);
}

Json StatementJson(const AccessDecision& decision, const Principal& principal, bool with_lists) {
  Json statement = {{"statementId", decision.statement_id}, {"effect", "DENY"}};
  statement["principals"] = Values({principal.user_id});
  statement["principalGroups"] = Items();
  if (!with_lists) return statement;
  AddList(decision.denied_by->actions, "actions", "notActions", &statement);
  AddList(decision.denied_by->resources, "resources", "notResources", &statement);
  statement["conditions"] = Items();
  for (const Condition& condition : decision.denied_by->conditions) {
    statement["conditions"]["items"].push_back(KeyAndValues(condition.key, condition.values));
  }
  return statement;
}

}  // namespace

std::string SealAuthorizationMessage(const AccessRequest& request, const AccessDecision& decision,
                                     std::string_view key, int64_t now_ms, Rng& rng) {
  const Principal& principal = request.principal;
  Json message = {{"allowed", false},
                  {"explicitDeny", decision.explicit_deny},
                  {"matchedStatements", Items()},
                  {"failures", Items()},
                  {"context",
                   {{"principal", {{"id", principal.user_id}, {"arn", principal.arn}}},
                    {"action", request.action},
                    {"resource", request.resource},
                    {"conditions", Items()}}}};
  Json claims = {{"a", principal.account}, {"exp", now_ms + kDayMs}, {"m", nullptr}};
  const size_t around = Text(claims).size();
  if (decision.denied_by != nullptr) {
    Json& matched = message["matchedStatements"]["items"];
    matched.push_back(StatementJson(decision, principal, /*with_lists=*/true));
    if (around + Text(message).size() > kPlainBytesMax) {
      matched[0] = StatementJson(decision, principal, /*with_lists=*/false);
    }
  }
  size_t size = around + Text(message).size();
  if (size > kPlainBytesMax) return "";
  Json& conditions = message["context"]["conditions"]["items"];
  for (const auto& [name, values] : request.context.values()) {
    Json condition = KeyAndValues(name, values);
    const size_t more = Text(condition).size() + 1;
    if (size + more > kPlainBytesMax) continue;
    size += more;
    conditions.push_back(std::move(condition));
  }
  claims["m"] = std::move(message);
  return Base64UrlEncode(crypto::Seal(DayKey(key, now_ms / kDayMs), Text(claims), kContext, rng));
}

absl::StatusOr<std::string> OpenAuthorizationMessage(std::string_view message, std::string_view key,
                                                     std::string_view account, int64_t now_ms) {
  std::string sealed;
  if (key.empty() || message.size() > kAuthorizationMessageMax ||
      !Base64UrlDecode(message, &sealed)) {
    return Unauthenticated("the message is none of this server's");
  }
  // A message of the day before yesterday has expired under any clock.
  for (const int64_t day : {now_ms / kDayMs, now_ms / kDayMs - 1}) {
    const auto plain = crypto::Open(DayKey(key, day), sealed, kContext);
    if (!plain.ok()) continue;
    const Json claims = Json::parse(*plain, nullptr, /*allow_exceptions=*/false);
    if (!claims.is_object() || claims.value("a", "") != account || !claims.contains("m")) break;
    if (now_ms >= claims.value("exp", int64_t{0})) {
      return DeadlineExceeded("the message is more than a day old");
    }
    return Text(claims["m"]);
  }
  return Unauthenticated("the message is none of this server's, or more than a day old");
}

}  // namespace hearth::auth
