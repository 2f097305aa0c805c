// SPDX-License-Identifier: Apache-2.0
#include "auth/principal.h"

#include <fmt/format.h>

namespace hearth::auth {

std::string RootArn(std::string_view account) {
  return fmt::format("arn:aws:iam::{}:root", account);
}

std::string UserArn(std::string_view account, std::string_view path, std::string_view name) {
  return fmt::format("arn:aws:iam::{}:user{}{}", account, path, name);
}

std::string RoleArn(std::string_view account, std::string_view path, std::string_view name) {
  return fmt::format("arn:aws:iam::{}:role{}{}", account, path, name);
}

std::string AssumedRoleArn(std::string_view account, std::string_view role_name,
                           std::string_view session_name) {
  return fmt::format("arn:aws:sts::{}:assumed-role/{}/{}", account, role_name, session_name);
}

Principal RootPrincipal(std::string_view account) {
  Principal root;
  root.kind = PrincipalKind::kRoot;
  root.account = std::string(account);
  root.arn = RootArn(account);
  root.user_id = root.account;
  return root;
}

}  // namespace hearth::auth
