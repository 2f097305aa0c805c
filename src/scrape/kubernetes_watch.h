// SPDX-License-Identifier: Apache-2.0
// One list of a Kubernetes API server, kept up to date: read page by page, then watched from its
// resourceVersion on (Kubernetes API concepts, "Efficient detection of changes"). A watch that ends
// is begun again where it was; what the server has forgotten (410 Gone) is listed again; failures
// are retried with growing pauses. What was found last stays meanwhile.
//
// Nothing here waits: Poll does what can be done, exchanges go on between polls. Thread-safe.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/functional/function_ref.h>
#include <absl/synchronization/mutex.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/metrics.h"
#include "scrape/fetcher.h"
#include "scrape/kubernetes_objects.h"

namespace hearth::scrape {

// Where a pod finds what it shows to its cluster's API server, and by which name it calls it.
inline constexpr std::string_view kServiceAccountToken =
    "/var/run/secrets/kubernetes.io/serviceaccount/token";
inline constexpr std::string_view kServiceAccountCa =
    "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt";
inline constexpr std::string_view kApiServerName = "kubernetes.default.svc";

// How to reach an API server.
struct KubernetesAccess {
  std::string api_server;  // URL
  HttpConfig http;
  std::string own_namespace;  // "" where it is not known
  friend bool operator==(const KubernetesAccess&, const KubernetesAccess&) = default;
};

struct KubeMetrics {
  explicit KubeMetrics(Registry& registry);
  Counter& events;
  Counter& lists;
  Counter& watches;
  Counter& failures;
};

struct KubeWatchOptions {
  KubernetesAccess access;
  KubeResource resource = KubeResource::kPods;
  std::string name_space;      // "" for all
  std::string label_selector;  // "" for none
  std::string field_selector;
  // Of a page, or of an event. A page of the largest objects that etcd takes would be more; such
  // clusters do not exist.
  size_t unread_bytes_max = 256 << 20;
};

class KubeWatch {
 public:
  KubeWatch(KubeWatchOptions options, Fetcher& fetcher, KubeMetrics& metrics);

  // Takes in what has come and goes on. Cheap where nothing has.
  void Poll(int64_t now_ns) ABSL_LOCKS_EXCLUDED(mutex_);

  // Whether it has been listed once: what is not there is then known not to be there.
  bool synced() const ABSL_LOCKS_EXCLUDED(mutex_);
  // Grows with every change of the objects.
  uint64_t version() const ABSL_LOCKS_EXCLUDED(mutex_);
  std::shared_ptr<const KubeObject> Find(std::string_view key) const ABSL_LOCKS_EXCLUDED(mutex_);
  void ForEach(absl::FunctionRef<void(const std::string& key,
                                      const std::shared_ptr<const KubeObject>& object)>
                   visit) const ABSL_LOCKS_EXCLUDED(mutex_);
  // What went wrong last, "" while it works.
  std::string error() const ABSL_LOCKS_EXCLUDED(mutex_);
  KubeResource resource() const { return options_.resource; }
  std::string path() const { return KubePath(options_.resource, options_.name_space); }

  // Objects of one list; a cluster has 150,000 pods at most.
  static constexpr size_t kObjectsMax = 300'000;

 private:
  enum class State { kPausing, kListing, kWatching };
  using Objects = std::map<std::string, std::shared_ptr<const KubeObject>, std::less<>>;

  void Begin(int64_t now_ns) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  FetchRequest RequestLocked(std::string query, int64_t timeout_ms)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TakePage(int64_t now_ns) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status AddPage(std::string_view text) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status TakeEvents() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status TakeEvent(std::string_view line) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void EndWatch(const absl::Status& broken, int64_t now_ns) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Fail(const absl::Status& status, int64_t now_ns) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Forget() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const KubeWatchOptions options_;
  Fetcher& fetcher_;
  KubeMetrics& metrics_;

  mutable absl::Mutex mutex_;
  State state_ ABSL_GUARDED_BY(mutex_) = State::kPausing;
  int64_t resume_ns_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t pause_ms_ ABSL_GUARDED_BY(mutex_) = 0;  // the next pause after a failure
  uint64_t turn_ ABSL_GUARDED_BY(mutex_) = 0;     // spreads pauses and lifetimes of watches
  std::unique_ptr<FetchStream> stream_ ABSL_GUARDED_BY(mutex_);
  std::string unread_ ABSL_GUARDED_BY(mutex_);
  std::string resource_version_ ABSL_GUARDED_BY(mutex_);  // "": a list comes first
  std::string continue_ ABSL_GUARDED_BY(mutex_);          // of the page that was read last
  Objects listed_ ABSL_GUARDED_BY(mutex_);                // pages of a list under way
  Objects objects_ ABSL_GUARDED_BY(mutex_);
  uint64_t version_ ABSL_GUARDED_BY(mutex_) = 0;
  bool synced_ ABSL_GUARDED_BY(mutex_) = false;
  std::string error_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace hearth::scrape
