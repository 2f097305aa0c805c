// SPDX-License-Identifier: Apache-2.0
#include "net/response_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <memory>
#include <utility>

#include "base/compress.h"
#include "base/status.h"
#include "base/stream_compressor.h"
#include "base/text.h"

namespace hearth::net {
namespace {

// RFC 9110, 12.4.2: "q=0.5", three decimals at most; what cannot be read counts as not wanted.
double Weight(std::string_view parameters) {
  for (const std::string_view piece : Split(parameters, ';')) {
    const std::string_view parameter = TrimSpace(piece);
    if (!parameter.starts_with("q=") && !parameter.starts_with("Q=")) continue;
    const std::string_view digits = parameter.substr(2);
    if (digits.empty() || (digits[0] != '0' && digits[0] != '1')) return 0;
    double value = digits[0] - '0';
    double unit = 0.1;
    for (const char c : digits.substr(std::min<size_t>(2, digits.size()))) {
      if (c < '0' || c > '9') return 0;
      value += unit * (c - '0');
      unit /= 10;
    }
    return value;
  }
  return 1;
}

bool IsCompressible(std::string_view content_type) {
  const std::string type = MediaType(content_type);
  static constexpr std::array<std::string_view, 10> kTypes = {
      "application/json",         "application/javascript", "application/xml",
      "application/yaml",         "application/x-yaml",     "application/openmetrics-text",
      "application/x-ndjson",     "application/wasm",       "image/svg+xml",
      "application/manifest+json"};
  return type.starts_with("text/") || type.starts_with("application/x-amz-json") ||
         type.ends_with("+json") || type.ends_with("+xml") ||
         std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end();
}

void AppendHeader(std::string_view name, std::string_view value, std::string* out) {
  const auto append = [out](std::string_view text) {
    for (const char c : text) {
      out->push_back(c == '\r' || c == '\n' || c == '\0' ? ' ' : c);
    }
  };
  append(name);
  out->append(": ");
  append(value);
  out->append("\r\n");
}

// What `producer` makes, as a stream of that coding.
BodyProducer Compressed(BodyProducer producer, std::string_view encoding) {
  struct Stream {
    BodyProducer produce;
    std::unique_ptr<StreamCompressor> compressor;
    std::string plain;
  };
  const auto stream = std::make_shared<Stream>();
  stream->produce = std::move(producer);
  stream->compressor = encoding == "zstd" ? StreamCompressor::Zstd() : StreamCompressor::Gzip();
  return [stream](std::string* out) -> absl::StatusOr<bool> {
    stream->plain.clear();
    TRY_ASSIGN(const bool more, stream->produce(&stream->plain));
    stream->compressor->Add(stream->plain, !more, out);
    return more;
  };
}

bool IsOurs(std::string_view name) {
  static constexpr std::array<std::string_view, 5> kOurs = {"date", "content-length", "connection",
                                                            "transfer-encoding", "keep-alive"};
  return std::any_of(kOurs.begin(), kOurs.end(),
                     [&](std::string_view ours) { return EqualsIgnoreCaseAscii(name, ours); });
}

}  // namespace

std::string_view ChooseEncoding(std::string_view accept_encoding) {
  if (accept_encoding.empty()) return {};
  double gzip = -1;
  double zstd = -1;
  double any = 0;
  for (const std::string_view piece : Split(accept_encoding, ',')) {
    const size_t semicolon = piece.find(';');
    const std::string_view coding = TrimSpace(piece.substr(0, semicolon));
    const double weight =
        semicolon == std::string_view::npos ? 1 : Weight(piece.substr(semicolon + 1));
    if (EqualsIgnoreCaseAscii(coding, "gzip") || EqualsIgnoreCaseAscii(coding, "x-gzip")) {
      gzip = weight;
    } else if (EqualsIgnoreCaseAscii(coding, "zstd")) {
      zstd = weight;
    } else if (coding == "*") {
      any = weight;
    }
  }
  if (gzip < 0) gzip = any;
  // "*" was written by clients that are older than zstd.
  if (zstd < 0) zstd = 0;
  if (zstd > 0 && zstd >= gzip) return "zstd";
  return gzip > 0 ? "gzip" : "";
}

void CompressResponse(const HttpHeaders& request_headers, size_t bytes_min,
                      HttpResponse* response) {
  const bool is_static = response->body_view.data() != nullptr;
  const size_t size = is_static ? response->body_view.size() : response->body.size();
  if ((!response->producer && size < bytes_min) || HasNoBody(response->status) ||
      response->status == 206 || response->headers.Has("content-encoding") ||
      !IsCompressible(response->headers.Find("content-type"))) {
    return;
  }
  response->headers.Add("Vary", "Accept-Encoding");
  const std::string_view encoding = ChooseEncoding(request_headers.Find("accept-encoding"));
  if (encoding.empty()) return;
  if (response->producer) {
    response->headers.Add("Content-Encoding", encoding);
    response->producer = Compressed(std::move(response->producer), encoding);
    return;
  }
  const std::string_view plain = is_static ? response->body_view : std::string_view(response->body);
  std::string packed = encoding == "zstd" ? ZstdCompress(plain) : GzipCompress(plain);
  if (packed.size() >= plain.size()) return;
  response->headers.Add("Content-Encoding", encoding);
  response->body = std::move(packed);
  response->body_view = {};
}

bool HasNoBody(int status) { return status < 200 || status == 204 || status == 304; }

std::string HttpDate(int64_t now_ms) {
  namespace chrono = std::chrono;
  const chrono::sys_seconds now{chrono::floor<chrono::seconds>(chrono::milliseconds(now_ms))};
  const auto day = chrono::floor<chrono::days>(now);
  const chrono::year_month_day date{day};
  const chrono::hh_mm_ss time{now - day};
  static constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed",
                                                       "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                     kDays[chrono::weekday{day}.c_encoding()], static_cast<unsigned>(date.day()),
                     kMonths[static_cast<unsigned>(date.month()) - 1],
                     static_cast<int>(date.year()), time.hours().count(), time.minutes().count(),
                     time.seconds().count());
}

