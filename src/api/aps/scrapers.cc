// SPDX-License-Identifier: Apache-2.0
// Managed collectors (aws-contract.md §4.5): kept, checked and answered as given. Whoever runs them
// is told of changes by a hook; statusReason is what it says of each.
#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/aps/answers.h"
#include "api/aps/aps.h"
#include "api/aps/default_scrape.h"
#include "base/status.h"
#include "catalog/amp_scrapers.h"
#include "scrape/config.h"
#include "scrape/kubernetes_watch.h"

namespace hearth::api {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kConfigurationBytesMax = 1'000'000;  // a generous size for scrape_configs
constexpr std::string_view kType = "scraper";
constexpr std::string_view kLogReason =
    "lines of JSON in a file of the server's log directory, in place of CloudWatch";
constexpr std::string_view kFilterKeys[] = {"status", "sourceArn", "destinationArn", "alias"};

Json ScraperJson(const catalog::AmpScraper& scraper, std::string reason, bool whole) {
  Json json = {{"scraperId", scraper.id},
               {"arn", catalog::AmpScraperArn(scraper)},
               {"roleArn", scraper.role_arn},
               {"status", {{"statusCode", "ACTIVE"}}},
               {"statusReason", std::move(reason)},
               {"createdAt", access::EpochSeconds(scraper.created_ms)},
               {"lastModifiedAt", access::EpochSeconds(scraper.modified_ms)},
               {"tags", TagsJson(scraper.tags)},
               {"source", StoredJson(scraper.source)},
               {"destination", StoredJson(scraper.destination)}};
  if (!scraper.alias.empty()) json["alias"] = scraper.alias;
  if (!scraper.role_configuration.empty()) {
    json["roleConfiguration"] = StoredJson(scraper.role_configuration);
  }
  if (!scraper.exporters.empty()) json["exporters"] = StoredJson(scraper.exporters);
  if (whole) {
    json["scrapeConfiguration"] = {{"configurationBlob", Base64Encode(scraper.configuration)}};
  }
  return json;
}

std::string Written(const catalog::AmpScraper& scraper) {
  return access::RestBody(Json{{"scraperId", scraper.id},
                               {"arn", catalog::AmpScraperArn(scraper)},
                               {"status", {{"statusCode", "ACTIVE"}}},
                               {"tags", TagsJson(scraper.tags)}});
}

absl::Status CheckConfiguration(const std::string& text) {
  if (text.size() > kConfigurationBytesMax) {
    return access::InvalidField("scrapeConfiguration.configurationBlob",
                                fmt::format("The configuration has {} bytes, at most {} are taken",
                                            text.size(), kConfigurationBytesMax));
  }
  const auto config = scrape::ParseConfig(text, "configurationBlob", "");
  if (!config.ok()) {
    return access::InvalidField("scrapeConfiguration.configurationBlob", Message(config.status()));
  }
  for (const std::string& file : scrape::ReferencedFiles(config->config.jobs)) {
    if (file == scrape::kServiceAccountToken || file == scrape::kServiceAccountCa) continue;
    return access::InvalidField(
        "scrapeConfiguration.configurationBlob",
        fmt::format("{}: a scraper reads no files but its service account's, {} and {}", file,
                    scrape::kServiceAccountToken, scrape::kServiceAccountCa));
  }
  return absl::OkStatus();
}

// The workspace that it writes to must be there, where it is one of ours.
absl::Status CheckDestination(catalog::Reader& reader, const access::RestInput& destination,
                              const std::string& prefix) {
  const std::string arn = destination.Child("ampConfiguration").Text("workspaceArn");
  if (!arn.starts_with(prefix)) return absl::OkStatus();
  const std::string id = arn.substr(prefix.size());
  TRY_ASSIGN(const catalog::AmpWorkspace workspace,
             OrNotFound(catalog::GetAmpWorkspace(reader, id), "Workspace", id, "workspace"));
  if (catalog::AmpWorkspaceArn(workspace) == arn) return absl::OkStatus();
  return access::ResourceNotFound("Workspace not found", id, "workspace");
}

// A source without security groups gets one, as AMP gives it the cluster's: Terraform's provider
// takes none for "not known yet", and replaces the scraper at the next change.
std::string WithSecurityGroup(std::string_view stored, Rng& rng) {
  Json json = StoredJson(stored);
  for (auto& [kind, source] : json.items()) {
    if (!source.is_object() || !source.value("securityGroupIds", Json::array()).empty()) continue;
    source["securityGroupIds"] = Json::array({"sg-" + rng.Text(17, "0123456789abcdef")});
  }
  return access::RestBody(json);
}

// The ARNs that the filters compare with.
std::string ArnOf(std::string_view stored) {
  const Json json = StoredJson(stored);
  for (const auto& [kind, value] : json.items()) {
    for (const char* name : {"clusterArn", "workspaceArn", "datasetArn"}) {
      if (value.is_object() && value.contains(name) && value[name].is_string()) {
        return value[name].get<std::string>();
      }
    }
  }
  return "";
}

bool Passes(const catalog::AmpScraper& scraper, const access::RestInput& filters) {
  const auto one_of = [&](std::string_view key, const std::string& value) {
    if (!filters.Has(key)) return true;
    const std::vector<std::string> wanted = filters.TextList(key);
    return std::find(wanted.begin(), wanted.end(), value) != wanted.end();
  };
  return one_of("status", "ACTIVE") && one_of("alias", scraper.alias) &&
         one_of("sourceArn", ArnOf(scraper.source)) &&
         one_of("destinationArn", ArnOf(scraper.destination));
}

absl::Status CheckFilters(const access::RestInput& filters) {
  for (const auto& [key, values] : filters.json().items()) {
    if (std::find(std::begin(kFilterKeys), std::end(kFilterKeys), key) == std::end(kFilterKeys)) {
      return access::InvalidField(
          "filters", fmt::format("{} is no filter; known: status, sourceArn, destinationArn, alias",
                                 key.substr(0, 64)));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<catalog::AmpScraper> Find(catalog::Reader& reader, const access::RestMatch& match,
                                         const access::Caller& caller, std::string_view account) {
  const std::string_view id = match.Label("scraperId");
  TRY_ASSIGN(catalog::AmpScraper scraper,
             OrNotFound(catalog::GetAmpScraper(reader, id), "Scraper", id, kType));
  if (scraper.region != caller.region || scraper.account != account) {
    return access::ResourceNotFound("Scraper not found", id, kType);
  }
  return scraper;
}

}  // namespace

std::string Aps::ScraperReason(std::string_view scraper) const {
  if (options_.hooks.scraper_reason) return options_.hooks.scraper_reason(scraper);
  return "no collector of this process runs scrapers";
}

Aps::Body Aps::CreateScraper(const Call& call) {
  catalog::AmpScraper scraper;
  scraper.account = account();
  scraper.region = call.caller.region;
  scraper.alias = call.Text("alias");
  scraper.configuration = call.input.Child("scrapeConfiguration").Blob("configurationBlob");
  scraper.source = WithSecurityGroup(call.input.JsonText("source"), rng_);
  scraper.destination = call.input.JsonText("destination");
  scraper.role_configuration = call.input.JsonText("roleConfiguration");
  scraper.exporters = call.input.JsonText("exporters");
  scraper.tags = call.input.TextMap("tags");
  TRY(CheckTags(scraper.tags));
  TRY(CheckConfiguration(scraper.configuration));
  return Once(
      call,
      [&](catalog::Transaction& transaction) -> Body {
        TRY(CheckDestination(transaction, call.input.Child("destination"),
                             Arn(call, "workspace/")));
        scraper.id = "s-" + NewUuid(transaction.rng());
        // The service-linked role that AWS makes for a scraper; hearth needs none.
        scraper.role_arn = fmt::format(
            "arn:aws:iam::{}:role/aws-service-role/scraper.aps.amazonaws.com/"
            "AWSServiceRoleForAmazonPrometheusScraper_{}",
            account(), scraper.id.substr(2));
        TRY(catalog::CreateAmpScraper(transaction, &scraper));
        return Written(scraper);
      },
      options_.hooks.scrapers_changed);
}

Aps::Body Aps::UpdateScraper(const Call& call) {
  const access::RestInput& input = call.input;
  const std::string text = input.Child("scrapeConfiguration").Blob("configurationBlob");
  if (input.Has("scrapeConfiguration")) TRY(CheckConfiguration(text));
  return Once(
      call,
      [&](catalog::Transaction& transaction) -> Body {
        TRY_ASSIGN(catalog::AmpScraper scraper,
                   Find(transaction, call.match, call.caller, account()));
        if (input.Has("alias")) scraper.alias = input.Text("alias");
        if (input.Has("scrapeConfiguration")) scraper.configuration = text;
        if (input.Has("destination")) {
          TRY(CheckDestination(transaction, input.Child("destination"), Arn(call, "workspace/")));
          scraper.destination = input.JsonText("destination");
        }
        if (input.Has("roleConfiguration")) {
          scraper.role_configuration = input.JsonText("roleConfiguration");
        }
        if (input.Has("exporters")) scraper.exporters = input.JsonText("exporters");
        scraper.modified_ms = transaction.now_ms();
        TRY(catalog::UpdateAmpScraper(transaction, &scraper));
        return Written(scraper);
      },
      options_.hooks.scrapers_changed);
}

Aps::Body Aps::DescribeScraper(const Call& call) {
  TRY_ASSIGN(const catalog::AmpScraper scraper, catalog_.Read([&](catalog::Reader& reader) {
    return Find(reader, call.match, call.caller, account());
  }));
  return access::RestBody(Json{{"scraper", ScraperJson(scraper, ScraperReason(scraper.id), true)}});
}

Aps::Body Aps::ListScrapers(const Call& call) {
  const access::RestInput filters = call.input.Child("filters");
  TRY(CheckFilters(filters));
  const int64_t page = call.input.Number("maxResults").value_or(kPageDefault);
  const std::string scope = PageScope(call, access::RestBody(filters.json()));
  TRY_ASSIGN(const std::string after, access::ReadPageToken(scope, call.Text("nextToken")));
  TRY_ASSIGN(auto rows, catalog_.Read([&](catalog::Reader& reader) {
    return catalog::ListAmpScrapers(reader, account(), call.caller.region, after);
  }));
  std::erase_if(rows, [&](const catalog::AmpScraper& row) { return !Passes(row, filters); });
  const std::string next = CutPage(page, scope, &rows, [](const auto& row) { return row.id; });
  Json answer = {{"scrapers", Json::array()}};
  for (const catalog::AmpScraper& row : rows) {
    answer["scrapers"].push_back(ScraperJson(row, ScraperReason(row.id), false));
  }
  if (!next.empty()) answer["nextToken"] = next;
  return access::RestBody(answer);
}

Aps::Body Aps::DeleteScraper(const Call& call) {
  return Once(
      call,
      [&](catalog::Transaction& transaction) -> Body {
        TRY_ASSIGN(const catalog::AmpScraper scraper,
                   Find(transaction, call.match, call.caller, account()));
        TRY(catalog::DeleteAmpScraper(transaction, scraper.id));
        return access::RestBody(
            Json{{"scraperId", scraper.id}, {"status", {{"statusCode", "DELETING"}}}});
      },
      options_.hooks.scrapers_changed);
}

Aps::Body Aps::UpdateScraperLoggingConfiguration(const Call& call) {
  return Once(
      call,
      [&](catalog::Transaction& transaction) -> Body {
        TRY_ASSIGN(catalog::AmpScraper scraper,
                   Find(transaction, call.match, call.caller, account()));
        Json logging = {
            {"loggingDestination", StoredJson(call.input.JsonText("loggingDestination"))},
            {"scraperComponents", Json::array()}};
        if (call.input.Has("scraperComponents")) {
          logging["scraperComponents"] = StoredJson(call.input.JsonText("scraperComponents"));
        } else {
          // All of them, as AMP does.
          for (const char* type : {"SERVICE_DISCOVERY", "COLLECTOR", "EXPORTER"}) {
            logging["scraperComponents"].push_back({{"type", type}});
          }
        }
        scraper.logging = access::RestBody(logging);
        scraper.logging_modified_ms = transaction.now_ms();
        TRY(catalog::UpdateAmpScraper(transaction, &scraper));
        return access::RestBody(Json{{"status", ActiveStatus(kLogReason)}});
      },
      options_.hooks.scrapers_changed);
}

Aps::Body Aps::DescribeScraperLoggingConfiguration(const Call& call) {
  TRY_ASSIGN(const catalog::AmpScraper scraper, catalog_.Read([&](catalog::Reader& reader) {
    return Find(reader, call.match, call.caller, account());
  }));
  if (scraper.logging.empty()) {
    return access::ResourceNotFound("Scraper logging configuration not found", scraper.id, kType);
  }
  Json json = StoredJson(scraper.logging);
  json["status"] = ActiveStatus(kLogReason);
  json["scraperId"] = scraper.id;
  json["modifiedAt"] = access::EpochSeconds(scraper.logging_modified_ms);
  return access::RestBody(json);
}

Aps::Body Aps::DeleteScraperLoggingConfiguration(const Call& call) {
  return Once(
      call,
      [&](catalog::Transaction& transaction) -> Body {
        TRY_ASSIGN(catalog::AmpScraper scraper,
                   Find(transaction, call.match, call.caller, account()));
        if (scraper.logging.empty()) {
          return access::ResourceNotFound("Scraper logging configuration not found", scraper.id,
                                          kType);
        }
        scraper.logging.clear();
        TRY(catalog::UpdateAmpScraper(transaction, &scraper));
        return "";
      },
      options_.hooks.scrapers_changed);
}

Aps::Body Aps::GetDefaultScraperConfiguration(const Call&) {
  return access::RestBody(Json{{"configuration", Base64Encode(kDefaultScrapeConfiguration)}});
}

}  // namespace hearth::api
