// SPDX-License-Identifier: Apache-2.0
#include "workspace/settings.h"

#include <nlohmann/json.hpp>

#include "base/status.h"
#include "catalog/amp_documents.h"

namespace hearth::workspace {
namespace {

using catalog::AmpDocumentKind;

// The content of a document, "" where there is none.
absl::StatusOr<std::string> ContentOf(catalog::Reader& reader, AmpDocumentKind kind,
                                      std::string_view workspace) {
  auto document = catalog::GetAmpDocument(reader, kind, workspace);
  if (absl::IsNotFound(document.status())) return "";
  TRY(document);
  return std::move(document->content);
}

// [{"cloudWatchLogs":{"logGroupArn":…},"filters":{"qspThreshold":…}}], checked when it came in.
std::optional<QueryLogging> ParseQueryLogging(const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_array() || json.empty() || !json[0].is_object()) return std::nullopt;
  QueryLogging logging;
  for (const auto& [key, value] : json[0].items()) {
    if (key == "cloudWatchLogs" && value.is_object() && value.contains("logGroupArn") &&
        value["logGroupArn"].is_string()) {
      logging.log_group = LogGroupOfArn(value["logGroupArn"].get_ref<const std::string&>());
    }
    if (key == "filters" && value.is_object() && value.contains("qspThreshold") &&
        value["qspThreshold"].is_number_integer()) {
      logging.samples_at_least = value["qspThreshold"].get<int64_t>();
    }
  }
  if (logging.log_group.empty()) return std::nullopt;
  return logging;
}

}  // namespace

std::string LogGroupOfArn(std::string_view arn) {
  constexpr std::string_view kMark = ":log-group:";
  const size_t at = arn.find(kMark);
  if (at == std::string_view::npos) return "";
  std::string_view group = arn.substr(at + kMark.size());
  if (group.ends_with(":*")) group.remove_suffix(2);
  return std::string(group);
}

absl::StatusOr<Settings> LoadSettings(catalog::Reader& reader, std::string_view workspace) {
  Settings settings;
  TRY_ASSIGN(settings.row, catalog::GetAmpWorkspace(reader, workspace));
  TRY_ASSIGN(const std::string arn, ContentOf(reader, AmpDocumentKind::kLogging, workspace));
  settings.rule_log_group = LogGroupOfArn(arn);
  TRY_ASSIGN(const std::string query, ContentOf(reader, AmpDocumentKind::kQueryLogging, workspace));
  if (!query.empty()) settings.query_logging = ParseQueryLogging(query);
  return settings;
}

}  // namespace hearth::workspace
