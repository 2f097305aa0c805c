// SPDX-License-Identifier: Apache-2.0
// Field numbers: opentelemetry-proto v1.x, metrics/v1/metrics.proto and common/v1/common.proto.
#include <map>

#include "base/json_text.h"
#include "base/status.h"
#include "base/text.h"
#include "codec/json_writer.h"
#include "codec/otlp.h"
#include "codec/wire_fields.h"

namespace hearth::codec {
namespace {

using wire::Field;
using wire::FieldReader;
using wire::kBytes;
using wire::kFixed64;
using wire::kVarint;

constexpr uint64_t kNoRecordedValue = 1;  // DataPointFlags

bool ReadAnyValue(std::string_view message, int depth, bool as_json, std::string* out);

bool ReadKeyValue(std::string_view message, int depth, bool as_json, OtlpAttribute* attribute) {
  FieldReader fields(message);
  Field field;
  std::string_view value;
  while (fields.Next(&field)) {
    if (field.Is(1, kBytes)) attribute->key = field.bytes;
    if (field.Is(2, kBytes)) value = field.bytes;
  }
  attribute->value.clear();
  return fields.good() && ReadAnyValue(value, depth, as_json, &attribute->value);
}

bool ReadArray(std::string_view message, int depth, std::string* out) {
  FieldReader fields(message);
  Field field;
  *out += '[';
  while (fields.Next(&field)) {
    if (!field.Is(1, kBytes)) continue;
    if (out->back() != '[') *out += ',';
    if (!ReadAnyValue(field.bytes, depth + 1, true, out)) return false;
  }
  *out += ']';
  return fields.good();
}

bool ReadMap(std::string_view message, int depth, std::string* out) {
  FieldReader fields(message);
  Field field;
  std::map<std::string, std::string> members;  // Go prints maps in the order of their keys
  while (fields.Next(&field)) {
    OtlpAttribute member;
    if (!field.Is(1, kBytes)) continue;
    if (!ReadKeyValue(field.bytes, depth + 1, true, &member)) return false;
    members[member.key] = std::move(member.value);
  }
  *out += '{';
  for (const auto& [key, value] : members) {
    if (out->back() != '{') *out += ',';
    AppendJsonStringHtmlSafe(key, out);
    *out += ':';
    *out += value;
  }
  *out += '}';
  return fields.good();
}

// As pcommon.Value.AsString; inside arrays and maps as JSON.
bool ReadAnyValue(std::string_view message, int depth, bool as_json, std::string* out) {
  if (depth > kOtlpDepthMax) return false;
  FieldReader fields(message);
  Field field;
  bool any = false;
  while (fields.Next(&field)) {
    if (any) continue;  // a oneof holds one
    any = true;
    if (field.Is(1, kBytes)) {
      if (as_json) {
        AppendJsonStringHtmlSafe(field.bytes, out);
      } else {
        *out += field.bytes;
      }
    } else if (field.Is(2, kVarint)) {
      *out += field.bits != 0 ? "true" : "false";
    } else if (field.Is(3, kVarint)) {
      *out += std::to_string(field.as_int());
    } else if (field.Is(4, kFixed64)) {
      *out += OtlpDoubleText(field.as_double());
    } else if (field.Is(5, kBytes)) {
      if (!ReadArray(field.bytes, depth, out)) return false;
    } else if (field.Is(6, kBytes)) {
      if (!ReadMap(field.bytes, depth, out)) return false;
    } else if (field.Is(7, kBytes)) {
      const std::string text = Base64Encode(field.bytes);
      *out += as_json ? "\"" + text + "\"" : text;
    } else {
      any = false;
    }
  }
  if (!any && as_json) *out += "null";
  return fields.good();
}

bool AddAttribute(std::string_view message, OtlpAttributes* attributes) {
  return ReadKeyValue(message, 0, false, &attributes->emplace_back());
}

bool ReadExemplar(std::string_view message, OtlpExemplar* exemplar) {
  FieldReader fields(message);
  Field field;
  while (fields.Next(&field)) {
    if (field.Is(2, kFixed64)) exemplar->time_ns = field.bits;
    if (field.Is(3, kFixed64)) exemplar->value = field.as_double();
    if (field.Is(4, kBytes)) exemplar->span_id = HexEncode(field.bytes);
    if (field.Is(5, kBytes)) exemplar->trace_id = HexEncode(field.bytes);
    if (field.Is(6, kFixed64)) exemplar->value = static_cast<double>(field.as_int());
    if (field.Is(7, kBytes) && !AddAttribute(field.bytes, &exemplar->attributes)) return false;
  }
  return fields.good();
}

bool ReadNumberPoint(std::string_view message, OtlpPoint* point) {
  FieldReader fields(message);
  Field field;
  while (fields.Next(&field)) {
    if (field.Is(2, kFixed64)) point->start_ns = field.bits;
    if (field.Is(3, kFixed64)) point->time_ns = field.bits;
    if (field.Is(4, kFixed64)) point->value = field.as_double();
    if (field.Is(6, kFixed64)) point->value = static_cast<double>(field.as_int());
    if (field.Is(8, kVarint)) point->no_recorded_value = (field.bits & kNoRecordedValue) != 0;
    if (field.Is(5, kBytes) && !ReadExemplar(field.bytes, &point->exemplars.emplace_back())) {
      return false;
    }
    if (field.Is(7, kBytes) && !AddAttribute(field.bytes, &point->attributes)) return false;
  }
  return fields.good();
}

bool ReadHistogramPoint(std::string_view message, OtlpPoint* point) {
  FieldReader fields(message);
  Field field;
  while (fields.Next(&field)) {
    if (field.Is(2, kFixed64)) point->start_ns = field.bits;
    if (field.Is(3, kFixed64)) point->time_ns = field.bits;
    if (field.Is(4, kFixed64)) point->count = field.bits;
    if (field.Is(5, kFixed64)) {
      point->has_sum = true;
      point->sum = field.as_double();
    }
    if (field.number == 6 &&
        !wire::ReadRepeatedFixed64(field, kOtlpBucketsMax, &point->bucket_counts)) {
      return false;
    }
    if (field.number == 7 && !wire::ReadRepeatedFixed64(field, kOtlpBucketsMax, &point->bounds)) {
      return false;
    }
    if (field.Is(8, kBytes) && !ReadExemplar(field.bytes, &point->exemplars.emplace_back())) {
      return false;
    }
    if (field.Is(9, kBytes) && !AddAttribute(field.bytes, &point->attributes)) return false;
    if (field.Is(10, kVarint)) point->no_recorded_value = (field.bits & kNoRecordedValue) != 0;
  }
  return fields.good();
}

bool ReadBuckets(std::string_view message, OtlpPoint::Buckets* buckets) {
  FieldReader fields(message);
  Field field;
  while (fields.Next(&field)) {
    if (field.Is(1, kVarint)) buckets->offset = static_cast<int32_t>(wire::ZigZag(field.bits));
    if (field.number == 2 && !wire::ReadRepeatedVarint(field, kOtlpBucketsMax, &buckets->counts)) {
      return false;
    }
  }
  return fields.good();
}

bool ReadExponentialPoint(std::string_view message, OtlpPoint* point) {
  FieldReader fields(message);
  Field field;
  while (fields.Next(&field)) {
    if (field.Is(1, kBytes) && !AddAttribute(field.bytes, &point->attributes)) return false;
    if (field.Is(2, kFixed64)) point->start_ns = field.bits;
    if (field.Is(3, kFixed64)) point->time_ns = field.bits;
    if (field.Is(4, kFixed64)) point->count = field.bits;
    if (field.Is(5, kFixed64)) {
      point->has_sum = true;
      point->sum = field.as_double();
    }
    if (field.Is(6, kVarint)) point->scale = static_cast<int32_t>(wire::ZigZag(field.bits));
    if (field.Is(7, kFixed64)) point->zero_count = field.bits;
    if (field.Is(8, kBytes) && !ReadBuckets(field.bytes, &point->positive)) return false;
    if (field.Is(9, kBytes) && !ReadBuckets(field.bytes, &point->negative)) return false;
    if (field.Is(10, kVarint)) point->no_recorded_value = (field.bits & kNoRecordedValue) != 0;
    if (field.Is(11, kBytes) && !ReadExemplar(field.bytes, &point->exemplars.emplace_back())) {
      return false;
    }
    if (field.Is(14, kFixed64)) point->zero_threshold = field.as_double();
  }
  return fields.good();
}

bool ReadQuantile(std::string_view message, OtlpPoint::Quantile* quantile) {
  FieldReader fields(message);
  Field field;
  while (fields.Next(&field)) {
    if (field.Is(1, kFixed64)) quantile->quantile = field.as_double();
    if (field.Is(2, kFixed64)) quantile->value = field.as_double();
  }
  return fields.good();
}

bool ReadSummaryPoint(std::string_view message, OtlpPoint* point) {
  FieldReader fields(message);
  Field field;
  point->has_sum = true;
  while (fields.Next(&field)) {
    if (field.Is(2, kFixed64)) point->start_ns = field.bits;
    if (field.Is(3, kFixed64)) point->time_ns = field.bits;
    if (field.Is(4, kFixed64)) point->count = field.bits;
    if (field.Is(5, kFixed64)) point->sum = field.as_double();
    if (field.Is(6, kBytes) && !ReadQuantile(field.bytes, &point->quantiles.emplace_back())) {
      return false;
    }
    if (field.Is(7, kBytes) && !AddAttribute(field.bytes, &point->attributes)) return false;
    if (field.Is(8, kVarint)) point->no_recorded_value = (field.bits & kNoRecordedValue) != 0;
  }
  return fields.good();
}

// Gauge, Sum, Histogram, ExponentialHistogram and Summary: points, then what kind of numbers.
bool ReadData(std::string_view message, bool (*read_point)(std::string_view, OtlpPoint*),
              OtlpMetric* metric) {
  FieldReader fields(message);
  Field field;
  while (fields.Next(&field)) {
    if (field.Is(1, kBytes) && !read_point(field.bytes, &metric->points.emplace_back())) {
      return false;
    }
    if (field.Is(2, kVarint) && field.bits <= 2) {
      metric->temporality = static_cast<OtlpMetric::Temporality>(field.bits);
    }
    if (field.Is(3, kVarint)) metric->monotonic = field.bits != 0;
  }
  return fields.good();
}

bool ReadMetric(std::string_view message, OtlpMetric* metric) {
  using Kind = OtlpMetric::Kind;
  FieldReader fields(message);
  Field field;
  const auto data = [&](Kind kind, bool (*read_point)(std::string_view, OtlpPoint*)) {
    metric->kind = kind;
    return ReadData(field.bytes, read_point, metric);
  };
  while (fields.Next(&field)) {
    if (field.type != kBytes) continue;
    bool good = true;
    switch (field.number) {
      case 1:
        metric->name = field.bytes;
        break;
      case 2:
        metric->description = field.bytes;
        break;
      case 3:
        metric->unit = field.bytes;
        break;
      case 5:
        good = data(Kind::kGauge, ReadNumberPoint);
        break;
      case 7:
        good = data(Kind::kSum, ReadNumberPoint);
        break;
      case 9:
        good = data(Kind::kHistogram, ReadHistogramPoint);
        break;
      case 10:
        good = data(Kind::kExponential, ReadExponentialPoint);
        break;
      case 11:
        good = data(Kind::kSummary, ReadSummaryPoint);
        break;
      default:
        break;
    }
    if (!good) return false;
  }
  return fields.good();
}

bool ReadScopeInfo(std::string_view message, OtlpScope* scope) {
  FieldReader fields(message);
  Field field;
  while (fields.Next(&field)) {
    if (field.Is(1, kBytes)) scope->name = field.bytes;
    if (field.Is(2, kBytes)) scope->version = field.bytes;
    if (field.Is(3, kBytes) && !AddAttribute(field.bytes, &scope->attributes)) return false;
  }
  return fields.good();
}

bool ReadScope(std::string_view message, OtlpScope* scope) {
  FieldReader fields(message);
  Field field;
  while (fields.Next(&field)) {
    if (field.Is(1, kBytes) && !ReadScopeInfo(field.bytes, scope)) return false;
    if (field.Is(2, kBytes) && !ReadMetric(field.bytes, &scope->metrics.emplace_back())) {
      return false;
    }
    if (field.Is(3, kBytes)) scope->schema_url = field.bytes;
  }
  return fields.good();
}

bool ReadResource(std::string_view message, OtlpResource* resource) {
  FieldReader fields(message);
  Field field;
  while (fields.Next(&field)) {
    if (field.Is(1, kBytes)) {
      FieldReader inner(field.bytes);
      Field attribute;
      while (inner.Next(&attribute)) {
        if (attribute.Is(1, kBytes) && !AddAttribute(attribute.bytes, &resource->attributes)) {
          return false;
        }
      }
      if (!inner.good()) return false;
    }
    if (field.Is(2, kBytes) && !ReadScope(field.bytes, &resource->scopes.emplace_back())) {
      return false;
    }
  }
  return fields.good();
}

}  // namespace

std::string OtlpDoubleText(double value) {
  if (value != value) return "NaN";
  std::string out = FormatFloat(value);
  const size_t exponent = out.find("e-0");  // encoding/json writes 1e-7 where strconv writes 1e-07
  if (exponent != std::string::npos) out.erase(exponent + 2, 1);
  return out;
}

absl::StatusOr<OtlpRequest> DecodeOtlpProtobuf(std::string_view message) {
  OtlpRequest request;
  FieldReader fields(message);
  Field field;
  while (fields.Next(&field)) {
    if (!field.Is(1, kBytes)) continue;
    if (!ReadResource(field.bytes, &request.resources.emplace_back())) {
      return InvalidArgument(
          "malformed OTLP request: resource {} of ExportMetricsServiceRequest, at byte {} of {}",
          request.resources.size(), field.bytes.data() - message.data(), message.size());
    }
  }
  if (!fields.good()) {
    return InvalidArgument("malformed OTLP request: no ExportMetricsServiceRequest ({} bytes)",
                           message.size());
  }
  return request;
}

}  // namespace hearth::codec
