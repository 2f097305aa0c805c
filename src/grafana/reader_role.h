// SPDX-License-Identifier: Apache-2.0
// As whom a Grafana workspace queries: its role, where it has one, whoever manages it. Without a
// role a SERVICE_MANAGED workspace may read the account's AMP workspaces, with a warning on every
// query; under --fidelity aws it may not, as on AWS, where Terraform makes no such role
// (product.md, the stack, 2).
#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <string>

#include "auth/principal.h"
#include "catalog/grafana_objects.h"
#include "catalog/identity.h"

namespace hearth::grafana {

struct Reader {
  std::shared_ptr<const auth::Principal> principal;
  std::string warning;  // "" where all is as it should be
};

// PermissionDenied where it may read nothing; NotFound where its role is gone.
absl::StatusOr<Reader> ReaderOf(const catalog::GrafanaWorkspace& workspace,
                                catalog::IdentityStore& identities, bool aws_fidelity);

}  // namespace hearth::grafana
