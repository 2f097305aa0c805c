// SPDX-License-Identifier: Apache-2.0
#include "base/status.h"
#include "base/text.h"
#include "catalog/column_json.h"
#include "catalog/credentials.h"
#include "catalog/grafana_objects.h"
#include "catalog/sql.h"

namespace hearth::catalog {
namespace {

constexpr std::string_view kColumns =
    "workspace, id, uid, name, type, url, access_mode, db_name, db_user, is_default, basic_auth,"
    " basic_auth_user, with_credentials, read_only, json_data, sealed_json, created_ms,"
    " updated_ms, revision";

std::string SealContext(const DataSource& source) {
  return fmt::format("data-source:{}/{}", source.workspace, source.id);
}

absl::StatusOr<DataSource> FromRow(Reader& reader, const sql::Row& row) {
  DataSource source;
  source.workspace = row.Text(0);
  source.id = row.Number(1);
  source.uid = row.Text(2);
  source.name = row.Text(3);
  source.type = row.Text(4);
  source.url = row.Text(5);
  source.access = row.Text(6);
  source.database = row.Text(7);
  source.user = row.Text(8);
  source.is_default = row.Flag(9);
  source.basic_auth = row.Flag(10);
  source.basic_auth_user = row.Text(11);
  source.with_credentials = row.Flag(12);
  source.read_only = row.Flag(13);
  source.json_data = row.Text(14);
  if (std::string sealed = row.Text(15); !sealed.empty()) {
    TRY_ASSIGN(std::string plain, OpenWithRootKey(reader, sealed, SealContext(source)));
    source.secure_json_data = DecodeMap(plain);
  }
  source.created_ms = row.Number(16);
  source.updated_ms = row.Number(17);
  source.revision = row.Number(18);
  return source;
}

absl::StatusOr<std::vector<DataSource>> Find(Reader& reader, std::string_view rest,
                                             const sql::Values& values) {
  TRY_ASSIGN(std::vector<sql::Row> rows, reader.session().Select(kColumns, rest, values));
  std::vector<DataSource> sources;
  for (const sql::Row& row : rows) {
    TRY_ASSIGN(DataSource source, FromRow(reader, row));
    sources.push_back(std::move(source));
  }
  return sources;
}

absl::StatusOr<DataSource> FindOne(Reader& reader, std::string_view condition,
                                   const sql::Values& values, std::string_view what) {
  TRY_ASSIGN(sql::Row row,
             reader.session().SelectOne(
                 kColumns, fmt::format("FROM data_sources WHERE workspace = ? AND {}", condition),
                 values, what));
  return FromRow(reader, row);
}

std::string ObjectId(const DataSource& source) {
  return fmt::format("{}/{}", source.workspace, source.uid);
}

absl::StatusOr<std::string> SealSecrets(Transaction& transaction, const DataSource& source) {
  if (source.secure_json_data.empty()) return std::string();
  return SealWithRootKey(transaction, EncodeMap(source.secure_json_data), SealContext(source));
}

// The mark moves: a workspace has one default.
absl::Status ClearOtherDefaults(Transaction& transaction, const DataSource& source) {
  if (!source.is_default) return absl::OkStatus();
  return transaction.session()
      .Execute(
          "UPDATE data_sources SET is_default = 0, revision = revision + 1"
          " WHERE workspace = ? AND is_default = 1 AND uid <> ?",
          {source.workspace, source.uid})
      .status();
}

// Both of a data source's names are looked up, so that the message tells which one is taken.
absl::Status CheckNamesAreFree(Transaction& transaction, const DataSource& source) {
  absl::StatusOr<DataSource> same_name =
      GetDataSourceByName(transaction, source.workspace, source.name);
  if (same_name.ok() && same_name->id != source.id) {
    return AlreadyExists("data source with the same name already exists: {}", source.name);
  }
  absl::StatusOr<DataSource> same_uid = GetDataSource(transaction, source.workspace, source.uid);
  if (same_uid.ok() && same_uid->id != source.id) {
    return AlreadyExists("data source with the same uid already exists: {}", source.uid);
  }
  return absl::OkStatus();
}

bool SameContent(const DataSource& a, const DataSource& b) {
  auto fields = [](const DataSource& s) {
    return std::tie(s.name, s.type, s.url, s.access, s.database, s.user, s.is_default, s.basic_auth,
                    s.basic_auth_user, s.with_credentials, s.read_only, s.json_data,
                    s.secure_json_data);
  };
  return fields(a) == fields(b);
}

}  // namespace

absl::StatusOr<DataSource> GetDataSource(Reader& reader, std::string_view workspace,
                                         std::string_view uid) {
  return FindOne(reader, "uid = ?", {workspace, uid}, fmt::format("data source {}", uid));
}

absl::StatusOr<DataSource> GetDataSourceById(Reader& reader, std::string_view workspace,
                                             int64_t id) {
  return FindOne(reader, "id = ?", {workspace, id}, fmt::format("data source {}", id));
}

absl::StatusOr<DataSource> GetDataSourceByName(Reader& reader, std::string_view workspace,
                                               std::string_view name) {
  return FindOne(reader, "name = ?", {workspace, name}, fmt::format("data source {}", name));
}

absl::StatusOr<std::vector<DataSource>> ListDataSources(Reader& reader,
                                                        std::string_view workspace) {
  return Find(reader, "FROM data_sources WHERE workspace = ? ORDER BY name", {workspace});
}

absl::Status CreateDataSource(Transaction& transaction, DataSource* source) {
  source->id = 0;
  if (source->uid.empty()) source->uid = NewGrafanaUid(transaction.rng());
  TRY(CheckNamesAreFree(transaction, *source));
  TRY_ASSIGN(source->id, transaction.NextNumber(fmt::format("{}/data-source", source->workspace)));
  source->created_ms = transaction.now_ms();
  source->updated_ms = transaction.now_ms();
  source->revision = 1;
  TRY(ClearOtherDefaults(transaction, *source));
  TRY_ASSIGN(std::string sealed, SealSecrets(transaction, *source));
  TRY(transaction.session()
          .Execute(fmt::format("INSERT INTO data_sources ({}) VALUES"
                               " (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                               kColumns),
                   {source->workspace, source->id, source->uid, source->name, source->type,
                    source->url, source->access, source->database, source->user, source->is_default,
                    source->basic_auth, source->basic_auth_user, source->with_credentials,
                    source->read_only, source->json_data, sealed, source->created_ms,
                    source->updated_ms, source->revision})
          .status());
  return transaction.Record("data_source", "create", "", ObjectId(*source), 1);
}

absl::Status UpdateDataSource(Transaction& transaction, DataSource* source) {
  TRY(CheckNamesAreFree(transaction, *source));
  TRY(ClearOtherDefaults(transaction, *source));
  TRY_ASSIGN(std::string sealed, SealSecrets(transaction, *source));
  TRY_ASSIGN(
      int64_t changed,
      transaction.session().Execute(
          "UPDATE data_sources SET uid = ?, name = ?, type = ?, url = ?, access_mode = ?,"
          " db_name = ?, db_user = ?, is_default = ?, basic_auth = ?, basic_auth_user = ?,"
          " with_credentials = ?, read_only = ?, json_data = ?, sealed_json = ?, updated_ms = ?,"
          " revision = revision + 1 WHERE workspace = ? AND id = ? AND revision = ?",
          {source->uid, source->name, source->type, source->url, source->access, source->database,
           source->user, source->is_default, source->basic_auth, source->basic_auth_user,
           source->with_credentials, source->read_only, source->json_data, sealed,
           transaction.now_ms(), source->workspace, source->id, source->revision}));
  TRY(sql::CheckRevision(transaction.session(), changed, "data_sources", "workspace = ? AND id = ?",
                         {source->workspace, source->id},
                         fmt::format("data source {}", source->uid)));
  source->updated_ms = transaction.now_ms();
  ++source->revision;
  return transaction.Record("data_source", "update", "", ObjectId(*source), source->revision);
}

absl::Status DeleteDataSource(Transaction& transaction, std::string_view workspace,
                              std::string_view uid, int64_t revision) {
  std::string what = fmt::format("data source {}", uid);
  TRY_ASSIGN(int64_t changed, transaction.session().Execute(
                                  "DELETE FROM data_sources WHERE workspace = ? AND uid = ?"
                                  " AND (? = 0 OR revision = ?)",
                                  {workspace, uid, revision, revision}));
  TRY(sql::CheckRevision(transaction.session(), changed, "data_sources",
                         "workspace = ? AND uid = ?", {workspace, uid}, what));
  return transaction.Record("data_source", "delete", "", fmt::format("{}/{}", workspace, uid),
                            revision);
}

absl::Status EnsureDataSource(Transaction& transaction, DataSource* source) {
  absl::StatusOr<DataSource> stored = GetDataSource(transaction, source->workspace, source->uid);
  if (absl::IsNotFound(stored.status())) return CreateDataSource(transaction, source);
  TRY(stored);
  source->id = stored->id;
  source->created_ms = stored->created_ms;
  source->updated_ms = stored->updated_ms;
  source->revision = stored->revision;
  if (SameContent(*stored, *source)) return absl::OkStatus();
  return UpdateDataSource(transaction, source);
}

}  // namespace hearth::catalog
