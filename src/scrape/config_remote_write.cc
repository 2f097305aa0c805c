// SPDX-License-Identifier: Apache-2.0
// One entry of remote_write (config/config.go RemoteWriteConfig of Prometheus 3.14).
#include <fmt/core.h>

#include "base/text.h"
#include "scrape/config_reader.h"

namespace hearth::scrape {
namespace {

using codec::YamlNode;

void ReadQueue(Section* parent, RemoteWriteQueue* queue) {
  const YamlNode* node = parent->Take("queue_config");
  if (node == nullptr) return;
  Section section(parent->context(), *node, parent->PathOf("queue_config"));
  section.Int("capacity", &queue->capacity);
  section.Int("max_shards", &queue->shards_max);
  section.Int("min_shards", &queue->shards_min);
  section.Int("max_samples_per_send", &queue->samples_per_send_max);
  section.Duration("batch_send_deadline", &queue->batch_deadline_ms);
  section.Duration("min_backoff", &queue->backoff_min_ms);
  section.Duration("max_backoff", &queue->backoff_max_ms);
  section.Bool("retry_on_http_429", &queue->retry_on_429);
  section.Duration("sample_age_limit", &queue->sample_age_limit_ms);
  section.Finish();
  if (queue->capacity <= 0) section.Fail("capacity", "must be above 0");
  if (queue->shards_max <= 0) section.Fail("max_shards", "must be above 0");
  if (queue->shards_min <= 0) section.Fail("min_shards", "must be above 0");
  if (queue->samples_per_send_max <= 0) section.Fail("max_samples_per_send", "must be above 0");
  if (queue->shards_min > queue->shards_max) {
    section.Fail("min_shards", "must not be greater than max_shards");
  }
  if (queue->backoff_max_ms < queue->backoff_min_ms) {
    section.Fail("max_backoff", "must not be less than min_backoff");
  }
}

void ReadSigV4(Section* parent, std::optional<SigV4Config>* out) {
  const YamlNode* node = parent->Take("sigv4");
  if (node == nullptr) return;
  Section section(parent->context(), *node, parent->PathOf("sigv4"));
  SigV4Config& sigv4 = out->emplace();
  section.Text("region", &sigv4.region);
  section.Text("access_key", &sigv4.access_key);
  section.Text("secret_key", &sigv4.secret_key);
  section.Text("profile", &sigv4.profile);
  section.Text("role_arn", &sigv4.role_arn);
  section.NotYet({"external_id", "use_fips_sts_endpoint", "service_name"});
  section.Finish();
  if (sigv4.access_key.empty() != sigv4.secret_key.empty()) {
    section.Fail(sigv4.access_key.empty() ? "secret_key" : "access_key",
                 "access_key and secret_key must be given together");
  }
  if (parent->Has("basic_auth") || parent->Has("authorization") || parent->Has("oauth2")) {
    parent->Fail("sigv4",
                 "at most one of basic_auth, authorization, oauth2 and sigv4 may be given");
  }
}

void ReadMetadata(Section* parent, RemoteWriteConfig* out) {
  const YamlNode* node = parent->Take("metadata_config");
  if (node == nullptr) return;
  Section section(parent->context(), *node, parent->PathOf("metadata_config"));
  int64_t ignored = 0;
  section.Bool("send", &out->send_metadata);
  section.Duration("send_interval", &ignored);
  section.Int("max_samples_per_send", &ignored);
  section.Finish();
}

}  // namespace

RemoteWriteConfig ReadRemoteWrite(ConfigContext* context, const YamlNode& node,
                                  const std::string& path, bool legacy_names) {
  Section section(context, node, path);
  RemoteWriteConfig out;
  section.Url("url", &out.url);
  if (out.url.empty()) section.Fail("url", "url for remote_write is empty");
  section.Text("name", &out.name);
  section.Duration("remote_timeout", &out.timeout_ms);
  section.TextMap("headers", &out.headers);
  for (const auto& [name, value] : out.headers) {
    if (EqualsIgnoreCaseAscii(name, "authorization")) {
      section.Fail("headers", "authorization must be given by basic_auth, authorization or sigv4");
    }
  }
  out.relabel = ReadRelabel(&section, "write_relabel_configs", legacy_names);
  out.http.enable_http2 = false;
  out.http = ReadHttp(&section);
  ReadSigV4(&section, &out.sigv4);
  ReadQueue(&section, &out.queue);
  ReadMetadata(&section, &out);
  section.Bool("send_exemplars", &out.send_exemplars);
  section.Bool("send_native_histograms", &out.send_native_histograms);
  std::string message = "prometheus.WriteRequest";
  section.OneOf("protobuf_message", {"prometheus.WriteRequest", "io.prometheus.write.v2.Request"},
                &message);
  if (message != "prometheus.WriteRequest") section.NotYet("protobuf_message");
  section.NotYet({"azuread", "google_iam"});
  bool ignored = false;
  section.Bool("round_robin_dns", &ignored);
  section.Bool("failed_request_logging", &ignored);
  section.Finish();
  return out;
}

}  // namespace hearth::scrape
