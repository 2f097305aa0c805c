// SPDX-License-Identifier: Apache-2.0
#include "access/rest_json.h"

#include <absl/strings/cord.h>
#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "access/aws_errors.h"
#include "base/json_text.h"
#include "base/log.h"
#include "base/status.h"
#include "crypto/hash.h"

namespace hearth::access {
namespace {

using Json = nlohmann::json;

// Carries "<status>\n<type>\n<members>" of a RestError.
constexpr std::string_view kPayload = "hearth/rest-error";
// Deeper JSON is no request of a service model (they nest six deep), and costs stack to write.
constexpr int kJsonDepthMax = 32;
// Of a value that an error quotes.
constexpr size_t kQuotedMax = 64;
// Bytes of the hash that a page token carries: enough that none is met by chance.
constexpr size_t kPageCheckSize = 8;

std::string Quoted(std::string_view text) {
  std::string out;
  AppendJsonString(text, &out);
  return out;
}

bool IsCleanText(std::string_view text) {
  return text.find('\0') == std::string_view::npos && IsValidUtf8(text);
}

// JSON's own depth, without looking into strings too closely: an upper bound is enough.
bool IsTooDeep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kJsonDepthMax) return true;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

// NUL in any text: the catalog's columns hold none. (The parser has refused invalid UTF-8.)
bool HasNul(const Json& json) {
  if (json.is_string()) return json.get_ref<const std::string&>().find('\0') != std::string::npos;
  if (json.is_object()) {
    for (const auto& [key, value] : json.items()) {
      if (key.find('\0') != std::string::npos || HasNul(value)) return true;
    }
  }
  if (json.is_array()) {
    for (const Json& value : json) {
      if (HasNul(value)) return true;
    }
  }
  return false;
}

absl::StatusOr<Json> ParseBody(const std::string& body) {
  if (body.size() > kRestBodyMax) {
    return RestError(
        413, "RequestEntityTooLargeException",
        fmt::format("The request has {} bytes, at most {} are taken", body.size(), kRestBodyMax));
  }
  if (TrimSpace(body).empty()) return Json::object();
  if (IsTooDeep(body)) {
    return InvalidRequest("CANNOT_PARSE",
                          fmt::format("The JSON is nested deeper than {} levels", kJsonDepthMax));
  }
  Json json = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return InvalidRequest("CANNOT_PARSE", "The body is not valid JSON");
  if (!json.is_object()) return InvalidRequest("CANNOT_PARSE", "The body is not a JSON object");
  if (HasNul(json)) return InvalidRequest("CANNOT_PARSE", "The body has a NUL character in a text");
  return json;
}

std::string_view WireName(const Member& member) {
  return member.wire_name.empty() ? member.name : member.wire_name;
}

// Text of a query, header or path as the member's type; text that does not fit stays text, which
// the check then refuses by name.
Json FromText(const Shape& shape, const std::string& text) {
  int64_t number = 0;
  if (shape.type == ShapeType::kInteger && ParseInt64(text, &number)) return number;
  if (shape.type == ShapeType::kBoolean && (text == "true" || text == "false")) {
    return text == "true";
  }
  return text;
}

// One request, as it becomes the members of its input.
class InputReader {
 public:
  InputReader(const RestOperation& operation, const RestMatch& match,
              const net::HttpRequest& request)
      : operation_(operation), match_(match), request_(request) {}

  absl::StatusOr<RestInput> Read() {
    auto query = net::ParseForm(request_.query);
    if (!query.ok()) return InvalidRequest("CANNOT_PARSE", Message(query.status()));
    query_ = *std::move(query);
    for (const net::Parameter& parameter : query_) {
      if (!IsCleanText(parameter.name) || !IsCleanText(parameter.value)) {
        return InvalidRequest("CANNOT_PARSE", "The query string is not clean UTF-8 text");
      }
    }
    for (const auto& [name, value] : match_.labels) {
      if (!IsCleanText(value)) {
        return InvalidRequest("CANNOT_PARSE", "The path is not clean UTF-8 text");
      }
    }
    const Shape* shape = operation_.input;
    if (shape == nullptr) return RestInput();
    Json input = Json::object();
    for (const Member& member : shape->members) {
      if (member.in != In::kBody) continue;
      TRY_ASSIGN(input, ParseBody(request_.body));
      break;
    }
    for (const Member& member : shape->members) TRY(Place(member, &input));
    std::vector<FieldError> errors;
    CheckShape(*shape, input, "", &errors);
    if (!errors.empty()) return InvalidFields(errors);
    return RestInput(std::move(input));
  }

