// SPDX-License-Identifier: Apache-2.0
#include "grafana/provision.h"

#include <nlohmann/json.hpp>

#include "base/status.h"

namespace hearth::grafana {
namespace {

constexpr size_t kDashboardBytesMax = 4 << 20;  // the largest published ones are below 1 MiB

absl::Status ProvisionFile(catalog::Catalog& catalog, FileSystem& file_system,
                           std::string_view workspace, const std::string& path, std::string* uid) {
  TRY_ASSIGN(const std::string json, file_system.ReadFile(path));
  TRY_ASSIGN(catalog::Dashboard dashboard, ReadDashboard(json, path));
  if (dashboard.uid.empty())
    return InvalidArgument("{}: a provisioned dashboard needs a uid", path);
  dashboard.workspace = workspace;
  dashboard.provisioned = true;
  dashboard.created_by = dashboard.updated_by = "provisioning";
  TRY_ASSIGN(const catalog::Dashboard stored, catalog.Write([&](catalog::Transaction& transaction) {
    return catalog::EnsureDashboard(transaction, dashboard);
  }));
  *uid = stored.uid;
  return absl::OkStatus();
}

std::vector<std::string> ExpandFolders(FileSystem& file_system,
                                       const std::vector<std::string>& paths,
                                       std::vector<std::string>* errors) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    const auto info = file_system.Stat(path);
    if (!info.ok()) {
      errors->push_back(Message(info.status()));
      continue;
    }
    if (!info->is_directory) {
      files.push_back(path);
      continue;
    }
    const auto names = file_system.List(path);
    if (!names.ok()) {
      errors->push_back(Message(names.status()));
      continue;
    }
    for (const std::string& name : *names) {
      if (name.ends_with(".json")) files.push_back(JoinPath(path, name));
    }
  }
  return files;
}

}  // namespace

absl::StatusOr<catalog::Dashboard> ReadDashboard(std::string_view json, std::string_view source) {
  if (json.size() > kDashboardBytesMax) {
    return InvalidArgument("{}: a dashboard of {} bytes exceeds the limit of {} bytes", source,
                           json.size(), kDashboardBytesMax);
  }
  const auto document = nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (document.is_discarded()) return InvalidArgument("{}: not valid JSON", source);
  if (!document.is_object()) return InvalidArgument("{}: a dashboard is a JSON object", source);
  const auto text = [&document](const char* key) -> std::string {
    const auto found = document.find(key);
    return found != document.end() && found->is_string() ? found->get<std::string>() : "";
  };
  catalog::Dashboard dashboard;
  dashboard.title = text("title");
  dashboard.uid = text("uid");
  if (dashboard.title.empty()) return InvalidArgument("{}: a dashboard needs a title", source);
  if (const auto tags = document.find("tags"); tags != document.end() && tags->is_array()) {
    for (const auto& tag : *tags) {
      if (tag.is_string()) dashboard.tags.push_back(tag.get<std::string>());
    }
  }
  dashboard.json = json;
  return dashboard;
}

std::vector<std::string> ProvisionDashboards(catalog::Catalog& catalog, FileSystem& file_system,
                                             std::string_view workspace,
                                             const std::vector<std::string>& paths,
                                             std::vector<std::string>* errors) {
  std::vector<std::string> uids;
  for (const std::string& file : ExpandFolders(file_system, paths, errors)) {
    std::string uid;
    const absl::Status status = ProvisionFile(catalog, file_system, workspace, file, &uid);
    if (status.ok()) {
      uids.push_back(uid);
    } else {
      errors->push_back(Message(status));
    }
  }
  return uids;
}

catalog::DataSource AmpDataSource(std::string_view workspace, std::string_view url,
                                  std::string_view region) {
  catalog::DataSource source;
  source.workspace = workspace;
  source.uid = "AMP";
  source.name = "Amazon Managed Prometheus";
  source.type = "prometheus";
  source.url = url;
  source.is_default = true;
  source.read_only = true;
  const nlohmann::ordered_json data = {{"httpMethod", "POST"},
                                       {"sigV4Auth", true},
                                       {"sigV4AuthType", "default"},
                                       {"sigV4Region", region}};
  source.json_data = data.dump();
  return source;
}

}  // namespace hearth::grafana
