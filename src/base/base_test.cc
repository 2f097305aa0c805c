// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <atomic>

#include "base/clock.h"
#include "base/compress.h"
#include "base/crc32c.h"
#include "base/file_system.h"
#include "base/fill_ahead.h"
#include "base/json_text.h"
#include "base/metrics.h"
#include "base/rng.h"
#include "base/status.h"
#include "base/stream_compressor.h"
#include "base/text.h"
#include "base/threads.h"

namespace hearth {
namespace {

absl::StatusOr<int> Half(int n) {
  if (n % 2 != 0) return InvalidArgument("{} is odd", n);
  return n / 2;
}

absl::StatusOr<int> Quarter(int n) {
  TRY_ASSIGN(const int half, Half(n));
  TRY_ASSIGN(const int quarter, Half(half));
  return quarter;
}

TEST(Status, TryAssignPassesErrorsUp) {
  EXPECT_EQ(*Quarter(8), 2);
  EXPECT_EQ(Message(Quarter(6).status()), "3 is odd");
  EXPECT_EQ(Message(Annotate(Quarter(6).status(), "quartering")), "quartering: 3 is odd");
}

TEST(Text, PercentEncodingRoundTrips) {
  std::string decoded;
  EXPECT_EQ(PercentEncode("a b/c%\xc3\xa9~", false), "a%20b%2Fc%25%C3%A9~");
  ASSERT_TRUE(PercentDecode("a%20b%2Fc+d", false, &decoded));
  EXPECT_EQ(decoded, "a b/c+d");
  ASSERT_TRUE(PercentDecode("c+d", true, &decoded));
  EXPECT_EQ(decoded, "c d");
  EXPECT_FALSE(PercentDecode("%2", false, &decoded));
  EXPECT_FALSE(PercentDecode("%zz", false, &decoded));
}

TEST(Text, Utf8RefusesOverlongSurrogatesAndTruncation) {
  EXPECT_TRUE(IsValidUtf8("plain \xc3\xa9 \xe2\x82\xac \xf0\x9f\x94\xa5"));
  for (const char* bad :
       {"\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\xff", "\x80"}) {
    EXPECT_FALSE(IsValidUtf8(bad)) << HexEncode(bad);
  }
}

TEST(Text, SplitAndNumbers) {
  EXPECT_EQ(Split("a,,b", ','), (std::vector<std::string_view>{"a", "", "b"}));
  EXPECT_EQ(Split("", ',').size(), 1U);
  int64_t n = 0;
  EXPECT_TRUE(ParseInt64("-12", &n) && n == -12);
  EXPECT_FALSE(ParseInt64("12x", &n));
  EXPECT_FALSE(ParseInt64("", &n));
  EXPECT_FALSE(ParseInt64("9223372036854775808", &n));
}

TEST(JsonText, EscapesAsGoDoes) {
  std::string out;
  AppendJsonString("a\"\\\n\x01<\xff\xc3\xa9", &out);
  EXPECT_EQ(out, "\"a\\\"\\\\\\n\\u0001<\\ufffd\xc3\xa9\"");
  out.clear();
  AppendJsonStringHtmlSafe("<&>\xe2\x80\xa8", &out);
  EXPECT_EQ(out, "\"\\u003c\\u0026\\u003e\\u2028\"");
}

TEST(JsonText, FindsWhatToEscapeWhereverItStands) {
  for (size_t size = 1; size < 20; ++size) {
    for (size_t at = 0; at < size; ++at) {
      for (const auto& [raw, escaped] :
           std::vector<std::pair<std::string, std::string>>{{"\"", "\\\""},
                                                            {"\\", "\\\\"},
                                                            {"\x1f", "\\u001f"},
                                                            {"\xff", "\\ufffd"},
                                                            {"\x7f", "\x7f"}}) {
        std::string out;
        AppendJsonString(std::string(at, '~') + raw + std::string(size - at - 1, ' '), &out);
        EXPECT_EQ(out,
                  '"' + std::string(at, '~') + escaped + std::string(size - at - 1, ' ') + '"');
      }
    }
  }
}

TEST(Crc32c, MatchesRfc3720) {
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8a9136aaU);
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283U);
  EXPECT_EQ(Crc32c("6789", Crc32c("12345")), 0xe3069283U);
}

