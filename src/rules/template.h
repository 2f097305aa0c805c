// SPDX-License-Identifier: Apache-2.0
// The texts of alert labels and annotations: Go's text/template with Prometheus' functions
// (template/template.go and docs/configuration/template_reference.md of 3.14). Errors have Go's
// words, because people see them in the alert's annotation.
//
//   TRY_ASSIGN(auto text, AlertTemplate::Parse("Down", "{{ $labels.job }} is down"));
//   TRY_ASSIGN(std::string shown, text.Expand(data, environment));
//
// A parsed template is immutable and thread-safe. Hostile texts end in an error: output, steps,
// nesting, recursion and queries are limited.
#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::rules {

struct TemplateTree;
struct TemplateValue;

// An element of a query's result.
struct TemplateSample {
  std::map<std::string, std::string> labels;
  double value = 0;
  std::string histogram;  // its text, where the sample is one
};

// What a template is about: `.Labels`, `.Value`, … and $labels, $value, …
struct AlertData {
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> external_labels;
  std::string external_url;
  double value = 0;
  std::string histogram;  // its text, where the value is one
};

struct TemplateLimits {
  size_t output_bytes_max = size_t{256} << 10;  // Alertmanager takes no larger annotations
  size_t steps_max = 1'000'000;                 // nodes visited: about 0.1 s
  int recursion_max = 50;                       // {{template}} within {{template}}
  int queries_max = 100;                        // query calls of one expansion
};

// The world as a template sees it. `query` answers at the rule's time; it may be empty.
struct TemplateEnvironment {
  int64_t time_ms = 0;
  std::string external_url;  // "http://host:9090/prefix"
  std::function<absl::StatusOr<std::vector<TemplateSample>>(std::string_view query)> query;
  TemplateLimits limits;
};

class AlertTemplate {
 public:
  // `text` sees $labels, $externalLabels, $externalURL and $value. InvalidArgument with Go's words:
  // `template: __alert_Down:1: undefined variable "$label"`.
  static absl::StatusOr<AlertTemplate> Parse(std::string_view alert_name, std::string_view text);
  absl::StatusOr<std::string> Expand(const AlertData& data,
                                     const TemplateEnvironment& environment) const;

 private:
  std::string plain_;  // where the text has no action: the result
  std::shared_ptr<const TemplateTree> tree_;
};

// Any template with any dot; for tests and fuzzing.
absl::StatusOr<std::string> ExpandTemplate(std::string_view name, std::string_view text,
                                           const TemplateValue& dot,
                                           const TemplateEnvironment& environment);

}  // namespace hearth::rules
