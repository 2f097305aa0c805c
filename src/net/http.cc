// SPDX-License-Identifier: Apache-2.0
#include "net/http.h"

#include <algorithm>
#include <utility>

#include "base/status.h"
#include "base/text.h"
#include "net/address_policy.h"

namespace hearth::net {

std::string_view HttpHeaders::Find(std::string_view name) const {
  for (const HttpHeader& header : list_) {
    if (EqualsIgnoreCaseAscii(header.name, name)) return header.value;
  }
  return {};
}

bool HttpHeaders::Has(std::string_view name) const {
  return std::any_of(list_.begin(), list_.end(), [&](const HttpHeader& header) {
    return EqualsIgnoreCaseAscii(header.name, name);
  });
}

std::vector<std::string_view> HttpHeaders::All(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const HttpHeader& header : list_) {
    if (EqualsIgnoreCaseAscii(header.name, name)) values.push_back(header.value);
  }
  return values;
}

void HttpHeaders::Add(std::string_view name, std::string_view value) {
  list_.push_back({std::string(name), std::string(value)});
}

void HttpHeaders::Set(std::string_view name, std::string_view value) {
  Remove(name);
  Add(name, value);
}

void HttpHeaders::Remove(std::string_view name) {
  std::erase_if(list_,
                [&](const HttpHeader& header) { return EqualsIgnoreCaseAscii(header.name, name); });
}

std::string_view HttpRequest::HostName() const {
  std::string_view host = headers.Find("host");
  if (host.starts_with('[')) {
    const size_t end = host.find(']');
    return end == std::string_view::npos ? host : host.substr(1, end - 1);
  }
  return host.substr(0, host.find(':'));
}

namespace {

HttpResponse Response(int status, std::string_view content_type, std::string body) {
  HttpResponse response;
  response.status = status;
  response.headers.Add("Content-Type", content_type);
  response.body = std::move(body);
  return response;
}

}  // namespace

HttpResponse TextResponse(int status, std::string body) {
  return Response(status, "text/plain; charset=utf-8", std::move(body));
}

HttpResponse JsonResponse(int status, std::string body) {
  return Response(status, "application/json", std::move(body));
}

HttpResponse HtmlResponse(int status, std::string body) {
  return Response(status, "text/html; charset=utf-8", std::move(body));
}

HttpResponse RedirectResponse(int status, std::string_view location) {
  HttpResponse response;
  response.status = status;
  response.headers.Add("Location", location);
  return response;
}

std::string_view ReasonPhrase(int status) {
  static constexpr std::pair<int, std::string_view> kPhrases[] = {
      {100, "Continue"},
      {101, "Switching Protocols"},
      {200, "OK"},
      {201, "Created"},
      {202, "Accepted"},
      {204, "No Content"},
      {206, "Partial Content"},
      {207, "Multi-Status"},
      {301, "Moved Permanently"},
      {302, "Found"},
      {303, "See Other"},
      {304, "Not Modified"},
      {307, "Temporary Redirect"},
      {308, "Permanent Redirect"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {402, "Payment Required"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {406, "Not Acceptable"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {410, "Gone"},
      {411, "Length Required"},
      {412, "Precondition Failed"},
      {413, "Content Too Large"},
      {414, "URI Too Long"},
      {415, "Unsupported Media Type"},
      {416, "Range Not Satisfiable"},
      {417, "Expectation Failed"},
      {421, "Misdirected Request"},
      {422, "Unprocessable Content"},
      {424, "Failed Dependency"},
      {428, "Precondition Required"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {499, "Client Closed Request"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {502, "Bad Gateway"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
      {505, "HTTP Version Not Supported"},
      {507, "Insufficient Storage"},
  };
  for (const auto& [code, phrase] : kPhrases) {
    if (code == status) return phrase;
  }
  return "Other";
}

absl::StatusOr<std::vector<Parameter>> ParseForm(std::string_view text, size_t count_max) {
  std::vector<Parameter> parameters;
  if (text.empty()) return parameters;
  for (const std::string_view piece : Split(text, '&')) {
    if (piece.empty()) continue;
    if (parameters.size() >= count_max)
      return InvalidArgument("more than {} parameters", count_max);
    const size_t equals = piece.find('=');
    Parameter parameter;
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : piece.substr(equals + 1);
    if (!PercentDecode(piece.substr(0, equals), true, &parameter.name) ||
        !PercentDecode(value, true, &parameter.value)) {
      return InvalidArgument("invalid URL escape in \"{}\"", piece.substr(0, 64));
    }
    parameters.push_back(std::move(parameter));
  }
  return parameters;
}

std::string_view FindCookie(const HttpRequest& request, std::string_view name) {
  for (const std::string_view line : request.headers.All("cookie")) {
    for (const std::string_view piece : Split(line, ';')) {
      const std::string_view pair = TrimSpace(piece);
      const size_t equals = pair.find('=');
      if (equals != std::string_view::npos && pair.substr(0, equals) == name) {
        return pair.substr(equals + 1);
      }
    }
  }
  return {};
}

std::string MediaType(std::string_view content_type) {
  return ToLowerAscii(TrimSpace(content_type.substr(0, content_type.find(';'))));
}

absl::StatusOr<HostPort> ParseHostPort(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return InvalidArgument("\"{}\" is not HOST:PORT: there is no port", text);
  }
  HostPort result;
  uint64_t port = 0;
  if (!ParseUint64(text.substr(colon + 1), &port) || port > 65535) {
    return InvalidArgument("\"{}\" is not HOST:PORT: the port must be 0 to 65535", text);
  }
  result.port = static_cast<uint16_t>(port);
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return InvalidArgument("\"{}\" is not HOST:PORT: write an IPv6 address in brackets", text);
  }
  result.host = host;
  return result;
}

std::string FormatHostPort(std::string_view host, uint16_t port) {
  if (host.find(':') != std::string_view::npos) return fmt::format("[{}]:{}", host, port);
  return fmt::format("{}:{}", host, port);
}

bool IsLoopbackAddress(std::string_view address) {
  const auto ip = ParseIp(address);
  if (!ip.ok()) return false;
  static const IpRange v4 = *ParseIpRange("127.0.0.0/8");
  static const IpRange v6 = *ParseIpRange("::1");
  return v4.Contains(*ip) || v6.Contains(*ip);
}

}  // namespace hearth::net
