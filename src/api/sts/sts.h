// SPDX-License-Identifier: Apache-2.0
// AWS STS, query protocol (form in, XML out): GetCallerIdentity. The other actions answer an
// explicit error that names them. Source: aws-contract.md §1.5, §7. Thread-safe.
#pragma once

#include "access/gate.h"
#include "base/rng.h"
#include "net/http.h"

namespace hearth::api {

class Sts {
 public:
  Sts(const access::Gate& gate, Rng& rng) : gate_(gate), rng_(rng) {}
  net::HttpResponse Handle(const net::HttpRequest& request);

 private:
  const access::Gate& gate_;
  Rng& rng_;
};

}  // namespace hearth::api