TEST(Compress, RoundTripsAndRefusesWhatIsTooLargeOrCorrupt) {
  SeededRng rng(1);
  const std::string text = rng.Text(300'000, "abc") + std::string(100'000, 'x');
  using Decompress = absl::Status (*)(std::string_view, size_t, std::string*);
  const std::pair<Decompress, std::string> cases[] = {{SnappyDecompress, SnappyCompress(text)},
                                                      {GzipDecompress, GzipCompress(text)},
                                                      {ZstdDecompress, ZstdCompress(text)}};
  for (const auto& [decompress, packed] : cases) {
    std::string out;
    ASSERT_TRUE(decompress(packed, text.size(), &out).ok());
    EXPECT_EQ(out, text);
    EXPECT_EQ(decompress(packed, text.size() - 1, &out).code(),
              absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(decompress(packed.substr(0, packed.size() / 2), text.size(), &out).code(),
              absl::StatusCode::kInvalidArgument);
    EXPECT_FALSE(decompress("", text.size(), &out).ok());
  }
}

TEST(StreamCompressor, MakesOneStreamOfPieces) {
  SeededRng rng(2);
  const std::string text = rng.Text(300'000, "abc") + rng.Bytes(100'000);
  for (const bool zstd : {false, true}) {
    for (const size_t piece : {size_t{1000}, size_t{150'000}, text.size()}) {
      const auto compressor = zstd ? StreamCompressor::Zstd() : StreamCompressor::Gzip();
      std::string packed;
      for (size_t at = 0; at < text.size(); at += piece) {
        compressor->Add(std::string_view(text).substr(at, piece), false, &packed);
      }
      compressor->Add("", true, &packed);
      std::string plain;
      const auto decompress = zstd ? ZstdDecompress : GzipDecompress;
      ASSERT_TRUE(decompress(packed, text.size(), &plain).ok()) << zstd << " " << piece;
      EXPECT_EQ(plain, text);
      EXPECT_LT(packed.size(), text.size());
    }
  }
}

TEST(Compress, ZstdTakesSeveralFramesAndSurvivesABadOneBetween) {
  const std::string small = "page one, page one, page one";
  const std::string large(3 << 20, 'y');  // beyond what is decompressed at once
  std::string out;
  for (int round = 0; round < 2; ++round) {  // the thread's context is used again
    ASSERT_TRUE(ZstdDecompress(ZstdCompress(small) + ZstdCompress(small), 1 << 20, &out).ok());
    EXPECT_EQ(out, small + small);
    EXPECT_EQ(ZstdDecompress(ZstdCompress(small) + ZstdCompress(small), small.size(), &out).code(),
              absl::StatusCode::kResourceExhausted);
    std::string bad = ZstdCompress(small);
    bad.resize(bad.size() - 3);
    EXPECT_EQ(ZstdDecompress(bad, 1 << 20, &out).code(), absl::StatusCode::kInvalidArgument);
    ASSERT_TRUE(ZstdDecompress(ZstdCompress(large), large.size(), &out).ok());
    EXPECT_EQ(out, large);
  }
}

TEST(FileSystem, AFileThatIsFilledAheadHasNothingButWhatWasAppended) {
  const TemporaryDirectory directory;
  const std::string path = JoinPath(directory.path(), "log");
  FileSystem& files = RealFileSystem();
  {
    const auto file = *files.Create(path);
    ASSERT_TRUE(file->Append("one").ok());
    FillAhead(file.get(), 6);
    ASSERT_TRUE(file->Append("two").ok());
    ASSERT_TRUE(file->Sync().ok());
    // What a crash would leave now.
    const std::string bytes = *files.ReadFile(path);
    EXPECT_GT(bytes.size(), 6U);
    EXPECT_EQ(bytes.substr(0, 6), "onetwo");
    EXPECT_EQ(bytes.find_first_not_of('\0', 6), std::string::npos);
    EXPECT_EQ(file->size(), 6U);
    ASSERT_TRUE(file->Truncate(4).ok());
    ASSERT_TRUE(file->Append("hree").ok());
    EXPECT_EQ(*files.ReadFile(path), "onethree");
    FillAhead(file.get(), 9);
    ASSERT_TRUE(file->Append("s").ok());
  }
  EXPECT_EQ(*files.ReadFile(path), "onethrees");
}

TEST(FileSystem, WritesAtomicallyLocksAndLists) {
  FileSystem& fs = RealFileSystem();
  const TemporaryDirectory dir;
  const std::string path = JoinPath(dir.path(), "a/b/file");
  ASSERT_TRUE(fs.MakeDirectories(DirectoryOf(path)).ok());
  ASSERT_TRUE(fs.WriteFileAtomic(path, "hello").ok());
  EXPECT_EQ(*fs.ReadFile(path), "hello");
  EXPECT_EQ(fs.Stat(path)->mode, 0600U);
  EXPECT_EQ(*fs.List(DirectoryOf(path)), std::vector<std::string>{"file"});
  EXPECT_EQ(fs.ReadFile(path + "x").status().code(), absl::StatusCode::kNotFound);
  const std::string lock_path = JoinPath(dir.path(), "lock");
  auto lock = fs.Lock(lock_path);
  ASSERT_TRUE(lock.ok());
  const auto second = fs.Lock(lock_path);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(Message(second.status()).find("process " + std::to_string(getpid())),
            std::string::npos);
}

TEST(Metrics, WritesTextFormat) {
  Registry registry;
  registry.AddCounter("hearth_x_total", "Things \"seen\".", {{"kind", "a\"b"}}).Add(3);
  registry.AddHistogram("hearth_x_seconds", "Time.", {0.1, 1}).Observe(0.5);
  EXPECT_EQ(registry.Text(),
            "# HELP hearth_x_seconds Time.\n# TYPE hearth_x_seconds histogram\n"
            "hearth_x_seconds_bucket{le=\"0.1\"} 0\nhearth_x_seconds_bucket{le=\"1\"} 1\n"
            "hearth_x_seconds_bucket{le=\"+Inf\"} 1\nhearth_x_seconds_sum 0.5\n"
            "hearth_x_seconds_count 1\n# HELP hearth_x_total Things \"seen\".\n"
            "# TYPE hearth_x_total counter\nhearth_x_total{kind=\"a\\\"b\"} 3\n");
}

TEST(ThreadPool, ParallelForVisitsEachIndexOnceEvenNested) {
  ThreadPool pool({.name = "test", .threads = 3, .queue_max = 4});
  std::atomic<int> visits{0};
  pool.ParallelFor(20, [&](size_t) { pool.ParallelFor(10, [&](size_t) { ++visits; }); });
  EXPECT_EQ(visits, 200);
}

TEST(Rng, SeedsRepeatAndUuidsHaveTheirShape) {
  SeededRng a(7);
  SeededRng b(7);
  EXPECT_EQ(a.Bytes(13), b.Bytes(13));
  const std::string uuid = NewUuid(SystemRng());
  EXPECT_EQ(uuid.size(), 36U);
  EXPECT_EQ(uuid[14], '4');
}

}  // namespace
}  // namespace hearth
