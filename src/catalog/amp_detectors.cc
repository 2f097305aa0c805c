// SPDX-License-Identifier: Apache-2.0
#include "catalog/amp_detectors.h"

#include <fmt/core.h>

#include "base/status.h"
#include "catalog/column_json.h"
#include "catalog/sql.h"

namespace hearth::catalog {
namespace {

constexpr std::string_view kColumns =
    "workspace, id, alias, interval_seconds, missing_data, configuration, labels, tags,"
    " created_ms, modified_ms, revision";

std::string What(std::string_view id) { return fmt::format("anomaly detector {}", id); }

AmpDetector FromRow(const sql::Row& row) {
  AmpDetector detector;
  detector.workspace = row.Text(0);
  detector.id = row.Text(1);
  detector.alias = row.Text(2);
  detector.interval_seconds = row.Number(3);
  detector.missing_data = row.Text(4);
  detector.configuration = row.Text(5);
  detector.labels = DecodeMap(row.Text(6));
  detector.tags = DecodeMap(row.Text(7));
  detector.created_ms = row.Number(8);
  detector.modified_ms = row.Number(9);
  detector.revision = row.Number(10);
  return detector;
}

absl::Status Record(Transaction& transaction, std::string_view action,
                    const AmpDetector& detector) {
  TRY_ASSIGN(const AmpWorkspace owner, GetAmpWorkspace(transaction, detector.workspace));
  return transaction.Record("amp_detector", action, owner.account,
                            fmt::format("{}/{}", detector.workspace, detector.id),
                            detector.revision);
}

}  // namespace

std::string AmpDetectorArn(std::string_view account, std::string_view region,
                           std::string_view workspace, std::string_view id) {
  return fmt::format("arn:aws:aps:{}:{}:anomalydetector/{}/{}", region, account, workspace, id);
}

absl::StatusOr<AmpDetector> GetAmpDetector(Reader& reader, std::string_view workspace,
                                           std::string_view id) {
  TRY_ASSIGN(sql::Row row, reader.session().SelectOne(
                               kColumns, "FROM amp_detectors WHERE workspace = ? AND id = ?",
                               {workspace, id}, What(id)));
  return FromRow(row);
}

absl::StatusOr<std::vector<AmpDetector>> ListAmpDetectors(Reader& reader,
                                                          std::string_view workspace,
                                                          std::string_view alias_prefix,
                                                          std::string_view after, int limit) {
  TRY_ASSIGN(std::vector<sql::Row> rows,
             reader.session().Select(kColumns,
                                     "FROM amp_detectors WHERE workspace = ?"
                                     " AND SUBSTR(alias, 1, LENGTH(CAST(? AS TEXT))) = ?"
                                     " AND id > ? ORDER BY id LIMIT ?",
                                     {workspace, alias_prefix, alias_prefix, after, limit}));
  std::vector<AmpDetector> found;
  for (const sql::Row& row : rows) found.push_back(FromRow(row));
  return found;
}

absl::Status CreateAmpDetector(Transaction& transaction, AmpDetector* detector) {
  if (detector->id.empty()) detector->id = "ad-" + NewUuid(transaction.rng());
  detector->created_ms = detector->modified_ms = transaction.now_ms();
  detector->revision = 1;
  TRY(Record(transaction, "create", *detector));
  return transaction.session()
      .Execute(fmt::format("INSERT INTO amp_detectors ({})"
                           " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                           kColumns),
               {detector->workspace, detector->id, detector->alias, detector->interval_seconds,
                detector->missing_data, detector->configuration, EncodeMap(detector->labels),
                EncodeMap(detector->tags), detector->created_ms, detector->modified_ms,
                detector->revision})
      .status();
}

absl::Status UpdateAmpDetector(Transaction& transaction, AmpDetector* detector) {
  TRY_ASSIGN(int64_t changed,
             transaction.session().Execute(
                 "UPDATE amp_detectors SET interval_seconds = ?, missing_data = ?,"
                 " configuration = ?, labels = ?, tags = ?, modified_ms = ?,"
                 " revision = revision + 1 WHERE workspace = ? AND id = ? AND revision = ?",
                 {detector->interval_seconds, detector->missing_data, detector->configuration,
                  EncodeMap(detector->labels), EncodeMap(detector->tags), detector->modified_ms,
                  detector->workspace, detector->id, detector->revision}));
  TRY(sql::CheckRevision(transaction.session(), changed, "amp_detectors",
                         "workspace = ? AND id = ?", {detector->workspace, detector->id},
                         What(detector->id)));
  ++detector->revision;
  return Record(transaction, "update", *detector);
}

absl::Status DeleteAmpDetector(Transaction& transaction, std::string_view workspace,
                               std::string_view id) {
  TRY_ASSIGN(const AmpDetector detector, GetAmpDetector(transaction, workspace, id));
  TRY(transaction.session()
          .Execute("DELETE FROM amp_detectors WHERE workspace = ? AND id = ?", {workspace, id})
          .status());
  return Record(transaction, "delete", detector);
}

}  // namespace hearth::catalog