 private:
  // A member that is not in the body takes its place there.
  absl::Status Place(const Member& member, Json* input) {
    if (member.in == In::kBody) return absl::OkStatus();
    const std::string name(member.name);
    input->erase(name);
    switch (member.in) {
      case In::kBody:
        break;
      case In::kUri:
        (*input)[name] = FromText(*member.shape, std::string(match_.Label(WireName(member))));
        break;
      case In::kHeader: {
        const std::string value(request_.headers.Find(WireName(member)));
        if (!IsCleanText(value)) {
          return InvalidRequest("CANNOT_PARSE", fmt::format("The header {} is not clean UTF-8 text",
                                                            WireName(member)));
        }
        if (!value.empty()) (*input)[name] = FromText(*member.shape, value);
        break;
      }
      case In::kQuery:
        PlaceQuery(member, name, input);
        break;
      case In::kQueryRest:
        PlaceRest(member, name, input);
        break;
    }
    return absl::OkStatus();
  }

  void PlaceQuery(const Member& member, const std::string& name, Json* input) {
    for (const net::Parameter& parameter : query_) {
      if (parameter.name != WireName(member)) continue;
      if (member.shape->type == ShapeType::kList) {
        (*input)[name].push_back(FromText(*member.shape->element, parameter.value));
      } else {
        (*input)[name] = FromText(*member.shape, parameter.value);
      }
    }
  }

  void PlaceRest(const Member& member, const std::string& name, Json* input) {
    for (const net::Parameter& parameter : query_) {
      // A presigned request's own parameters are no filters.
      bool known = parameter.name.starts_with("X-Amz-");
      for (const Member& other : operation_.input->members) {
        known |= other.in == In::kQuery && WireName(other) == parameter.name;
      }
      if (known) continue;
      (*input)[name][parameter.name].push_back(FromText(*member.shape->element, parameter.value));
    }
  }