std::string ResponseHead(const HttpResponse& response, const ResponseFraming& framing,
                         int64_t now_ms) {
  // The date changes once a second; formatting it for each answer is waste.
  thread_local int64_t date_second = -1;
  thread_local std::string date;
  if (date_second != now_ms / 1000) {
    date_second = now_ms / 1000;
    date = HttpDate(now_ms);
  }
  std::string out;
  out.reserve(512);
  fmt::format_to(std::back_inserter(out), "HTTP/1.1 {} {}\r\nDate: {}\r\n", response.status,
                 ReasonPhrase(response.status), date);
  if (!framing.server_header.empty()) AppendHeader("Server", framing.server_header, &out);
  for (const HttpHeader& header : response.headers) {
    if (!IsOurs(header.name)) AppendHeader(header.name, header.value, &out);
  }
  if (response.producer && !HasNoBody(response.status)) {
    if (framing.http11) out.append("Transfer-Encoding: chunked\r\n");
  } else if (!HasNoBody(response.status)) {
    const bool is_static = response.body_view.data() != nullptr;
    const size_t size = is_static ? response.body_view.size() : response.body.size();
    fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n", size);
  }
  if (!framing.keep_alive) {
    out.append("Connection: close\r\n");
  } else if (!framing.http11) {
    out.append("Connection: keep-alive\r\n");
  }
  out.append("\r\n");
  return out;
}

std::string FrameChunk(bool last, std::string* piece) {
  std::string head;
  if (!piece->empty()) {
    head = fmt::format("{:x}\r\n", piece->size());
    piece->append("\r\n");
  }
  if (last) piece->append("0\r\n\r\n");
  return head;
}

}  // namespace hearth::net
