// SPDX-License-Identifier: Apache-2.0
#include "net/head_scanner.h"

namespace hearth::net {

HeadScanner::State HeadScanner::Scan(std::string_view bytes) {
  if (scanned_ == 0 && !bytes.empty() && bytes[0] == '\x16') {
    return Bad(
        "this port speaks plain HTTP, and a TLS handshake came; use http://, or the TLS port");
  }
  while (true) {
    const size_t end = bytes.find('\n', scanned_);
    const std::string_view fresh = bytes.substr(scanned_, end - scanned_);
    if (fresh.find('\0') != std::string_view::npos) return Bad("a NUL byte in the request head");
    if (line_start_ > 0 && bytes.size() > line_start_ &&
        (bytes[line_start_] == ' ' || bytes[line_start_] == '\t')) {
      return Bad("a folded header line (obsolete since RFC 7230)");
    }
    if (end == std::string_view::npos) {
      scanned_ = bytes.size();
      return State::kMore;
    }
    if (end == line_start_ || bytes[end - 1] != '\r') {
      return Bad("a line that ends with LF alone, where HTTP wants CR LF");
    }
    const std::string_view line = bytes.substr(line_start_, end - 1 - line_start_);
    if (line.find('\r') != std::string_view::npos) {
      return Bad("a CR inside a line of the request head");
    }
    const bool first = line_start_ == 0;
    if (first && line.starts_with("PRI * HTTP/2")) {
      return Bad("HTTP/2 is not served here; use HTTP/1.1");
    }
    line_start_ = scanned_ = end + 1;
    if (line.empty()) {
      head_size_ = end + 1;
      return State::kComplete;
    }
  }
}

}  // namespace hearth::net
