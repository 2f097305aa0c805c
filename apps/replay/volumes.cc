// SPDX-License-Identifier: Apache-2.0
#include "volumes.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>
#include <numbers>
#include <string_view>

namespace hearth::replay {
namespace {

struct Claim {
  std::string_view space;
  std::string_view name;
  double capacity_bytes;
  double used_share;   // Around which it moves.
  double swing_share;  // How far it moves, up and down.
  double period_s;
};

constexpr double kGiB = 1024.0 * 1024 * 1024;
constexpr Claim kClaims[] = {
    {"shop", "orders-db-0", 20 * kGiB, 0.62, 0.05, 900},
    {"shop", "cart-cache-0", 4 * kGiB, 0.38, 0.12, 420},
    {"observability", "traces-0", 50 * kGiB, 0.78, 0.07, 1500},
    {"observability", "logs-0", 100 * kGiB, 0.51, 0.04, 2400},
};

double UsedShare(const Claim& claim, int64_t elapsed_ms) {
  const double turn = static_cast<double>(elapsed_ms) / 1000 / claim.period_s;
  return claim.used_share + claim.swing_share * std::sin(2 * std::numbers::pi * turn);
}

}  // namespace

std::string RenderSimulatedVolumes(int64_t elapsed_ms) {
  std::string out =
      "# Simulated by replay, not recorded: kubelet_volume_stats_used_bytes and\n"
      "# kubelet_volume_stats_capacity_bytes.\n"
      "# HELP kubelet_volume_stats_used_bytes Bytes used in the volume (simulated)\n"
      "# TYPE kubelet_volume_stats_used_bytes gauge\n";
  const auto line = [&out](std::string_view metric, const Claim& claim, double value) {
    fmt::format_to(std::back_inserter(out),
                   "{}{{namespace=\"{}\",persistentvolumeclaim=\"{}\"}} {:.0f}\n", metric,
                   claim.space, claim.name, value);
  };
  for (const Claim& claim : kClaims) {
    const double used = claim.capacity_bytes * UsedShare(claim, elapsed_ms);
    line("kubelet_volume_stats_used_bytes", claim, used);
  }
  out +=
      "# HELP kubelet_volume_stats_capacity_bytes Capacity of the volume in bytes (simulated)\n"
      "# TYPE kubelet_volume_stats_capacity_bytes gauge\n";
  for (const Claim& claim : kClaims) {
    line("kubelet_volume_stats_capacity_bytes", claim, claim.capacity_bytes);
  }
  return out;
}

}  // namespace hearth::replay
