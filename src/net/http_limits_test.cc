// SPDX-License-Identifier: Apache-2.0
// What the server refuses: each bad shape has its exact answer, and the server lives.
#include <absl/synchronization/notification.h>
#include <gtest/gtest.h>

#include "net/raw_client.h"
#include "net/server_for_test.h"

namespace hearth::net {
namespace {

const std::string kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

std::string Head(const std::string& headers) {
  return "POST / HTTP/1.1\r\nHost: h\r\n" + headers + "\r\n";
}

struct BadRequest {
  const char* what;
  std::string bytes;
  int status;
  const char* body;
};

const BadRequest kBadRequests[] = {
    {"both framings", Head("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), 400,
     "Transfer-Encoding comes twice, or comes with Content-Length\n"},
    {"both, other order", Head("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"), 400,
     "Content-Length is not one decimal number, or comes with Transfer-Encoding\n"},
    {"two lengths", Head("Content-Length: 3\r\nContent-Length: 4\r\n"), 400,
     "Content-Length comes twice\n"},
    {"the same length twice", Head("Content-Length: 3\r\nContent-Length: 3\r\n"), 400,
     "Content-Length comes twice\n"},
    {"list of lengths", Head("Content-Length: 3, 3\r\n"), 400,
     "Content-Length is not one decimal number\n"},
    {"signed length", Head("Content-Length: +3\r\n"), 400,
     "Content-Length is not one decimal number, or comes with Transfer-Encoding\n"},
    {"negative length", Head("Content-Length: -3\r\n"), 400,
     "Content-Length is not one decimal number, or comes with Transfer-Encoding\n"},
    {"hex length", Head("Content-Length: 0x3\r\n"), 400,
     "Content-Length is not one decimal number, or comes with Transfer-Encoding\n"},
    {"empty length", Head("Content-Length:\r\n"), 400,
     "Content-Length is not one decimal number, or comes with Transfer-Encoding\n"},
    {"length beyond 64 bits", Head("Content-Length: 99999999999999999999\r\n"), 400,
     "Content-Length is not one decimal number, or comes with Transfer-Encoding\n"},
    {"folded header", Head("X: a\r\n b\r\n"), 400,
     "a folded header line (obsolete since RFC 7230)\n"},
    {"NUL in a header", Head(std::string("X: a\0b\r\n", 8)), 400,
     "a NUL byte in the request head\n"},
    {"bare LF", "GET / HTTP/1.1\nHost: h\n\n", 400,
     "a line that ends with LF alone, where HTTP wants CR LF\n"},
    {"bare LF in the headers", "GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", 400,
     "a line that ends with LF alone, where HTTP wants CR LF\n"},
    {"bare CR", Head("X: a\rb\r\n"), 400, "a CR inside a line of the request head\n"},
    {"control character", Head("X: a\x01\r\n"), 400, "a header value holds a control character\n"},
    {"space before the colon", Head("Content-Length : 3\r\n"), 400,
     "a header name is empty or holds a character that names may not\n"},
    {"no header name", Head(": x\r\n"), 400,
     "a header name is empty or holds a character that names may not\n"},
    {"no colon", Head("nothing\r\n"), 400,
     "a header name is empty or holds a character that names may not\n"},
    {"gzip coding", Head("Transfer-Encoding: gzip\r\n"), 501,
     "Transfer-Encoding: only \"chunked\" is served here\n"},
    {"gzip, chunked", Head("Transfer-Encoding: gzip, chunked\r\n"), 501,
     "Transfer-Encoding: only \"chunked\" is served here\n"},
    {"disguised chunked", Head("Transfer-Encoding: xchunked\r\n"), 501,
     "Transfer-Encoding: only \"chunked\" is served here\n"},
    {"two codings", Head("Transfer-Encoding: gzip\r\nTransfer-Encoding: identity\r\n"), 400,
     "Transfer-Encoding comes twice\n"},
    {"chunked in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
     "Transfer-Encoding needs HTTP/1.1\n"},
    {"no host", "GET / HTTP/1.1\r\n\r\n", 400, "HTTP/1.1 wants a Host header\n"},
    {"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "Host comes twice\n"},
    {"unknown expectation", Head("Expect: magic\r\n"), 417,
     "Expect: only \"100-continue\" is served here\n"},
    {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400,
     "HTTP/2 is not served here; use HTTP/1.1\n"},
    {"HTTP/3.0", "GET / HTTP/3.0\r\nHost: h\r\n\r\n", 505,
     "only HTTP/1.1 and HTTP/1.0 are served here\n"},
    {"HTTP/0.9", "GET /\r\n\r\n", 400, "the request line is not \"METHOD /target HTTP/1.1\"\n"},
    {"TLS on the plain port", std::string("\x16\x03\x01\x02\x00\x01\x00", 7), 400,
     "this port speaks plain HTTP, and a TLS handshake came; use http://, or the TLS port\n"},
    {"target without slash", "GET a HTTP/1.1\r\nHost: h\r\n\r\n", 400,
     "the request target begins neither with / nor with http://\n"},
    {"space in the target", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", 400,
     "the request line is not \"METHOD /target HTTP/1.1\"\n"},
    {"bad method", "G@T / HTTP/1.1\r\nHost: h\r\n\r\n", 400,
     "the request line has no valid method\n"},
    {"bad chunk size", Head("Transfer-Encoding: chunked\r\n") + "xyz\r\n", 400,
     "a chunk of the body has no valid size, or is not followed by CR LF\n"},
    {"chunk size beyond 64 bits", Head("Transfer-Encoding: chunked\r\n") + "11111111111111111\r\n",
     400, "a chunk of the body has no valid size, or is not followed by CR LF\n"},
    {"chunk without its end", Head("Transfer-Encoding: chunked\r\n") + "1\r\nabc\r\n0\r\n\r\n", 400,
     "a chunk of the body has no valid size, or is not followed by CR LF\n"},
    {"large chunk", Head("Transfer-Encoding: chunked\r\n") + "7fffffffffffffff\r\n", 413,
     "the request body is larger than the limit of 33554432 bytes\n"},
    {"large body", Head("Content-Length: 33554433\r\n"), 413,
     "the request body of 33554433 bytes is larger than the limit of 33554432 bytes\n"},
    {"large head", Head("X: " + std::string(40'000, 'x') + "\r\n"), 431,
     "the request's head is larger than the limit of 32768 bytes\n"},
    {"endless request line", "GET /" + std::string(40'000, 'x'), 431,
     "the request's head is larger than the limit of 32768 bytes\n"},
};

TEST(HttpLimits, AnswerEveryMalformedRequestAndClose) {
  ServerForTest server;
  for (const BadRequest& row : kBadRequests) {
    RawClient client(server.port());
    ASSERT_TRUE(client.Send(row.bytes)) << row.what;
    client.CloseSend();
    const std::string answer = client.ReadToEnd();
    EXPECT_EQ(StatusOf(answer), row.status) << row.what;
    EXPECT_EQ(BodyOf(answer), row.body) << row.what;
    EXPECT_EQ(HeaderOf(answer, "connection"), "close") << row.what;
  }
  std::string many;
  for (int i = 0; i < 300; ++i) many += "X: y\r\n";
  RawClient client(server.port());
  ASSERT_TRUE(client.Send(Head(many)));
  const std::string answer = client.ReadToEnd();
  EXPECT_EQ(StatusOf(answer), 431);
  EXPECT_EQ(BodyOf(answer), "more than 200 headers\n");
}

TEST(HttpLimits, DoNotRefuseWhatIsOnlyUnusual) {
  ServerForTest server;
  const std::string rows[] = {
      "GET http://other/a?b HTTP/1.1\r\nHost: h\r\n\r\n",
      "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
      "BREW /\xc3\xa4#x HTTP/1.1\r\nHost:\r\n\r\n",
      Head("X:\t a \xff \r\nContent-Length: 003\r\n") + "abc",
      "\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
      Head("Transfer-Encoding: chunked\r\n") + "0\r\n\r\n",
      Head("Transfer-Encoding: chunked\r\n") + "3;a=\"b;c\";d\r\nabc\r\n000\r\nX-Sum: 1\r\n\r\n",
  };
  for (const std::string& row : rows) {
    RawClient client(server.port());
    ASSERT_TRUE(client.Send(row + kGet));
    EXPECT_EQ(StatusOf(client.ReadResponse()), 200) << row;
    EXPECT_EQ(StatusOf(client.ReadResponse()), 200) << row;
  }
}

TEST(HttpLimits, RefuseABodyAsSoonAsItPasses) {
  HttpServerOptions options;
  options.limits.body_bytes_max = 10;
  ServerForTest server(options);
  const std::string rows[] = {
      Head("Content-Length: 11\r\n") + "hello world",
      Head("Content-Length: 11\r\n"),  // decided before any byte came
      Head("Transfer-Encoding: chunked\r\n") + "5\r\nhello\r\n6\r\n",
  };
  for (const std::string& row : rows) {
    RawClient client(server.port());
    ASSERT_TRUE(client.Send(row));
    EXPECT_EQ(StatusOf(client.ReadToEnd()), 413) << row;
  }
  EXPECT_EQ(server.Hits("body_bytes"), 3U);
}

TEST(HttpLimits, LetARefusalArriveWhileTheBodyIsStillSent) {
  ServerForTest server;
  RawClient client(server.port());
  ASSERT_TRUE(client.Send(Head("Content-Length: 50000000\r\n")));
  // Ends early where the server has closed: what counts is that the answer is not lost to a reset.
  (void)client.Send(std::string(4'000'000, 'x'));
  EXPECT_EQ(StatusOf(client.ReadToEnd()), 413);
}

TEST(HttpLimits, KeepBodiesWithinTheirBudget) {
  HttpServerOptions options;
  options.limits.bodies_bytes_max = 1000;
  absl::Notification started;
  absl::Notification release;
  ServerForTest server(options, [&](const HttpRequest& request) {
    if (request.path == "/hold") {
      started.Notify();
      release.WaitForNotification();
    }
    return ServerForTest::Echo(request);
  });
  RawClient holder(server.port());
  ASSERT_TRUE(holder.Send("POST /hold HTTP/1.1\r\nHost: h\r\nContent-Length: 900\r\n\r\n" +
                          std::string(900, 'x')));
  started.WaitForNotification();
  for (const std::string& body : {Head("Content-Length: 200\r\n") + std::string(200, 'x'),
                                  Head("Transfer-Encoding: chunked\r\n") + "c8\r\n" +
                                      std::string(200, 'x') + "\r\n0\r\n\r\n"}) {
    RawClient client(server.port());
    ASSERT_TRUE(client.Send(body));
    const std::string answer = client.ReadToEnd();
    EXPECT_EQ(StatusOf(answer), 503);
    EXPECT_EQ(HeaderOf(answer, "retry-after"), "1");
  }
  EXPECT_EQ(server.Hits("body_budget"), 2U);
  release.Notify();
  EXPECT_EQ(StatusOf(holder.ReadResponse()), 200);
  ASSERT_TRUE(holder.Send(Head("Content-Length: 1000\r\n") + std::string(1000, 'x')));
  EXPECT_EQ(StatusOf(holder.ReadResponse()), 200);
}

TEST(HttpLimits, EndSlowClients) {
  HttpServerOptions options;
  options.limits.header_timeout_ms = 60;
  options.limits.body_timeout_ms = 60;
  options.limits.idle_timeout_ms = 60;
  options.limits.linger_ms = 60;
  ServerForTest server(options);
  const struct {
    const char* limit;
    std::string bytes;
    int status;
  } rows[] = {
      {"header_timeout", "GET / HT", 408},
      {"header_timeout", "GET / HTTP/1.1\r\nHost: h\r\nX: ", 408},
      {"body_timeout", Head("Content-Length: 100\r\n") + "abc", 408},
      {"body_timeout", Head("Transfer-Encoding: chunked\r\n") + "5\r\nab", 408},
      {"idle_timeout", "", 0},
  };
  for (const auto& row : rows) {
    const uint64_t before = server.Hits(row.limit);
    RawClient client(server.port());
    ASSERT_TRUE(client.Send(row.bytes));
    bool reset = false;
    EXPECT_EQ(StatusOf(client.ReadToEnd(&reset)), row.status) << row.bytes;
    EXPECT_FALSE(reset);
    EXPECT_EQ(server.Hits(row.limit), before + 1) << row.bytes;
  }
  RawClient idle(server.port());
  ASSERT_TRUE(idle.Send(kGet));
  EXPECT_EQ(StatusOf(idle.ReadResponse()), 200);
  EXPECT_EQ(idle.ReadToEnd(), "");
  EXPECT_EQ(server.Hits("idle_timeout"), 2U);
}

TEST(HttpLimits, EndClientsThatDoNotRead) {
  HttpServerOptions options;
  options.limits.write_timeout_ms = 60;
  const std::string large(64 << 20, 'x');
  ServerForTest server(options, [&](const HttpRequest&) {
    HttpResponse response;
    response.body_view = large;
    return response;
  });
  RawClient client(server.port());
  ASSERT_TRUE(client.Send(kGet));
  while (server.Hits("write_timeout") == 0) {
  }
  EXPECT_LT(client.ReadToEnd().size(), large.size());
}

TEST(HttpLimits, TurnAwayConnectionsAboveTheMaximum) {
  HttpServerOptions options;
  options.limits.connections_max = 2;
  ServerForTest server(options);
  RawClient one(server.port());
  RawClient two(server.port());
  for (RawClient* client : {&one, &two}) {
    ASSERT_TRUE(client->Send(kGet));
    EXPECT_EQ(StatusOf(client->ReadResponse()), 200);
  }
  RawClient three(server.port());
  const std::string answer = three.ReadToEnd();
  EXPECT_EQ(StatusOf(answer), 503);
  EXPECT_EQ(HeaderOf(answer, "retry-after"), "1");
  EXPECT_EQ(BodyOf(answer), "too many connections; the limit is 2\n");
  ASSERT_TRUE(one.Send(kGet));
  EXPECT_EQ(StatusOf(one.ReadResponse()), 200);
}

TEST(HttpLimits, AnswerInTheFormOfTheFace) {
  HttpServerOptions options;
  options.limits.body_bytes_max = 10;
  options.render_error = [](const ServerError& error, const HttpRequest& head) {
    return JsonResponse(error.status, "{\"path\":\"" + head.path + "\",\"kind\":\"" +
                                          std::string(error.kind) + "\"}");
  };
  ServerForTest server(options);
  RawClient client(server.port());
  ASSERT_TRUE(client.Send("POST /api HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n"));
  const std::string answer = client.ReadToEnd();
  EXPECT_EQ(StatusOf(answer), 413);
  EXPECT_EQ(BodyOf(answer), R"({"path":"/api","kind":"body_bytes"})");
}

}  // namespace
}  // namespace hearth::net
