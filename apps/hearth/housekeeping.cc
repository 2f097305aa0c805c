// SPDX-License-Identifier: Apache-2.0
#include "housekeeping.h"

#include <algorithm>
#include <set>

#include "base/log.h"
#include "base/status.h"
#include "catalog/amp_workspaces.h"
#include "catalog/grafana_access.h"
#include "catalog/idempotency.h"
#include "catalog/sign_in_links.h"

namespace hearth::app {
namespace {

// A workspace that another process made is there before a client that polls asks again (§1.6 of the
// AWS contract: after 0.05, 0.3, 0.7, 1.5 s); two cheap reads a second.
constexpr int64_t kFollowEveryMs = 500;
// Rows past their life are invisible at once; this only gives their room back.
constexpr int64_t kPurgeEveryMs = int64_t{10} * 60 * 1000;
constexpr int kEventsAtOnce = 1000;

}  // namespace

void Housekeeping::Start() {
  thread_ = Thread("housekeeping", [this] { Run(); });
}

void Housekeeping::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.Join();
}

void Housekeeping::Run() {
  // Only a PostgreSQL is shared; an SQLite file belongs to the process that locked its directory.
  const bool follows = catalog_.is_postgresql();
  int64_t purge_at_ns = clock_.MonotonicNs();
  absl::MutexLock lock(&mutex_);
  while (!stopping_) {
    mutex_.Unlock();
    if (clock_.MonotonicNs() >= purge_at_ns) {
      Purge();
      purge_at_ns = clock_.MonotonicNs() + kPurgeEveryMs * 1'000'000;
    }
    if (follows) Follow();
    mutex_.Lock();
    int64_t next_ns = purge_at_ns;
    if (follows) next_ns = std::min(next_ns, clock_.MonotonicNs() + kFollowEveryMs * 1'000'000);
    if (clock_.WaitUntil(mutex_, absl::Condition(&stopping_), next_ns)) return;
  }
}

void Housekeeping::Purge() {
  const auto purged = catalog_.Write([](catalog::Transaction& t) -> absl::StatusOr<int64_t> {
    TRY_ASSIGN(const int64_t tokens, catalog::PurgeGrafanaTokens(t));
    TRY_ASSIGN(const int64_t results, catalog::PurgeIdempotentResults(t));
    TRY_ASSIGN(const int64_t links, catalog::PurgeSignInLinks(t));
    return tokens + results + links;
  });
  if (!purged.ok()) {
    log::Warn("catalog", "rows past their life stay until the next attempt",
              {{"error", Message(purged.status())}});
  }
}

void Housekeeping::Follow() {
  const auto last = catalog_.LastEvent();
  if (!last.ok() || *last == seen_) return;  // an unreachable catalog is said by whoever needs it
  bool concerned = *last - seen_ > kEventsAtOnce;
  if (!concerned) {
    const auto events = catalog_.EventsSince(seen_, kEventsAtOnce);
    if (!events.ok()) return;
    concerned = std::any_of(events->begin(), events->end(), [](const catalog::Event& event) {
      return event.kind.starts_with("amp_");
    });
  }
  if (concerned && !Reconcile()) return;
  seen_ = *last;
}

bool Housekeeping::Reconcile() {
  // What is open is read first: a row that is missing in the later snapshot was deleted, since a
  // store is opened after its row was committed.
  const auto open = workspaces_.All();
  const auto rows = catalog_.Read(
      [](catalog::Reader& reader) -> absl::StatusOr<std::vector<workspace::Settings>> {
        std::vector<workspace::Settings> all;
        TRY_ASSIGN(const auto found, catalog::AllAmpWorkspaces(reader));
        for (const catalog::AmpWorkspace& row : found) {
          TRY_ASSIGN(workspace::Settings settings, workspace::LoadSettings(reader, row.id));
          all.push_back(std::move(settings));
        }
        return all;
      });
  if (!rows.ok()) return false;
  std::set<std::string> wanted;
  for (const workspace::Settings& settings : *rows) {
    wanted.insert(settings.row.id);
    const absl::Status status = workspaces_.Add(settings.row);
    if (!status.ok()) {
      log::Error("workspace", "made by another process, but does not open here",
                 {{"workspace", settings.row.id}, {"error", Message(status)}});
    }
    workspaces_.Configure(settings);
    workspaces_.ReloadRuleNamespaces(settings.row.id).IgnoreError();  // not open: said above
  }
  for (const auto& workspace : open) {
    if (wanted.contains(std::string(workspace->id()))) continue;
    const absl::Status status = workspaces_.Remove(workspace->id());
    if (!status.ok() && !absl::IsNotFound(status)) {
      log::Error("workspace", "files of a deleted workspace remain",
                 {{"workspace", workspace->id()}, {"error", Message(status)}});
    }
  }
  return true;
}

}  // namespace hearth::app
