// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <string>

#include "commands.h"
#include "version.h"

namespace {

// What is wrong, what there is, and where more is said: of the command that was meant.
std::string Failure(const CLI::App* app, const CLI::Error& error) {
  std::string command = app->get_name();
  for (auto named = app->get_subcommands(); !named.empty(); named = app->get_subcommands()) {
    app = named.front();
    command += " " + app->get_name();
  }
  std::string there_are;
  const bool one_is_missing = dynamic_cast<const CLI::RequiredError*>(&error) != nullptr;
  for (const CLI::App* one : app->get_subcommands([](const CLI::App*) { return true; })) {
    if (one_is_missing) there_are += (there_are.empty() ? ": " : ", ") + one->get_name();
  }
  return command + ": " + error.what() + there_are + "\nRun `" + command +
         " --help` for more information.\n";
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "hearth: metrics store, PromQL, dashboards and collector behind AWS's and Prometheus' own "
      "interfaces",
      "hearth"};
  app.set_version_flag("--version", "hearth " + std::string(hearth::app::kVersion) + " (" +
                                        std::string(hearth::app::kRevision) + ")");
  app.require_subcommand(1);
  app.failure_message(Failure);
  int exit_code = 0;
  hearth::app::AddServeCommand(app, &exit_code);
  hearth::app::AddLoginCommand(app, &exit_code);
  hearth::app::AddCheckCommand(app, &exit_code);
  hearth::app::AddTestCommand(app, &exit_code);
  hearth::app::AddQueryCommand(app, &exit_code);
  hearth::app::AddWhoamiCommand(app, &exit_code);
  hearth::app::AddClusterCommand(app, &exit_code);
  hearth::app::AddImportCommand(app, &exit_code);
  hearth::app::AddExportCommand(app, &exit_code);
  hearth::app::AddSnapshotCommand(app, &exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // 0 for --help; everything else is a wrong command line, which is 2 by custom.
    return app.exit(error) == 0 ? 0 : 2;
  }
  return exit_code;
}
