// SPDX-License-Identifier: Apache-2.0
// What a Kubernetes object means as targets: the addresses and __meta_kubernetes_… labels of
// prometheus/discovery/kubernetes at 3.14, role by role. Pure; thread-safe.
#pragma once

#include <absl/functional/function_ref.h>

#include <string_view>

#include "scrape/kubernetes_objects.h"
#include "scrape/target_groups.h"

namespace hearth::scrape {

// attach_metadata, and where the other objects are.
struct KubeSurroundings {
  // The object of that key ("namespace/name", or the name where it is in none); null: not known.
  absl::FunctionRef<const KubeObject*(KubeResource resource, std::string_view key)> find;
  bool node = false;
  bool name_space = false;
  bool deployment = false;
  bool job = false;
  bool cronjob = false;
};

// The group of one pod, node, service, ingress, Endpoints or EndpointSlice. Without targets where
// it has no address yet, or where its node is not among those that the selectors leave.
TargetGroup BuildKubeGroup(KubeResource resource, const KubeObject& object,
                           const KubeSurroundings& around);

}  // namespace hearth::scrape
