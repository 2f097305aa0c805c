// SPDX-License-Identifier: Apache-2.0
// promql_conformance [-v] [FILE…]: runs Prometheus' .test files and prints passed/total of each.
// Without files: our own (src/promql/testdata, from the repository's folder), and Prometheus' in
// $HEARTH_PROMQLTEST_DIR, else ../shared/data/promqltest, where these are there. Exit 1 on a miss,
// or where a folder that was named holds no file.
#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/status.h"
#include "promql/test_script.h"

namespace {

std::vector<std::string> FilesOf(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".test") files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// False where a folder that was asked for by name has none.
bool DefaultFiles(std::vector<std::string>* files) {
  *files = FilesOf("src/promql/testdata");
  const char* const configured = std::getenv("HEARTH_PROMQLTEST_DIR");
  const std::string folder = configured != nullptr ? configured : "../shared/data/promqltest";
  const std::vector<std::string> upstream = FilesOf(folder);
  if (upstream.empty()) fmt::print("no .test files in {}\n", folder);
  files->insert(files->end(), upstream.begin(), upstream.end());
  return configured == nullptr || !upstream.empty();
}

}  // namespace

int main(int argc, char** argv) {
  bool verbose = false;
  std::vector<std::string> files;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "-v") {
      verbose = true;
    } else {
      files.emplace_back(argv[i]);
    }
  }
  const bool complete = !files.empty() || DefaultFiles(&files);
  const hearth::promql::Engine engine = hearth::promql::MakeTestEngine();
  size_t passed = 0;
  size_t total = 0;
  for (const std::string& file : files) {
    const auto text = hearth::RealFileSystem().ReadFile(file);
    const auto result = text.ok() ? hearth::promql::RunTestScript(*text, engine)
                                  : absl::StatusOr<hearth::promql::ScriptResult>(text.status());
    const std::string name = std::filesystem::path(file).filename().string();
    if (!result.ok()) {
      fmt::print("{:32} broken: {}\n", name, hearth::Message(result.status()));
      ++total;
      continue;
    }
    fmt::print("{:32} {}/{}\n", name, result->passed, result->total);
    if (verbose) {
      for (const std::string& failure : result->failures) fmt::print("  {}\n", failure);
    }
    passed += result->passed;
    total += result->total;
  }
  fmt::print("{:32} {}/{}, {} files\n", "all", passed, total, files.size());
  return complete && passed == total && total > 0 ? 0 : 1;
}
