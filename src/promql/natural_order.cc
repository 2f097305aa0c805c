// SPDX-License-Identifier: Apache-2.0
#include "promql/natural_order.h"

#include <cstdint>

#include "base/text.h"

namespace hearth::promql {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Takes the leading run of digits or of others.
std::string_view TakeRun(std::string_view* text) {
  size_t n = 0;
  while (n < text->size() && IsDigit((*text)[n]) == IsDigit((*text)[0])) ++n;
  const std::string_view run = text->substr(0, n);
  text->remove_prefix(n);
  return run;
}

}  // namespace

bool NaturalLess(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty()) {
    const std::string_view x = TakeRun(&a);
    const std::string_view y = TakeRun(&b);
    int64_t m = 0;
    int64_t n = 0;
    if (ParseInt64(x, &m) && ParseInt64(y, &n)) {
      if (m != n) return m < n;
    } else if (x != y) {
      return x < y;
    }
  }
  return a.empty();
}

}  // namespace hearth::promql
