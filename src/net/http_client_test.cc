// SPDX-License-Identifier: Apache-2.0
#include "net/http_client.h"

#include <absl/synchronization/notification.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/compress.h"
#include "base/threads.h"
#include "crypto/certificates.h"
#include "net/raw_client.h"
#include "net/server_for_test.h"

namespace hearth::net {
namespace {

ClientRequest Get(const std::string& url) {
  ClientRequest request;
  request.url = url;
  return request;
}

TEST(HttpClient, SendsWhatItIsGiven) {
  HttpRequest seen;
  ServerForTest server({}, [&](const HttpRequest& request) {
    seen = request;
    return ServerForTest::Echo(request);
  });
  HttpClient client({}, server.metrics());
  ClientRequest request = Get(server.Url("/a/../b%2f?x=1"));
  request.method = "POST";
  request.body = std::string("a\0b", 3);
  request.headers = {{"X-Empty", ""}, {"X-One", "1"}};
  request.basic_user = "user";
  request.basic_password = "pass";
  const auto response = client.Fetch(request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body, "POST /a/../b%2f?x=1 3 bytes\n");
  EXPECT_EQ(response->headers.Find("content-type"), "text/plain; charset=utf-8");
  EXPECT_GT(response->duration_seconds, 0);
  EXPECT_EQ(response->wire_bytes, response->body.size());
  EXPECT_EQ(seen.body, request.body);
  EXPECT_TRUE(seen.headers.Has("x-empty"));
  EXPECT_EQ(seen.headers.Find("authorization"), "Basic dXNlcjpwYXNz");
  EXPECT_FALSE(seen.headers.Has("content-type"));
  EXPECT_FALSE(seen.headers.Has("expect"));
  EXPECT_EQ(seen.headers.Find("user-agent"), "hearth");
}

TEST(HttpClient, ReusesConnections) {
  ServerForTest server;
  HttpClient client({}, server.metrics());
  for (const char* method : {"GET", "HEAD", "POST", "PUT", "DELETE"}) {
    ClientRequest request = Get(server.Url("/"));
    request.method = method;
    const auto response = client.Fetch(request);
    ASSERT_TRUE(response.ok()) << method << response.status();
    EXPECT_EQ(response->status, 200) << method;
    if (std::string_view(method) != "HEAD") {
      EXPECT_EQ(response->body, std::string(method) + " / 0 bytes\n");
    }
  }
  EXPECT_EQ(server.metrics().AddCounter("hearth_net_connections_total", "").value(), 1U);
}

TEST(HttpClient, UndoesGzipWithinItsLimit) {
  const std::string text(200'000, 'a');
  ServerForTest server({}, [&](const HttpRequest&) { return TextResponse(200, text); });
  HttpClient client({}, server.metrics());
  ClientRequest request = Get(server.Url("/"));
  request.accept_gzip = true;
  const auto response = client.Fetch(request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->body, text);
  EXPECT_LT(response->wire_bytes, 10'000U);
  request.response_bytes_max = 199'999;
  EXPECT_EQ(client.Fetch(request).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST(HttpClient, NamesEveryFailure) {
  absl::Notification release;
  ServerForTest server({}, [&](const HttpRequest& request) {
    if (request.path == "/slow") release.WaitForNotification();
    if (request.path == "/loop") return RedirectResponse(302, "/loop");
    if (request.path == "/file") return RedirectResponse(302, "file:///etc/passwd");
    if (request.path == "/go") return RedirectResponse(302, "/end");
    return ServerForTest::Echo(request);
  });
  HttpClient client({}, server.metrics());
  using Code = absl::StatusCode;
  uint16_t closed_port = 0;
  {
    ServerForTest gone;
    closed_port = gone.port();
  }
  const struct {
    std::string url;
    int64_t timeout_ms;
    bool follow;
    Code code;
  } rows[] = {
      {server.Url("/slow?secret=1"), 50, false, Code::kDeadlineExceeded},
      {"http://127.0.0.1:" + std::to_string(closed_port) + "/", 5000, false, Code::kUnavailable},
      {"file:///etc/passwd", 5000, false, Code::kInvalidArgument},
      {"http://", 5000, false, Code::kInvalidArgument},
      {"http://a b/", 5000, false, Code::kInvalidArgument},
      {server.Url("/x\r\nY: z"), 5000, false, Code::kInvalidArgument},
      {server.Url("/loop"), 5000, true, Code::kUnavailable},
      {server.Url("/file"), 5000, true, Code::kInvalidArgument},
      {server.Url("/loop"), 5000, false, Code::kOk},
      {server.Url("/go"), 5000, true, Code::kOk},
      {"http://169.254.169.254/latest/meta-data/", 5000, false, Code::kPermissionDenied},
      {"http://[::ffff:169.254.169.254]/", 5000, false, Code::kPermissionDenied},
      {"http://2852039166/", 5000, false, Code::kPermissionDenied},
  };
  for (const auto& row : rows) {
    ClientRequest request = Get(row.url);
    request.timeout_ms = row.timeout_ms;
    request.follow_redirects = row.follow;
    const auto response = client.Fetch(request);
    EXPECT_EQ(response.status().code(), row.code) << row.url << " " << response.status();
    EXPECT_EQ(std::string(response.status().message()).find("secret"), std::string::npos);
  }
  release.Notify();
}

TEST(HttpClient, DeniesByPolicyAfterRedirectsToo) {
  ServerForTest target;
  ServerForTest server({}, [&](const HttpRequest&) {
    return RedirectResponse(307, "http://[::1]:" + std::to_string(target.port()) + "/");
  });
  HttpClientOptions options;
  options.addresses.deny_loopback = true;
  options.addresses.allowed = {*ParseIpRange("127.0.0.1")};
  HttpClient client(options, server.metrics());
  ClientRequest request = Get(server.Url("/"));
  request.follow_redirects = true;
  EXPECT_EQ(client.Fetch(request).status().code(), absl::StatusCode::kPermissionDenied);
}

TEST(HttpClient, GivesUpWhenTheCallerDoes) {
  absl::Notification started;
  absl::Notification release;
  ServerForTest server({}, [&](const HttpRequest&) {
    started.Notify();
    release.WaitForNotification();
    return TextResponse(200, "");
  });
  HttpClient client({}, server.metrics());
  std::atomic<bool> cancelled = false;
  absl::Status status;
  Thread caller("caller",
                [&] { status = client.Fetch(Get(server.Url("/")), &cancelled).status(); });
  started.WaitForNotification();
  cancelled = true;
  caller.Join();
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  release.Notify();
}

TEST(HttpClient, HandsBodiesOutAsTheyComeUntilTheReaderHasEnough) {
  const std::string text(1'000'000, 'a');
  ServerForTest server({}, [&](const HttpRequest&) { return TextResponse(200, text); });
  HttpClient client({}, server.metrics());
  for (const size_t wanted : {text.size() + 1, size_t{1}}) {
    size_t seen = 0;
    ClientRequest request = Get(server.Url("/"));
    request.response_bytes_max = 10;  // of what the client itself keeps
    request.on_body = [&](std::string_view piece) {
      seen += piece.size();
      return seen < wanted;
    };
    const auto response = client.Fetch(request);
    if (wanted > text.size()) {
      ASSERT_TRUE(response.ok()) << response.status();
      EXPECT_EQ(response->body, "");
      EXPECT_EQ(seen, text.size());
    } else {
      EXPECT_TRUE(absl::IsCancelled(response.status())) << response.status();
      EXPECT_LT(seen, text.size());
    }
  }
}

TEST(HttpClient, CancelsWhatWasStarted) {
  absl::Notification release;
  ServerForTest server({}, [&](const HttpRequest& request) {
    release.WaitForNotification();
    return ServerForTest::Echo(request);
  });
  HttpClient client({}, server.metrics());
  absl::Notification done;
  absl::Status status;
  const uint64_t id = client.Start(Get(server.Url("/")), [&](const auto& response) {
    status = response.status();
    done.Notify();
  });
  client.Cancel(id);
  done.WaitForNotification();
  EXPECT_TRUE(absl::IsCancelled(status)) << status;
  client.Cancel(id);  // long gone
  release.Notify();
}

TEST(HttpClient, EndsCancelledWithEverythingUnderWay) {
  absl::Notification started;
  absl::Notification release;
  ServerForTest server({}, [&](const HttpRequest&) {
    if (!started.HasBeenNotified()) started.Notify();
    release.WaitForNotification();
    return TextResponse(200, "");
  });
  HttpClientOptions options;
  options.transfers_max = 1;
  auto client = std::make_unique<HttpClient>(options, server.metrics());
  absl::Status first;
  absl::Status second;
  client->Start(Get(server.Url("/")), [&](const auto& result) { first = result.status(); });
  started.WaitForNotification();
  client->Start(Get(server.Url("/")), [&](const auto& result) { second = result.status(); });
  EXPECT_EQ(second.code(), absl::StatusCode::kResourceExhausted);
  client.reset();
  EXPECT_EQ(first.code(), absl::StatusCode::kCancelled);
  release.Notify();
}

TEST(HttpClient, TellsACutAnswerFromAWholeOne) {
  ServerForTest server({}, [](const HttpRequest&) {
    HttpResponse response;
    response.producer = [first = true](std::string* out) mutable -> absl::StatusOr<bool> {
      if (!first) return absl::InternalError("broken");
      first = false;
      out->append("half");
      return true;
    };
    return response;
  });
  HttpClient client({}, server.metrics());
  EXPECT_EQ(client.Fetch(Get(server.Url("/"))).status().code(), absl::StatusCode::kUnavailable);
}

TEST(HttpClient, ServesManyThreadsAtOnce) {
  constexpr int kThreads = 4;
  constexpr int kRequests = 50;
  ServerForTest server({}, [](const HttpRequest& request) {
    HttpResponse response = ServerForTest::Echo(request);
    response.close = request.body.size() % 7 == 0;
    return response;
  });
  HttpClient client({}, server.metrics());
  std::atomic<int> good = 0;
  {
    std::vector<Thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back("caller", [&, t] {
        for (int i = 0; i < kRequests; ++i) {
          ClientRequest request = Get(server.Url("/" + std::to_string(t)));
          request.method = "POST";
          request.body = std::string(static_cast<size_t>(i * 1000 + t), 'x');
          const auto response = client.Fetch(request);
          if (response.ok() && response->body == "POST /" + std::to_string(t) + " " +
                                                     std::to_string(request.body.size()) +
                                                     " bytes\n") {
            ++good;
          }
        }
      });
    }
  }
  EXPECT_EQ(good, kThreads * kRequests);
}

class TlsTest : public testing::Test {
 protected:
  TlsTest() {
    EXPECT_TRUE(
        crypto::RefreshTlsSet({"localhost", "127.0.0.1"}, SystemClock().NowMs(), &set_).ok());
  }

  HttpServerOptions Options() {
    HttpServerOptions options;
    options.listeners = {{"127.0.0.1", 0, true}, {"127.0.0.1", 0, false}};
    options.load_tls = [this]() -> absl::StatusOr<TlsIdentity> {
      return TlsIdentity{set_.server_pem, set_.server_key_pem};
    };
    return options;
  }

  ClientRequest Request(const ServerForTest& server, const std::string& host = "127.0.0.1") {
    ClientRequest request = Get("https://" + host + ":" + std::to_string(server.port()) + "/");
    request.tls.ca_pem = set_.ca_pem;
    return request;
  }

  crypto::TlsSet set_;
};

TEST_F(TlsTest, ServesClientsThatTrustTheCa) {
  bool tls = false;
  ServerForTest server(Options(), [&](const HttpRequest& request) {
    tls = request.tls;
    return ServerForTest::Echo(request);
  });
  HttpClient client({}, server.metrics());
  for (const char* host : {"127.0.0.1", "localhost"}) {
    ClientRequest request = Request(server, host);
    request.method = "POST";
    request.body = std::string(3'000'000, 'x');
    const auto response = client.Fetch(request);
    ASSERT_TRUE(response.ok()) << response.status();
    EXPECT_EQ(response->body, "POST / 3000000 bytes\n");
  }
  EXPECT_TRUE(tls);
  EXPECT_TRUE(client.Fetch(Get(server.Url("/", 1))).ok());
  EXPECT_FALSE(tls);
}

TEST_F(TlsTest, RefusesStrangersAndOtherNames) {
  ServerForTest server(Options());
  HttpClient client({}, server.metrics());
  ClientRequest stranger = Request(server);
  crypto::TlsSet other;
  ASSERT_TRUE(crypto::RefreshTlsSet({"localhost"}, SystemClock().NowMs(), &other).ok());
  stranger.tls.ca_pem = other.ca_pem;
  EXPECT_EQ(client.Fetch(stranger).status().code(), absl::StatusCode::kUnavailable);
  stranger.tls.insecure = true;
  EXPECT_TRUE(client.Fetch(stranger).ok());
  ClientRequest named = Request(server);
  named.tls.server_name = "elsewhere";
  EXPECT_EQ(client.Fetch(named).status().code(), absl::StatusCode::kUnavailable);
  named.tls.server_name = "localhost";
  const auto response = client.Fetch(named);
  EXPECT_TRUE(response.ok()) << response.status();
}

TEST_F(TlsTest, ReloadsCertificatesForNewConnections) {
  ServerForTest server(Options());
  HttpClient before({}, server.metrics());
  ASSERT_TRUE(before.Fetch(Request(server)).ok());
  const crypto::TlsSet old = set_;
  set_ = crypto::TlsSet();
  EXPECT_FALSE(server.server().ReloadCertificates().ok());
  set_ = old;
  EXPECT_TRUE(HttpClient({}, server.metrics()).Fetch(Request(server)).ok());
  set_ = crypto::TlsSet();
  ASSERT_TRUE(crypto::RefreshTlsSet({"127.0.0.1"}, SystemClock().NowMs(), &set_).ok());
  ASSERT_TRUE(server.server().ReloadCertificates().ok());
  EXPECT_TRUE(HttpClient({}, server.metrics()).Fetch(Request(server)).ok());
  ClientRequest with_old = Request(server);
  with_old.tls.ca_pem = old.ca_pem;
  EXPECT_FALSE(HttpClient({}, server.metrics()).Fetch(with_old).ok());
}

TEST_F(TlsTest, TellsPlainHttpWhereItIs) {
  ServerForTest server(Options());
  RawClient client(server.port());
  ASSERT_TRUE(client.Send("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
  const std::string answer = client.ReadToEnd();
  EXPECT_EQ(StatusOf(answer), 400);
  EXPECT_EQ(HeaderOf(answer, "content-length"), std::to_string(BodyOf(answer).size()));
}

TEST_F(TlsTest, StopDoesNotWaitForIdleClients) {
  HttpServerOptions options = Options();
  options.limits.linger_ms = 3'600'000;
  options.limits.drain_ms = 3'600'000;
  ServerForTest server(options);
  HttpClient client({}, server.metrics());
  ASSERT_TRUE(client.Fetch(Request(server)).ok());  // the connection stays open, nobody reads it
  server.server().Stop();
  EXPECT_EQ(client.Fetch(Request(server)).status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(TlsTest, EndsHandshakesThatDoNotCome) {
  HttpServerOptions options = Options();
  options.limits.header_timeout_ms = 60;
  ServerForTest server(options);
  RawClient client(server.port());
  ASSERT_TRUE(client.Send("\x16\x03\x01"));
  EXPECT_EQ(client.ReadToEnd(), "");
  EXPECT_EQ(server.Hits("header_timeout"), 1U);
}

TEST_F(TlsTest, IsRefusedWithoutAUsableKey) {
  set_.server_key_pem = set_.ca_key_pem;
  Registry metrics;
  HttpServer server(Options(), ServerForTest::Echo, SystemClock(), metrics);
  EXPECT_EQ(server.Start().status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace hearth::net
