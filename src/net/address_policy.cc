// SPDX-License-Identifier: Apache-2.0
#include "net/address_policy.h"

#include <arpa/inet.h>

#include <algorithm>

#include "base/status.h"
#include "base/text.h"

namespace hearth::net {
namespace {

constexpr int kMappedBits = 96;  // ::ffff:0:0/96 holds IPv4

std::vector<IpRange> Ranges(std::initializer_list<std::string_view> texts) {
  std::vector<IpRange> ranges;
  for (const std::string_view text : texts) ranges.push_back(*ParseIpRange(text));
  return ranges;
}

// An IPv6 form that carries an IPv4 address to where it is routed as such: NAT64 (RFC 6052) and
// IPv4-compatible addresses. Judged by what they carry.
IpBytes Unwrap(const IpBytes& ip) {
  static const IpRange nat64 = *ParseIpRange("64:ff9b::/96");
  static const IpRange compatible = *ParseIpRange("::/96");
  static const IpRange loopback_or_any = *ParseIpRange("::/127");
  if (loopback_or_any.Contains(ip) || (!nat64.Contains(ip) && !compatible.Contains(ip))) return ip;
  IpBytes mapped{};
  mapped[10] = mapped[11] = 0xff;
  std::copy(ip.begin() + 12, ip.end(), mapped.begin() + 12);
  return mapped;
}

bool AnyContains(const std::vector<IpRange>& ranges, const IpBytes& ip) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](const IpRange& range) { return range.Contains(ip); });
}

}  // namespace

absl::StatusOr<IpBytes> ParseIp(std::string_view text) {
  const std::string copy(text);
  IpBytes ip{};
  if (::inet_pton(AF_INET6, copy.c_str(), ip.data()) == 1) return ip;
  in_addr v4{};
  if (::inet_pton(AF_INET, copy.c_str(), &v4) != 1) {
    return InvalidArgument("\"{}\" is not an IP address", text);
  }
  ip = {};
  ip[10] = ip[11] = 0xff;
  const auto* bytes = reinterpret_cast<const uint8_t*>(&v4);
  std::copy(bytes, bytes + 4, ip.begin() + 12);
  return ip;
}

bool IpRange::Contains(const IpBytes& ip) const {
  const size_t whole = static_cast<size_t>(prefix_bits) / 8;
  if (!std::equal(ip.begin(), ip.begin() + static_cast<ptrdiff_t>(whole), address.begin())) {
    return false;
  }
  const int rest = prefix_bits % 8;
  if (rest == 0) return true;
  const int mask = 0xff00 >> rest;
  return ((ip[whole] ^ address[whole]) & mask & 0xff) == 0;
}

absl::StatusOr<IpRange> ParseIpRange(std::string_view text) {
  IpRange range;
  const size_t slash = text.find('/');
  const std::string_view address = text.substr(0, slash);
  TRY_ASSIGN(range.address, ParseIp(address));
  if (slash == std::string_view::npos) return range;
  const bool v4 = address.find(':') == std::string_view::npos;
  int64_t bits = 0;
  if (!ParseInt64(text.substr(slash + 1), &bits) || bits < 0 || bits > (v4 ? 32 : 128)) {
    return InvalidArgument("\"{}\" is not an address range: the prefix must be 0 to {}", text,
                           v4 ? 32 : 128);
  }
  range.prefix_bits = static_cast<int>(bits) + (v4 ? kMappedBits : 0);
  return range;
}

bool AddressPolicy::Allows(const IpBytes& raw) const {
  static const std::vector<IpRange> link_local =
      Ranges({"169.254.0.0/16", "fe80::/10", "fd00:ec2::254", "0.0.0.0/8", "::", "224.0.0.0/4",
              "ff00::/8", "255.255.255.255", "100.100.100.200", "168.63.129.16"});
  static const std::vector<IpRange> loopback = Ranges({"127.0.0.0/8", "::1"});
  static const std::vector<IpRange> private_use =
      Ranges({"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"});
  const IpBytes ip = Unwrap(raw);
  if (AnyContains(denied, ip)) return false;
  if (AnyContains(allowed, ip)) return true;
  if (deny_link_local && AnyContains(link_local, ip)) return false;
  if (deny_loopback && AnyContains(loopback, ip)) return false;
  return !(deny_private && AnyContains(private_use, ip));
}

}  // namespace hearth::net
