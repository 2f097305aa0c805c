// SPDX-License-Identifier: Apache-2.0
// Native histograms, start times and exemplars through log, head and blocks.
#include <gtest/gtest.h>

#include <bit>

#include "base/rng.h"
#include "model/value.h"
#include "tsdb/histogram_codec.h"
#include "tsdb/test_store.h"

namespace hearth::tsdb {
namespace {

using model::CounterResetHint;
using model::HistogramSample;
using model::Labels;
using model::NativeHistogram;
using storage::RejectReason;

constexpr int64_t kStart = TestStore::kStartMs;

std::shared_ptr<NativeHistogram> Histogram(double count) {
  auto h = std::make_shared<NativeHistogram>();
  h->schema = 3;
  h->zero_threshold = 0.001;
  h->zero_count = 1;
  h->count = count + 3;
  h->sum = count * 0.37;
  h->positive_spans = {{-2, 1}, {3, 1}};
  h->positive_buckets = {2, count};
  return h;
}

std::shared_ptr<NativeHistogram> Random(Rng* rng) {
  auto h = std::make_shared<NativeHistogram>();
  h->is_float = rng->Below(2) == 0;
  h->hint = static_cast<CounterResetHint>(rng->Below(4));
  const bool custom = rng->Below(3) == 0;
  h->schema = custom ? model::kCustomBucketsSchema : static_cast<int32_t>(rng->Below(13)) - 4;
  const auto number = [&] {
    const auto whole = static_cast<double>(rng->Below(1000));
    return h->is_float && rng->Below(2) == 0 ? whole / 7 : whole;
  };
  double total = 0;
  const auto side = [&](std::vector<model::HistogramSpan>* spans, std::vector<double>* buckets) {
    for (size_t n = rng->Below(4); n > 0; --n) {
      const auto length = static_cast<uint32_t>(rng->Below(3)) + 1;
      spans->push_back({static_cast<int32_t>(rng->Below(5)), length});
      for (uint32_t i = 0; i < spans->back().length; ++i) buckets->push_back(number());
    }
    for (const double bucket : *buckets) total += bucket;
  };
  side(&h->positive_spans, &h->positive_buckets);
  if (custom) {
    for (int i = 0; i < 30; ++i) h->custom_values.push_back(i * 0.1);
  } else {
    side(&h->negative_spans, &h->negative_buckets);
    h->zero_threshold = number();
    h->zero_count = number();
    total += h->zero_count;
  }
  h->count = total;
  h->sum = std::bit_cast<double>(rng->Next());
  if (std::isnan(h->sum)) h->sum = model::NormalNan();
  return h;
}

TEST(HistogramCodec, GivesBackEveryBit) {
  SeededRng rng(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<HistogramSample> in;
    HistogramEncoder encoder;
    std::string bytes;
    std::shared_ptr<NativeHistogram> last;
    for (int i = 0; i < 20; ++i) {
      if (last == nullptr || rng.Below(3) == 0) {
        last = Random(&rng);
      } else {
        last = std::make_shared<NativeHistogram>(*last);  // the same layout, other counts
        for (double& bucket : last->positive_buckets) bucket += 3;
        last->count += static_cast<double>(3 * last->positive_buckets.size());
      }
      ASSERT_TRUE(CheckHistogram(*last).ok()) << CheckHistogram(*last);
      std::shared_ptr<const NativeHistogram> given = last;
      if (rng.Below(10) == 0) given = model::StaleHistogram();
      in.push_back({static_cast<int64_t>(rng.Next()), given, rng.Below(2) == 0 ? i / 5 : 0});
      encoder.Append(in.back(), &bytes);
    }
    std::vector<HistogramSample> out;
    ASSERT_TRUE(DecodeHistograms(bytes, 20, &out));
    for (size_t i = 0; i < in.size(); ++i) {
      EXPECT_EQ(in[i].time_ms, out[i].time_ms);
      EXPECT_EQ(in[i].start_time_ms, out[i].start_time_ms);
      const bool stale = model::IsStale(*in[i].histogram);
      EXPECT_TRUE(stale ? model::IsStale(*out[i].histogram)
                        : model::SameBits(*in[i].histogram, *out[i].histogram))
          << round << " " << i;
    }
    std::vector<HistogramSample> cut;
    EXPECT_FALSE(DecodeHistograms(std::string_view(bytes).substr(0, bytes.size() - 1), 20, &cut));
  }
}

TEST(HistogramCodec, DerivesHintsAsPrometheusChunksDo) {
  const auto first = Histogram(5);
  auto fewer_zeros = Histogram(6);
  fewer_zeros->zero_count = 0;
  fewer_zeros->positive_buckets[0] = 3;
  auto moved = Histogram(5);
  moved->positive_spans[1].offset = 4;
  auto wider = Histogram(5);
  wider->positive_spans = {{-2, 2}, {2, 1}};
  wider->positive_buckets = {2, 7, 5};
  wider->count = 15;
  auto finer = Histogram(6);
  finer->schema = 4;
  auto gauge = Histogram(4);
  gauge->hint = CounterResetHint::kGauge;
  auto said = Histogram(9);
  said->hint = CounterResetHint::kReset;
  struct Row {
    const char* what;
    std::shared_ptr<NativeHistogram> now;
    const NativeHistogram* before;
    CounterResetHint expected;
  };
  const Row rows[] = {
      {"nothing before", Histogram(5), nullptr, CounterResetHint::kUnknown},
      {"the same", Histogram(5), first.get(), CounterResetHint::kNotReset},
      {"more", Histogram(6), first.get(), CounterResetHint::kNotReset},
      {"less", Histogram(4), first.get(), CounterResetHint::kUnknown},
      {"less in the zero bucket", fewer_zeros, first.get(), CounterResetHint::kUnknown},
      {"a bucket gone", moved, first.get(), CounterResetHint::kUnknown},
      {"a bucket more", wider, first.get(), CounterResetHint::kNotReset},
      {"other schema", finer, first.get(), CounterResetHint::kUnknown},
      {"a gauge stays one", gauge, first.get(), CounterResetHint::kGauge},
      {"said to be a reset", said, first.get(), CounterResetHint::kUnknown},
      {"after a gauge", Histogram(5), gauge.get(), CounterResetHint::kUnknown},
      {"after a staleness marker", Histogram(5), model::StaleHistogram().get(),
       CounterResetHint::kUnknown},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(WithDerivedHint(row.now, row.before)->hint, row.expected) << row.what;
  }
}

// Everything of a metric, one line a sample, every bit that matters.
std::string DumpAll(TestStore* store, const std::string& metric) {
  storage::SelectRequest request;
  request.range = {INT64_MIN, INT64_MAX};
  request.matchers = {model::Matcher::Equal("__name__", metric)};
  const auto set = store->db().Select(request);
  EXPECT_TRUE(set.ok()) << set.status();
  std::string text;
  storage::ColumnBatch batch;
  while (*(*set)->Next(&batch)) {
    for (const storage::SeriesColumns& series : batch.series) {
      text += series.labels.ToString() + "\n";
      for (size_t i = 0; i < series.times_ms.size(); ++i) {
        text += fmt::format("  {} {:x} start {}\n", series.times_ms[i] - kStart,
                            std::bit_cast<uint64_t>(series.values[i]),
                            series.start_times_ms.empty() ? 0 : series.start_times_ms[i]);
      }
      for (const HistogramSample& sample : series.histograms) {
        const NativeHistogram& h = *sample.histogram;
        text += fmt::format("  {} histogram hint {} schema {} float {} count {} zero {} {}",
                            sample.time_ms - kStart, static_cast<int>(h.hint), h.schema, h.is_float,
                            h.count, h.zero_count, h.zero_threshold);
        text += fmt::format(" sum {:x}", std::bit_cast<uint64_t>(h.sum));
        for (const auto& span : h.positive_spans) {
          text += fmt::format(" {}+{}", span.offset, span.length);
        }
        for (const double bucket : h.positive_buckets) text += fmt::format(" {}", bucket);
        for (const double bound : h.custom_values) text += fmt::format(" le{}", bound);
        text += fmt::format(" start {}\n", sample.start_time_ms);
      }
    }
  }
  return text;
}

size_t Lines(const std::string& text, const std::string& what) {
  size_t n = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

TEST(Histograms, ComeBackExactlyFromEveryPlace) {
  TestStore store;
  SeededRng rng(3);
  const auto write = [&](int from, int to) {
    for (int i = from; i < to; ++i) {
      storage::WriteBatch batch;
      const int64_t time = kStart + i * 1000;
      batch.AddSeries(Labels{{"__name__", "x"}, {"kind", "histogram"}});
      batch.AddHistogram({time, Histogram(i % 40), kStart - 5 + i / 50});
      batch.AddSeries(Labels{{"__name__", "x"}, {"kind", "mixed"}});
      if (i % 7 == 3) {
        batch.AddSample(time, i * 0.5, kStart - 9);
      } else if (i % 7 < 3) {
        batch.AddHistogram({time, Random(&rng), 0});
      } else {
        batch.AddSample(time, i * 0.5);
      }
      batch.AddSeries(Labels{{"__name__", "x"}, {"kind", "started"}});
      batch.AddSample(time, i, kStart + (i / 10) * 10'000);
      const auto outcome = store.db().Commit(batch, {});
      ASSERT_TRUE(outcome.ok()) << outcome.status();
      ASSERT_EQ(outcome->rejected, 0U);
    }
  };
  write(0, 300);
  std::string text = DumpAll(&store, "x");
  EXPECT_EQ(Lines(text, "\n  "), 900U);
  EXPECT_EQ(Lines(text, "hint 2"), Lines(text, "hint 2 schema"));
  store.Crash();
  EXPECT_EQ(DumpAll(&store, "x"), text) << "replayed";
  ASSERT_TRUE(store.db().Seal().ok());
  EXPECT_EQ(DumpAll(&store, "x"), text) << "sealed";
  write(300, 400);
  text = DumpAll(&store, "x");
  EXPECT_EQ(Lines(text, "\n  "), 1200U);
  store.Crash();
  EXPECT_EQ(DumpAll(&store, "x"), text) << "block and log";
  ASSERT_TRUE(store.db().Seal().ok());
  store.manual_clock().Advance(int64_t{3} * 3600 * 1000);
  ASSERT_TRUE(store.db().Compact().ok());
  EXPECT_EQ(store.db().stats().blocks, 1U);
  EXPECT_EQ(DumpAll(&store, "x"), text) << "compacted";
  store.Restart();
  EXPECT_EQ(DumpAll(&store, "x"), text) << "restarted";
}

TEST(Histograms, AreCountedByTheChunk) {
  TestStore store;
  const auto put = [&](int i, bool histogram) {
    storage::WriteBatch batch;
    batch.AddSeries(Labels{{"__name__", "x"}});
    if (histogram) {
      batch.AddHistogram({kStart + i * 1000, Histogram(i), 0});
    } else {
      batch.AddSample(kStart + i * 1000, i);
    }
    ASSERT_TRUE(store.db().Commit(batch, {}).ok());
  };
  put(0, true);
  put(1, true);
  EXPECT_EQ(store.db().stats().head_chunks, 1U);
  put(2, false);
  EXPECT_EQ(store.db().stats().head_chunks, 2U);
  store.Crash();
  EXPECT_EQ(store.db().stats().head_chunks, 2U);
  ASSERT_TRUE(store.db().Seal().ok());
  EXPECT_EQ(store.db().stats().head_chunks, 0U);
}

TEST(Histograms, LateOnesFindTheirPlace) {
  TestStore store;
  const Labels labels{{"__name__", "x"}};
  const auto put = [&](int64_t time, double count) {
    storage::WriteBatch batch;
    batch.AddSeries(labels);
    batch.AddHistogram({kStart + time, Histogram(count)});
    return *store.db().Commit(batch, {});
  };
  for (const int64_t time : {0, 1000, 3000, 4000}) put(time, static_cast<double>(time));
  EXPECT_EQ(put(2000, 2000).stored_histograms, 1U);
  EXPECT_EQ(put(2000, 2000).duplicate_histograms, 1U);
  EXPECT_EQ(put(2000, 2001).rejections[0].reason, RejectReason::kDuplicate);
  EXPECT_EQ(put(1000, 1000).duplicates, 1U);
  EXPECT_EQ(put(4000, 4000).duplicates, 1U);
  EXPECT_EQ(put(4000, 4001).rejected, 1U);
  const auto outcome = store.Try(labels, {{2000, 1}});  // a float where a histogram is
  EXPECT_EQ(outcome->rejected, 1U);
  const std::string text = DumpAll(&store, "x");
  EXPECT_EQ(Lines(text, "hint 0"), 3U) << text;  // the first, the late one, and the one after it
  store.Crash();
  EXPECT_EQ(DumpAll(&store, "x"), text);
  store.Restart();
  EXPECT_EQ(DumpAll(&store, "x"), text);
  EXPECT_EQ(put(4000, 4000).duplicates, 1U) << "known over a restart";
}

TEST(Histograms, BadOnesAreRefusedAndTheRestIsKept) {
  TestStore store;
  auto bad = Histogram(1);
  bad->count = 17;
  storage::WriteBatch batch;
  batch.AddSeries(Labels{{"__name__", "x"}});
  batch.AddHistogram({kStart, bad});
  batch.AddHistogram({kStart + 1, Histogram(1)});
  const auto outcome = store.db().Commit(batch, {});
  ASSERT_TRUE(outcome.ok());
  ASSERT_EQ(outcome->rejections.size(), 1U);
  EXPECT_EQ(outcome->rejections[0].reason, RejectReason::kHistogramInvalid);
  EXPECT_TRUE(outcome->rejections[0].histogram);
  EXPECT_EQ(outcome->stored, 1U);
}

TEST(Histograms, AFloatMarkerEndsThemAsAHistogram) {
  TestStore store;
  storage::WriteBatch batch;
  batch.AddSeries(Labels{{"__name__", "x"}});
  batch.AddHistogram({kStart, Histogram(1)});
  ASSERT_TRUE(store.db().Commit(batch, {}).ok());
  store.Put(Labels{{"__name__", "x"}}, {{1000, model::StaleNan()}});
  const std::string text = DumpAll(&store, "x");
  EXPECT_EQ(Lines(text, "histogram"), 2U) << text;
  EXPECT_EQ(Lines(text, "7ff0000000000002"), 1U) << text;
}

TEST(Exemplars, AreKeptOverCrashSealAndRestart) {
  TestStore store;
  const Labels labels{{"__name__", "x"}, {"a", "b"}};
  const auto put = [&](int64_t time, const char* trace) {
    storage::WriteBatch batch;
    batch.AddSeries(labels);
    batch.AddSample(kStart + time, 1);
    batch.AddExemplar({Labels{{"trace_id", trace}}, 0.5, kStart + time});
    return *store.db().Commit(batch, {});
  };
  EXPECT_EQ(put(0, "a").stored_exemplars, 1U);
  EXPECT_EQ(put(0, "a").refused_exemplars, 1U);   // the same again
  EXPECT_EQ(put(-1, "b").refused_exemplars, 1U);  // older
  EXPECT_EQ(put(10, "c").stored_exemplars, 1U);
  const std::vector<std::vector<model::Matcher>> all = {{model::Matcher::Equal("a", "b")}};
  const auto expect = [&](const char* what) {
    const auto found = store.db().Exemplars({kStart, kStart + 100}, all);
    ASSERT_TRUE(found.ok() && found->size() == 1) << what;
    EXPECT_EQ((*found)[0].labels, labels) << what;
    ASSERT_EQ((*found)[0].exemplars.size(), 2U) << what;
    EXPECT_EQ((*found)[0].exemplars[1].labels.Get("trace_id"), "c") << what;
  };
  expect("at once");
  store.Crash();
  expect("replayed");
  ASSERT_TRUE(store.db().Seal().ok());
  store.Crash();
  expect("saved with a seal");
  EXPECT_TRUE(store.db().Exemplars({kStart + 50, kStart + 100}, all)->empty());
  EXPECT_TRUE(
      store.db().Exemplars({kStart, kStart + 100}, {{model::Matcher::Equal("a", "z")}})->empty());
}

TEST(Exemplars, StayWithinTheirBudget) {
  Options options;
  options.exemplar_bytes_max = 20'000;
  TestStore store(options);
  storage::WriteBatch batch;
  for (int i = 0; i < 1000; ++i) {
    batch.AddSeries(Labels{{"__name__", "x"}, {"i", std::to_string(i)}});
    batch.AddSample(kStart, 1);
    batch.AddExemplar({Labels{{"trace_id", "0123456789"}}, 1, kStart});
  }
  EXPECT_EQ(store.db().Commit(batch, {})->stored_exemplars, 1000U);
  const Stats stats = store.db().stats();
  EXPECT_LE(stats.exemplar_bytes, 20'000U);
  EXPECT_GT(stats.exemplars, 80U);
  EXPECT_EQ(store.db().Exemplars({kStart, kStart}, {{model::Matcher::Equal("i", "999")}})->size(),
            1U);
  EXPECT_TRUE(store.db().Exemplars({kStart, kStart}, {{model::Matcher::Equal("i", "0")}})->empty());
}

}  // namespace
}  // namespace hearth::tsdb
