// SPDX-License-Identifier: Apache-2.0
// How import, export and snapshot reach a store: a running server, found by --server or by its data
// directory, or a server of their own on loopback, for the time of the command, where none runs on
// that directory.
#pragma once

#include <absl/status/statusor.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "aws_call.h"
#include "base/metrics.h"
#include "net/http_client.h"

namespace CLI {
class App;
}

namespace hearth::app {

class Server;

struct AdminFlags {
  AwsFlags aws;           // endpoint: --server
  std::string workspace;  // "": the default one
  // Of the server that usually runs on the data directory; needed only without it.
  std::string account = "000000000000";
  std::string catalog;
};
// --server, --data and how to sign, and, where `with_workspace`, --workspace.
void AddAdminFlags(CLI::App& command, AdminFlags* flags, bool with_workspace);

class AdminSession {
 public:
  // `may_create`: an empty or missing data directory becomes one. Says on standard error whom it
  // talks to. NotFound, with what to do, where there is nobody.
  static absl::StatusOr<std::unique_ptr<AdminSession>> Open(const AdminFlags& flags,
                                                            bool may_create);
  ~AdminSession();

  const std::string& endpoint() const { return access_.endpoint; }
  // The workspace's path and `rest` ("/api/v1/…").
  std::string Path(std::string_view rest) const;
  // A signed call; the answer's body, or an error with what the server says: InvalidArgument (400),
  // PermissionDenied, NotFound, ResourceExhausted (507), else Unavailable. `on_body` takes the body
  // as it comes; once it is false the rest is left, and it is the caller's business why.
  absl::StatusOr<std::string> Call(std::string_view service, std::string_view method,
                                   const std::string& path, std::string_view content_type,
                                   std::string body,
                                   std::function<bool(std::string_view)> on_body = {});

 private:
  AdminSession();

  AwsAccess access_;
  std::string workspace_;
  Registry metrics_;
  std::unique_ptr<net::HttpClient> client_;
  std::unique_ptr<Server> own_;
};

}  // namespace hearth::app
