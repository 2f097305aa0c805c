// SPDX-License-Identifier: Apache-2.0
// What a first start makes, and every later one finds: root credentials, the two default
// workspaces, certificates, and the copies of them on disk (product.md, The program).
#pragma once

#include <absl/status/statusor.h>

#include <string>

#include "base/clock.h"
#include "base/file_system.h"
#include "catalog/amp_workspaces.h"
#include "catalog/catalog.h"
#include "catalog/credentials.h"
#include "catalog/grafana_objects.h"
#include "flags.h"
#include "net/http_server.h"

namespace hearth::app {

struct Defaults {
  bool first_start = false;  // nothing was there before
  catalog::AccessKey root;
  catalog::AmpWorkspace amp;
  catalog::GrafanaWorkspace grafana;
};
absl::StatusOr<Defaults> EnsureDefaults(catalog::Catalog& catalog, const ServeFlags& flags);

// The data source AMP of the default Grafana workspace, whose URL follows the listener.
absl::Status EnsureDefaultDataSource(catalog::Catalog& catalog, const Defaults& defaults,
                                     const std::string& base_url, const std::string& region);

// DIR/aws/credentials and DIR/aws/config, profile `hearth`, mode 0600.
absl::Status WriteAwsFiles(FileSystem& file_system, const std::string& data,
                           const catalog::AccessKey& root, const std::string& region,
                           const std::string& endpoint_url);
// The endpoint_url of DIR/aws/config: where a running server listens.
absl::StatusOr<std::string> ReadEndpointUrl(FileSystem& file_system, const std::string& data);

// The self-made identity, renewed where due, from the catalog; copies go to DIR/tls.
absl::StatusOr<net::TlsIdentity> EnsureTls(catalog::Catalog& catalog, FileSystem& file_system,
                                           const Clock& clock, const std::string& data,
                                           const std::string& listen_host);

// A new single-use link for the account's root user.
absl::StatusOr<std::string> NewSignInUrl(catalog::Catalog& catalog, const ServeFlags& flags,
                                         const std::string& base_url);

}  // namespace hearth::app
