// SPDX-License-Identifier: Apache-2.0
#include "api/prometheus/long_answer.h"

#include <memory>
#include <utility>

#include "base/status.h"

namespace hearth::api {
namespace {

class Writer {
 public:
  explicit Writer(LongAnswer answer) : answer_(std::move(answer)) {}

  // As net::BodyProducer, `enough` bytes at a time.
  absl::StatusOr<bool> Produce(size_t enough, std::string* out) {
    if (answer_.check) TRY(answer_.check());
    const size_t before = out->size();
    if (next_ == 0) *out += answer_.head;
    while (next_ < answer_.items && out->size() - before < enough) {
      if (next_ > 0) *out += answer_.separator;
      answer_.append(next_++, out);
    }
    if (next_ < answer_.items) return true;
    *out += answer_.tail;
    return false;
  }

 private:
  const LongAnswer answer_;
  size_t next_ = 0;
};

}  // namespace

net::HttpResponse MakeAnswer(LongAnswer answer) {
  if (answer.is_long()) {
    net::HttpResponse response = net::JsonResponse(200, "");
    const auto writer = std::make_shared<Writer>(std::move(answer));
    response.producer = [writer](std::string* out) {
      return writer->Produce(LongAnswer::kPieceBytes, out);
    };
    return response;
  }
  std::string body = std::move(answer.head);
  body.reserve(answer.bytes);
  for (size_t i = 0; i < answer.items; ++i) {
    if (i > 0) body += answer.separator;
    answer.append(i, &body);
  }
  body += answer.tail;
  return net::JsonResponse(200, std::move(body));
}

}  // namespace hearth::api
