// SPDX-License-Identifier: Apache-2.0
#include <absl/synchronization/mutex.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "base/log.h"
#include "base/status.h"
#include "commands.h"
#include "flags.h"
#include "server.h"
#include "version.h"

namespace hearth::app {
namespace {

// Blocked in every thread (inherited from here), taken by sigwait: no handler ever runs.
sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return signals;
}

// Every store has a log open, every connection is a file: as many as this process may have at all.
void AllowManyFiles() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
    log::Warn("serve", "the limit on open files cannot be raised", {{"limit", limit.rlim_cur}});
  }
}

int Serve(const ServeFlags& flags) {
  const sigset_t signals = BlockSignals();
  AllowManyFiles();
  auto settings = CheckFlags(flags);
  if (!settings.ok()) {
    std::fprintf(stderr, "hearth serve: %s\n", Message(settings.status()).c_str());
    return 2;
  }
  log::Configure(settings->log_level, settings->log_format);
  // Distributions build Abseil with its check of the order of locks, which costs at each of them;
  // the tests, which keep it, are where that is checked.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  if (!settings->auth) {
    log::Warn("serve", "AUTHENTICATION IS OFF: everybody on this machine is root (--auth off)");
  }
  log::Info("serve", "starting", {{"version", kVersion}, {"data", flags.data}});
  Server server(*std::move(settings));
  if (const absl::Status status = server.Start(); !status.ok()) {
    std::fprintf(stderr, "hearth serve: %s\n", Message(status).c_str());
    return 1;
  }
  if (!server.sign_in_url().empty()) {
    std::printf("sign in: %s\n", server.sign_in_url().c_str());
  }
  std::printf("hearth is ready: %s %s\n", server.http_url().c_str(), server.https_url().c_str());
  std::fflush(stdout);
  for (;;) {
    int signal = 0;
    if (sigwait(&signals, &signal) != 0) continue;
    if (signal != SIGHUP) {
      log::Info("serve", "stopping", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
      break;
    }
    server.Reload();
  }
  server.Stop();
  log::Info("serve", "stopped");
  return 0;
}

}  // namespace

void AddServeCommand(CLI::App& app, int* exit_code) {
  auto flags = std::make_shared<ServeFlags>();
  CLI::App* command = app.add_subcommand(
      "serve", "run everything: AWS faces, stores, dashboards, embedded collector");
  AddServeFlags(*command, flags.get());
  command->callback([flags, exit_code] { *exit_code = Serve(*flags); });
}

}  // namespace hearth::app
