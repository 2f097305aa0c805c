// SPDX-License-Identifier: Apache-2.0
// Fetches for an AMP scraper as a pod of its cluster would: the API server is known by its name in
// the cluster, and the service account's token and CA are the ones that `hearth cluster add` was
// given. Every other file of this machine is out of reach.
#pragma once

#include <memory>

#include "scrape/fetcher.h"
#include "scrape/kubernetes_watch.h"

namespace hearth::app {

// `inner` must outlive it.
std::unique_ptr<scrape::Fetcher> MakeClusterFetcher(scrape::Fetcher& inner,
                                                    scrape::KubernetesAccess access);

}  // namespace hearth::app
