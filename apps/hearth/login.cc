// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "base/status.h"
#include "commands.h"
#include "first_start.h"

namespace hearth::app {
namespace {

absl::StatusOr<std::string> Login(const ServeFlags& flags) {
  FileSystem& file_system = RealFileSystem();
  const auto url = ReadEndpointUrl(file_system, flags.data);
  // A server that runs holds the lock, so that we cannot have it.
  const bool running = url.ok() && absl::IsFailedPrecondition(
                                       file_system.Lock(JoinPath(flags.data, "lock")).status());
  if (url.ok() && !running) {
    return NotFound(
        "no server runs on --data {}: a link would lead nowhere. Start `hearth serve "
        "--data {}` first",
        flags.data, flags.data);
  }
  if (!url.ok()) {
    return NotFound(
        "no server has been started on --data {} ({}). Start `hearth serve --data {}` "
        "first",
        flags.data, Message(url.status()), flags.data);
  }
  catalog::Catalog::Options options;
  options.url = CatalogUrl(flags.data, flags.catalog);
  TRY_ASSIGN(auto catalog, catalog::Catalog::Open(options, SystemClock(), SystemRng()));
  return NewSignInUrl(*catalog, flags, *url);
}

}  // namespace

void AddLoginCommand(CLI::App& app, int* exit_code) {
  auto flags = std::make_shared<ServeFlags>();
  CLI::App* command = app.add_subcommand(
      "login", "print a sign-in link for a running server; it works once and for 15 minutes");
  command->add_option("--data", flags->data, "the server's data directory")
      ->envname("HEARTH_DATA")
      ->capture_default_str();
  command->add_option("--catalog", flags->catalog, "the server's --catalog, if it has one")
      ->envname("HEARTH_CATALOG");
  command->add_option("--account", flags->account, "the server's --account")
      ->envname("HEARTH_ACCOUNT")
      ->capture_default_str();
  command->callback([flags, exit_code] {
    const auto link = Login(*flags);
    if (link.ok()) {
      std::printf("%s\n", link->c_str());
      return;
    }
    std::fprintf(stderr, "hearth login: %s\n", Message(link.status()).c_str());
    *exit_code = 1;
  });
}

}  // namespace hearth::app
