// SPDX-License-Identifier: Apache-2.0
#include "net/http_server.h"

#include <absl/synchronization/notification.h>
#include <gtest/gtest.h>

#include <atomic>
#include <vector>

#include "base/compress.h"
#include "base/threads.h"
#include "net/raw_client.h"
#include "net/server_for_test.h"

namespace hearth::net {
namespace {

const std::string kGet = "GET /a%2Fb?x=%20&y HTTP/1.1\r\nHost: h\r\n\r\n";

std::string Post(size_t size) {
  return "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n" +
         std::string(size, 'x');
}

TEST(HttpServer, AnswersAndKeepsTheConnection) {
  ServerForTest server;
  RawClient client(server.port());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client.Send(kGet));
    const std::string response = client.ReadResponse();
    EXPECT_EQ(StatusOf(response), 200);
    EXPECT_EQ(BodyOf(response), "GET /a%2Fb?x=%20&y 0 bytes\n");
    EXPECT_EQ(HeaderOf(response, "content-length"), "27");
    EXPECT_TRUE(HeaderOf(response, "date").ends_with(" GMT"));
    EXPECT_EQ(HeaderOf(response, "connection"), "");
  }
}

TEST(HttpServer, HandsOverTheRequestAsSent) {
  HttpRequest seen;
  ServerForTest server({}, [&](const HttpRequest& request) {
    seen = request;
    return TextResponse(200, "");
  });
  RawClient client(server.port());
  ASSERT_TRUE(client.Send(
      "PUT /a//b/../%2e?q=%41+b&&c HTTP/1.1\r\nhOST: example:80\r\nX-Two:  a\t\r\nx-two: b\r\n"
      "X-Empty:\r\nContent-Length: 3\r\n\r\nabc"));
  EXPECT_EQ(StatusOf(client.ReadResponse()), 200);
  EXPECT_EQ(seen.method, "PUT");
  EXPECT_EQ(seen.target, "/a//b/../%2e?q=%41+b&&c");
  EXPECT_EQ(seen.path, "/a//b/../%2e");
  EXPECT_EQ(seen.query, "q=%41+b&&c");
  EXPECT_EQ(seen.body, "abc");
  EXPECT_EQ(seen.headers.size(), 5U);
  EXPECT_EQ(seen.headers.begin()->name, "hOST");
  EXPECT_EQ(seen.headers.All("x-two"), (std::vector<std::string_view>{"a", "b"}));
  EXPECT_TRUE(seen.headers.Has("x-empty"));
  EXPECT_EQ(seen.HostName(), "example");
  EXPECT_EQ(seen.peer_address, "127.0.0.1");
  EXPECT_TRUE(seen.peer_is_loopback);
  EXPECT_FALSE(seen.tls);
  EXPECT_EQ(seen.local_port, server.port());
  EXPECT_GT(seen.received_ms, 1'700'000'000'000);
}

TEST(HttpServer, AnswersPipelinedRequestsInOrder) {
  ServerForTest server;
  RawClient client(server.port());
  std::string all;
  for (int i = 0; i < 50; ++i) {
    all += "POST /" + std::to_string(i) + " HTTP/1.1\r\nHost: h\r\n";
    all += i % 2 == 0 ? "Content-Length: 4\r\n\r\nabcd"
                      : "Transfer-Encoding: chunked\r\n\r\n3;ext=1\r\nabc\r\n1\r\nd\r\n0\r\n\r\n";
  }
  ASSERT_TRUE(client.Send(all));
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(BodyOf(client.ReadResponse()), "POST /" + std::to_string(i) + " 4 bytes\n");
  }
}

TEST(HttpServer, ReadsHeadsAndBodiesInAnyPieces) {
  ServerForTest server;
  RawClient client(server.port());
  const std::string request =
      "\r\nPOST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n"
      "5\r\nhello\r\n00A\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n";
  for (const char c : request) ASSERT_TRUE(client.Send(std::string(1, c)));
  EXPECT_EQ(BodyOf(client.ReadResponse()), "POST /p 15 bytes\n");
  ASSERT_TRUE(client.Send(Post(5'000'000)));
  EXPECT_EQ(BodyOf(client.ReadResponse()), "POST /p 5000000 bytes\n");
}

