// SPDX-License-Identifier: Apache-2.0
// What a workspace has one of: alert manager definition, logging, query logging (aws-contract.md
// §4.1, §4.3, §4.6).
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "api/aps/alert_manager_file.h"
#include "api/aps/answers.h"
#include "api/aps/aps.h"
#include "base/status.h"

namespace hearth::api {
namespace {

using Json = nlohmann::ordered_json;
using catalog::AmpDocument;
using catalog::AmpDocumentKind;

constexpr size_t kAlertManagerBytesMax = 1'000'000;  // §11.1, L-3316EF76
constexpr std::string_view kAlertManager = "alertmanagerdefinition";
constexpr std::string_view kLogging = "loggingconfiguration";
constexpr std::string_view kQueryLogging = "queryloggingconfiguration";

// For people.
std::string_view NameOf(AmpDocumentKind kind) {
  switch (kind) {
    case AmpDocumentKind::kAlertManager:
      return "Alert manager definition";
    case AmpDocumentKind::kLogging:
      return "Logging configuration";
    case AmpDocumentKind::kQueryLogging:
      return "Query logging configuration";
  }
  return "";
}

std::string StatusBody() { return access::RestBody(Json{{"status", ActiveStatus()}}); }

absl::StatusOr<std::string> AlertManagerData(const access::RestInput& input) {
  std::string data = input.Blob("data");
  if (data.size() > kAlertManagerBytesMax) {
    return access::QuotaExceeded(
        fmt::format("Limit exceeded. An alert manager definition has at most {} bytes, not {}.",
                    kAlertManagerBytesMax, data.size()),
        "", kAlertManager, "aps", "L-3316EF76");
  }
  if (const absl::Status status = CheckAlertManagerFile(data); !status.ok()) {
    return access::InvalidField("data", Message(status));
  }
  return data;
}

}  // namespace

void Aps::DocumentChanged(const Call& call, AmpDocumentKind kind) {
  const std::string id(call.match.Label("workspaceId"));
  if (kind != AmpDocumentKind::kAlertManager) {
    Reconfigure(id);
  } else if (options_.hooks.alert_manager_changed) {
    options_.hooks.alert_manager_changed(id);
  }
}

Aps::Body Aps::CreateDocument(const Call& call, AmpDocumentKind kind, std::string content,
                              std::string_view type) {
  return Once(
      call,
      [&](catalog::Transaction& transaction) -> Body {
        TRY_ASSIGN(const catalog::AmpWorkspace owner, Owner(transaction, call));
        AmpDocument document;
        document.workspace = owner.id;
        document.kind = kind;
        document.content = content;
        if (catalog::GetAmpDocument(transaction, kind, owner.id).ok()) {
          return access::ResourceConflict(
              fmt::format("{} exists for workspace {}", NameOf(kind), owner.id), owner.id, type);
        }
        TRY(catalog::CreateAmpDocument(transaction, &document));
        return StatusBody();
      },
      [&] { DocumentChanged(call, kind); });
}

Aps::Body Aps::UpdateDocument(const Call& call, AmpDocumentKind kind, std::string content,
                              std::string_view type) {
  return Once(
      call,
      [&](catalog::Transaction& transaction) -> Body {
        TRY_ASSIGN(const catalog::AmpWorkspace owner, Owner(transaction, call));
        TRY_ASSIGN(AmpDocument document,
                   OrNotFound(catalog::GetAmpDocument(transaction, kind, owner.id), NameOf(kind),
                              owner.id, type));
        document.content = content;
        TRY(catalog::UpdateAmpDocument(transaction, &document));
        return StatusBody();
      },
      [&] { DocumentChanged(call, kind); });
}

Aps::Body Aps::DeleteDocument(const Call& call, AmpDocumentKind kind, std::string_view type) {
  return Once(
      call,
      [&](catalog::Transaction& transaction) -> Body {
        TRY_ASSIGN(const catalog::AmpWorkspace owner, Owner(transaction, call));
        const absl::Status status = catalog::DeleteAmpDocument(transaction, kind, owner.id);
        if (absl::IsNotFound(status)) {
          return access::ResourceNotFound(fmt::format("{} not found", NameOf(kind)), owner.id,
                                          type);
        }
        TRY(status);
        return "";
      },
      [&] { DocumentChanged(call, kind); });
}

absl::StatusOr<AmpDocument> Aps::Document(const Call& call, AmpDocumentKind kind,
                                          std::string_view type) {
  return catalog_.Read([&](catalog::Reader& reader) -> absl::StatusOr<AmpDocument> {
    TRY_ASSIGN(const catalog::AmpWorkspace owner, Owner(reader, call));
    return OrNotFound(catalog::GetAmpDocument(reader, kind, owner.id), NameOf(kind), owner.id,
                      type);
  });
}

// ---- alert manager definition ----------------------------------------------------------------

Aps::Body Aps::CreateAlertManagerDefinition(const Call& call) {
  TRY_ASSIGN(std::string data, AlertManagerData(call.input));
  return CreateDocument(call, AmpDocumentKind::kAlertManager, std::move(data), kAlertManager);
}

Aps::Body Aps::PutAlertManagerDefinition(const Call& call) {
  TRY_ASSIGN(std::string data, AlertManagerData(call.input));
  return UpdateDocument(call, AmpDocumentKind::kAlertManager, std::move(data), kAlertManager);
}

Aps::Body Aps::DescribeAlertManagerDefinition(const Call& call) {
  TRY_ASSIGN(const AmpDocument document,
             Document(call, AmpDocumentKind::kAlertManager, kAlertManager));
  // Who wires an Alertmanager to the hook is who runs it.
  const std::string_view reason =
      options_.hooks.alert_manager_changed
          ? ""
          : "kept and checked; this version of hearth does not run an Alertmanager";
  return access::RestBody(Json{{"alertManagerDefinition",
                                {{"status", ActiveStatus(reason)},
                                 {"data", Base64Encode(document.content)},
                                 {"createdAt", access::EpochSeconds(document.created_ms)},
                                 {"modifiedAt", access::EpochSeconds(document.modified_ms)}}}});
}

Aps::Body Aps::DeleteAlertManagerDefinition(const Call& call) {
  return DeleteDocument(call, AmpDocumentKind::kAlertManager, kAlertManager);
}

// ---- logging ---------------------------------------------------------------------------------

Aps::Body Aps::CreateLoggingConfiguration(const Call& call) {
  return CreateDocument(call, AmpDocumentKind::kLogging, call.Text("logGroupArn"), kLogging);
}

Aps::Body Aps::UpdateLoggingConfiguration(const Call& call) {
  return UpdateDocument(call, AmpDocumentKind::kLogging, call.Text("logGroupArn"), kLogging);
}

Aps::Body Aps::DescribeLoggingConfiguration(const Call& call) {
  TRY_ASSIGN(const AmpDocument document, Document(call, AmpDocumentKind::kLogging, kLogging));
  return access::RestBody(Json{{"loggingConfiguration",
                                {{"status", ActiveStatus()},
                                 {"workspace", document.workspace},
                                 {"logGroupArn", document.content},
                                 {"createdAt", access::EpochSeconds(document.created_ms)},
                                 {"modifiedAt", access::EpochSeconds(document.modified_ms)}}}});
}

Aps::Body Aps::DeleteLoggingConfiguration(const Call& call) {
  return DeleteDocument(call, AmpDocumentKind::kLogging, kLogging);
}

Aps::Body Aps::CreateQueryLoggingConfiguration(const Call& call) {
  return CreateDocument(call, AmpDocumentKind::kQueryLogging, call.input.JsonText("destinations"),
                        kQueryLogging);
}

Aps::Body Aps::UpdateQueryLoggingConfiguration(const Call& call) {
  return UpdateDocument(call, AmpDocumentKind::kQueryLogging, call.input.JsonText("destinations"),
                        kQueryLogging);
}

Aps::Body Aps::DescribeQueryLoggingConfiguration(const Call& call) {
  TRY_ASSIGN(const AmpDocument document,
             Document(call, AmpDocumentKind::kQueryLogging, kQueryLogging));
  return access::RestBody(Json{{"queryLoggingConfiguration",
                                {{"status", ActiveStatus()},
                                 {"workspace", document.workspace},
                                 {"destinations", StoredJson(document.content)},
                                 {"createdAt", access::EpochSeconds(document.created_ms)},
                                 {"modifiedAt", access::EpochSeconds(document.modified_ms)}}}});
}

Aps::Body Aps::DeleteQueryLoggingConfiguration(const Call& call) {
  return DeleteDocument(call, AmpDocumentKind::kQueryLogging, kQueryLogging);
}

}  // namespace hearth::api
