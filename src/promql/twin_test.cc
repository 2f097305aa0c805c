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
#include "promql/tile_pool.h"

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

bool TwinRate(const std::vector<Point>& w, int64_t end, int64_t range, bool counter,
              bool per_second, double* out) {
  if (w.size() < 2) return false;
  double result = w.back().value - w[0].value;
  for (size_t i = 1; counter && i < w.size(); ++i) {
    if (w[i].value < w[i - 1].value) result += w[i - 1].value;
  }
  double to_start = static_cast<double>(w[0].time_ms - (end - range)) / 1000;
  double to_end = static_cast<double>(end - w.back().time_ms) / 1000;
  const double sampled = static_cast<double>(w.back().time_ms - w[0].time_ms) / 1000;
  const double average = sampled / static_cast<double>(w.size() - 1);
  const double threshold = average * 1.1;
  if (to_start >= threshold) to_start = average / 2;
  double to_zero = to_start;
  if (counter && result > 0 && w[0].value >= 0) to_zero = sampled * (w[0].value / result);
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

bool TwinInstant(const std::vector<Point>& w, bool rate, double* out) {
  if (w.size() < 2) return false;
  const Point& last = w.back();
  const Point& before = w[w.size() - 2];
  const bool reset = rate && last.value < before.value;
  *out = reset ? last.value : last.value - before.value;
  if (rate) *out /= static_cast<double>(last.time_ms - before.time_ms) / 1000;
  return true;
}

bool TwinFunction(const std::string& name, const std::vector<Point>& w, int64_t end, int64_t range,
                  double* out) {
  if (w.empty()) return false;
  if (name == "rate" || name == "increase" || name == "delta") {
    return TwinRate(w, end, range, name != "delta", name == "rate", out);
  }
  if (name == "irate" || name == "idelta") return TwinInstant(w, name == "irate", out);
  if (name == "changes" || name == "resets") {
    double count = 0;
    for (size_t i = 1; i < w.size(); ++i) {
      const double a = w[i - 1].value;
      const double b = w[i].value;
      const bool both_nan = std::isnan(a) && std::isnan(b);
      if (name == "changes" ? b != a && !both_nan : b < a) ++count;
    }
    *out = count;
  } else if (name == "last_over_time") {
    *out = w.back().value;
  } else if (name == "present_over_time") {
    *out = 1;
  } else if (name == "count_over_time") {
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

// One side of a query: m_total, or function(m_total[range]); with an offset.
struct Side {
  std::string function;
  int64_t range_ms = 0;
  int64_t offset_ms = 0;

  std::string Text() const {
    const std::string offset = offset_ms == 0 ? "" : fmt::format(" offset {}ms", offset_ms);
    if (function.empty()) return "m_total" + offset;
    return fmt::format("{}(m_total[{}s]{})", function, range_ms / 1000, offset);
  }
};

TwinVector TwinStep(const TwinSeries& series, const Side& side, int64_t step_ms) {
  TwinVector out;
  const int64_t time = step_ms - side.offset_ms;
  for (const auto& [name, points] : series) {
    double value = 0;
    if (!side.function.empty()) {
      const auto window = WindowOf(points, time, side.range_ms);
      if (TwinFunction(side.function, window, time, side.range_ms, &value)) out[name] = value;
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

double TwinOperation(const std::string& op, double a, double b) {
  if (op == "+") return a + b;
  if (op == "-") return a - b;
  if (op == "*") return a * b;
  if (op == "/") return a / b;
  if (op == "%") return std::fmod(a, b);
  return (op == "> bool" ? a > b : a == b) ? 1 : 0;
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

// Which group a series is in: the first letter of its name, so that names sort as label sets do.
std::string GroupOf(const std::string& name) { return name.substr(0, 1); }

TwinSeries RandomSeries(Rng* rng, MemoryStore* store) {
  TwinSeries series;
  const size_t count = 1 + rng->Below(6);
  for (size_t s = 0; s < count; ++s) {
    const std::string name{s % 2 == 0 ? 'x' : 'y', static_cast<char>('a' + s)};
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
      store->Add(model::Labels{{"__name__", "m_total"}, {"g", GroupOf(name)}, {"i", name}}, time,
                 sample);
      time += 10'000 + static_cast<int64_t>(rng->Below(dice == 4 ? 400'000 : 11'000));
    }
  }
  return series;
}

// The whole answer as text, or the error; `step_ms` 0: at one moment.
std::string Ask(const Engine& engine, const MemoryStore& store, const std::string& query,
                int64_t start_ms, int64_t step_ms, const QueryContext& context = {}) {
  const auto result =
      step_ms == 0 ? engine.Instant(store, query, start_ms, context)
                   : engine.Range(store, query, start_ms, start_ms + 7 * step_ms, step_ms, context);
  if (!result.ok()) return std::string(result.status().message());
  const Stats& stats = result->stats;
  std::string text = fmt::format("{} samples, {} read, {} held", stats.total_queryable_samples,
                                 stats.samples_read, stats.peak_samples);
  for (const int64_t used : stats.total_queryable_samples_at) text += fmt::format(" {}", used);
  for (const int64_t fresh : stats.samples_read_at) text += fmt::format(" {}", fresh);
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

// Helpers that come for every selection of more than one series.
class Helped {
 public:
  explicit Helped(size_t tile_work) : helpers_(Eager(tile_work), SystemClock(), metrics_) {}
  Engine MakeEngine(const Options& options = {}) { return {options, &SystemClock(), &helpers_}; }

 private:
  static TilePool::Options Eager(size_t tile_work) {
    TilePool::Options options;
    options.threads = 4;
    options.work_min = 0;
    options.tile_work = tile_work;
    options.probe_series = 1;
    return options;
  }
  Registry metrics_;
  TilePool helpers_;
};

// Of many series: floats, some with markers and resets, some with histograms or both.
void AddManySeries(Rng* rng, MemoryStore* store) {
  model::NativeHistogram histogram;
  histogram.count = 3;
  histogram.sum = 4;
  histogram.zero_count = 3;
  const auto shared = std::make_shared<model::NativeHistogram>(histogram);
  for (int s = 0; s < 150; ++s) {
    const uint64_t kind = rng->Below(12);
    const model::Labels labels{{"__name__", kind == 1 ? "other" : "m_total"},
                               {"g", std::to_string(s % 7)},
                               {"i", std::to_string(s)}};
    const auto phase = static_cast<int64_t>(rng->Below(3)) * 1000;
    double value = 0;
    for (int64_t time = phase; time < 1'800'000; time += 30'000) {
      value = rng->Below(50) == 0 ? 0 : value + static_cast<double>(rng->Below(1000)) / 13;
      if (kind == 0 && time > 900'000) {
        store->AddHistogram(labels, {time, shared});
        continue;
      }
      store->Add(labels, time, kind == 2 && rng->Below(9) == 0 ? model::StaleNan() : value);
    }
  }
}

// What comes of a query does not depend on how many threads work on it: not a bit, not a sample
// that is counted, not a note, not the text of an error.
TEST(Twin, ThreadsChangeNothing) {
  const std::vector<std::string> queries = {"m_total",
                                            "{i!=\"\"}",
                                            "sum by (g) (rate({i!=\"\"}[3m]))",
                                            "sum(rate(m_total[3m]))",
                                            "avg by (g) (m_total)",
                                            "max without (i) (increase(m_total[5m]))",
                                            "min(last_over_time({i!=\"\"}[2m]))",
                                            "count by (g) (last_over_time({i!=\"\"}[2m]))",
                                            "count({i!=\"\"})",
                                            "group by (g) (m_total)",
                                            "stddev by (g) (m_total)",
                                            "quantile by (g) (0.7, sum_over_time(m_total[2m]))",
                                            "quantile(2, rate(other[3m]))",
                                            "topk by (g) (2, rate(m_total[4m]))",
                                            "rate(other[3m])",
                                            "quantile_over_time(1.5, m_total[2m])",
                                            "rate({i!=\"\"}[3m])",
                                            "m_total / on (i) group_left rate(m_total[4m])",
                                            "sum(sum_over_time(rate(m_total[2m])[4m:30s]))",
                                            "absent(m_total)"};
  SeededRng rng(20261201);
  const Engine alone({}, &SystemClock(), nullptr);
  std::vector<std::unique_ptr<Helped>> helped;
  for (const size_t tile_work : {1, 300, 5000}) {
    helped.push_back(std::make_unique<Helped>(tile_work));
  }
  for (int round = 0; round < 4; ++round) {
    MemoryStore store;
    AddManySeries(&rng, &store);
    for (const std::string& query : queries) {
      for (int i = 0; i < 6; ++i) {
        const auto start = static_cast<int64_t>(rng.Below(1'500'000));
        const auto step = static_cast<int64_t>(rng.Below(3)) * 17'000;
        store.HonourHints(i % 2 == 0);
        QueryContext context;
        context.per_step_stats = i % 3 == 0;
        const std::string wanted = Ask(alone, store, query, start, step, context);
        for (const auto& threads : helped) {
          ASSERT_EQ(Ask(threads->MakeEngine(), store, query, start, step, context), wanted)
              << query;
        }
      }
    }
  }
}

TEST(Twin, ThreadsMeetTheSameLimits) {
  SeededRng rng(7);
  MemoryStore store;
  AddManySeries(&rng, &store);
  Helped helped(300);
  for (size_t limit = 1; limit < 4000; limit = limit * 5 / 4 + 1) {
    Options options;
    options.samples_max = limit;
    Options series;
    series.series_max = limit;
    Options bytes;
    bytes.memory_bytes_max = 64 * limit;
    for (const Options& each : {options, series, bytes}) {
      const Engine alone(each, &SystemClock(), nullptr);
      for (const std::string query : {"m_total", "sum by (i) (rate({i!=\"\"}[3m]))"}) {
        ASSERT_EQ(Ask(helped.MakeEngine(each), store, query, 600'000, 30'000),
                  Ask(alone, store, query, 600'000, 30'000))
            << query << " " << limit;
      }
    }
  }
}

uint64_t Bits(double value) {
  // One NaN is as good as another: which payload an operation leaves is the machine's choice.
  return std::isnan(value) ? 1 : std::bit_cast<uint64_t>(value);
}

struct Query {
  Side left;
  std::string op;     // "": the left side alone
  bool join = false;  // with the right side, by label i; else with a number
  double number = 0;
  Side right;
  std::string aggregation;  // may be ""
  bool by = false;          // by label g

  std::string Text() const {
    std::string text = left.Text();
    if (!op.empty() && join) text = fmt::format("({} {} on (i) {})", text, op, right.Text());
    if (!op.empty() && !join) text = fmt::format("({} {} {})", text, op, number);
    if (aggregation.empty()) return text;
    return fmt::format("{} {}({})", aggregation, by ? "by (g) " : "", text);
  }
};

Side RandomSide(Rng* rng) {
  static const std::vector<std::string> functions = {"",
                                                     "rate",
                                                     "increase",
                                                     "sum_over_time",
                                                     "avg_over_time",
                                                     "delta",
                                                     "irate",
                                                     "idelta",
                                                     "changes",
                                                     "resets",
                                                     "last_over_time",
                                                     "count_over_time",
                                                     "max_over_time",
                                                     "min_over_time",
                                                     "present_over_time"};
  Side side;
  side.function = functions[rng->Below(functions.size())];
  side.range_ms = 1000 * (1 + static_cast<int64_t>(rng->Below(600)));
  if (rng->Below(4) == 0) side.offset_ms = static_cast<int64_t>(rng->Below(400'000)) - 100'000;
  return side;
}

Query RandomQuery(Rng* rng) {
  static const std::vector<std::string> aggregations = {"", "sum", "avg", "min", "max", "count"};
  static const std::vector<std::string> ops = {"+", "-", "*", "/", "%", "> bool", "== bool"};
  Query query;
  query.left = RandomSide(rng);
  if (rng->Below(3) == 0) query.op = ops[rng->Below(ops.size())];
  query.join = rng->Below(2) == 0;
  query.number = static_cast<double>(rng->Below(9)) / 4;
  query.right = RandomSide(rng);
  query.aggregation = aggregations[rng->Below(aggregations.size())];
  // A join by i alone leaves no g.
  query.by = rng->Below(2) == 0 && (query.op.empty() || !query.join);
  return query;
}

using Points = std::map<std::string, std::map<int64_t, double>>;  // by labels g and i

void AddTwinStep(const TwinSeries& series, const Query& query, int64_t time, Points* points) {
  TwinVector vector = TwinStep(series, query.left, time);
  const TwinVector right = query.join ? TwinStep(series, query.right, time) : TwinVector();
  for (auto it = vector.begin(); it != vector.end() && !query.op.empty();) {
    const auto other = right.find(it->first);
    if (query.join && other == right.end()) {
      it = vector.erase(it);
      continue;
    }
    it->second = TwinOperation(query.op, it->second, query.join ? other->second : query.number);
    ++it;
  }
  if (query.aggregation.empty()) {
    const bool has_group = query.op.empty() || !query.join;
    for (const auto& [name, v] : vector) {
      (*points)[(has_group ? GroupOf(name) : "") + "/" + name][time] = v;
    }
    return;
  }
  std::map<std::string, TwinVector> groups;
  for (const auto& [name, v] : vector) groups[query.by ? GroupOf(name) : ""][name] = v;
  for (const auto& [group, members] : groups) {
    double value = 0;
    if (TwinAggregate(query.aggregation, members, &value)) (*points)[group + "/"][time] = value;
  }
}

void Compare(const Engine& engine, const MemoryStore& store, const TwinSeries& series,
             const Query& query, int64_t start, int64_t step) {
  const std::string text = query.Text();
  const auto result = engine.Range(store, text, start, start + 10 * step, step, {});
  ASSERT_TRUE(result.ok()) << text << Message(result.status());
  Points got;
  for (const Series& s : result->matrix) {
    const std::string key = std::string(s.labels.Get("g")) + "/" + std::string(s.labels.Get("i"));
    for (size_t i = 0; i < s.values.size(); ++i) got[key][s.times_ms[i]] = s.values[i];
  }
  Points want;
  for (int64_t i = 0; i <= 10; ++i) AddTwinStep(series, query, start + i * step, &want);
  ASSERT_EQ(got.size(), want.size()) << text;
  for (const auto& [name, points] : want) {
    ASSERT_EQ(got[name].size(), points.size()) << text << " " << name;
    for (const auto& [time, value] : points) {
      ASSERT_EQ(Bits(got[name][time]), Bits(value))
          << text << " " << name << " at " << time << ": " << got[name][time] << " " << value;
    }
  }
}

// 1,000 queries; --gtest_repeat=100 asks 100,000 different ones.
TEST(Twin, AgreesBitForBitOnRandomQueries) {
  static uint64_t seed = 20260101;
  SeededRng rng(seed++);
  Helped helped(200);
  const Engine engine = seed % 2 == 0 ? helped.MakeEngine() : Engine({}, &SystemClock(), nullptr);
  for (int round = 0; round < 40 && !testing::Test::HasFatalFailure(); ++round) {
    MemoryStore store;
    const TwinSeries series = RandomSeries(&rng, &store);
    for (int i = 0; i < 25 && !testing::Test::HasFatalFailure(); ++i) {
      const Query query = RandomQuery(&rng);
      const int64_t start = static_cast<int64_t>(rng.Below(1'500'000));
      const int64_t step = 1000 + static_cast<int64_t>(rng.Below(60'000));
      Compare(engine, store, series, query, start, step);
    }
  }
}

}  // namespace
}  // namespace hearth::promql
