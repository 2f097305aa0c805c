// SPDX-License-Identifier: Apache-2.0
#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace hearth {

void CheckFailed(const char* file, int line, std::string_view condition) {
  std::fprintf(stderr, "BUG: %s:%d: %.*s\n", file, line, static_cast<int>(condition.size()),
               condition.data());
  std::abort();
}

void Fatal(std::string_view message) {
  std::fprintf(stderr, "FATAL: %.*s\n", static_cast<int>(message.size()), message.data());
  std::abort();
}

}  // namespace hearth
