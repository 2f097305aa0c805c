// SPDX-License-Identifier: Apache-2.0
// What a merge holds in memory, counted allocation by allocation.
#include "tsdb/compaction.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "tsdb/test_store.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HEARTH_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HEARTH_SANITIZED 1
#endif
#endif

namespace {

std::atomic<int64_t> live_bytes{0};
std::atomic<int64_t> peak_bytes{0};

void Count(int64_t bytes) {
  const int64_t live = live_bytes.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  int64_t peak = peak_bytes.load(std::memory_order_relaxed);
  while (live > peak && !peak_bytes.compare_exchange_weak(peak, live)) {
  }
}

}  // namespace

// Of the whole program; only this file looks at what is counted.
#ifdef HEARTH_SANITIZED
// sanitizer/allocator_interface.h, which compilers do not always bring.
extern "C" {
int __sanitizer_install_malloc_and_free_hooks(void (*malloc_hook)(const volatile void* memory,
                                                                  size_t size),
                                              void (*free_hook)(const volatile void* memory));
size_t __sanitizer_get_allocated_size(const volatile void* memory);
}
const int hooks_installed = __sanitizer_install_malloc_and_free_hooks(
    [](const volatile void* /*memory*/, size_t size) { Count(static_cast<int64_t>(size)); },
    [](const volatile void* memory) {
      if (memory == nullptr) return;
      Count(-static_cast<int64_t>(__sanitizer_get_allocated_size(memory)));
    });
#else
const int hooks_installed = 1;
__attribute__((noinline)) void* operator new(size_t size) {
  void* const memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) std::abort();
  Count(static_cast<int64_t>(malloc_usable_size(memory)));
  return memory;
}
__attribute__((noinline)) void operator delete(void* memory) noexcept {
  if (memory != nullptr) Count(-static_cast<int64_t>(malloc_usable_size(memory)));
  std::free(memory);
}
__attribute__((noinline)) void operator delete(void* memory, size_t) noexcept {
  operator delete(memory);
}
#endif

namespace hearth::tsdb {
namespace {

constexpr int64_t kMinuteMs = 60'000;

// One block of many series, most of whose labels no other series has.
void WriteBlock(TestStore* store, int64_t time_ms, size_t series) {
  storage::WriteBatch batch;
  for (size_t i = 0; i < series; ++i) {
    batch.AddSeries(
        model::Labels{{"__name__", "x"}, {"pod", fmt::format("pod-of-some-name-{:08}", i)}});
    batch.AddSample(TestStore::kStartMs + time_ms, static_cast<double>(i));
  }
  ASSERT_TRUE(store->db().Commit(batch, {}).ok());
  ASSERT_TRUE(store->db().Seal().ok());
}

TEST(Merge, HoldsNoMoreThanItsBound) {
  ASSERT_GT(hooks_installed, 0);
  Options options;
  options.block_cache_bytes = 1;
  TestStore store(options);
  constexpr size_t kSeries = 60'000;
  for (int i = 0; i < 6; ++i) {
    store.manual_clock().Advance(10 * kMinuteMs);
    WriteBlock(&store, (i + 1) * 10 * kMinuteMs, kSeries);
  }
  ASSERT_EQ(store.db().stats().blocks, 6U);
  store.manual_clock().Advance(4 * 60 * kMinuteMs);
  const int64_t before = live_bytes;
  ASSERT_GT(before, 0);
  peak_bytes = before;
  ASSERT_TRUE(store.db().Compact().ok());
  EXPECT_LT(store.db().stats().blocks, 6U);
  EXPECT_EQ(store.db().stats().block_samples, 6 * kSeries);
  EXPECT_LT(peak_bytes - before, static_cast<int64_t>(kMergeMemoryMax));
}

}  // namespace
}  // namespace hearth::tsdb
