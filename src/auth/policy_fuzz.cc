// SPDX-License-Identifier: Apache-2.0
// Policy documents are foreign bytes: none may crash the parser or the evaluation.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "auth/access.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hearth::auth;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  for (PolicyKind kind : {PolicyKind::kIdentity, PolicyKind::kResource, PolicyKind::kTrust}) {
    auto document = PolicyDocument::Parse(text, kind);
    if (!document.ok()) continue;
    Principal user;
    user.account = "000000000000";
    user.arn = "arn:aws:iam::000000000000:user/u";
    user.user_name = "u";
    if (kind == PolicyKind::kIdentity) user.identity_policies = {{"p", *document}};
    ConditionContext context = StandardContext(user, {});
    DecideAccess({user, "aps:RemoteWrite", "arn:aws:aps:us-east-1:000000000000:workspace/ws-1",
                  context, kind == PolicyKind::kIdentity ? nullptr : document->get(), ""});
  }
  return 0;
}
