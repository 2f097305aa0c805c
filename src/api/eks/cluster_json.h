// SPDX-License-Identifier: Apache-2.0
// JSON of the EKS face's objects. Private to api_eks.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "catalog/eks.h"

namespace hearth::api::eks {

nlohmann::ordered_json TagsJson(const catalog::Tags& tags);
nlohmann::ordered_json ClusterJson(const catalog::EksCluster& cluster);
nlohmann::ordered_json AssociationJson(const catalog::PodIdentityAssociation& association);

}  // namespace hearth::api::eks
