// SPDX-License-Identifier: Apache-2.0
// AMP's managed collectors ("scrapers"), as they were given. They belong to an
// account and region, not to the workspace that they write to.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/amp_workspaces.h"
#include "catalog/catalog.h"

namespace hearth::catalog {

struct AmpScraper {
  std::string id;  // s-<uuid>
  std::string account;
  std::string region;
  std::string alias;          // "" for none
  std::string configuration;  // the scrape configuration, any bytes
  // JSON objects as the API has them; "" for what was not given.
  std::string source;
  std::string destination;
  std::string role_configuration;
  std::string exporters;
  std::string role_arn;  // of the service-linked role that AWS makes
  Tags tags;
  // The logging configuration: JSON of {loggingDestination, scraperComponents}; "" for none.
  std::string logging;
  int64_t logging_modified_ms = 0;
  int64_t created_ms = 0;
  int64_t modified_ms = 0;
  int64_t revision = 0;
};

std::string AmpScraperArn(const AmpScraper& scraper);

absl::StatusOr<AmpScraper> GetAmpScraper(Reader& reader, std::string_view id);
// By id, after `after`.
absl::StatusOr<std::vector<AmpScraper>> ListAmpScrapers(Reader& reader, std::string_view account,
                                                        std::string_view region,
                                                        std::string_view after = {},
                                                        int limit = 10'000);
// Of every account and region, by id.
absl::StatusOr<std::vector<AmpScraper>> AllAmpScrapers(Reader& reader);
// Fills id (where empty), times and revision. Event kind "amp_scraper".
absl::Status CreateAmpScraper(Transaction& transaction, AmpScraper* scraper);
// modified_ms is the caller's: a change of tags or logging is none of the scraper.
absl::Status UpdateAmpScraper(Transaction& transaction, AmpScraper* scraper);
absl::Status DeleteAmpScraper(Transaction& transaction, std::string_view id);

}  // namespace hearth::catalog
