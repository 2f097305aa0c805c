// SPDX-License-Identifier: Apache-2.0
#include "rules/template_value.h"

#include <absl/time/civil_time.h>
#include <absl/time/time.h>
#include <fmt/core.h>

#include "codec/go_float.h"

namespace hearth::rules {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

std::string PrintSample(const TemplateSample& sample);

std::string PrintLabels(const LabelMap& labels) {
  std::string out = "map[";
  for (const auto& [name, value] : labels) {
    if (out.size() > 4) out += ' ';
    out += name + ":" + value;
  }
  return out + "]";
}

std::string PrintSample(const TemplateSample& sample) {
  return fmt::format("&{{{} {}}}", PrintLabels(sample.labels),
                     sample.histogram.empty() ? PrintFloat(sample.value) : sample.histogram);
}

}  // namespace

const std::string* TemplateValue::text() const {
  if (const auto* plain = As<std::string>()) return plain;
  if (const auto* html = As<HtmlText>()) return &html->text;
  return nullptr;
}

bool TemplateValue::truth() const {
  return std::visit(
      Overloaded{
          [](std::monostate) { return false; },
          [](bool value) { return value; },
          [](int64_t value) { return value != 0; },
          [](double value) { return value != 0; },
          [](const std::string& value) { return !value.empty(); },
          [](const HtmlText& value) { return !value.text.empty(); },
          [](const std::shared_ptr<const LabelMap>& value) { return !value->empty(); },
          [](const std::shared_ptr<const AnyMap>& value) { return !value->empty(); },
          [](const std::shared_ptr<const SampleList>& value) { return !value->empty(); },
          [](const auto&) { return true; },
      },
      held);
}

std::string TemplateValue::TypeName() const {
  return std::visit(
      Overloaded{
          [](std::monostate) { return "nil"; },
          [](bool) { return "bool"; },
          [](int64_t) { return "int"; },
          [](double) { return "float64"; },
          [](const std::string&) { return "string"; },
          [](const HtmlText&) { return "template.HTML"; },
          [](const std::shared_ptr<const LabelMap>&) { return "map[string]string"; },
          [](const std::shared_ptr<const AnyMap>&) { return "map[string]interface {}"; },
          [](const std::shared_ptr<const TemplateSample>&) { return "*template.sample"; },
          [](const std::shared_ptr<const SampleList>&) { return "template.queryResult"; },
          [](TimeValue) { return "*time.Time"; },
          [](DurationValue) { return "*time.Duration"; },
          [](const HistogramText&) { return "*histogram.FloatHistogram"; },
          [](const std::shared_ptr<const AlertData>&) {
            return "struct { Labels map[string]string; ExternalLabels map[string]string; "
                   "ExternalURL string; Value interface {} }";
          },
      },
      held);
}

std::string TemplateValue::Print() const {
  return std::visit(
      Overloaded{
          [](std::monostate) { return std::string("<no value>"); },
          [](bool value) { return std::string(value ? "true" : "false"); },
          [](int64_t value) { return std::to_string(value); },
          [](double value) { return PrintFloat(value); },
          [](const std::string& value) { return value; },
          [](const HtmlText& value) { return value.text; },
          [](const std::shared_ptr<const LabelMap>& value) { return PrintLabels(*value); },
          [](const std::shared_ptr<const AnyMap>& value) {
            std::string out = "map[";
            for (const auto& [name, item] : *value) {
              if (out.size() > 4) out += ' ';
              out += name + ":" + (item.valid() ? item.Print() : "<nil>");
            }
            return out + "]";
          },
          [](const std::shared_ptr<const TemplateSample>& value) { return PrintSample(*value); },
          [](const std::shared_ptr<const SampleList>& value) {
            std::string out = "[";
            for (const auto& sample : *value) {
              if (out.size() > 1) out += ' ';
              out += PrintSample(*sample);
            }
            return out + "]";
          },
          [](TimeValue value) { return PrintTime(value.ms); },
          [](DurationValue value) { return PrintDuration(value.ns); },
          [](const HistogramText& value) { return value.text; },
          [](const std::shared_ptr<const AlertData>& value) {
            return fmt::format(
                "{{{} {} {} {}}}", PrintLabels(value->labels), PrintLabels(value->external_labels),
                value->external_url,
                value->histogram.empty() ? PrintFloat(value->value) : value->histogram);
          },
      },
      held);
}

std::string PrintFloat(double value) {
  std::string out;
  codec::AppendGoGeneral(value, &out);
  return out;
}

std::string PrintTime(int64_t ms) {
  return absl::FormatTime("%E4Y-%m-%d %H:%M:%E*S +0000 UTC", absl::FromUnixMillis(ms),
                          absl::UTCTimeZone());
}

// time.Duration.String(): "1h2m0.5s", "1.5ms", "0s".
std::string PrintDuration(int64_t ns) {
  if (ns == 0) return "0s";
  const bool negative = ns < 0;
  const auto left = negative ? 0 - static_cast<uint64_t>(ns) : static_cast<uint64_t>(ns);
  const auto decimal = [](uint64_t whole, uint64_t fraction, int digits) {
    std::string out = std::to_string(whole);
    std::string tail = fmt::format("{:0{}}", fraction, digits);
    while (!tail.empty() && tail.back() == '0') tail.pop_back();
    return tail.empty() ? out : out + "." + tail;
  };
  std::string out;
  if (left < 1'000) {
    out = std::to_string(left) + "ns";
  } else if (left < 1'000'000) {
    out = decimal(left / 1'000, left % 1'000, 3) + "\xc2\xb5s";
  } else if (left < kNsPerSecond) {
    out = decimal(left / 1'000'000, left % 1'000'000, 6) + "ms";
  } else {
    const uint64_t seconds = left / kNsPerSecond;
    if (seconds >= 3600) out += std::to_string(seconds / 3600) + "h";
    if (seconds >= 60) out += std::to_string(seconds / 60 % 60) + "m";
    out += decimal(seconds % 60, left % kNsPerSecond, 9) + "s";
  }
  return negative ? "-" + out : out;
}

}  // namespace hearth::rules
