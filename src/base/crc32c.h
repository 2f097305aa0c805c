// SPDX-License-Identifier: Apache-2.0
// CRC-32C (Castagnoli, RFC 3720 appendix B.4), as in WAL frames and block pages.
#pragma once

#include <cstdint>
#include <string_view>

namespace hearth {

// The CRC of `bytes`, continuing from `crc` (0 to begin).
uint32_t Crc32c(std::string_view bytes, uint32_t crc = 0);

}  // namespace hearth
