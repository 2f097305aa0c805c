// SPDX-License-Identifier: Apache-2.0
// hearth check config|rules|dashboards FILE…: 0 when all are good, 1 when one is not, as promtool.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <functional>
#include <memory>

#include "base/file_system.h"
#include "base/status.h"
#include "commands.h"
#include "grafana/provision.h"
#include "scrape/config.h"

namespace hearth::app {
namespace {

// Prints findings; true where the file is good.
using Check = std::function<bool(const std::string& path)>;

bool CheckConfigFile(const std::string& path) {
  const scrape::ConfigFindings findings = scrape::CheckConfig(RealFileSystem(), path);
  for (const std::string& line : findings.lines) std::printf("%s\n", line.c_str());
  return findings.ok;
}

bool CheckDashboardFile(const std::string& path) {
  const auto text = RealFileSystem().ReadFile(path);
  const auto dashboard = text.ok() ? grafana::ReadDashboard(*text, path)
                                   : absl::StatusOr<catalog::Dashboard>(text.status());
  if (!dashboard.ok()) {
    std::printf("%s\n", Message(dashboard.status()).c_str());
    return false;
  }
  std::printf("%s: good, \"%s\"\n", path.c_str(), dashboard->title.c_str());
  return true;
}

void AddKind(CLI::App& check, const std::string& name, const std::string& help, Check body,
             int* exit_code) {
  auto files = std::make_shared<std::vector<std::string>>();
  CLI::App* command = check.add_subcommand(name, help);
  command->add_option("FILE", *files, "files to check")->required();
  command->callback([files, body = std::move(body), exit_code] {
    for (const std::string& file : *files) {
      if (!body(file)) *exit_code = 1;
    }
  });
}

}  // namespace

void AddCheckCommand(CLI::App& app, int* exit_code) {
  CLI::App* check = app.add_subcommand("check", "check files, as promtool check does");
  check->require_subcommand(1);
  AddKind(*check, "config", "a hearth.yaml or prometheus.yml", CheckConfigFile, exit_code);
  AddCheckRules(*check, exit_code);
  AddKind(*check, "dashboards", "Grafana dashboards (JSON)", CheckDashboardFile, exit_code);
}

}  // namespace hearth::app
