// SPDX-License-Identifier: Apache-2.0
// Which addresses a client may connect to. Judged on the resolved address when the socket is
// opened, so that a name which resolves differently the second time gains nothing (DNS rebinding).
#pragma once

#include <absl/status/statusor.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::net {

// An IPv4 (as ::ffff:a.b.c.d) or IPv6 address in network order.
using IpBytes = std::array<uint8_t, 16>;

absl::StatusOr<IpBytes> ParseIp(std::string_view text);

// "10.0.0.0/8", "fd00::/8", or one address.
struct IpRange {
  IpBytes address{};
  int prefix_bits = 128;  // in the 128-bit form: an IPv4 /8 is 104
  bool Contains(const IpBytes& ip) const;
};
absl::StatusOr<IpRange> ParseIpRange(std::string_view text);

// Immutable after set-up; thread-safe.
struct AddressPolicy {
  // Link-local (169.254/16 with the cloud metadata services, fe80::/10), fd00:ec2::254, multicast,
  // 0.0.0.0/8, broadcast and two metadata services that are not link-local (Alibaba's
  // 100.100.100.200, Azure's 168.63.129.16) are denied unless `allowed` names them.
  bool deny_link_local = true;
  bool deny_loopback = false;
  bool deny_private = false;     // RFC 1918, RFC 6598, fc00::/7
  std::vector<IpRange> allowed;  // these are always let through
  std::vector<IpRange> denied;   // these never, `allowed` or not

  bool Allows(const IpBytes& ip) const;
};

}  // namespace hearth::net
