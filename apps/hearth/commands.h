// SPDX-License-Identifier: Apache-2.0
// The subcommands of `hearth`. Each adds itself to the parser and says with `*exit_code` how it
// ended; what failed and what to do is on standard error.
#pragma once

namespace CLI {
class App;
}

namespace hearth::app {

void AddServeCommand(CLI::App& app, int* exit_code);
void AddLoginCommand(CLI::App& app, int* exit_code);
void AddCheckCommand(CLI::App& app, int* exit_code);
void AddCheckRules(CLI::App& check, int* exit_code);  // a part of `check`
void AddTestCommand(CLI::App& app, int* exit_code);
void AddQueryCommand(CLI::App& app, int* exit_code);
void AddWhoamiCommand(CLI::App& app, int* exit_code);
void AddClusterCommand(CLI::App& app, int* exit_code);
void AddImportCommand(CLI::App& app, int* exit_code);
void AddExportCommand(CLI::App& app, int* exit_code);
void AddSnapshotCommand(CLI::App& app, int* exit_code);

}  // namespace hearth::app
