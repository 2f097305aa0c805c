// SPDX-License-Identifier: Apache-2.0
// Contact points and message templates of the provisioning API.
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "api/grafana_http/answers.h"
#include "api/grafana_http/face.h"
#include "api/grafana_http/provisioning.h"
#include "base/status.h"
#include "catalog/credentials.h"
#include "catalog/grafana_items.h"
#include "crypto/hash.h"

namespace hearth::api::grafana_http {
namespace {

constexpr std::string_view kContact = "contact_point";
constexpr std::string_view kTemplate = "message_template";
constexpr std::string_view kRedacted = "[REDACTED]";
constexpr std::string_view kDefaultReceiver = "grafana-default-email";
constexpr size_t kSettingsBytesMax = 256 << 10;
constexpr size_t kTemplateBytesMax = 256 << 10;

// Which settings of a notifier are secret: written, never shown (Grafana's own table, "secure").
const std::map<std::string, std::set<std::string>>& Secrets() {
  static const std::map<std::string, std::set<std::string>> secrets = {
      {"dingding", {"url"}},
      {"discord", {"url"}},
      {"email", {}},
      {"googlechat", {"url"}},
      {"jira", {"api_token", "password"}},
      {"kafka", {"password"}},
      {"line", {"token"}},
      {"mqtt", {"password"}},
      {"oncall", {"authorization_credentials", "password"}},
      {"opsgenie", {"apiKey"}},
      {"pagerduty", {"integrationKey"}},
      {"prometheus-alertmanager", {"basicAuthPassword"}},
      {"pushover", {"apiToken", "userKey"}},
      {"sensugo", {"apikey"}},
      {"slack", {"token", "url"}},
      {"sns", {"access_key", "secret_key"}},
      {"teams", {}},
      {"telegram", {"bottoken"}},
      {"threema", {"api_secret"}},
      {"victorops", {"url"}},
      {"webex", {"bot_token"}},
      {"webhook", {"authorization_credentials", "password"}},
      {"wecom", {"secret", "url"}},
  };
  return secrets;
}

std::string SealContext(const catalog::GrafanaItem& item) {
  return fmt::format("contact-point:{}/{}", item.workspace, item.uid);
}

// The row's settings hold secrets, so they are sealed as a whole.
absl::StatusOr<Json> Settings(catalog::Reader& reader, const catalog::GrafanaItem& item) {
  const std::string sealed = Stored(item.json).value("sealed", "");
  TRY_ASSIGN(const std::string text, catalog::OpenWithRootKey(reader, sealed, SealContext(item)));
  return Stored(text);
}

absl::Status SetSettings(catalog::Transaction& transaction, const Json& settings, Json own,
                         catalog::GrafanaItem* item) {
  TRY_ASSIGN(own["sealed"],
             catalog::SealWithRootKey(transaction, Dump(settings), SealContext(*item)));
  item->json = Dump(own);
  return absl::OkStatus();
}

absl::StatusOr<Json> Shape(catalog::Reader& reader, const catalog::GrafanaItem& item) {
  const Json own = Stored(item.json);
  const std::string type = own.value("type", "");
  TRY_ASSIGN(Json settings, Settings(reader, item));
  const auto secrets = Secrets().find(type);
  if (secrets != Secrets().end()) {
    for (const std::string& name : secrets->second) {
      if (settings.contains(name)) settings[name] = kRedacted;
    }
  }
  Json json = {{"uid", item.uid},
               {"name", item.name},
               {"type", type},
               {"settings", std::move(settings)},
               {"disableResolveMessage", own.value("disableResolveMessage", false)}};
  if (const std::string provenance = own.value("provenance", ""); !provenance.empty()) {
    json["provenance"] = provenance;
  }
  return json;
}

// What every workspace has, as Grafana's do; it leads nowhere.
Json DefaultContact() {
  return {{"uid", ""},
          {"name", kDefaultReceiver},
          {"type", "email"},
          {"settings", {{"addresses", "<example@email.com>"}}},
          {"disableResolveMessage", false}};
}

struct Contact {
  std::string uid;
  std::string name;
  std::string type;
  Json settings;
  bool quiet = false;
};

absl::StatusOr<Contact> ReadContact(const Call& call) {
  TRY_ASSIGN(Body body, Body::Of(call));
  Contact contact;
  contact.uid = body.Text("uid");
  contact.name = body.Required("name", kAlertNameBytesMax);
  contact.type = body.Required("type", kAlertNameBytesMax);
  contact.settings = body.Object("settings");
  contact.quiet = body.Flag("disableResolveMessage");
  TRY(body.status());
  TRY(CheckUid(contact.uid));
  if (!Secrets().contains(contact.type)) {
    return InvalidArgument("{} is no type of contact point that Grafana knows", contact.type);
  }
  if (const size_t size = Dump(contact.settings).size(); size > kSettingsBytesMax) {
    return InvalidArgument("settings of {} bytes exceed the limit of {} bytes", size,
                           kSettingsBytesMax);
  }
  return contact;
}

Json OwnOf(const Call& call, const Contact& contact) {
  return {{"type", contact.type},
          {"disableResolveMessage", contact.quiet},
          {"provenance", Provenance(call)}};
}

Answer ListContacts(Face& face, const Call& call) {
  const std::string_view name = call.Parameter("name");
  std::vector<std::pair<std::string, Json>> found;
  const auto read = [&](catalog::Reader& reader) -> absl::Status {
    TRY_ASSIGN(const auto items, catalog::ListItems(reader, call.id(), kContact));
    for (const catalog::GrafanaItem& item : items) {
      TRY_ASSIGN(Json shape, Shape(reader, item));
      found.emplace_back(item.name, std::move(shape));
    }
    return absl::OkStatus();
  };
  TRY(face.catalog().Read(read));
  found.emplace_back(kDefaultReceiver, DefaultContact());
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  Json list = Json::array();
  for (auto& [each, shape] : found) {
    if (name.empty() || each == name) list.push_back(std::move(shape));
  }
  return Unevaluated(Reply(list));
}

Answer CreateContact(Face& face, const Call& call) {
  TRY_ASSIGN(const Contact contact, ReadContact(call));
  catalog::GrafanaItem item;
  item.workspace = call.id();
  item.kind = kContact;
  item.uid = contact.uid;
  item.name = contact.name;
  item.created_by = item.updated_by = call.user.login;
  TRY_ASSIGN(const Json shape,
             face.catalog().Write([&](catalog::Transaction& transaction) -> absl::StatusOr<Json> {
               TRY_ASSIGN(const int64_t count,
                          catalog::CountItems(transaction, call.id(), kContact));
               if (count >= kAlertObjectsMax) {
                 return ResourceExhausted("Quota reached: a workspace has at most {} notifiers",
                                          kAlertObjectsMax);
               }
               // The seal knows the uid, so it comes first.
               if (item.uid.empty()) item.uid = catalog::NewGrafanaUid(transaction.rng());
               TRY(SetSettings(transaction, contact.settings, OwnOf(call, contact), &item));
               TRY(catalog::CreateItem(transaction, &item));
               return Shape(transaction, item);
             }));
  return Unevaluated(Reply(shape, 202));
}

Answer UpdateContact(Face& face, const Call& call) {
  TRY_ASSIGN(Contact contact, ReadContact(call));
  const absl::Status written =
      face.catalog().Write([&](catalog::Transaction& transaction) -> absl::Status {
        TRY_ASSIGN(auto item,
                   Named(catalog::GetItem(transaction, call.id(), kContact, call.argument()),
                         "contact point not found"));
        TRY_ASSIGN(const Json before, Settings(transaction, item));
        // What was read as [REDACTED] and written back stays as it was.
        for (auto& [name, value] : contact.settings.items()) {
          const auto old = before.find(name);
          if (value == Json(kRedacted) && old != before.end()) value = *old;
        }
        if (item.name != contact.name) {
          TRY_ASSIGN(const bool named, PolicyNames(transaction, call, item.name, false));
          TRY_ASSIGN(const auto same,
                     catalog::FindItemsByName(transaction, call.id(), kContact, item.name));
          if (named && same.size() == 1) {
            return AlreadyExists("contact point {} is named by a notification policy", item.name);
          }
        }
        item.name = contact.name;
        item.updated_by = call.user.login;
        TRY(SetSettings(transaction, contact.settings, OwnOf(call, contact), &item));
        return catalog::UpdateItem(transaction, &item);
      });
  TRY(written);
  return Unevaluated(Message(202, "contactpoint updated"));
}

Answer DeleteContact(Face& face, const Call& call) {
  const absl::Status written =
      face.catalog().Write([&](catalog::Transaction& transaction) -> absl::Status {
        TRY_ASSIGN(const auto item,
                   Named(catalog::GetItem(transaction, call.id(), kContact, call.argument()),
                         "contact point not found"));
        TRY_ASSIGN(const auto same,
                   catalog::FindItemsByName(transaction, call.id(), kContact, item.name));
        TRY_ASSIGN(const bool named, PolicyNames(transaction, call, item.name, false));
        if (named && same.size() == 1) {
          return AlreadyExists(
              "contact point {} is named by a notification policy: change the "
              "policy first",
              item.name);
        }
        return catalog::DeleteItem(transaction, call.id(), kContact, item.uid);
      });
  TRY(written);
  return Unevaluated(Message(202, "contactpoint deleted"));
}

// ---- templates ---------------------------------------------------------------------------------

Json TemplateShape(const catalog::GrafanaItem& item) {
  const Json own = Stored(item.json);
  const std::string text = own.value("template", "");
  Json json = {{"name", item.uid}, {"template", text}, {"version", VersionOf(text)}};
  if (const std::string provenance = own.value("provenance", ""); !provenance.empty()) {
    json["provenance"] = provenance;
  }
  return json;
}

Answer NoTemplate() {
  return Reply({{"message", "Notification template not found"},
                {"messageId", "alerting.notifications.templates.notFound"},
                {"statusCode", 404},
                {"traceID", ""}},
               404);
}

Answer ListTemplates(Face& face, const Call& call) {
  TRY_ASSIGN(const auto items, face.catalog().Read([&](catalog::Reader& reader) {
    return catalog::ListItems(reader, call.id(), kTemplate);
  }));
  Json list = Json::array();
  for (const catalog::GrafanaItem& item : items) list.push_back(TemplateShape(item));
  return Unevaluated(Reply(list));
}

Answer GetTemplate(Face& face, const Call& call) {
  const auto item = face.catalog().Read([&](catalog::Reader& reader) {
    return catalog::GetItem(reader, call.id(), kTemplate, call.argument());
  });
  if (absl::IsNotFound(item.status())) return NoTemplate();
  TRY(item);
  return Unevaluated(Reply(TemplateShape(*item)));
}

Answer PutTemplate(Face& face, const Call& call) {
  TRY_ASSIGN(Body body, Body::Of(call));
  const std::string text = body.Required("template", kTemplateBytesMax);
  const std::string version = body.Text("version");
  TRY(body.status());
  if (call.argument().size() > kAlertNameBytesMax) {
    return InvalidArgument("a name of {} bytes exceeds the limit of {} bytes",
                           call.argument().size(), kAlertNameBytesMax);
  }
  catalog::GrafanaItem item;
  item.workspace = call.id();
  item.kind = kTemplate;
  item.uid = item.name = call.argument();
  item.updated_by = call.user.login;
  item.json = Dump({{"template", text}, {"provenance", Provenance(call)}});
  const absl::Status written =
      face.catalog().Write([&](catalog::Transaction& transaction) -> absl::Status {
        const auto stored = catalog::GetItem(transaction, call.id(), kTemplate, item.uid);
        if (stored.ok() && !version.empty() &&
            version != VersionOf(Stored(stored->json).value("template", ""))) {
          return AlreadyExists("template {} was changed by someone else meanwhile", item.uid);
        }
        TRY_ASSIGN(const int64_t count, catalog::CountItems(transaction, call.id(), kTemplate));
        if (!stored.ok() && count >= kAlertObjectsMax) {
          return ResourceExhausted("Quota reached: a workspace has at most {} templates",
                                   kAlertObjectsMax);
        }
        return catalog::PutItem(transaction, &item);
      });
  TRY(written);
  return Unevaluated(Reply(TemplateShape(item), 202));
}

Answer DeleteTemplate(Face& face, const Call& call) {
  const auto written = face.catalog().Write([&](catalog::Transaction& transaction) {
    return catalog::DeleteItem(transaction, call.id(), kTemplate, call.argument());
  });
  if (absl::IsNotFound(written)) return NoTemplate();
  TRY(written);
  return net::HttpResponse{204};
}

}  // namespace

absl::StatusOr<bool> ReceiverExists(catalog::Reader& reader, const Call& call,
                                    const std::string& name) {
  if (name == kDefaultReceiver) return true;
  TRY_ASSIGN(const auto found, catalog::FindItemsByName(reader, call.id(), kContact, name));
  return !found.empty();
}

std::string Provenance(const Call& call) {
  return call.request.headers.Find("X-Disable-Provenance").empty() ? "api" : "";
}

net::HttpResponse Unevaluated(net::HttpResponse answer) {
  answer.headers.Set("X-Hearth-Warning", kNotEvaluated);
  return answer;
}

std::string VersionOf(std::string_view content) { return crypto::Sha256Hex(content).substr(0, 16); }

std::vector<Route> ContactRoutes() {
  const std::string_view read = "alert.provisioning:read";
  const std::string_view write = "alert.provisioning:write";
  return {
      {"GET", "v1/provisioning/contact-points", Role::kEditor, read, ListContacts},
      {"POST", "v1/provisioning/contact-points", Role::kEditor, write, CreateContact},
      {"PUT", "v1/provisioning/contact-points/:uid", Role::kEditor, write, UpdateContact},
      {"DELETE", "v1/provisioning/contact-points/:uid", Role::kEditor, write, DeleteContact},
      {"GET", "v1/provisioning/templates", Role::kEditor, read, ListTemplates},
      {"GET", "v1/provisioning/templates/:name", Role::kEditor, read, GetTemplate},
      {"PUT", "v1/provisioning/templates/:name", Role::kEditor, write, PutTemplate},
      {"DELETE", "v1/provisioning/templates/:name", Role::kEditor, write, DeleteTemplate},
  };
}

}  // namespace hearth::api::grafana_http
