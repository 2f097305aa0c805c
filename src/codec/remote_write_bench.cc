// SPDX-License-Identifier: Apache-2.0
// Decoding of remote write and of a scrape's body, a sample at a time: what ingest pays before the
// store sees anything. Label sets are of a usual size (12 labels, 250 bytes).
#include <benchmark/benchmark.h>
#include <fmt/core.h>

#include "codec/batch_for_test.h"
#include "codec/exposition.h"
#include "codec/remote_write.h"

namespace hearth::codec {
namespace {

constexpr int kSeries = 2'000;  // what Prometheus sends in one request

model::Labels SeriesLabels(int i) {
  std::vector<std::string> values;
  values.reserve(12);
  std::vector<model::Label> labels = {{"__name__", "http_request_duration_seconds_bucket"}};
  for (const char* name : {"cluster", "container", "endpoint", "instance", "job", "le", "method",
                           "namespace", "path", "pod", "service"}) {
    labels.push_back({name, values.emplace_back(fmt::format("{}-value-{}", name, i))});
  }
  return model::Labels::FromPairs(std::move(labels));
}

void DecodeRequest(benchmark::State& state) {
  BatchForTest batch;
  for (int i = 0; i < kSeries; ++i) {
    batch.AddSeries(SeriesLabels(i));
    batch.AddSample(1'700'000'000'000 + i, i * 0.5);
  }
  const std::string message = EncodeRemoteWrite(batch);
  BatchForTest read;  // used again, as a server does
  for (auto unused : state) {
    read.Clear();
    benchmark::DoNotOptimize(DecodeRemoteWrite(message, LabelLimits{}, &read).ok());
  }
  state.SetItemsProcessed(state.iterations() * kSeries);
}
BENCHMARK(DecodeRequest);

void ParseBody(benchmark::State& state) {
  std::string body = "# TYPE http_requests_total counter\n";
  for (int i = 0; i < kSeries; ++i) {
    body += fmt::format("http_requests_total{{method=\"GET\",path=\"/p/{}\",code=\"200\"}} {}\n", i,
                        i * 17.25);
  }
  for (auto unused : state) {
    ExpositionParser parser(body, ExpositionFormat::kText);
    while (*parser.Next() != ExpositionEntry::kEnd) benchmark::DoNotOptimize(parser.value());
  }
  state.SetItemsProcessed(state.iterations() * kSeries);
}
BENCHMARK(ParseBody);

}  // namespace
}  // namespace hearth::codec

BENCHMARK_MAIN();
