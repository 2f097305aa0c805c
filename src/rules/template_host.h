// SPDX-License-Identifier: Apache-2.0
// Hosts and links as Go's net package and Prometheus' strutil read and write them. Thread-safe.
#pragma once

#include <string>
#include <string_view>

namespace hearth::rules {

// net.SplitHostPort: "host:port", "[v6]:port"; false for anything else.
bool SplitHostPort(std::string_view text, std::string* host, std::string* port);
// True for IPv4 and IPv6 addresses (net.ParseIP).
bool IsIpAddress(const std::string& text);
// "/graph?g0.expr=…&g0.tab=1": Prometheus' link to a query's table.
std::string TableLinkFor(std::string_view expression);

}  // namespace hearth::rules
