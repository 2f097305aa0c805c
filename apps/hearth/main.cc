// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <string>

#include "commands.h"
#include "version.h"

int main(int argc, char** argv) {
  CLI::App app{
      "hearth: metrics store, PromQL, dashboards and collector behind AWS's and Prometheus' own "
      "interfaces",
      "hearth"};
  app.set_version_flag("--version", "hearth " + std::string(hearth::app::kVersion) + " (" +
                                        std::string(hearth::app::kRevision) + ")");
  app.require_subcommand(1);
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