  const RestOperation& operation_;
  const RestMatch& match_;
  const net::HttpRequest& request_;
  std::vector<net::Parameter> query_;
};

bool IsLabel(std::string_view segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

absl::StatusCode CodeOf(int http_status) {
  switch (http_status) {
    case 400:
      return absl::StatusCode::kInvalidArgument;
    case 402:
    case 429:
      return absl::StatusCode::kResourceExhausted;
    case 403:
      return absl::StatusCode::kPermissionDenied;
    case 404:
      return absl::StatusCode::kNotFound;
    case 409:
      return absl::StatusCode::kAlreadyExists;
    default:
      return absl::StatusCode::kUnknown;
  }
}

struct WireError {
  int status = 500;
  std::string type;
  std::string members;
};

std::optional<WireError> PayloadOf(const absl::Status& status) {
  const auto payload = status.GetPayload(ToAbsl(kPayload));
  if (!payload) return std::nullopt;
  const std::string text(*payload);
  const size_t first = text.find('\n');
  const size_t second = text.find('\n', first + 1);
  WireError error;
  int64_t number = 500;
  ParseInt64(std::string_view(text).substr(0, first), &number);
  error.status = static_cast<int>(number);
  error.type = text.substr(first + 1, second - first - 1);
  error.members = text.substr(second + 1);
  return error;
}

std::string ResourceMembers(std::string_view id, std::string_view type) {
  return fmt::format(R"("resourceId":{},"resourceType":{})", Quoted(id), Quoted(type));
}

}  // namespace

std::string_view RestMatch::Label(std::string_view name) const {
  for (const auto& [label, value] : labels) {
    if (label == name) return value;
  }
  return "";
}

bool RestOperations::Find(const net::HttpRequest& request, RestMatch* match) const {
  std::string_view path = request.path;
  if (path.empty() || path.front() != '/') return false;
  path.remove_prefix(1);
  if (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  const std::vector<std::string_view> given = Split(path, '/');
  size_t best_literals = 0;
  bool found = false;
  for (const RestOperation& operation : operations_) {
    if (operation.method != request.method) continue;
    const std::vector<std::string_view> wanted = Split(operation.path.substr(1), '/');
    if (wanted.size() != given.size()) continue;
    RestMatch candidate;
    candidate.operation = &operation;
    size_t literals = 0;
    bool fits = true;
    for (size_t i = 0; i < wanted.size() && fits; ++i) {
      std::string segment;
      fits = PercentDecode(given[i], false, &segment);
      if (!fits) break;
      if (IsLabel(wanted[i])) {
        fits = !segment.empty();
        candidate.labels.emplace_back(wanted[i].substr(1, wanted[i].size() - 2),
                                      std::move(segment));
      } else {
        fits = segment == wanted[i];
        ++literals;
      }
    }
    if (!fits || (found && literals <= best_literals)) continue;
    found = true;
    best_literals = literals;
    *match = std::move(candidate);
  }
  return found;
}

absl::StatusOr<RestInput> ReadRestInput(const RestOperation& operation, const RestMatch& match,
                                        const net::HttpRequest& request) {
  return InputReader(operation, match, request).Read();
}

absl::Status RestError(int http_status, std::string_view type, std::string_view message,
                       std::string_view members) {
  absl::Status status(CodeOf(http_status), ToAbsl(message));
  status.SetPayload(ToAbsl(kPayload),
                    absl::Cord(ToAbsl(fmt::format("{}\n{}\n{}", http_status, type, members))));
  return status;
}

absl::Status InvalidField(std::string_view field, std::string_view message) {
  const FieldError error{std::string(field), std::string(message)};
  return InvalidFields({&error, 1});
}

absl::Status InvalidFields(std::span<const FieldError> errors) {
  std::string message =
      fmt::format("{} validation error{} detected: ", errors.size(), errors.size() == 1 ? "" : "s");
  std::string members = R"("reason":"FIELD_VALIDATION_FAILED","fieldList":[)";
  for (size_t i = 0; i < errors.size(); ++i) {
    const FieldError& error = errors[i];
    message += fmt::format("{}Value at '{}' failed to satisfy constraint: {}", i == 0 ? "" : "; ",
                           error.name.substr(0, kQuotedMax), error.message);
    members += fmt::format(R"({}{{"name":{},"message":{}}})", i == 0 ? "" : ",", Quoted(error.name),
                           Quoted(error.message));
  }
  return RestError(400, "ValidationException", message, members + "]");
}

absl::Status InvalidRequest(std::string_view reason, std::string_view message) {
  return RestError(400, "ValidationException", message,
                   fmt::format(R"("reason":{})", Quoted(reason)));
}

absl::Status UnknownOperation(const net::HttpRequest& request) {
  return InvalidRequest("UNKNOWN_OPERATION",
                        fmt::format("No operation of this service is {} {}", request.method,
                                    request.path.substr(0, 4 * kQuotedMax)));
}

absl::Status ResourceNotFound(std::string_view message, std::string_view resource_id,
                              std::string_view resource_type) {
  return RestError(404, "ResourceNotFoundException", message,
                   ResourceMembers(resource_id, resource_type));
}

absl::Status ResourceConflict(std::string_view message, std::string_view resource_id,
                              std::string_view resource_type) {
  return RestError(409, "ConflictException", message, ResourceMembers(resource_id, resource_type));
}

absl::Status QuotaExceeded(std::string_view message, std::string_view resource_id,
                           std::string_view resource_type, std::string_view service_code,
                           std::string_view quota_code) {
  return RestError(402, "ServiceQuotaExceededException", message,
                   fmt::format(R"({},"serviceCode":{},"quotaCode":{})",
                               ResourceMembers(resource_id, resource_type), Quoted(service_code),
                               Quoted(quota_code)));
}

absl::Status Throttled(std::string_view message, std::string_view service_code,
                       std::string_view quota_code) {
  std::string members = fmt::format(R"("serviceCode":{})", Quoted(service_code));
  if (!quota_code.empty()) members += fmt::format(R"(,"quotaCode":{})", Quoted(quota_code));
  return RestError(429, "ThrottlingException", message, members);
}

bool IsRestError(const absl::Status& status) { return PayloadOf(status).has_value(); }

int RestErrorStatus(const absl::Status& status) {
  const auto error = PayloadOf(status);
  return error ? error->status : 500;
}

net::HttpResponse RestResponse(int status, std::string body, Rng& rng) {
  net::HttpResponse response;
  if (body.empty()) {
    response.status = status;
  } else {
    response = net::JsonResponse(status, std::move(body));
  }
  response.headers.Set("x-amzn-RequestId", NewUuid(rng));
  return response;
}

net::HttpResponse RestErrorResponse(const absl::Status& status, Rng& rng) {
  net::HttpResponse response;
  const std::string request_id = NewUuid(rng);
  if (const auto error = PayloadOf(status)) {
    response = AwsJsonError(error->status, error->type, Message(status), error->members);
  } else {
    log::Error("access", "a call failed", {{"request_id", request_id}, {"error", Message(status)}});
    response = AwsJsonError(500, "InternalServerException",
                            "The service cannot do this right now; try again");
  }
  if (response.status == 429 || response.status == 500) response.headers.Set("Retry-After", "1");
  response.headers.Set("x-amzn-RequestId", request_id);
  return response;
}

std::string RestBody(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string RestBody(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

double EpochSeconds(int64_t ms) { return static_cast<double>(ms) / 1000; }

std::string MakePageToken(std::string_view scope, std::string_view position) {
  const std::string check = crypto::Sha256(fmt::format("{}\n{}", scope, position));
  return Base64UrlEncode(check.substr(0, kPageCheckSize) + std::string(position));
}

absl::StatusOr<std::string> ReadPageToken(std::string_view scope, std::string_view token) {
  if (token.empty()) return "";
  std::string bytes;
  if (Base64UrlDecode(token, &bytes) && bytes.size() >= kPageCheckSize) {
    const std::string position = bytes.substr(kPageCheckSize);
    if (MakePageToken(scope, position) == token) return position;
  }
  return InvalidField("nextToken", "The token is not one that this list gave out");
}

}  // namespace hearth::access
