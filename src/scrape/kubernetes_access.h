// SPDX-License-Identifier: Apache-2.0
// How to reach an API server, as a kubeconfig file says (Kubernetes documentation, "Organizing
// Cluster Access Using kubeconfig Files"): the current context's cluster and user.
#pragma once

#include <absl/status/statusor.h>

#include <string_view>

#include "scrape/kubernetes_watch.h"

namespace hearth::scrape {

// `directory` is put before relative paths. InvalidArgument where the file is wrong, Unimplemented
// where the user's credentials come from a program (exec, auth-provider).
absl::StatusOr<KubernetesAccess> ParseKubeconfig(std::string_view text, std::string_view directory);

}  // namespace hearth::scrape
