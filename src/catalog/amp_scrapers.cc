// SPDX-License-Identifier: Apache-2.0
#include "catalog/amp_scrapers.h"

#include <fmt/core.h>

#include "base/status.h"
#include "base/text.h"
#include "catalog/column_json.h"
#include "catalog/sql.h"

namespace hearth::catalog {
namespace {

constexpr std::string_view kKind = "amp_scraper";
constexpr std::string_view kColumns =
    "id, account, region, alias, configuration, source, destination, role_configuration,"
    " exporters, role_arn, tags, logging, logging_modified_ms, created_ms, modified_ms, revision";

std::string What(std::string_view id) { return fmt::format("scraper {}", id); }

absl::StatusOr<AmpScraper> FromRow(const sql::Row& row) {
  AmpScraper scraper;
  scraper.id = row.Text(0);
  scraper.account = row.Text(1);
  scraper.region = row.Text(2);
  scraper.alias = row.Text(3);
  if (!Base64Decode(row.Text(4), &scraper.configuration)) {
    return DataLoss("{}: configuration is not base64", What(scraper.id));
  }
  scraper.source = row.Text(5);
  scraper.destination = row.Text(6);
  scraper.role_configuration = row.Text(7);
  scraper.exporters = row.Text(8);
  scraper.role_arn = row.Text(9);
  scraper.tags = DecodeMap(row.Text(10));
  scraper.logging = row.Text(11);
  scraper.logging_modified_ms = row.Number(12);
  scraper.created_ms = row.Number(13);
  scraper.modified_ms = row.Number(14);
  scraper.revision = row.Number(15);
  return scraper;
}

absl::StatusOr<std::vector<AmpScraper>> FromRows(const std::vector<sql::Row>& rows) {
  std::vector<AmpScraper> found;
  for (const sql::Row& row : rows) {
    TRY_ASSIGN(AmpScraper scraper, FromRow(row));
    found.push_back(std::move(scraper));
  }
  return found;
}

}  // namespace

std::string AmpScraperArn(const AmpScraper& scraper) {
  return fmt::format("arn:aws:aps:{}:{}:scraper/{}", scraper.region, scraper.account, scraper.id);
}

absl::StatusOr<AmpScraper> GetAmpScraper(Reader& reader, std::string_view id) {
  TRY_ASSIGN(sql::Row row, reader.session().SelectOne(kColumns, "FROM amp_scrapers WHERE id = ?",
                                                      {id}, What(id)));
  return FromRow(row);
}

absl::StatusOr<std::vector<AmpScraper>> ListAmpScrapers(Reader& reader, std::string_view account,
                                                        std::string_view region,
                                                        std::string_view after, int limit) {
  TRY_ASSIGN(std::vector<sql::Row> rows,
             reader.session().Select(kColumns,
                                     "FROM amp_scrapers WHERE account = ? AND region = ?"
                                     " AND id > ? ORDER BY id LIMIT ?",
                                     {account, region, after, limit}));
  return FromRows(rows);
}

absl::StatusOr<std::vector<AmpScraper>> AllAmpScrapers(Reader& reader) {
  TRY_ASSIGN(std::vector<sql::Row> rows,
             reader.session().Select(kColumns, "FROM amp_scrapers ORDER BY id", {}));
  return FromRows(rows);
}

absl::Status CreateAmpScraper(Transaction& transaction, AmpScraper* scraper) {
  if (scraper->id.empty()) scraper->id = "s-" + NewUuid(transaction.rng());
  scraper->created_ms = scraper->modified_ms = transaction.now_ms();
  scraper->revision = 1;
  TRY(transaction.session()
          .Execute(fmt::format("INSERT INTO amp_scrapers ({})"
                               " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                               kColumns),
                   {scraper->id, scraper->account, scraper->region, scraper->alias,
                    Base64Encode(scraper->configuration), scraper->source, scraper->destination,
                    scraper->role_configuration, scraper->exporters, scraper->role_arn,
                    EncodeMap(scraper->tags), scraper->logging, scraper->logging_modified_ms,
                    scraper->created_ms, scraper->modified_ms, scraper->revision})
          .status());
  return transaction.Record(kKind, "create", scraper->account, scraper->id, 1);
}

absl::Status UpdateAmpScraper(Transaction& transaction, AmpScraper* scraper) {
  TRY_ASSIGN(int64_t changed,
             transaction.session().Execute(
                 "UPDATE amp_scrapers SET alias = ?, configuration = ?, destination = ?,"
                 " role_configuration = ?, exporters = ?, tags = ?, logging = ?,"
                 " logging_modified_ms = ?, modified_ms = ?, revision = revision + 1"
                 " WHERE id = ? AND revision = ?",
                 {scraper->alias, Base64Encode(scraper->configuration), scraper->destination,
                  scraper->role_configuration, scraper->exporters, EncodeMap(scraper->tags),
                  scraper->logging, scraper->logging_modified_ms, scraper->modified_ms, scraper->id,
                  scraper->revision}));
  TRY(sql::CheckRevision(transaction.session(), changed, "amp_scrapers", "id = ?", {scraper->id},
                         What(scraper->id)));
  ++scraper->revision;
  return transaction.Record(kKind, "update", scraper->account, scraper->id, scraper->revision);
}

absl::Status DeleteAmpScraper(Transaction& transaction, std::string_view id) {
  TRY_ASSIGN(const AmpScraper scraper, GetAmpScraper(transaction, id));
  TRY(transaction.session().Execute("DELETE FROM amp_scrapers WHERE id = ?", {id}).status());
  return transaction.Record(kKind, "delete", scraper.account, id, scraper.revision);
}

}  // namespace hearth::catalog
