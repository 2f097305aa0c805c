// SPDX-License-Identifier: Apache-2.0
// Signed calls of hearth's own commands to a running server, with the credentials that AWS clients
// would take: flags, then AWS_ACCESS_KEY_ID and its kin, then the profile in
// AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE (or --data: DIR/aws, which a first start writes).
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <string_view>

#include "net/http_client.h"

namespace CLI {
class App;
}

namespace hearth::app {

struct AwsFlags {
  std::string data;      // --data
  std::string profile;   // --profile, AWS_PROFILE
  std::string endpoint;  // --endpoint-url, AWS_ENDPOINT_URL, the profile's endpoint_url
  std::string region;    // --region, AWS_REGION, the profile's
  std::string ca_file;   // --ca-bundle, AWS_CA_BUNDLE
};
void AddAwsFlags(CLI::App& command, AwsFlags* flags);

struct AwsAccess {
  std::string endpoint;
  std::string region;
  std::string access_key_id;
  std::string secret;
  std::string session_token;
  std::string ca_file;
};
// NotFound, with what to set, where no credentials are found.
absl::StatusOr<AwsAccess> FindAwsAccess(const AwsFlags& flags);

// A signed request, to be sent. A body of "" sends none.
absl::StatusOr<net::ClientRequest> SignedRequest(const AwsAccess& access, std::string_view service,
                                                 std::string_view method, std::string_view path,
                                                 std::string_view content_type, std::string body);

struct AwsAnswer {
  int status = 0;
  std::string body;
  std::string error_type;  // x-amzn-ErrorType
};
// `service`: the signing name.
absl::StatusOr<AwsAnswer> CallAws(const AwsAccess& access, std::string_view service,
                                  std::string_view method, std::string_view path,
                                  std::string_view content_type, std::string body);

// The text of the first <name> element, unescaped; "" where there is none.
std::string XmlText(std::string_view xml, std::string_view name);

}  // namespace hearth::app
