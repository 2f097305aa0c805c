// SPDX-License-Identifier: Apache-2.0
// Sizes and file patterns as Prometheus writes them.
#include <fmt/core.h>
#include <fnmatch.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/status.h"
#include "base/text.h"
#include "scrape/config.h"

namespace hearth::scrape {
namespace {

using model::QuoteGo;

absl::Status NoSize(std::string_view text) {
  return InvalidArgument(
      "{} is no size; allowed are numbers with B, KB, MB, GB, TB (or KiB, …), "
      "as 15MB",
      QuoteGo(text));
}

void AddFiles(const HttpConfig& http, std::vector<std::string>* files) {
  for (const std::string* file : {&http.username_file, &http.password_file, &http.credentials_file,
                                  &http.tls.ca_file, &http.tls.cert_file, &http.tls.key_file}) {
    if (!file->empty()) files->push_back(*file);
  }
  for (const auto& [name, file] : http.header_files) files->push_back(file);
}

}  // namespace

std::vector<std::string> ReferencedFiles(const HttpConfig& http) {
  std::vector<std::string> files;
  AddFiles(http, &files);
  return files;
}

std::vector<std::string> ReferencedFiles(const std::vector<JobConfig>& jobs) {
  std::vector<std::string> files;
  for (const JobConfig& job : jobs) {
    AddFiles(job.http, &files);
    for (const FileDiscovery& discovery : job.file_discovery) {
      files.insert(files.end(), discovery.files.begin(), discovery.files.end());
    }
    for (const HttpDiscovery& discovery : job.http_discovery) AddFiles(discovery.http, &files);
    for (const KubernetesDiscovery& discovery : job.kubernetes_discovery) {
      AddFiles(discovery.http, &files);
      if (!discovery.kubeconfig_file.empty()) files.push_back(discovery.kubeconfig_file);
    }
  }
  return files;
}

absl::StatusOr<uint64_t> ParseSizeBytes(std::string_view text) {
  if (text == "0") return 0;
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  std::string_view unit(at, static_cast<size_t>(end - at));
  if (error != std::errc() || !(number >= 0) || !unit.ends_with('B')) return NoSize(text);
  unit.remove_suffix(1);
  if (unit.size() == 2 && unit[1] == 'i') unit.remove_suffix(1);
  if (unit.size() > 1) return NoSize(text);
  constexpr std::string_view kPrefixes = "KMGTPE";
  const size_t power = unit.empty() ? 0 : kPrefixes.find(unit[0]) + 1;
  if (!unit.empty() && power == 0) return NoSize(text);
  const double bytes = std::ldexp(number, static_cast<int>(10 * power));
  if (bytes >= 0x1p63) return InvalidArgument("size {} is out of range", QuoteGo(text));
  return static_cast<uint64_t>(bytes);
}

absl::StatusOr<std::vector<std::string>> Glob(FileSystem& file_system, std::string_view pattern) {
  std::vector<std::string> found = {pattern.starts_with('/') ? "/" : ""};
  for (const std::string_view part : Split(pattern, '/')) {
    if (part.empty()) continue;
    std::vector<std::string> next;
    const bool wild = part.find_first_of("*?[") != std::string_view::npos;
    for (const std::string& folder : found) {
      if (!wild) {
        next.push_back(folder.empty() ? std::string(part) : JoinPath(folder, part));
        continue;
      }
      const auto names = file_system.List(folder.empty() ? "." : folder);
      if (!names.ok()) continue;  // no such folder: nothing matches, as in Go
      for (const std::string& name : *names) {
        if (fnmatch(std::string(part).c_str(), name.c_str(), FNM_PERIOD) == 0) {
          next.push_back(folder.empty() ? name : JoinPath(folder, name));
        }
      }
    }
    found = std::move(next);
  }
  std::erase_if(found, [&](const std::string& path) { return !file_system.Exists(path); });
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace hearth::scrape
