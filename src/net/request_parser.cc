// SPDX-License-Identifier: Apache-2.0
#include "net/request_parser.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include <limits>

#include "base/status.h"
#include "base/text.h"

namespace hearth::net {
namespace {

namespace http = boost::beast::http;
using BeastView = boost::beast::string_view;
using ErrorCode = boost::beast::error_code;

std::string_view ToView(BeastView text) { return {text.data(), text.size()}; }

constexpr std::string_view kBadLine = "the request line is not \"METHOD /target HTTP/1.1\"";

Refusal Malformed(std::string message) { return Refusal{400, "malformed", std::move(message)}; }

std::string Explain(const ErrorCode& problem) {
  using http::error;
  const auto is = [&](http::error code) { return problem == code; };
  if (is(error::bad_method)) return "the request line has no valid method";
  if (is(error::bad_target)) return std::string(kBadLine);
  if (is(error::bad_field)) return "a header name is empty or holds a character that names may not";
  if (is(error::bad_value)) return "a header value holds a control character";
  if (is(error::bad_line_ending)) return "a line does not end with CR LF";
  if (is(error::bad_content_length)) {
    return "Content-Length is not one decimal number, or comes with Transfer-Encoding";
  }
  if (is(error::multiple_content_length)) return "Content-Length comes twice";
  if (is(error::bad_transfer_encoding)) {
    return "Transfer-Encoding comes twice, or comes with Content-Length";
  }
  if (is(error::bad_chunk))
    return "a chunk of the body has no valid size, or is not followed by CR LF";
  if (is(error::bad_obs_fold)) return "a folded header line (obsolete since RFC 7230)";
  return "the request is malformed: " + problem.message();
}

// The path and the query of a request target in origin, absolute or asterisk form.
bool SplitTarget(HttpRequest* request) {
  std::string_view rest = request->target;
  if (!rest.starts_with('/') && rest != "*" && request->method != "CONNECT") {
    const size_t scheme = rest.find("://");
    if (scheme == std::string_view::npos || scheme == 0) return false;
    const size_t slash = rest.find_first_of("/?", scheme + 3);
    rest = slash == std::string_view::npos ? std::string_view("/") : rest.substr(slash);
  }
  const size_t mark = rest.find('?');
  request->path = rest.substr(0, mark);
  if (request->path.empty()) request->path = "/";
  if (mark != std::string_view::npos) request->query = rest.substr(mark + 1);
  return true;
}

class HeadParser final : public http::basic_parser<true> {
 public:
  HeadParser(size_t header_count_max, HttpRequest* request)
      : header_count_max_(header_count_max), request_(request) {
    body_limit(boost::none);  // ours is told apart by Content-Length and by chunks
    header_limit(std::numeric_limits<std::uint32_t>::max());  // HeadScanner's caller limits it
    eager(true);
  }

  std::optional<Refusal> Parse(std::string_view head, RequestFraming* framing) {
    ErrorCode error;
    put(boost::asio::buffer(head.data(), head.size()), error);
    if (error && error != http::error::need_more) {
      if (refusal_) return std::move(refusal_);
      if (error == http::error::bad_version) return BadVersion(head);
      return Malformed(Explain(error));
    }
    if (!is_header_done()) return Malformed("the request head ends early");
    framing->http11 = version_ == 11;
    framing->keep_alive = keep_alive();
    return JudgeFraming(*request_, framing);
  }

 private:
  // A well-formed line of another version, or no such line at all.
  static Refusal BadVersion(std::string_view head) {
    const std::string_view line = head.substr(0, head.find('\r'));
    const size_t at = line.rfind(' ');
    const std::string_view version = line.substr(at + 1);
    if (line.find(' ', line.find(' ') + 1) != at || version.size() != 8 ||
        !version.starts_with("HTTP/") || version[6] != '.') {
      return Malformed(std::string(kBadLine));
    }
    return Refusal{505, "malformed", "only HTTP/1.1 and HTTP/1.0 are served here"};
  }

  static std::optional<Refusal> JudgeFraming(const HttpRequest& request, RequestFraming* framing) {
    const auto lengths = request.headers.All("content-length");
    const auto codings = request.headers.All("transfer-encoding");
    const auto hosts = request.headers.All("host");
    if (hosts.size() > 1) return Malformed("Host comes twice");
    if (hosts.empty() && framing->http11) return Malformed("HTTP/1.1 wants a Host header");
    if (lengths.size() > 1) return Malformed("Content-Length comes twice");
    if (codings.size() > 1) return Malformed("Transfer-Encoding comes twice");
    if (!lengths.empty() && !codings.empty()) {
      return Malformed("Content-Length and Transfer-Encoding come together");
    }
    if (!codings.empty()) {
      if (!framing->http11) return Malformed("Transfer-Encoding needs HTTP/1.1");
      if (!EqualsIgnoreCaseAscii(codings[0], "chunked")) {
        return Refusal{501, "not_implemented",
                       "Transfer-Encoding: only \"chunked\" is served here"};
      }
      framing->chunked = true;
    }
    if (!lengths.empty() && (lengths[0].find_first_not_of("0123456789") != std::string_view::npos ||
                             !ParseUint64(lengths[0], &framing->content_length))) {
      return Malformed("Content-Length is not one decimal number");
    }
    const std::string_view expect = request.headers.Find("expect");
    if (!expect.empty()) {
      if (!EqualsIgnoreCaseAscii(expect, "100-continue")) {
        return Refusal{417, "malformed", "Expect: only \"100-continue\" is served here"};
      }
      framing->expect_continue = framing->http11;
    }
    return std::nullopt;
  }

  void on_request_impl(http::verb, BeastView method, BeastView target, int version,
                       ErrorCode& error) override {
    request_->method = ToView(method);
    request_->target = ToView(target);
    version_ = version;
    if (SplitTarget(request_)) return;
    refusal_ = Malformed("the request target begins neither with / nor with http://");
    error = http::error::bad_target;
  }

  void on_field_impl(http::field, BeastView name, BeastView value, ErrorCode& error) override {
    if (request_->headers.size() >= header_count_max_) {
      refusal_ =
          Refusal{431, "header_bytes", fmt::format("more than {} headers", header_count_max_)};
      error = http::error::header_limit;
      return;
    }
    request_->headers.Add(ToView(name), ToView(value));
  }

  void on_header_impl(ErrorCode&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, ErrorCode&) override {}
  std::size_t on_body_impl(BeastView body, ErrorCode&) override { return body.size(); }

  // Never given a body: ChunkDecoder reads those.
  void on_chunk_header_impl(std::uint64_t, BeastView, ErrorCode&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, BeastView body, ErrorCode&) override {
    return body.size();
  }
  void on_finish_impl(ErrorCode&) override {}
  void on_response_impl(int, BeastView, int, ErrorCode&) override {}

  const size_t header_count_max_;
  HttpRequest* const request_;
  std::optional<Refusal> refusal_;
  int version_ = 0;
};

}  // namespace

std::optional<Refusal> ParseRequestHead(std::string_view head, size_t header_count_max,
                                        HttpRequest* request, RequestFraming* framing) {
  return HeadParser(header_count_max, request).Parse(head, framing);
}

}  // namespace hearth::net
