// SPDX-License-Identifier: Apache-2.0
// CHECK(condition): a promise of our own code, verified in production too; where it breaks the
// process ends with "BUG: file:line: condition". Never for bytes from a disk, a socket or a user.
#pragma once

#include <string_view>

namespace hearth {

[[noreturn]] void CheckFailed(const char* file, int line, std::string_view condition);
// The machine broke a promise (out of memory, a kernel that lies): ends with "FATAL: ...".
[[noreturn]] void Fatal(std::string_view message);

}  // namespace hearth

#define CHECK(condition)                                     \
  do {                                                       \
    if (!(condition)) [[unlikely]] {                         \
      ::hearth::CheckFailed(__FILE__, __LINE__, #condition); \
    }                                                        \
  } while (false)
