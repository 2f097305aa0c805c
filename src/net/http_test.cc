// SPDX-License-Identifier: Apache-2.0
#include "net/http.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>

#include "net/address_policy.h"
#include "net/chunk_decoder.h"
#include "net/head_scanner.h"
#include "net/response_writer.h"

namespace hearth::net {
namespace {

TEST(HttpHeaders, CompareWithoutCaseAndKeepOrder) {
  HttpHeaders headers = {{"Host", "a"}, {"X-A", "1"}, {"x-a", "2"}};
  EXPECT_EQ(headers.Find("HOST"), "a");
  EXPECT_EQ(headers.All("X-a"), (std::vector<std::string_view>{"1", "2"}));
  headers.Set("X-A", "3");
  EXPECT_EQ(headers.All("x-a"), (std::vector<std::string_view>{"3"}));
  EXPECT_FALSE(headers.Has("y"));
  headers.Remove("host");
  EXPECT_EQ(headers.size(), 1U);
}

TEST(ParseForm, DecodesInOrder) {
  const auto form = ParseForm("query=up%7Ba%3D%22b%22%7D&x=a+b&empty=&flag&&x=2");
  ASSERT_TRUE(form.ok());
  ASSERT_EQ(form->size(), 5U);
  EXPECT_EQ((*form)[0].value, "up{a=\"b\"}");
  EXPECT_EQ((*form)[1].value, "a b");
  EXPECT_EQ((*form)[3].name, "flag");
  EXPECT_EQ((*form)[4].value, "2");
  EXPECT_FALSE(ParseForm("a=%zz").ok());
  EXPECT_FALSE(ParseForm("a&b&c", 2).ok());
}

TEST(FindCookie, TakesTheFirstOfThatName) {
  HttpRequest request;
  request.headers = {{"Cookie", "a=1; session=x=y"}, {"cookie", "session=2"}};
  EXPECT_EQ(FindCookie(request, "session"), "x=y");
  EXPECT_EQ(FindCookie(request, "sess"), "");
}

TEST(ParseHostPort, TakesNamesAndAddresses) {
  const struct {
    const char* text;
    const char* host;
    uint16_t port;
  } rows[] = {{"127.0.0.1:9320", "127.0.0.1", 9320},
              {"localhost:0", "localhost", 0},
              {"[::1]:9443", "::1", 9443},
              {":80", "", 80}};
  for (const auto& row : rows) {
    const auto parsed = ParseHostPort(row.text);
    ASSERT_TRUE(parsed.ok()) << row.text;
    EXPECT_EQ(parsed->host, row.host);
    EXPECT_EQ(parsed->port, row.port);
    if (*row.host != '\0') {
      EXPECT_EQ(FormatHostPort(parsed->host, parsed->port), row.text);
    }
  }
  for (const char* bad : {"", "localhost", "a:70000", "a:-1", "::1:80", "a:b", "a:"}) {
    EXPECT_FALSE(ParseHostPort(bad).ok()) << bad;
  }
}

TEST(IsLoopbackAddress, KnowsBothFamilies) {
  EXPECT_TRUE(IsLoopbackAddress("127.0.0.1"));
  EXPECT_TRUE(IsLoopbackAddress("127.1.2.3"));
  EXPECT_TRUE(IsLoopbackAddress("::1"));
  EXPECT_TRUE(IsLoopbackAddress("::ffff:127.0.0.1"));
  EXPECT_FALSE(IsLoopbackAddress("128.0.0.1"));
  EXPECT_FALSE(IsLoopbackAddress("localhost"));
}

TEST(ChooseEncoding, ObeysWeights) {
  const struct {
    const char* accept;
    const char* chosen;
  } rows[] = {{"", ""},
              {"gzip", "gzip"},
              {"gzip, deflate, br, zstd", "zstd"},
              {"gzip;q=1.0, zstd;q=0.5", "gzip"},
              {"gzip;q=0", ""},
              {"*", "gzip"},
              {"*;q=0", ""},
              {"identity", ""},
              {"GZIP ; Q=0.3", "gzip"},
              {"zstd;q=x, gzip;q=0.1", "gzip"},
              {"br", ""}};
  for (const auto& row : rows) EXPECT_EQ(ChooseEncoding(row.accept), row.chosen) << row.accept;
}

TEST(CompressResponse, LeavesWhatIsSmallEncodedOrBinary) {
  const std::string text(5000, 'a');
  const HttpHeaders asks = {{"Accept-Encoding", "gzip"}};
  const struct {
    const char* what;
    HttpResponse response;
    const char* encoding;
  } rows[] = {
      {"json", JsonResponse(200, text), "gzip"},
      {"small", JsonResponse(200, std::string(100, 'a')), ""},
      {"binary", {.headers = {{"Content-Type", "application/x-protobuf"}}, .body = text}, ""},
      {"no type", {.body = text}, ""},
      {"encoded",
       {.headers = {{"Content-Type", "text/css"}, {"Content-Encoding", "br"}}, .body = text},
       "br"},
      {"static", {.headers = {{"Content-Type", "text/css"}}, .body_view = text}, "gzip"},
  };
  for (const auto& row : rows) {
    HttpResponse response = row.response;
    CompressResponse(asks, 1024, &response);
    EXPECT_EQ(response.headers.Find("content-encoding"), row.encoding) << row.what;
  }
}

TEST(ResponseHead, IsExactAndSafe) {
  HttpResponse response = TextResponse(200, "hello");
  response.headers.Add("X-User", "a\r\nSet-Cookie: evil");
  response.headers.Add("content-length", "999");
  EXPECT_EQ(ResponseHead(response, {}, 784111777000),
            "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
            "Content-Type: text/plain; charset=utf-8\r\nX-User: a  Set-Cookie: evil\r\n"
            "Content-Length: 5\r\n\r\n");
  response = HttpResponse();
  response.status = 204;
  EXPECT_EQ(ResponseHead(response, {.keep_alive = false}, 784111777000),
            "HTTP/1.1 204 No Content\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
            "Connection: close\r\n\r\n");
}

TEST(HeadScanner, FindsTheEndInAnyPieces) {
  const std::string head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  HeadScanner scanner;
  for (size_t i = 1; i < head.size(); ++i) {
    ASSERT_EQ(scanner.Scan(head.substr(0, i)), HeadScanner::State::kMore) << i;
  }
  ASSERT_EQ(scanner.Scan(head + "body"), HeadScanner::State::kComplete);
  EXPECT_EQ(scanner.head_size(), head.size());
}

TEST(ChunkDecoder, ReadsTheSameInPiecesOfEverySize) {
  const std::string rows[] = {
      "0\r\n\r\n",
      "0\r\nX: y\r\n\r\n",  // Beast 1.81 asserts on this in pieces of three and one
      "5\r\nhello\r\n00B ; a=\"b\"\r\n, world\r\n!!\r\n0;x\r\nA: b\r\nC:\r\n\r\n",
  };
  const std::string bodies[] = {"", "", "hello, world\r\n!!"};
  for (size_t row = 0; row < std::size(rows); ++row) {
    const std::string bytes = rows[row] + "GET";
    for (size_t step = 1; step <= bytes.size(); ++step) {
      ChunkDecoder decoder(100);
      std::string body;
      size_t begin = 0;
      for (size_t end = 0; !decoder.done() && end < bytes.size();) {
        end = std::min(bytes.size(), end + step);
        size_t consumed = 0;
        ASSERT_FALSE(decoder.Put(bytes.substr(begin, end - begin), &consumed, &body)) << step;
        begin += consumed;
      }
      EXPECT_TRUE(decoder.done()) << step;
      EXPECT_EQ(begin, rows[row].size()) << step;
      EXPECT_EQ(body, bodies[row]) << step;
    }
  }
}

TEST(ChunkDecoder, RefusesWhatCouldBeReadInTwoWays) {
  const struct {
    std::string bytes;
    int status;
  } rows[] = {
      {"5\nhello", 400},
      {"5\r\nhello\n", 400},
      {"5\r\nhellox", 400},
      {"\r\n", 400},
      {" 5\r\n", 400},
      {"0x5\r\n", 400},
      {"-1\r\n", 400},
      {"5 x\r\n", 400},
      {"5;a\rb\r\n", 400},
      {"00000000000000005\r\n", 400},
      {"0\r\nX y: z\r\n", 400},
      {"0\r\n: z\r\n", 400},
      {"0\r\n folded: z\r\n", 400},
      {"0\r\nnothing\r\n", 400},
      {"0\r\n\n", 400},
      {"65\r\n", 413},
      {"ffffffffffffffff\r\n", 413},
      {"5;" + std::string(5000, 'a'), 400},
      {std::string("5;\0\r\n", 5), 400},
  };
  for (const auto& row : rows) {
    ChunkDecoder decoder(100);
    std::string body;
    size_t consumed = 0;
    const auto refusal = decoder.Put(row.bytes, &consumed, &body);
    EXPECT_EQ(refusal ? refusal->status : 200, row.status) << row.bytes;
  }
}

TEST(AddressPolicy, JudgesTheAddressInEveryForm) {
  AddressPolicy strict;
  strict.deny_loopback = true;
  strict.deny_private = true;
  AddressPolicy exception = strict;
  exception.allowed = {*ParseIpRange("169.254.169.254"), *ParseIpRange("10.1.0.0/16")};
  AddressPolicy closed;
  closed.denied = {*ParseIpRange("0.0.0.0/0"), *ParseIpRange("::/0")};
  const struct {
    const AddressPolicy* policy;
    const char* address;
    bool allowed;
  } rows[] = {
      {&strict, "93.184.216.34", true},
      {&strict, "169.254.169.254", false},
      {&strict, "::ffff:169.254.169.254", false},
      {&strict, "64:ff9b::a9fe:a9fe", false},
      {&strict, "fd00:ec2::254", false},
      {&strict, "fe80::1", false},
      {&strict, "127.0.0.1", false},
      {&strict, "::1", false},
      {&strict, "::127.0.0.1", false},
      {&strict, "0.0.0.0", false},
      {&strict, "::", false},
      {&strict, "10.0.0.1", false},
      {&strict, "172.31.0.1", false},
      {&strict, "172.32.0.1", true},
      {&strict, "192.168.1.1", false},
      {&strict, "fd12::1", false},
      {&strict, "2606:2800::1", true},
      {&strict, "224.0.0.1", false},
      {&exception, "169.254.169.254", true},
      {&exception, "10.1.2.3", true},
      {&exception, "10.2.0.1", false},
      {&closed, "8.8.8.8", false},
      {&closed, "2606:2800::1", false},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(row.policy->Allows(*ParseIp(row.address)), row.allowed) << row.address;
  }
  AddressPolicy scraper;
  EXPECT_TRUE(scraper.Allows(*ParseIp("127.0.0.1")));
  EXPECT_TRUE(scraper.Allows(*ParseIp("10.0.0.1")));
  EXPECT_FALSE(scraper.Allows(*ParseIp("169.254.169.254")));
  for (const char* bad : {"", "1.2.3", "10.0.0.0/33", "::/129", "1.2.3.4/", "x"}) {
    EXPECT_FALSE(ParseIpRange(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace hearth::net
