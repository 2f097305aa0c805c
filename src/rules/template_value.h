// SPDX-License-Identifier: Apache-2.0
// Values that alert templates work with: what Go's reflection would see of Prometheus' data. Plain
// values, cheap to copy (lists and maps are shared and never change).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "rules/template.h"

namespace hearth::rules {

struct TemplateValue;
using LabelMap = std::map<std::string, std::string>;
using AnyMap = std::map<std::string, TemplateValue>;
using SampleList = std::vector<std::shared_ptr<const TemplateSample>>;

struct TimeValue {
  int64_t ms = 0;  // UTC
};
struct DurationValue {
  int64_t ns = 0;
};
struct HtmlText {
  std::string text;
};
struct HistogramText {
  std::string text;  // as FloatHistogram prints itself
};

// monostate is Go's invalid value: nil, or a key that is not there.
struct TemplateValue {
  using Held =
      std::variant<std::monostate, bool, int64_t, double, std::string, HtmlText,
                   std::shared_ptr<const LabelMap>, std::shared_ptr<const AnyMap>,
                   std::shared_ptr<const TemplateSample>, std::shared_ptr<const SampleList>,
                   TimeValue, DurationValue, HistogramText, std::shared_ptr<const AlertData>>;
  Held held;

  TemplateValue() = default;
  template <typename T>
  TemplateValue(T value) : held(std::move(value)) {}  // NOLINT(google-explicit-constructor)

  template <typename T>
  const T* As() const {
    return std::get_if<T>(&held);
  }
  bool valid() const { return held.index() != 0; }
  // A string, or text marked as HTML; null for anything else.
  const std::string* text() const;
  // text/template's IsTrue.
  bool truth() const;
  // As Go's %T: "string", "float64", "template.queryResult", …
  std::string TypeName() const;
  // As fmt.Fprint writes it; "<no value>" where not valid.
  std::string Print() const;
};

// Go's %v for a float: shortest, an exponent below 1e-4 and from 1e6 on.
std::string PrintFloat(double value);
// time.Time's String() in UTC, time.Duration's String().
std::string PrintTime(int64_t ms);
std::string PrintDuration(int64_t ns);

}  // namespace hearth::rules
