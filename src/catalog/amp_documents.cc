// SPDX-License-Identifier: Apache-2.0
#include "catalog/amp_documents.h"

#include <fmt/core.h>

#include "base/status.h"
#include "base/text.h"
#include "catalog/amp_workspaces.h"
#include "catalog/sql.h"

namespace hearth::catalog {
namespace {

// The column's value; event kinds are "amp_" and this.
std::string_view KindName(AmpDocumentKind kind) {
  switch (kind) {
    case AmpDocumentKind::kAlertManager:
      return "alert_manager";
    case AmpDocumentKind::kLogging:
      return "logging";
    case AmpDocumentKind::kQueryLogging:
      return "query_logging";
  }
  return "";
}

std::string What(AmpDocumentKind kind, std::string_view workspace) {
  return fmt::format("{} of workspace {}", KindName(kind), workspace);
}

absl::Status Record(Transaction& transaction, std::string_view action,
                    const AmpDocument& document) {
  TRY_ASSIGN(const AmpWorkspace owner, GetAmpWorkspace(transaction, document.workspace));
  return transaction.Record(fmt::format("amp_{}", KindName(document.kind)), action, owner.account,
                            document.workspace, document.revision);
}

}  // namespace

absl::StatusOr<AmpDocument> GetAmpDocument(Reader& reader, AmpDocumentKind kind,
                                           std::string_view workspace) {
  TRY_ASSIGN(sql::Row row,
             reader.session().SelectOne("content, created_ms, modified_ms, revision",
                                        "FROM amp_documents WHERE workspace = ? AND kind = ?",
                                        {workspace, KindName(kind)}, What(kind, workspace)));
  AmpDocument document;
  document.workspace = std::string(workspace);
  document.kind = kind;
  if (!Base64Decode(row.Text(0), &document.content)) {
    return DataLoss("{}: content is not base64", What(kind, workspace));
  }
  document.created_ms = row.Number(1);
  document.modified_ms = row.Number(2);
  document.revision = row.Number(3);
  return document;
}

absl::Status CreateAmpDocument(Transaction& transaction, AmpDocument* document) {
  document->created_ms = document->modified_ms = transaction.now_ms();
  document->revision = 1;
  TRY(Record(transaction, "create", *document));
  return transaction.session()
      .Execute(
          "INSERT INTO amp_documents (workspace, kind, content, created_ms, modified_ms, revision)"
          " VALUES (?, ?, ?, ?, ?, 1)",
          {document->workspace, KindName(document->kind), Base64Encode(document->content),
           document->created_ms, document->modified_ms})
      .status();
}

absl::Status UpdateAmpDocument(Transaction& transaction, AmpDocument* document) {
  document->modified_ms = transaction.now_ms();
  TRY_ASSIGN(int64_t changed,
             transaction.session().Execute(
                 "UPDATE amp_documents SET content = ?, modified_ms = ?, revision = revision + 1"
                 " WHERE workspace = ? AND kind = ? AND revision = ?",
                 {Base64Encode(document->content), document->modified_ms, document->workspace,
                  KindName(document->kind), document->revision}));
  TRY(sql::CheckRevision(
      transaction.session(), changed, "amp_documents", "workspace = ? AND kind = ?",
      {document->workspace, KindName(document->kind)}, What(document->kind, document->workspace)));
  ++document->revision;
  return Record(transaction, "update", *document);
}

absl::Status DeleteAmpDocument(Transaction& transaction, AmpDocumentKind kind,
                               std::string_view workspace) {
  TRY_ASSIGN(const AmpDocument document, GetAmpDocument(transaction, kind, workspace));
  TRY(transaction.session()
          .Execute("DELETE FROM amp_documents WHERE workspace = ? AND kind = ?",
                   {workspace, KindName(kind)})
          .status());
  return Record(transaction, "delete", document);
}

}  // namespace hearth::catalog
