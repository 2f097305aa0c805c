// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "aws_call.h"
#include "base/status.h"
#include "base/text.h"
#include "commands.h"

namespace hearth::app {
namespace {

using Json = nlohmann::ordered_json;

// The members of a list of the answer, each as XML of its own. Members of ours do not nest.
std::vector<std::string> Members(std::string_view xml, std::string_view list) {
  std::vector<std::string> members;
  const size_t begin = xml.find(fmt::format("<{}>", list));
  if (begin == std::string_view::npos) return members;
  xml = xml.substr(begin, xml.find(fmt::format("</{}>", list)) - begin);
  constexpr std::string_view kOpen = "<member>";
  while (true) {
    const size_t at = xml.find(kOpen);
    if (at == std::string_view::npos) return members;
    xml.remove_prefix(at + kOpen.size());
    members.emplace_back(xml.substr(0, xml.find("</member>")));
  }
}

absl::StatusOr<Json> WhoAmI(const AwsFlags& flags) {
  TRY_ASSIGN(const AwsAccess access, FindAwsAccess(flags));
  TRY_ASSIGN(const AwsAnswer answer,
             CallAws(access, "sts", "POST", "/", "application/x-www-form-urlencoded",
                     "Action=GetCallerAccess&Version=2011-06-15"));
  if (answer.status != 200) {
    return PermissionDenied("{} ({}): {}", access.endpoint, XmlText(answer.body, "Code"),
                            XmlText(answer.body, "Message"));
  }
  Json json = {{"arn", XmlText(answer.body, "Arn")},
               {"account", XmlText(answer.body, "Account")},
               {"userId", XmlText(answer.body, "UserId")},
               {"accessKeyId", access.access_key_id},
               {"region", access.region},
               {"endpoint", access.endpoint},
               {"policies", Json::array()},
               {"access", Json::array()}};
  for (const std::string& member : Members(answer.body, "Policies")) {
    json["policies"].push_back(
        {{"kind", XmlText(member, "Kind")}, {"name", XmlText(member, "Name")}});
  }
  std::string last;
  for (const std::string& member : Members(answer.body, "Access")) {
    const std::string resource = XmlText(member, "Resource");
    if (resource != last || json["access"].empty()) {
      json["access"].push_back(
          {{"resource", resource}, {"name", XmlText(member, "Name")}, {"actions", Json::array()}});
    }
    json["access"].back()["actions"].push_back(XmlText(member, "Action"));
    last = resource;
  }
  return json;
}

void Print(const Json& json) {
  std::string out =
      fmt::format("{}\naccount {}, key {}, region {}, at {}\n", json["arn"].get<std::string>(),
                  json["account"].get<std::string>(), json["accessKeyId"].get<std::string>(),
                  json["region"].get<std::string>(), json["endpoint"].get<std::string>());
  out += "\npolicies that count:\n";
  if (json["policies"].empty()) out += "  none: nothing is allowed\n";
  for (const Json& policy : json["policies"]) {
    out += fmt::format("  {:<9} {}\n", policy["kind"].get<std::string>(),
                       policy["name"].get<std::string>());
  }
  out += "\nwhat it may do:\n";
  if (json["access"].empty()) out += "  nothing of what was asked about\n";
  for (const Json& entry : json["access"]) {
    const auto name = entry["name"].get<std::string>();
    out += fmt::format("  {}{}\n", entry["resource"].get<std::string>(),
                       name.empty() ? "" : fmt::format(" ({})", name));
    for (const Json& action : entry["actions"]) {
      out += fmt::format("    {}\n", action.get<std::string>());
    }
  }
  std::fputs(out.c_str(), stdout);
}

}  // namespace

void AddWhoamiCommand(CLI::App& app, int* exit_code) {
  auto flags = std::make_shared<AwsFlags>();
  auto as_json = std::make_shared<bool>(false);
  CLI::App* command =
      app.add_subcommand("whoami", "who a set of credentials is, and what it may do where");
  AddAwsFlags(*command, flags.get());
  command->add_flag("--json", *as_json, "as one JSON object");
  command->callback([flags, as_json, exit_code] {
    const auto answer = WhoAmI(*flags);
    if (!answer.ok()) {
      std::fprintf(stderr, "hearth whoami: %s\n", Message(answer.status()).c_str());
      *exit_code = 1;
      return;
    }
    if (*as_json) {
      std::printf("%s\n", answer->dump(2).c_str());
    } else {
      Print(*answer);
    }
  });
}

}  // namespace hearth::app
