// SPDX-License-Identifier: Apache-2.0
// The engine against a plain scalar twin: step by step, sample by sample, nothing shared, written
// from upstream's definitions. Random series (gaps, jitter, resets, staleness markers, NaN) and
// random queries must agree bit for bit.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <map>
#include <string>

#include "base/rng.h"
#include "base/status.h"
#include "model/value.h"
#include "promql/engine.h"
#include "promql/memory_store.h"

namespace hearth::promql {
namespace {

struct Point {
  int64_t time_ms;
  double value;
};
using TwinSeries = std::map<std::string, std::vector<Point>>;  // by label "i"
using TwinVector = std::map<std::string, double>;

struct Kahan {
  double sum = 0;
  double c = 0;
  void Inc(double inc) {
    const double t = sum + inc;
    if (std::isinf(t)) {
      c = 0;
    } else if (std::fabs(sum) >= std::fabs(inc)) {
      c += (sum - t) + inc;
    } else {
      c += (inc - t) + sum;
    }
    sum = t;
  }
};

std::vector<Point> WindowOf(const std::vector<Point>& points, int64_t end, int64_t range) {
  std::vector<Point> window;
  for (const Point& p : points) {
    if (p.time_ms > end - range && p.time_ms <= end && !model::IsStaleNan(p.value)) {
      window.push_back(p);
    }
  }
  return window;
}

bool TwinRate(const std::vector<Point>& w, int64_t end, int64_t range, bool per_second,
              double* out) {
  if (w.size() < 2) return false;
  double result = w.back().value - w[0].value;
  for (size_t i = 1; i < w.size(); ++i) {
    if (w[i].value < w[i - 1].value) result += w[i - 1].value;
  }
  double to_start = static_cast<double>(w[0].time_ms - (end - range)) / 1000;
  double to_end = static_cast<double>(end - w.back().time_ms) / 1000;
  const double sampled = static_cast<double>(w.back().time_ms - w[0].time_ms) / 1000;
  const double average = sampled / static_cast<double>(w.size() - 1);
  const double threshold = average * 1.1;
  if (to_start >= threshold) to_start = average / 2;
  double to_zero = to_start;
  if (result > 0 && w[0].value >= 0) to_zero = sampled * (w[0].value / result);
  if (to_zero < to_start) to_start = to_zero;
  if (to_end >= threshold) to_end = average / 2;
  double factor = (sampled + to_start + to_end) / sampled;
  if (per_second) factor /= static_cast<double>(range) / 1000;
  *out = result * factor;
  return true;
}

double TwinAvg(const std::vector<double>& values) {
  Kahan kahan{values[0], 0};
  double count = 1;
  double mean = 0;
  bool incremental = false;
  for (size_t i = 1; i < values.size(); ++i) {
    count = static_cast<double>(i + 1);
    if (!incremental) {
      Kahan next = kahan;
      next.Inc(values[i]);
      if (!std::isinf(next.sum)) {
        kahan = next;
        continue;
      }
      incremental = true;
      mean = kahan.sum / (count - 1);
      kahan.c /= count - 1;
    }
    const double q = (count - 1) / count;
    Kahan step{q * mean, q * kahan.c};
    step.Inc(values[i] / count);
    mean = step.sum;
    kahan.c = step.c;
  }
  return incremental ? mean + kahan.c : kahan.sum / count + kahan.c / count;
}

bool TwinFunction(const std::string& name, const std::vector<Point>& w, int64_t end, int64_t range,
                  double* out) {
  if (w.empty()) return false;
  if (name == "rate" || name == "increase") return TwinRate(w, end, range, name == "rate", out);
  if (name == "count_over_time") {
    *out = static_cast<double>(w.size());
  } else if (name == "sum_over_time") {
    Kahan sum;
    for (const Point& p : w) sum.Inc(p.value);
    *out = std::isinf(sum.sum) ? sum.sum : sum.sum + sum.c;
  } else if (name == "avg_over_time") {
    std::vector<double> values;
    for (const Point& p : w) values.push_back(p.value);
    *out = TwinAvg(values);
  } else {
    *out = w[0].value;
    for (const Point& p : w) {
      const bool better = name == "max_over_time" ? p.value > *out : p.value < *out;
      if (better || std::isnan(*out)) *out = p.value;
    }
  }
  return true;
}

// One step of: selector or function(selector[range]).
TwinVector TwinStep(const TwinSeries& series, const std::string& function, int64_t time,
                    int64_t range) {
  TwinVector out;
  for (const auto& [name, points] : series) {
    double value = 0;
    if (!function.empty()) {
      if (TwinFunction(function, WindowOf(points, time, range), time, range, &value)) {
        out[name] = value;
      }
      continue;
    }
    const Point* last = nullptr;
    for (const Point& p : points) {
      if (p.time_ms <= time && p.time_ms > time - 300'000) last = &p;
    }
    if (last != nullptr && !model::IsStaleNan(last->value)) out[name] = last->value;
  }
  return out;
}

bool TwinAggregate(const std::string& op, const TwinVector& vector, double* out) {
  if (vector.empty()) return false;
  std::vector<double> values;
  for (const auto& [name, value] : vector) values.push_back(value);
  *out = values[0];
  if (op == "avg") {
    *out = TwinAvg(values);
  } else if (op == "count") {
    *out = static_cast<double>(values.size());
  } else if (op == "sum") {
    Kahan sum{values[0], 0};
    for (size_t i = 1; i < values.size(); ++i) sum.Inc(values[i]);
    *out = sum.sum + sum.c;
  } else {
    for (size_t i = 1; i < values.size(); ++i) {
      const bool better = op == "max" ? *out < values[i] : *out > values[i];
      if (better || std::isnan(*out)) *out = values[i];
    }
  }
  return true;
}

TwinSeries RandomSeries(Rng* rng, MemoryStore* store) {
  TwinSeries series;
  const size_t count = 1 + rng->Below(6);
  for (size_t s = 0; s < count; ++s) {
    const std::string name(1, static_cast<char>('a' + s));
    double value = static_cast<double>(rng->Below(100)) / 7;
    std::vector<Point>& points = series[name];
    for (int64_t time = 0; time < 1'800'000;) {
      const uint64_t dice = rng->Below(40);
      if (dice == 0) value = 0;
      if (dice > 3) value += static_cast<double>(rng->Below(1000)) / 13;
      double sample = value;
      if (dice == 1) sample = model::StaleNan();
      if (dice == 2) sample = model::NormalNan();
      if (dice == 3) sample = 1e308;
      points.push_back({time, sample});
      store->Add(model::Labels{{"__name__", "m_total"}, {"i", name}}, time, sample);
      time += 10'000 + static_cast<int64_t>(rng->Below(dice == 4 ? 400'000 : 11'000));
    }
  }
  return series;
}

// The whole answer as text, or the error; `step_ms` 0: at one moment.
std::string Ask(const Engine& engine, const MemoryStore& store, const std::string& query,
                int64_t start_ms, int64_t step_ms) {
  const auto result =
      step_ms == 0 ? engine.Instant(store, query, start_ms, {})
                   : engine.Range(store, query, start_ms, start_ms + 7 * step_ms, step_ms, {});
  if (!result.ok()) return std::string(result.status().message());
  std::string text = fmt::format("{} samples", result->stats.total_queryable_samples);
  const auto add = [&text](model::LabelsView labels, int64_t time_ms, double value) {
    text += fmt::format("\n{} {} {:x}", labels.ToString(), time_ms,
                        std::isnan(value) ? 1 : std::bit_cast<uint64_t>(value));
  };
  for (const Sample& sample : result->vector) add(sample.labels, sample.time_ms, sample.value);
  for (const Series& series : result->matrix) {
    for (size_t i = 0; i < series.values.size(); ++i) {
      add(series.labels, series.times_ms[i], series.values[i]);
    }
  }
  for (const std::string& warning : result->warnings) text += "\n" + warning;
  for (const std::string& info : result->infos) text += "\n" + info;
  return text;
}

// A store that leaves out what it may gives the same answers.
TEST(Twin, HintsChangeNothing) {
  const std::vector<std::string> aggregations = {
      "sum", "avg", "min", "count", "group", "stddev", "topk(2, X)", "quantile(0.3, X)"};
  const std::vector<std::string> groupings = {"", " by (g)", " by (i, __name__)", " without (i)",
                                              " by (absent)"};
  const std::vector<std::string> inner = {"m_total",
                                          "{i!=\"\"}",
                                          "rate(m_total[3m])",
                                          "rate({__name__=\"m_total\"}[3m] offset 1m)",
                                          "last_over_time({i!=\"\"}[2m])",
                                          "first_over_time(m_total[2m])",
                                          "sum_over_time(m_total[2m])",
                                          "sum_over_time({i!=\"\"}[2m])",
                                          "count_over_time(typed[2m])",
                                          "last_over_time(m_total[4m:30s])",
                                          "m_total @ 600",
                                          "timestamp(m_total)"};
  SeededRng rng(20261130);
  const Engine engine({}, &SystemClock(), nullptr);
  for (int round = 0; round < 10; ++round) {
    MemoryStore store;
    RandomSeries(&rng, &store);
    for (int64_t time = 0; time < 1'800'000; time += 15'000) {
      const auto value = static_cast<double>(rng.Below(1000));
      store.Add(model::Labels{{"__name__", "other"}, {"i", "a"}, {"g", "x"}}, time, value);
      store.Add(model::Labels{{"__name__", "typed"}, {"__type__", "gauge"}, {"g", "x"}}, time, 1);
      if (round % 2 == 1) {
        store.Add(model::Labels{{"__name__", "typed"}, {"g", "x"}}, time, value);
      }
    }
    for (const std::string& aggregation : aggregations) {
      for (const std::string& grouping : groupings) {
        for (const std::string& expr : inner) {
          std::string text = aggregation + grouping + "(" + expr + ")";
          if (const size_t x = aggregation.find("X"); x != std::string::npos) {
            const size_t open = aggregation.find("(");
            text = aggregation.substr(0, open) + grouping + aggregation.substr(open, x - open) +
                   expr + ")";
          }
          const int64_t start = static_cast<int64_t>(rng.Below(1'500'000));
          const int64_t step = static_cast<int64_t>(rng.Below(3)) * 17'000;
          store.HonourHints(false);
          const auto plain = Ask(engine, store, text, start, step);
          store.HonourHints(true);
          ASSERT_EQ(Ask(engine, store, text, start, step), plain) << text;
        }
      }
    }
  }
}

uint64_t Bits(double value) {
  // One NaN is as good as another: which payload an operation leaves is the machine's choice.
  return std::isnan(value) ? 1 : std::bit_cast<uint64_t>(value);
}

TEST(Twin, AgreesBitForBitOnRandomQueries) {
  const std::vector<std::string> functions = {"",
                                              "rate",
                                              "increase",
                                              "sum_over_time",
                                              "avg_over_time",
                                              "count_over_time",
                                              "max_over_time",
                                              "min_over_time"};
  const std::vector<std::string> aggregations = {"", "sum", "avg", "min", "max", "count"};
  SeededRng rng(20260101);
  const Engine engine({}, &SystemClock(), nullptr);
  for (int round = 0; round < 40; ++round) {
    MemoryStore store;
    const TwinSeries series = RandomSeries(&rng, &store);
    for (int query = 0; query < 25; ++query) {
      const std::string& function = functions[rng.Below(functions.size())];
      const std::string& aggregation = aggregations[rng.Below(aggregations.size())];
      const int64_t range = 1000 * (1 + static_cast<int64_t>(rng.Below(600)));
      const int64_t start = static_cast<int64_t>(rng.Below(1'500'000));
      const int64_t step = 1000 + static_cast<int64_t>(rng.Below(60'000));
      std::string text = "m_total";
      if (!function.empty()) text = fmt::format("{}(m_total[{}s])", function, range / 1000);
      if (!aggregation.empty()) text = fmt::format("{}({})", aggregation, text);
      const auto result = engine.Range(store, text, start, start + 10 * step, step, {});
      ASSERT_TRUE(result.ok()) << text << Message(result.status());
      std::map<std::string, std::map<int64_t, double>> got;
      for (const Series& s : result->matrix) {
        for (size_t i = 0; i < s.values.size(); ++i) {
          got[std::string(s.labels.Get("i"))][s.times_ms[i]] = s.values[i];
        }
      }
      std::map<std::string, std::map<int64_t, double>> want;
      for (int64_t i = 0; i <= 10; ++i) {
        const int64_t time = start + i * step;
        const TwinVector vector = TwinStep(series, function, time, range);
        double value = 0;
        if (aggregation.empty()) {
          for (const auto& [name, v] : vector) want[name][time] = v;
        } else if (TwinAggregate(aggregation, vector, &value)) {
          want[""][time] = value;
        }
      }
      ASSERT_EQ(got.size(), want.size()) << text;
      for (const auto& [name, points] : want) {
        ASSERT_EQ(got[name].size(), points.size()) << text << " " << name;
        for (const auto& [time, value] : points) {
          ASSERT_EQ(Bits(got[name][time]), Bits(value))
              << text << " " << name << " at " << time << ": " << got[name][time] << " " << value;
        }
      }
    }
  }
}

}  // namespace
}  // namespace hearth::promql
