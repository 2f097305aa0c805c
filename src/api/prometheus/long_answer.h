// SPDX-License-Identifier: Apache-2.0
// Answers that are a list: in one piece while they are short, written while they are formatted
// where they are long, so that half a gigabyte of JSON never lies in memory. What can fail has been
// done before the first byte.
//
//   head  item , item , …  item  tail
//
// A piece is kPieceBytes and what the last item has beyond it. The next one is made when the one
// before has been written: a slow reader holds that and the items, no thread, and the connection's
// write timeout ends it.
#pragma once

#include <absl/status/status.h>

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "net/http.h"

namespace hearth::api {

struct LongAnswer {
  // Below it an answer is one string with its length: pieces cost a fifth more CPU (wake-ups of
  // workers and sockets), and answers of that size are none that fill a machine.
  static constexpr size_t kWholeBytesMax = size_t{16} << 20;
  static constexpr size_t kPieceBytes = size_t{1} << 20;

  std::string head;
  std::string_view separator = ",";  // static
  std::string tail;
  size_t items = 0;
  size_t bytes = 0;  // about what all takes
  // Appends item `index`; called once for each, in order.
  std::function<void(size_t index, std::string* out)> append;
  // Asked before each piece of a long answer; an error cuts it. May be null.
  std::function<absl::Status()> check = nullptr;

  bool is_long() const { return bytes >= kWholeBytesMax; }
};

// 200 with that body; the type is JSON.
net::HttpResponse MakeAnswer(LongAnswer answer);

}  // namespace hearth::api
