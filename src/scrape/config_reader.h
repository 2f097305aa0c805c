// SPDX-License-Identifier: Apache-2.0
// Reads maps of the configuration file into plain values: every key is asked for by name, what
// nobody asked for is an unknown key. The first error is kept, with file, line and path; reading
// goes on harmlessly after it, so that callers need no branch a key.
#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/string_map.h"
#include "codec/yaml.h"
#include "scrape/config.h"

namespace hearth::scrape {

// What one file's reading shares. Not thread-safe.
struct ConfigContext {
  std::string file_name;
  std::string directory;
  absl::Status status;  // the first error
  std::vector<Unsupported> unsupported;
  std::vector<std::string> warnings;

  bool ok() const { return status.ok(); }
  void Fail(const codec::YamlNode& node, std::string_view path, std::string_view what);
  std::string Path(std::string_view file) const;  // relative to the file's folder
};

class Section {
 public:
  // `node` must be a map or nothing; anything else is an error.
  Section(ConfigContext* context, const codec::YamlNode& node, std::string path);

  // Each marks `key` as known and leaves `out` alone where the key is absent or null.
  void Text(std::string_view key, std::string* out);
  void File(std::string_view key, std::string* out);  // a path, made relative to the folder
  void OneOf(std::string_view key, std::initializer_list<std::string_view> allowed,
             std::string* out);
  void Bool(std::string_view key, bool* out);
  void Duration(std::string_view key, int64_t* milliseconds);
  void Size(std::string_view key, uint64_t* bytes);
  void Count(std::string_view key, uint64_t* out);  // a whole number, not negative
  void Int(std::string_view key, int64_t* out);
  void Number(std::string_view key, double* out);
  void Texts(std::string_view key, std::vector<std::string>* out);
  void TextMap(std::string_view key, Pairs* out);
  void LabelMap(std::string_view key, model::Labels* out);
  void Url(std::string_view key, std::string* out);  // http or https with a host

  // The value where there is one, else null. The caller reads it.
  const codec::YamlNode* Take(std::string_view key);
  // Calls `read` with each item of the list and its path.
  void Each(std::string_view key,
            absl::FunctionRef<void(const codec::YamlNode& item, std::string path)> read);
  void Ignore(std::string_view key) { Take(key); }
  // Present: goes on the list of what hearth cannot do yet.
  void NotYet(std::string_view key);
  void NotYet(std::initializer_list<std::string_view> keys);

  // Unknown keys are errors.
  void Finish();

  void Fail(std::string_view key, std::string_view what);  // at the key's value, or the section
  bool Has(std::string_view key) const;
  int line() const { return node_.line(); }
  std::string PathOf(std::string_view key) const;
  ConfigContext* context() { return context_; }

 private:
  ConfigContext* context_;
  const codec::YamlNode& node_;
  std::string path_;
  StringSet known_;
};

// Sections that several parents have.
HttpConfig ReadHttp(Section* parent);  // the keys of HTTPClientConfig, inlined in `parent`
TlsConfig ReadTls(ConfigContext* context, const codec::YamlNode& node, std::string path);
RelabelRules ReadRelabel(Section* parent, std::string_view key, bool legacy_names);

// What jobs take over from `global`.
struct GlobalDefaults {
  int64_t interval_ms = 60'000;
  int64_t timeout_ms = 10'000;
  ScrapeLimits limits;
  std::vector<std::string> protocols;
  bool legacy_names = false;
  std::string escaping;
  bool extra_metrics = false;
  HistogramConfig histograms;
};
std::vector<std::string> ReadProtocols(Section* section, std::string_view key);
void ReadLimits(Section* section, ScrapeLimits* limits);
void ReadHistograms(Section* section, HistogramConfig* histograms);
JobConfig ReadJob(ConfigContext* context, const codec::YamlNode& node, const std::string& path,
                  const GlobalDefaults& defaults);
RemoteWriteConfig ReadRemoteWrite(ConfigContext* context, const codec::YamlNode& node,
                                  const std::string& path, bool legacy_names);
std::vector<StaticGroup> ReadStaticGroups(Section* parent);
std::vector<KubernetesDiscovery> ReadKubernetesDiscovery(Section* parent);
AlertingConfig ReadAlerting(Section* root, bool legacy_names);
HearthConfig ReadHearth(ConfigContext* context, const codec::YamlNode& node);

}  // namespace hearth::scrape
