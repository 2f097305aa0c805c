// SPDX-License-Identifier: Apache-2.0
#include "process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>

#include "base/clock.h"
#include "version.h"

namespace hearth::app {
namespace {

double ResidentBytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) return 0;
  unsigned long total = 0;
  unsigned long resident = 0;
  const int read = std::fscanf(file, "%lu %lu", &total, &resident);
  std::fclose(file);
  return read == 2 ? static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGE_SIZE))
                   : 0;
}

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

void AddProcessMetrics(Registry& metrics) {
  static const int owner = 0;
  metrics.AddCallback(&owner, "process_resident_memory_bytes", "Resident memory size in bytes.",
                      false, {}, ResidentBytes);
  metrics.AddCallback(&owner, "process_cpu_seconds_total",
                      "Total user and system CPU time spent in seconds.", true, {}, CpuSeconds);
  metrics.AddGauge("process_start_time_seconds", "Start time of the process since unix epoch.", {})
      .Set(static_cast<double>(SystemClock().NowMs()) / 1000);
  metrics
      .AddGauge("hearth_build_info", "1; the labels say which hearth this is.",
                {{"version", std::string(kVersion)}, {"revision", std::string(kRevision)}})
      .Set(1);
}

}  // namespace hearth::app
