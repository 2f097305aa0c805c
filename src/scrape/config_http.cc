// SPDX-License-Identifier: Apache-2.0
// HTTPClientConfig of prometheus/common/config (v0.70): authentication, TLS, proxy, headers.
#include <fmt/core.h>

#include <array>

#include "base/text.h"
#include "scrape/config_reader.h"

namespace hearth::scrape {
namespace {

using codec::YamlNode;

// prometheus/common/config/headers.go ReservedHeaders.
constexpr std::array<std::string_view, 17> kReservedHeaders = {
    "authorization",
    "host",
    "content-encoding",
    "content-length",
    "content-type",
    "user-agent",
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "www-authenticate",
    "accept-encoding",
    "x-prometheus-remote-write-version",
    "x-prometheus-remote-read-version",
    "x-prometheus-scrape-timeout-seconds",
    "x-amz-date",
    "x-amz-security-token"};

void ReadBasicAuth(Section* parent, HttpConfig* http) {
  const YamlNode* node = parent->Take("basic_auth");
  if (node == nullptr) return;
  Section section(parent->context(), *node, parent->PathOf("basic_auth"));
  http->has_basic_auth = true;
  section.Text("username", &http->username);
  section.File("username_file", &http->username_file);
  section.Text("password", &http->password);
  section.File("password_file", &http->password_file);
  section.NotYet({"username_ref", "password_ref"});
  section.Finish();
  if (section.Has("username") && section.Has("username_file")) {
    section.Fail("username_file", "at most one of username and username_file may be given");
  }
  if (section.Has("password") && section.Has("password_file")) {
    section.Fail("password_file", "at most one of password and password_file may be given");
  }
}

void ReadAuthorization(Section* parent, HttpConfig* http) {
  const YamlNode* node = parent->Take("authorization");
  if (node != nullptr) {
    Section section(parent->context(), *node, parent->PathOf("authorization"));
    http->authorization_type = "Bearer";
    section.Text("type", &http->authorization_type);
    section.Text("credentials", &http->credentials);
    section.File("credentials_file", &http->credentials_file);
    section.NotYet("credentials_ref");
    section.Finish();
    if (EqualsIgnoreCaseAscii(TrimSpace(http->authorization_type), "basic")) {
      section.Fail("type", "\"basic\" is not allowed here, use basic_auth");
    }
    if (section.Has("credentials") && section.Has("credentials_file")) {
      section.Fail("credentials_file",
                   "at most one of credentials and credentials_file may be given");
    }
  }
  // The older spelling of the same.
  parent->Text("bearer_token", &http->credentials);
  parent->File("bearer_token_file", &http->credentials_file);
  if (parent->Has("bearer_token") || parent->Has("bearer_token_file")) {
    http->authorization_type = "Bearer";
  }
}

void CheckOneAuth(Section* parent) {
  std::string given;
  int count = 0;
  for (const std::string_view key :
       {"basic_auth", "authorization", "oauth2", "bearer_token", "bearer_token_file"}) {
    if (!parent->Has(key)) continue;
    given = key;
    ++count;
  }
  if (count > 1) {
    parent->Fail(given,
                 "at most one of basic_auth, authorization, oauth2, bearer_token and "
                 "bearer_token_file may be given");
  }
}

void ReadHeaders(Section* parent, HttpConfig* http) {
  const YamlNode* node = parent->Take("http_headers");
  if (node == nullptr) return;
  const std::string path = parent->PathOf("http_headers");
  Section headers(parent->context(), *node, path);
  for (const auto& [key, value] : node->entries()) {
    const std::string name = key.text();
    headers.Ignore(name);
    for (const std::string_view reserved : kReservedHeaders) {
      if (EqualsIgnoreCaseAscii(name, reserved)) {
        parent->context()->Fail(key, path + "." + name, "this header may not be set");
      }
    }
    Section section(parent->context(), value, path + "." + name);
    std::vector<std::string> values, secrets, files;
    section.Texts("values", &values);
    section.Texts("secrets", &secrets);
    section.Texts("files", &files);
    section.Finish();
    for (auto* list : {&values, &secrets}) {
      for (const std::string& text : *list) http->headers.emplace_back(name, text);
    }
    for (const std::string& file : files) {
      http->header_files.emplace_back(name, parent->context()->Path(file));
    }
  }
}

}  // namespace

TlsConfig ReadTls(ConfigContext* context, const YamlNode& node, std::string path) {
  Section section(context, node, std::move(path));
  TlsConfig tls;
  section.Text("ca", &tls.ca);
  section.File("ca_file", &tls.ca_file);
  section.Text("cert", &tls.cert);
  section.File("cert_file", &tls.cert_file);
  section.Text("key", &tls.key);
  section.File("key_file", &tls.key_file);
  section.Text("server_name", &tls.server_name);
  section.Bool("insecure_skip_verify", &tls.insecure_skip_verify);
  section.OneOf("min_version", {"TLS10", "TLS11", "TLS12", "TLS13"}, &tls.min_version);
  section.OneOf("max_version", {"TLS10", "TLS11", "TLS12", "TLS13"}, &tls.max_version);
  section.NotYet({"ca_ref", "cert_ref", "key_ref"});
  // What is older than TLS 1.2 is not spoken.
  if (tls.max_version == "TLS10" || tls.max_version == "TLS11") section.NotYet("max_version");
  section.Finish();
  for (const auto& [text, file] :
       {std::pair("ca", "ca_file"), std::pair("cert", "cert_file"), std::pair("key", "key_file")}) {
    if (section.Has(text) && section.Has(file)) {
      section.Fail(file, fmt::format("at most one of {} and {} may be given", text, file));
    }
  }
  const bool has_cert = section.Has("cert") || section.Has("cert_file");
  const bool has_key = section.Has("key") || section.Has("key_file");
  if (has_cert != has_key) {
    section.Fail(has_cert ? "cert_file" : "key_file",
                 "a client certificate needs both cert_file and key_file");
  }
  return tls;
}

HttpConfig ReadHttp(Section* parent) {
  HttpConfig http;
  ReadBasicAuth(parent, &http);
  ReadAuthorization(parent, &http);
  CheckOneAuth(parent);
  if (const YamlNode* tls = parent->Take("tls_config"); tls != nullptr) {
    http.tls = ReadTls(parent->context(), *tls, parent->PathOf("tls_config"));
  }
  parent->Bool("follow_redirects", &http.follow_redirects);
  parent->Bool("enable_http2", &http.enable_http2);
  parent->Url("proxy_url", &http.proxy_url);
  parent->NotYet({"oauth2", "no_proxy", "proxy_connect_header"});
  bool from_environment = false;
  parent->Bool("proxy_from_environment", &from_environment);
  if (from_environment) parent->NotYet("proxy_from_environment");
  ReadHeaders(parent, &http);
  return http;
}

}  // namespace hearth::scrape