TEST(HttpServer, ServesHeadHttp10AndClose) {
  ServerForTest server;
  RawClient head(server.port());
  ASSERT_TRUE(head.Send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n"));
  EXPECT_EQ(HeaderOf(head.ReadResponse(true), "content-length"), "15");
  ASSERT_TRUE(head.Send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"));
  const std::string last = head.ReadToEnd();
  EXPECT_EQ(StatusOf(last), 200);
  EXPECT_EQ(HeaderOf(last, "connection"), "close");

  RawClient old(server.port());
  ASSERT_TRUE(old.Send("GET / HTTP/1.0\r\n\r\n"));
  EXPECT_EQ(BodyOf(old.ReadToEnd()), "GET / 0 bytes\n");

  RawClient kept(server.port());
  ASSERT_TRUE(kept.Send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
  EXPECT_EQ(HeaderOf(kept.ReadResponse(), "connection"), "keep-alive");
  ASSERT_TRUE(kept.Send(kGet));
  EXPECT_EQ(StatusOf(kept.ReadResponse()), 200);
}

TEST(HttpServer, AsksForABodyOnlyWhenItMayCome) {
  HttpServerOptions options;
  options.limits.body_bytes_max = 10;
  ServerForTest server(options);
  RawClient client(server.port());
  ASSERT_TRUE(client.Send(
      "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"));
  EXPECT_EQ(StatusOf(client.ReadResponse()), 100);
  ASSERT_TRUE(client.Send("abc"));
  EXPECT_EQ(BodyOf(client.ReadResponse()), "POST / 3 bytes\n");
  ASSERT_TRUE(client.Send(
      "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n"));
  EXPECT_EQ(StatusOf(client.ReadToEnd()), 413);
}

TEST(HttpServer, CompressesWhereAsked) {
  const std::string text(100'000, 'a');
  ServerForTest server({}, [&](const HttpRequest&) { return JsonResponse(200, text); });
  for (const char* coding : {"gzip", "zstd", ""}) {
    RawClient client(server.port());
    ASSERT_TRUE(client.Send(std::string("GET / HTTP/1.1\r\nHost: h\r\nAccept-Encoding: ") + coding +
                            "\r\n\r\n"));
    const std::string response = client.ReadResponse();
    EXPECT_EQ(HeaderOf(response, "content-encoding"), coding);
    EXPECT_EQ(HeaderOf(response, "vary"), "Accept-Encoding");
    std::string plain = BodyOf(response);
    if (std::string_view(coding) == "gzip") {
      ASSERT_TRUE(GzipDecompress(BodyOf(response), 1 << 20, &plain).ok());
    } else if (std::string_view(coding) == "zstd") {
      ASSERT_TRUE(ZstdDecompress(BodyOf(response), 1 << 20, &plain).ok());
    }
    EXPECT_EQ(plain, text);
  }
}

TEST(HttpServer, CompressesWhatAProducerMakes) {
  const auto handler = [](const HttpRequest&) {
    HttpResponse response = JsonResponse(200, "");
    response.producer = [left = std::make_shared<int>(50)](std::string* out) {
      out->append(10'000, 'a');
      return absl::StatusOr<bool>(--*left > 0);
    };
    return response;
  };
  ServerForTest server({}, handler);
  for (const char* coding : {"gzip", "zstd", ""}) {
    RawClient client(server.port());
    ASSERT_TRUE(client.Send(std::string("GET / HTTP/1.0\r\nHost: h\r\nAccept-Encoding: ") + coding +
                            "\r\n\r\n"));
    const std::string response = client.ReadToEnd();
    EXPECT_EQ(HeaderOf(response, "content-encoding"), coding);
    EXPECT_EQ(HeaderOf(response, "vary"), "Accept-Encoding");
    EXPECT_EQ(HeaderOf(response, "content-length"), "");
    std::string plain = BodyOf(response);
    if (std::string_view(coding) == "gzip") {
      ASSERT_TRUE(GzipDecompress(BodyOf(response), 1 << 20, &plain).ok());
    } else if (std::string_view(coding) == "zstd") {
      ASSERT_TRUE(ZstdDecompress(BodyOf(response), 1 << 20, &plain).ok());
    }
    EXPECT_EQ(plain, std::string(500'000, 'a'));
    RawClient head(server.port());
    ASSERT_TRUE(head.Send(std::string("HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n") +
                          "Accept-Encoding: " + coding + "\r\n\r\n"));
    EXPECT_EQ(BodyOf(head.ReadToEnd()), "");
  }
}

TEST(HttpServer, StreamsWhatAProducerMakes) {
  ServerForTest server({}, [](const HttpRequest& request) {
    HttpResponse response = TextResponse(200, "");
    auto left = std::make_shared<int>(5);
    const bool breaks = request.path == "/break";
    response.producer = [left, breaks](std::string* out) -> absl::StatusOr<bool> {
      if (breaks && *left == 2) return absl::InternalError("broken");
      if (*left != 4) out->append("piece ");
      return --*left > 0;
    };
    return response;
  });
  RawClient client(server.port());
  ASSERT_TRUE(client.Send(kGet + kGet));
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(BodyOf(client.ReadResponse()),
              "6\r\npiece \r\n6\r\npiece \r\n6\r\npiece \r\n6\r\npiece \r\n0\r\n\r\n");
  }
  RawClient old(server.port());
  ASSERT_TRUE(old.Send("GET / HTTP/1.0\r\n\r\n"));
  EXPECT_EQ(BodyOf(old.ReadToEnd()), "piece piece piece piece ");
  RawClient cut(server.port());
  ASSERT_TRUE(cut.Send("GET /break HTTP/1.1\r\nHost: h\r\n\r\n"));
  EXPECT_FALSE(cut.ReadToEnd().ends_with("0\r\n\r\n"));
}

TEST(HttpServer, TurnsAnExceptionInto500) {
  ServerForTest server({}, [](const HttpRequest& request) -> HttpResponse {
    if (request.path == "/throw") return TextResponse(std::vector<int>().at(1), "");
    return TextResponse(200, "fine");
  });
  RawClient client(server.port());
  ASSERT_TRUE(client.Send("GET /throw HTTP/1.1\r\nHost: h\r\n\r\n" + kGet));
  EXPECT_EQ(StatusOf(client.ReadResponse()), 500);
  EXPECT_EQ(StatusOf(client.ReadResponse()), 200);
}

TEST(HttpServer, TellsAHandlerThatItsClientLeft) {
  for (const bool reset : {false, true}) {
    absl::Notification started;
    absl::Notification noticed;
    HttpServerOptions options;
    options.limits.linger_ms = 50;  // a short tick
    ServerForTest server(options, [&](const HttpRequest& request) {
      started.Notify();
      while (!request.IsCancelled()) {
      }
      noticed.Notify();
      return TextResponse(200, "");
    });
    RawClient client(server.port());
    ASSERT_TRUE(client.Send(kGet));
    started.WaitForNotification();
    reset ? client.Reset() : client.Close();
    EXPECT_TRUE(noticed.WaitForNotificationWithTimeout(absl::Seconds(10)));
  }
}

TEST(HttpServer, SlowRequestsOfOnePoolDoNotHoldUpTheOther) {
  absl::Notification release;
  HttpServerOptions options;
  options.pools = {{"query", 1, 1}, {"ingest", 1, 1}};
  options.classify = [](const HttpRequest& head) -> size_t { return head.path == "/write"; };
  std::atomic<int> slow_started = 0;
  ServerForTest server(options, [&](const HttpRequest& request) {
    if (request.path == "/slow") {
      ++slow_started;
      release.WaitForNotification();
    }
    return ServerForTest::Echo(request);
  });
  const std::string slow = "GET /slow HTTP/1.1\r\nHost: h\r\n\r\n";
  RawClient first(server.port());
  ASSERT_TRUE(first.Send(slow));
  while (slow_started == 0) {
  }
  // One runs and one may wait: of two more, one is turned away and keeps its connection.
  RawClient second(server.port());
  RawClient third(server.port());
  ASSERT_TRUE(second.Send(slow));
  ASSERT_TRUE(third.Send(slow));
  RawClient ingest(server.port());
  ASSERT_TRUE(ingest.Send("POST /write HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx"));
  EXPECT_EQ(BodyOf(ingest.ReadResponse()), "POST /write 1 bytes\n");
  while (server.Hits("queue") == 0) {
  }
  release.Notify();
  const std::string answers[] = {second.ReadResponse(), third.ReadResponse()};
  const bool second_refused = StatusOf(answers[0]) == 503;
  EXPECT_EQ(StatusOf(answers[second_refused ? 1 : 0]), 200);
  EXPECT_EQ(StatusOf(answers[second_refused ? 0 : 1]), 503);
  EXPECT_EQ(HeaderOf(answers[second_refused ? 0 : 1], "retry-after"), "1");
  RawClient& refused = second_refused ? second : third;
  ASSERT_TRUE(refused.Send(kGet));
  EXPECT_EQ(StatusOf(refused.ReadResponse()), 200);
}

TEST(HttpServer, StopLetsRequestsFinishAndClosesIdleConnections) {
  absl::Notification started;
  absl::Notification release;
  ServerForTest server({}, [&](const HttpRequest& request) {
    if (request.path == "/slow") {
      started.Notify();
      release.WaitForNotification();
    }
    return TextResponse(200, "done");
  });
  RawClient idle(server.port());
  ASSERT_TRUE(idle.Send(kGet));
  EXPECT_EQ(StatusOf(idle.ReadResponse()), 200);
  RawClient slow(server.port());
  ASSERT_TRUE(slow.Send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n"));
  started.WaitForNotification();
  Thread stopper("stopper", [&] { server.server().Stop(); });
  EXPECT_EQ(idle.ReadToEnd(), "");  // closed by Stop while the other still runs
  release.Notify();
  const std::string answer = slow.ReadToEnd();
  EXPECT_EQ(BodyOf(answer), "done");
  EXPECT_EQ(HeaderOf(answer, "connection"), "close");
  stopper.Join();
  EXPECT_FALSE(RawClient(server.port()).connected());
}

TEST(HttpServer, StopCutsWhatDoesNotEnd) {
  HttpServerOptions options;
  options.limits.drain_ms = 50;
  absl::Notification started;
  ServerForTest server(options, [&](const HttpRequest& request) {
    started.Notify();
    while (!request.IsCancelled()) {
    }
    return TextResponse(200, "");
  });
  RawClient half(server.port());
  ASSERT_TRUE(half.Send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc"));
  RawClient stuck(server.port());
  ASSERT_TRUE(stuck.Send(kGet));
  started.WaitForNotification();
  server.server().Stop();
  EXPECT_EQ(stuck.ReadToEnd(), "");
  EXPECT_EQ(half.ReadToEnd(), "");
}

TEST(HttpServer, RefusesAPortInUseByName) {
  ServerForTest server;
  Registry metrics;
  HttpServerOptions options;
  options.listeners = {{"127.0.0.1", 0, false}, {"127.0.0.1", server.port(), false}};
  HttpServer second(options, ServerForTest::Echo, SystemClock(), metrics);
  const auto ports = second.Start();
  EXPECT_EQ(ports.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(std::string(ports.status().message()),
            "listen on 127.0.0.1:" + std::to_string(server.port()) + ": Address already in use");
}

TEST(HttpServer, ListensOnNamesAndOnAllAddresses) {
  for (const char* host : {"localhost", ""}) {
    HttpServerOptions options;
    options.listeners = {{host, 0, false}};
    HttpRequest seen;
    ServerForTest server(options, [&](const HttpRequest& request) {
      seen = request;
      return TextResponse(200, "");
    });
    RawClient client(server.port());
    ASSERT_TRUE(client.Send(kGet));
    EXPECT_EQ(StatusOf(client.ReadResponse()), 200) << host;
    EXPECT_EQ(seen.peer_address, "127.0.0.1");
  }
}

TEST(HttpServer, CountsWhatItDoes) {
  ServerForTest server;
  {
    RawClient client(server.port());
    ASSERT_TRUE(client.Send(Post(1000)));
    EXPECT_EQ(StatusOf(client.ReadResponse()), 200);
    ASSERT_TRUE(client.Send(kGet));  // the first is counted before the second is read
    EXPECT_EQ(StatusOf(client.ReadResponse()), 200);
  }
  server.server().Stop();
  const std::string text = server.metrics().Text();
  for (const char* line :
       {"hearth_net_connections_total 1\n", "hearth_net_connections_open 0\n",
        "hearth_net_requests_total{code=\"2xx\"} 2\n", "hearth_net_bodies_bytes 0\n",
        "hearth_net_request_duration_seconds_count 2\n",
        "hearth_net_limits_hit_total{limit=\"body_bytes\"} 0\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
}

}  // namespace
}  // namespace hearth::net
