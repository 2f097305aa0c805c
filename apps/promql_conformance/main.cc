// SPDX-License-Identifier: Apache-2.0
// promql_conformance [-v] [FILE…]: runs Prometheus' .test files and prints passed/total of each.
// Without files: those of $HEARTH_PROMQLTEST_DIR, else of ../shared/data/promqltest. Exit 1 on a
// miss.
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

std::vector<std::string> DefaultFiles() {
  const char* const configured = std::getenv("HEARTH_PROMQLTEST_DIR");
  const std::string folder = configured != nullptr ? configured : "../shared/data/promqltest";
  std::vector<std::string> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".test") files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
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
  if (files.empty()) files = DefaultFiles();
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
  fmt::print("{:32} {}/{}\n", "all", passed, total);
  return passed == total ? 0 : 1;
}
