// SPDX-License-Identifier: Apache-2.0
// What nobody asks for and has to happen: rows that are past their life leave the catalog, and what
// another process on the same catalog did to AMP workspaces reaches this one.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <cstdint>

#include "base/clock.h"
#include "base/threads.h"
#include "catalog/catalog.h"
#include "workspace/manager.h"

namespace hearth::app {

class Housekeeping {
 public:
  // `seen` is the catalog's last event before the workspaces were opened. All must outlive it.
  Housekeeping(catalog::Catalog& catalog, workspace::Manager& workspaces, const Clock& clock,
               int64_t seen)
      : catalog_(catalog), workspaces_(workspaces), clock_(clock), seen_(seen) {}
  ~Housekeeping() { Stop(); }

  void Start();
  void Stop();

 private:
  void Run();
  void Purge();
  void Follow();
  bool Reconcile();  // false: the catalog could not be read

  catalog::Catalog& catalog_;
  workspace::Manager& workspaces_;
  const Clock& clock_;
  int64_t seen_;  // of its thread
  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  Thread thread_;
};

}  // namespace hearth::app
