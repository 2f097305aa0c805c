// SPDX-License-Identifier: Apache-2.0
// OTLP in JSON (opentelemetry-proto docs, "JSON Protobuf Encoding"): lowerCamelCase names, 64-bit
// numbers as decimal strings or numbers, ids in hexadecimal, enumerations as integers.
#include <nlohmann/json.hpp>

#include "base/status.h"
#include "base/text.h"
#include "codec/go_float.h"
#include "codec/otlp.h"

namespace hearth::codec {
namespace {

using Json = nlohmann::json;

const Json kNull;

const Json& Member(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() ? kNull : *found;
}

std::string Text(const Json& value) { return value.is_string() ? value.get<std::string>() : ""; }

uint64_t Unsigned(const Json& value) {
  uint64_t number = 0;
  if (value.is_number_unsigned()) return value.get<uint64_t>();
  if (value.is_number_integer()) return static_cast<uint64_t>(value.get<int64_t>());
  if (value.is_string()) ParseUint64(value.get_ref<const std::string&>(), &number);
  return number;
}

int64_t Signed(const Json& value) {
  int64_t number = 0;
  if (value.is_number_integer()) return value.get<int64_t>();
  if (value.is_string()) ParseInt64(value.get_ref<const std::string&>(), &number);
  return number;
}

// Numbers, and the strings "NaN", "Infinity" and "-Infinity" of protobuf's JSON.
double Double(const Json& value) {
  double number = 0;
  if (value.is_number()) return value.get<double>();
  if (value.is_string()) ParseGoFloat(value.get_ref<const std::string&>(), &number);
  return number;
}

// Only what is an array is walked; anything else is as if absent.
template <typename F>
bool ForEach(const Json& list, F f) {
  if (!list.is_array()) return true;
  for (const Json& item : list) {
    if (!item.is_object() || !f(item)) return false;
  }
  return true;
}

std::string AnyValueText(const Json& value, bool as_json);

// What stands inside arrays and maps: JSON, as Go's encoding/json prints it.
Json AnyValueJson(const Json& value) {
  return Json::parse(AnyValueText(value, true), nullptr, false);
}

std::string AnyValueText(const Json& value, bool as_json) {
  if (!value.is_object()) return as_json ? "null" : "";
  if (const Json& text = Member(value, "stringValue"); text.is_string()) {
    return as_json ? text.dump(-1, ' ', false, Json::error_handler_t::replace) : Text(text);
  }
  if (const Json& flag = Member(value, "boolValue"); flag.is_boolean()) {
    return flag.get<bool>() ? "true" : "false";
  }
  if (const Json& number = Member(value, "intValue"); !number.is_null()) {
    return std::to_string(Signed(number));
  }
  if (const Json& number = Member(value, "doubleValue"); !number.is_null()) {
    return OtlpDoubleText(Double(number));
  }
  if (const Json& bytes = Member(value, "bytesValue"); bytes.is_string()) {
    return as_json ? bytes.dump() : Text(bytes);
  }
  Json out;
  if (const Json& array = Member(value, "arrayValue"); array.is_object()) {
    out = Json::array();
    if (const Json& values = Member(array, "values"); values.is_array()) {
      for (const Json& item : values) out.push_back(AnyValueJson(item));
    }
  } else if (const Json& map = Member(value, "kvlistValue"); map.is_object()) {
    out = Json::object();
    if (const Json& values = Member(map, "values"); values.is_array()) {
      for (const Json& item : values) {
        if (item.is_object()) out[Text(Member(item, "key"))] = AnyValueJson(Member(item, "value"));
      }
    }
  } else {
    return as_json ? "null" : "";
  }
  return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

OtlpAttributes Attributes(const Json& list) {
  OtlpAttributes attributes;
  ForEach(list, [&](const Json& item) {
    attributes.push_back({Text(Member(item, "key")), AnyValueText(Member(item, "value"), false)});
    return true;
  });
  return attributes;
}

bool ReadExemplar(const Json& item, OtlpExemplar* exemplar) {
  exemplar->time_ns = Unsigned(Member(item, "timeUnixNano"));
  const Json& whole = Member(item, "asInt");
  exemplar->value =
      whole.is_null() ? Double(Member(item, "asDouble")) : static_cast<double>(Signed(whole));
  exemplar->trace_id = ToLowerAscii(Text(Member(item, "traceId")));
  exemplar->span_id = ToLowerAscii(Text(Member(item, "spanId")));
  exemplar->attributes = Attributes(Member(item, "filteredAttributes"));
  return true;
}

bool ReadNumbers(const Json& list, std::vector<uint64_t>* out) {
  if (!list.is_array()) return true;
  if (list.size() > kOtlpBucketsMax) return false;
  for (const Json& item : list) out->push_back(Unsigned(item));
  return true;
}

bool ReadBuckets(const Json& item, OtlpPoint::Buckets* buckets) {
  if (!item.is_object()) return true;
  buckets->offset = static_cast<int32_t>(Signed(Member(item, "offset")));
  return ReadNumbers(Member(item, "bucketCounts"), &buckets->counts);
}

// The union of all kinds' members: none has two meanings.
bool ReadPoint(const Json& item, OtlpPoint* point) {
  point->attributes = Attributes(Member(item, "attributes"));
  point->start_ns = Unsigned(Member(item, "startTimeUnixNano"));
  point->time_ns = Unsigned(Member(item, "timeUnixNano"));
  point->no_recorded_value = (Unsigned(Member(item, "flags")) & 1) != 0;
  const Json& whole = Member(item, "asInt");
  point->value =
      whole.is_null() ? Double(Member(item, "asDouble")) : static_cast<double>(Signed(whole));
  point->count = Unsigned(Member(item, "count"));
  if (const Json& sum = Member(item, "sum"); !sum.is_null()) {
    point->has_sum = true;
    point->sum = Double(sum);
  }
  if (const Json& bounds = Member(item, "explicitBounds"); bounds.is_array()) {
    if (bounds.size() > kOtlpBucketsMax) return false;
    for (const Json& bound : bounds) point->bounds.push_back(Double(bound));
  }
  point->scale = static_cast<int32_t>(Signed(Member(item, "scale")));
  point->zero_count = Unsigned(Member(item, "zeroCount"));
  point->zero_threshold = Double(Member(item, "zeroThreshold"));
  return ReadNumbers(Member(item, "bucketCounts"), &point->bucket_counts) &&
         ReadBuckets(Member(item, "positive"), &point->positive) &&
         ReadBuckets(Member(item, "negative"), &point->negative) &&
         ForEach(Member(item, "quantileValues"),
                 [&](const Json& quantile) {
                   point->quantiles.push_back(
                       {Double(Member(quantile, "quantile")), Double(Member(quantile, "value"))});
                   return true;
                 }) &&
         ForEach(Member(item, "exemplars"), [&](const Json& exemplar) {
           return ReadExemplar(exemplar, &point->exemplars.emplace_back());
         });
}

OtlpMetric::Temporality TemporalityOf(const Json& value) {
  using Temporality = OtlpMetric::Temporality;
  const std::string name = Text(value);
  if (name == "AGGREGATION_TEMPORALITY_DELTA") return Temporality::kDelta;
  if (name == "AGGREGATION_TEMPORALITY_CUMULATIVE") return Temporality::kCumulative;
  const uint64_t number = Unsigned(value);
  return number <= 2 ? static_cast<Temporality>(number) : Temporality::kUnspecified;
}

bool ReadMetric(const Json& item, OtlpMetric* metric) {
  using Kind = OtlpMetric::Kind;
  metric->name = Text(Member(item, "name"));
  metric->description = Text(Member(item, "description"));
  metric->unit = Text(Member(item, "unit"));
  constexpr std::pair<const char*, Kind> kKinds[] = {{"gauge", Kind::kGauge},
                                                     {"sum", Kind::kSum},
                                                     {"histogram", Kind::kHistogram},
                                                     {"exponentialHistogram", Kind::kExponential},
                                                     {"summary", Kind::kSummary}};
  for (const auto& [name, kind] : kKinds) {
    const Json& data = Member(item, name);
    if (!data.is_object()) continue;
    metric->kind = kind;
    metric->temporality = TemporalityOf(Member(data, "aggregationTemporality"));
    const Json& monotonic = Member(data, "isMonotonic");
    metric->monotonic = monotonic.is_boolean() && monotonic.get<bool>();
    if (!ForEach(Member(data, "dataPoints"), [&](const Json& point) {
          OtlpPoint& to = metric->points.emplace_back();
          if (!ReadPoint(point, &to)) return false;
          if (kind == Kind::kSummary) to.has_sum = true;
          return true;
        })) {
      return false;
    }
  }
  return true;
}

bool ReadScope(const Json& item, OtlpScope* scope) {
  if (const Json& info = Member(item, "scope"); info.is_object()) {
    scope->name = Text(Member(info, "name"));
    scope->version = Text(Member(info, "version"));
    scope->attributes = Attributes(Member(info, "attributes"));
  }
  scope->schema_url = Text(Member(item, "schemaUrl"));
  return ForEach(Member(item, "metrics"), [&](const Json& metric) {
    return ReadMetric(metric, &scope->metrics.emplace_back());
  });
}

// Nested deeper than any request needs: parsing stops there.
bool DepthWithinLimit(int depth, Json::parse_event_t, Json&) {
  return depth <= 2 * kOtlpDepthMax + 24;
}

}  // namespace

absl::StatusOr<OtlpRequest> DecodeOtlpJson(std::string_view text) {
  const Json json = Json::parse(text, DepthWithinLimit, /*allow_exceptions=*/false);
  if (json.is_discarded() || !json.is_object()) {
    return InvalidArgument("malformed OTLP request: no JSON object ({} bytes)", text.size());
  }
  OtlpRequest request;
  const bool good = ForEach(Member(json, "resourceMetrics"), [&](const Json& item) {
    OtlpResource& resource = request.resources.emplace_back();
    if (const Json& info = Member(item, "resource"); info.is_object()) {
      resource.attributes = Attributes(Member(info, "attributes"));
    }
    return ForEach(Member(item, "scopeMetrics"), [&](const Json& scope) {
      return ReadScope(scope, &resource.scopes.emplace_back());
    });
  });
  if (!good) {
    return InvalidArgument("malformed OTLP request: resourceMetrics[{}] is not as the schema says",
                           request.resources.size() - 1);
  }
  return request;
}

}  // namespace hearth::codec
