// SPDX-License-Identifier: Apache-2.0
#include "access/query_protocol.h"

#include <absl/strings/cord.h>
#include <fmt/format.h>

#include <algorithm>

#include "access/aws_errors.h"
#include "auth/iso_time.h"
#include "base/log.h"
#include "base/status.h"
#include "base/text.h"

namespace hearth::access {
namespace {

// Payloads of a fault's status.
constexpr std::string_view kFaultUrl = "hearth/query-fault";                // "404 NoSuchEntity"
constexpr std::string_view kStatementUrl = "hearth/query-fault-statement";  // JSON
constexpr std::string_view kEncodedUrl = "hearth/query-encoded";
constexpr std::string_view kReasonUrl = "hearth/query-fault-reason";

// What a message shows of a value that was refused.
constexpr size_t kShownMax = 300;

std::string Payload(const absl::Status& status, std::string_view url) {
  const auto payload = status.GetPayload(ToAbsl(url));
  return payload.has_value() ? std::string(*payload) : std::string();
}

// "RoleName" → "roleName", as the service frameworks name members in messages.
std::string MemberName(std::string_view name) {
  std::string out(name);
  if (!out.empty() && out[0] >= 'A' && out[0] <= 'Z') {
    out[0] = static_cast<char>(out[0] - 'A' + 'a');
  }
  return out;
}

std::string Shown(std::string_view value) {
  if (value.size() <= kShownMax) return std::string(value);
  return std::string(value.substr(0, kShownMax)) + "...";
}

// Characters, not bytes, of UTF-8.
size_t CountCharacters(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

// "prefix.member.12.rest" → 12 and "rest"; false where the name is no such.
bool SplitMember(std::string_view name, std::string_view prefix, int64_t* number,
                 std::string_view* rest) {
  constexpr std::string_view kMember = ".member.";
  if (!name.starts_with(prefix) || !name.substr(prefix.size()).starts_with(kMember)) return false;
  name.remove_prefix(prefix.size() + kMember.size());
  const size_t dot = name.find('.');
  *rest = dot == std::string_view::npos ? std::string_view() : name.substr(dot + 1);
  return ParseInt64(name.substr(0, dot), number) && *number > 0;
}

}  // namespace

absl::StatusOr<QueryForm> QueryForm::Parse(const net::HttpRequest& request) {
  const auto parameters =
      net::ParseForm(request.method == "POST" ? request.body : request.query, kQueryParametersMax);
  if (!parameters.ok()) {
    return QueryFault(400, "MalformedQueryString", Message(parameters.status()));
  }
  QueryForm form;
  for (const net::Parameter& parameter : *parameters) {
    if (!IsValidUtf8(parameter.value) || !IsValidUtf8(parameter.name) ||
        parameter.value.find('\0') != std::string::npos) {
      return QueryFault(400, "MalformedQueryString", "The form is not UTF-8 text without NUL");
    }
    form.values_[parameter.name] = parameter.value;
  }
  return form;
}

std::string_view QueryForm::Text(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::string_view() : std::string_view(found->second);
}

std::vector<std::string> QueryForm::List(std::string_view name) const {
  std::map<int64_t, std::string> members;
  for (auto it = values_.lower_bound(name); it != values_.end(); ++it) {
    if (!it->first.starts_with(name)) break;
    int64_t number = 0;
    std::string_view rest;
    if (SplitMember(it->first, name, &number, &rest) && rest.empty()) members[number] = it->second;
  }
  std::vector<std::string> list;
  for (auto& [number, value] : members) list.push_back(std::move(value));
  return list;
}

std::vector<QueryForm> QueryForm::Structures(std::string_view name) const {
  std::map<int64_t, QueryForm> members;
  for (auto it = values_.lower_bound(name); it != values_.end(); ++it) {
    if (!it->first.starts_with(name)) break;
    int64_t number = 0;
    std::string_view rest;
    if (SplitMember(it->first, name, &number, &rest) && !rest.empty()) {
      members[number].values_[std::string(rest)] = it->second;
    }
  }
  std::vector<QueryForm> list;
  for (auto& [number, form] : members) list.push_back(std::move(form));
  return list;
}

void QueryReader::Fail(std::string_view name, std::string_view value, std::string_view constraint) {
  faults_.push_back(fmt::format("Value '{}' at '{}' failed to satisfy constraint: {}", Shown(value),
                                MemberName(name), constraint));
}

void QueryReader::Check(std::string_view name, std::string_view value, const QueryRule& rule) {
  const size_t characters = CountCharacters(value);
  if (characters < rule.min) {
    Fail(name, value, fmt::format("Member must have length greater than or equal to {}", rule.min));
  }
  if (rule.max != 0 && characters > rule.max) {
    Fail(name, value, fmt::format("Member must have length less than or equal to {}", rule.max));
  }
  if (rule.allowed != nullptr && !std::all_of(value.begin(), value.end(), [&](char c) {
        return rule.allowed(static_cast<unsigned char>(c));
      })) {
    Fail(name, value,
         fmt::format("Member must satisfy regular expression pattern: {}", rule.pattern));
  }
}

std::string QueryReader::Text(std::string_view name, const QueryRule& rule) {
  if (!form_.Has(name)) {
    if (rule.required) {
      faults_.push_back(
          fmt::format("Value null at '{}' failed to satisfy constraint: Member must not be null",
                      MemberName(name)));
    }
    return "";
  }
  const std::string_view value = form_.Text(name);
  Check(name, value, rule);
  return std::string(value);
}

int64_t QueryReader::Number(std::string_view name, int64_t fallback, int64_t min, int64_t max) {
  if (!form_.Has(name)) return fallback;
  int64_t number = 0;
  const std::string_view text = form_.Text(name);
  if (!ParseInt64(text, &number)) {
    Fail(name, text, "Member must be a number");
  } else if (number < min) {
    Fail(name, text, fmt::format("Member must have value greater than or equal to {}", min));
  } else if (number > max) {
    Fail(name, text, fmt::format("Member must have value less than or equal to {}", max));
  }
  return number;
}

bool QueryReader::Flag(std::string_view name, bool fallback) {
  if (!form_.Has(name)) return fallback;
  const std::string_view text = form_.Text(name);
  if (EqualsIgnoreCaseAscii(text, "true")) return true;
  if (!EqualsIgnoreCaseAscii(text, "false")) Fail(name, text, "Member must be true or false");
  return false;
}

std::string QueryReader::OneOf(std::string_view name,
                               std::initializer_list<std::string_view> allowed, bool required) {
  QueryRule rule;
  rule.required = required;
  std::string value = Text(name, rule);
  if (!form_.Has(name)) return value;
  if (std::find(allowed.begin(), allowed.end(), value) == allowed.end()) {
    Fail(name, value,
         fmt::format("Member must satisfy enum value set: [{}]", fmt::join(allowed, ", ")));
  }
  return value;
}

std::vector<std::string> QueryReader::List(std::string_view name, size_t max,
                                           const QueryRule& rule) {
  std::vector<std::string> list = form_.List(name);
  if (list.empty() && rule.required) {
    faults_.push_back(
        fmt::format("Value null at '{}' failed to satisfy constraint: Member must not be null",
                    MemberName(name)));
  }
  if (list.size() > max) {
    Fail(name, fmt::format("[{} members]", list.size()),
         fmt::format("Member must have length less than or equal to {}", max));
  }
  for (const std::string& value : list) Check(name, value, rule);
  return list;
}

absl::Status QueryReader::status() const {
  if (faults_.empty()) return absl::OkStatus();
  return QueryFault(400, "ValidationError",
                    fmt::format("{} validation error{} detected: {}", faults_.size(),
                                faults_.size() == 1 ? "" : "s", fmt::join(faults_, "; ")));
}

void XmlWriter::Open(std::string_view name) {
  xml_ += '<';
  xml_ += name;
  xml_ += '>';
}

void XmlWriter::Close(std::string_view name) {
  xml_ += "</";
  xml_ += name;
  xml_ += '>';
}

void XmlWriter::Text(std::string_view name, std::string_view text) {
  Open(name);
  xml_ += EscapeXml(text);
  Close(name);
}

void XmlWriter::TextIf(std::string_view name, std::string_view text) {
  if (!text.empty()) Text(name, text);
}

void XmlWriter::Number(std::string_view name, int64_t number) {
  Text(name, std::to_string(number));
}

void XmlWriter::Flag(std::string_view name, bool flag) { Text(name, flag ? "true" : "false"); }

void XmlWriter::Time(std::string_view name, int64_t ms) { Text(name, auth::FormatIsoDate(ms)); }

void XmlWriter::List(std::string_view name, const std::vector<std::string>& members) {
  Open(name);
  for (const std::string& member : members) Text("member", member);
  Close(name);
}

absl::Status QueryFault(int status, std::string_view code, std::string_view message) {
  absl::Status fault(absl::StatusCode::kFailedPrecondition, ToAbsl(message));
  fault.SetPayload(ToAbsl(kFaultUrl), absl::Cord(fmt::format("{} {}", status, code)));
  return fault;
}

absl::Status QueryFault(const Refusal& refusal) {
  const QueryRefusalName name = QueryNameOf(refusal.kind);
  absl::Status fault = QueryFault(name.status, name.code, refusal.message);
  if (!refusal.missing_statement.empty()) {
    fault.SetPayload(ToAbsl(kStatementUrl), absl::Cord(refusal.missing_statement));
  }
  if (!refusal.encoded_message.empty()) {
    fault.SetPayload(ToAbsl(kEncodedUrl), absl::Cord(refusal.encoded_message));
  }
  return refusal.reason.empty() ? fault : WithReason(std::move(fault), refusal.reason);
}

absl::Status WithReason(absl::Status fault, std::string_view reason) {
  fault.SetPayload(ToAbsl(kReasonUrl), absl::Cord(ToAbsl(reason)));
  return fault;
}

std::string QueryFaultCode(const absl::Status& status) {
  const std::string payload = Payload(status, kFaultUrl);
  return payload.empty() ? payload : payload.substr(payload.find(' ') + 1);
}

net::HttpResponse QueryFailure(const QueryService& service, const absl::Status& status,
                               std::string_view request_id) {
  int http = 500;
  std::string code = "ServiceFailure";
  std::string message = "The request could not be processed because of an internal failure";
  const std::string payload = Payload(status, kFaultUrl);
  const size_t space = payload.find(' ');
  if (space != std::string::npos) {
    http = std::atoi(payload.c_str());
    code = payload.substr(space + 1);
    message = Message(status);
  } else if (absl::IsAborted(status)) {
    http = 409;
    code = "ConcurrentModification";
    message = "The object was changed by another request at the same time: try again";
  } else if (absl::IsUnavailable(status)) {
    http = 503;
    code = "ServiceUnavailable";
    message = "The request has failed due to a temporary failure of the server.";
  }
  if (http >= 500) {
    log::Error("access", "query call failed",
               {{"service", std::string(service.signing_name)},
                {"request_id", std::string(request_id)},
                {"error", Message(status)}});
  }
  net::HttpResponse response =
      AwsQueryError(http, code, message, service.xml_namespace, request_id);
  const std::string statement = Payload(status, kStatementUrl);
  if (!statement.empty()) response.headers.Set("x-hearth-missing-statement", statement);
  const std::string encoded = Payload(status, kEncodedUrl);
  if (!encoded.empty()) response.headers.Set("x-hearth-encoded-message", encoded);
  const std::string reason = Payload(status, kReasonUrl);
  if (!reason.empty()) response.headers.Set("x-hearth-reason", reason);
  if (http == 503) response.headers.Set("Retry-After", "1");
  response.headers.Set("x-amzn-RequestId", request_id);
  return response;
}

std::string QueryAnswerXml(const QueryService& service, std::string_view action,
                           std::string_view result, bool has_result, std::string_view request_id) {
  std::string xml = fmt::format("<{}Response xmlns=\"{}\">", action, service.xml_namespace);
  if (has_result) xml += fmt::format("<{0}Result>{1}</{0}Result>", action, result);
  xml += fmt::format("<ResponseMetadata><RequestId>{}</RequestId></ResponseMetadata></{}Response>",
                     request_id, action);
  return xml;
}

net::HttpResponse QueryAnswer(std::string xml, std::string_view request_id) {
  net::HttpResponse response;
  response.headers.Set("Content-Type", "text/xml");
  response.headers.Set("x-amzn-RequestId", request_id);
  response.body = std::move(xml);
  return response;
}

absl::Status UnknownQueryAction(const QueryForm& form) {
  const std::string_view action = form.action();
  const std::string_view version = form.Text("Version");
  return QueryFault(400, "InvalidAction",
                    fmt::format("Could not find operation {} for version {}",
                                action.empty() ? "NO_ACTION" : Shown(action),
                                version.empty() ? "NO_VERSION_SPECIFIED" : Shown(version)));
}

}  // namespace hearth::access
