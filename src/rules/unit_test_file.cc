// SPDX-License-Identifier: Apache-2.0
#include "rules/unit_test_file.h"

#include <fmt/core.h>
#include <re2/re2.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <set>

#include "base/clock.h"
#include "base/status.h"
#include "codec/go_float.h"
#include "model/value.h"
#include "promql/engine.h"
#include "promql/float_histogram.h"
#include "promql/memory_store.h"
#include "promql/parser.h"
#include "promql/series_description.h"
#include "rules/evaluated_group.h"
#include "rules/template_value.h"
#include "rules/unit_test_spec.h"
#include "scrape/config.h"

namespace hearth::rules {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
// promqltest's LazyLoader gives its engine so many.
constexpr size_t kSamplesMax = 10'000;

// {a="1", b="2"} as Go's labels.Labels prints itself.
std::string PairsText(const TextPairs& pairs) {
  std::string out = "{";
  for (const auto& [name, value] : pairs) {
    if (out.size() > 1) out += ", ";
    out += (model::IsLegacyLabelName(name) ? name : model::QuoteGo(name)) + "=" +
           model::QuoteGo(value);
  }
  return out + "}";
}

TextPairs PairsOf(model::LabelsView labels) {
  TextPairs pairs;
  for (const model::Label& label : labels) pairs.emplace_back(label.name, label.value);
  return pairs;
}

TextPairs Sorted(TextPairs pairs) {
  std::stable_sort(pairs.begin(), pairs.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  return pairs;
}

std::string Indented(std::string_view text, std::string_view indent) {
  std::string out;
  for (const std::string_view line : Split(text, '\n')) {
    if (!out.empty() || line.data() != text.data()) out += "\n" + std::string(indent);
    out += line;
  }
  return out;
}

// strconv.FormatFloat(value, 'E', -1, 64)
std::string FloatText(double value) {
  std::string text;
  codec::AppendGoExponent(value, &text);
  for (char& c : text) c = c == 'e' ? 'E' : c;
  return text;
}

// Store and appender of one test: appends in order only, as a fresh Prometheus.
class TestStore : public storage::Appender {
 public:
  absl::StatusOr<storage::AppendOutcome> Commit(const storage::WriteBatch& batch,
                                                const storage::Origin&) override {
    storage::AppendOutcome outcome;
    for (uint32_t i = 0; i < batch.series().size(); ++i) {
      const storage::WriteBatch::Series& series = batch.series()[i];
      const model::Labels labels(batch.labels(series));
      for (uint32_t s = 0; s < series.sample_count; ++s) {
        const size_t at = series.first_sample + s;
        Add(labels, i, batch.times_ms()[at], batch.values()[at], nullptr, &outcome);
      }
      for (uint32_t h = 0; h < series.histogram_count; ++h) {
        const model::HistogramSample& sample = batch.histograms()[series.first_histogram + h];
        Add(labels, i, sample.time_ms, 0, sample.histogram, &outcome);
      }
    }
    return outcome;
  }
  void Add(const model::Labels& labels, uint32_t series, int64_t time_ms, double value,
           std::shared_ptr<const model::NativeHistogram> histogram,
           storage::AppendOutcome* outcome) {
    Newest& newest = newest_[labels];
    if (newest.known && time_ms <= newest.time_ms) {
      const bool same = time_ms == newest.time_ms && histogram == nullptr && !newest.histogram &&
                        model::SameBits(value, newest.value);
      if (same) {
        ++outcome->duplicates;
        return;
      }
      ++outcome->rejected;
      outcome->rejections.push_back({time_ms == newest.time_ms ? storage::RejectReason::kDuplicate
                                                               : storage::RejectReason::kOutOfOrder,
                                     series, time_ms});
      return;
    }
    newest = {true, histogram != nullptr, time_ms, value};
    ++outcome->stored;
    if (histogram != nullptr) {
      store_.AddHistogram(labels, {time_ms, std::move(histogram)});
    } else {
      store_.Add(labels, time_ms, value);
    }
  }
  const storage::Querier& querier() const { return store_; }

 private:
  struct Newest {
    bool known = false;
    bool histogram = false;
    int64_t time_ms = 0;
    double value = 0;
  };
  promql::MemoryStore store_;
  std::map<model::Labels, Newest> newest_;
};

// What is compared of alerts and samples: printed and sorted.
struct ShownAlert {
  TextPairs labels;
  TextPairs annotations;
  friend auto operator<=>(const ShownAlert&, const ShownAlert&) = default;
  std::string Text() const {
    return "Labels:" + PairsText(labels) + "\nAnnotations:" + PairsText(annotations);
  }
};

struct ShownSample {
  TextPairs labels;
  double value = 0;
  std::string histogram;
  std::string Text() const {
    return PairsText(labels) + " " + (histogram.empty() ? FloatText(value) : histogram);
  }
};

bool SameValue(double a, double b, bool fuzzy) {
  if (a == b) return true;
  return fuzzy && (std::nextafter(a, -INFINITY) == b || std::nextafter(a, INFINITY) == b);
}

bool SameSample(const ShownSample& a, const ShownSample& b, bool fuzzy) {
  return a.labels == b.labels && a.histogram == b.histogram && SameValue(a.value, b.value, fuzzy);
}

std::string AlertsText(const std::vector<ShownAlert>& alerts) {
  if (alerts.empty()) return "[]";
  std::string out = "[";
  for (size_t i = 0; i < alerts.size(); ++i) {
    out += fmt::format("{}\n{}:{}", i > 0 ? "," : "", i, Indented("\n" + alerts[i].Text(), "  "));
  }
  return out + "\n]";
}

std::string SamplesText(const std::vector<ShownSample>& samples) {
  if (samples.empty()) return "nil";
  std::string out;
  for (const ShownSample& sample : samples) out += (out.empty() ? "" : ", ") + sample.Text();
  return out;
}

// Lines of `expected` that `got` lacks, with -, and the other way round, with +.
std::string DiffText(const std::vector<std::string>& expected,
                     const std::vector<std::string>& got) {
  std::multiset<std::string> left(got.begin(), got.end());
  std::string out;
  for (const std::string& line : expected) {
    const auto found = left.find(line);
    if (found == left.end()) {
      out += "\n        - " + Indented(line, "          ");
    } else {
      left.erase(found);
    }
  }
  for (const std::string& line : left) out += "\n        + " + Indented(line, "          ");
  return out;
}

// One test of a file. Its clock stands still: it only measures how long rules take.
class TestRun {
 public:
  TestRun(const TestSpec& test, const UnitTestSpec& spec, const UnitTestOptions& options,
          FileSystem& files, const std::vector<std::string>& rule_files)
      : test_(test), spec_(spec), options_(options), files_(files), rule_files_(rule_files) {}

  std::vector<std::string> Run() {
    if (!ReadSeries() || !LoadRules() || !CheckAlertNames()) return errors_;
    if (!Walk()) return errors_;
    for (const ExpressionTest& test : test_.expressions) CheckExpression(test);
    return errors_;
  }

 private:
  struct Input {
    promql::SeriesDescription series;
    size_t next = 0;
  };

  bool ReadSeries() {
    for (const auto& [series, values] : test_.series) {
      auto parsed = promql::ParseSeriesDescription(series + " " + values);
      if (!parsed.ok()) {
        errors_.push_back(Message(parsed.status()));
        return false;
      }
      inputs_.push_back({*std::move(parsed), 0});
    }
    return true;
  }

  bool LoadRules() {
    RuleFileOptions rule_options;
    rule_options.ignore_unknown_fields = options_.ignore_unknown_fields;
    rule_options.parser.experimental_functions = options_.experimental_functions;
    rule_options.parser.extended_range_selectors = options_.extended_range_selectors;
    for (const std::string& path : rule_files_) {
      const auto text = files_.ReadFile(path);
      if (!text.ok()) {
        errors_.push_back(Message(text.status()));
        return false;
      }
      RuleFile file = ParseRuleFile(*text, path, rule_options);
      errors_.insert(errors_.end(), file.errors.begin(), file.errors.end());
      if (!file.errors.empty()) return false;
      for (Group& group : file.groups) {
        if (group.interval_ms == 0) group.interval_ms = test_.interval_ms;
        auto made = EvaluatedGroup::Make(std::move(group), true, rule_options.parser);
        if (!made.ok()) {
          errors_.push_back(path + ": " + Message(made.status()));
          return false;
        }
        groups_.push_back(*std::move(made));
      }
    }
    std::stable_sort(groups_.begin(), groups_.end(), [this](const auto& a, const auto& b) {
      return OrderOf(a->group().name) < OrderOf(b->group().name);
    });
    return true;
  }

  size_t OrderOf(const std::string& group) const {
    const auto& order = spec_.group_eval_order;
    const auto found = std::find(order.begin(), order.end(), group);
    return found == order.end() ? 0 : static_cast<size_t>(found - order.begin());
  }

  bool CheckAlertNames() {
    for (const AlertTest& alert : test_.alerts) {
      if (!alert.alertname.empty()) continue;
      errors_.push_back(fmt::format(
          "an item under alert_rule_test misses required attribute alertname at eval_time {}{}",
          promql::FormatDurationMs(alert.eval_time_ms),
          test_.name.empty() ? "" : " (in TestGroup " + test_.name + ")"));
      return false;
    }
    return true;
  }

  // Evaluates the rules at every step, and looks at alerts where a test asks. False where a rule
  // failed.
  bool Walk() {
    std::set<int64_t> alert_times;
    int64_t last_ms = 0;
    for (const AlertTest& alert : test_.alerts) alert_times.insert(alert.eval_time_ms);
    for (const int64_t time : alert_times) last_ms = std::max(last_ms, time);
    for (const ExpressionTest& test : test_.expressions) {
      last_ms = std::max(last_ms, test.eval_time_ms);
    }
    EvaluationSettings settings;
    settings.external_labels = model::Labels::FromPairs(ViewsOf(test_.external_labels));
    settings.external_url = test_.external_url;
    EvaluationWorld world;
    world.workspace = "test";
    world.engine = &engine_;
    world.querier = &store_.querier();
    world.appender = &store_;
    world.clock = &clock_;
    world.settings = &settings;
    world.log_failures = false;
    auto next_alert = alert_times.begin();
    for (int64_t at_ms = 0; at_ms <= last_ms; at_ms += spec_.evaluation_interval_ms) {
      const int64_t time_ms = test_.start_ms + at_ms;
      LoadUntil(time_ms);
      const size_t errors = errors_.size();
      for (const auto& group : groups_) {
        group->Evaluate(time_ms, world);
        for (const RuleView& rule : group->View().rules) {
          if (rule.last_error.empty()) continue;
          errors_.push_back(fmt::format("    rule: {}, time: {}, err: {}", rule.name,
                                        PrintDuration(time_ms * kNsPerMs), rule.last_error));
        }
      }
      if (errors_.size() > errors) return false;
      for (; next_alert != alert_times.end() && *next_alert < at_ms + spec_.evaluation_interval_ms;
           ++next_alert) {
        for (const AlertTest& alert : test_.alerts) {
          if (alert.eval_time_ms == *next_alert) CheckAlert(alert);
        }
      }
    }
    return true;
  }

  static std::vector<model::Label> ViewsOf(const TextPairs& pairs) {
    std::vector<model::Label> labels;
    for (const auto& [name, value] : pairs) labels.push_back({name, value});
    return labels;
  }

  void LoadUntil(int64_t time_ms) {
    for (Input& input : inputs_) {
      const auto& values = input.series.values;
      for (; input.next < values.size(); ++input.next) {
        const int64_t at_ms = test_.start_ms + static_cast<int64_t>(input.next) * test_.interval_ms;
        if (at_ms > time_ms) break;
        const promql::SequenceValue& value = values[input.next];
        if (value.omitted) continue;
        storage::AppendOutcome outcome;
        store_.Add(input.series.labels, 0, at_ms, value.value, value.histogram, &outcome);
        if (outcome.rejected == 0) continue;
        errors_.push_back(fmt::format("{} at {}: the same series was written before",
                                      input.series.labels.ToString(),
                                      promql::FormatDurationMs(at_ms - test_.start_ms)));
      }
    }
  }

  void CheckAlert(const AlertTest& test) {
    std::vector<ShownAlert> got;
    for (const auto& group : groups_) {
      for (const RuleView& rule : group->View().rules) {
        if (!rule.alerting || rule.name != test.alertname) continue;
        for (const Alert& alert : rule.alerts) {
          if (alert.state != AlertState::kFiring) continue;
          got.push_back({PairsOf(alert.labels), alert.annotations});
        }
      }
    }
    std::vector<ShownAlert> expected;
    for (const ExpectedAlert& alert : test.expected) {
      TextPairs labels = alert.labels;
      std::erase_if(labels, [](const auto& pair) { return pair.first == "alertname"; });
      labels.emplace_back("alertname", test.alertname);
      expected.push_back({Sorted(std::move(labels)), Sorted(alert.annotations)});
    }
    std::sort(got.begin(), got.end());
    std::sort(expected.begin(), expected.end());
    if (got == expected) return;
    const std::string name = test_.name.empty() ? "" : "    name: " + test_.name + ",\n";
    const std::string where = fmt::format("{}    alertname: {}, time: {}, ", name, test.alertname,
                                          promql::FormatDurationMs(test.eval_time_ms));
    if (options_.diff) {
      errors_.push_back(where + "\n        diff (- expected, + got):" +
                        DiffText(TextsOf(expected), TextsOf(got)));
      return;
    }
    errors_.push_back(where + "\n        exp:" + Indented(AlertsText(expected), "            ") +
                      ", \n        got:" + Indented(AlertsText(got), "            "));
  }

  template <typename T>
  static std::vector<std::string> TextsOf(const std::vector<T>& items) {
    std::vector<std::string> texts;
    for (const T& item : items) texts.push_back(item.Text());
    return texts;
  }

  static absl::StatusOr<ShownSample> ShownOf(const ExpectedSample& sample) {
    ShownSample shown;
    if (!sample.labels.empty()) {
      const auto labels = promql::ParseMetric(sample.labels);
      if (!labels.ok()) {
        return InvalidArgument("labels {}: {}", model::QuoteGo(sample.labels),
                               Message(labels.status()));
      }
      shown.labels = PairsOf(*labels);
    }
    shown.value = sample.value;
    if (sample.histogram.empty()) return shown;
    const auto parsed = promql::ParseSeriesDescription("{} " + sample.histogram);
    if (!parsed.ok()) {
      return InvalidArgument("labels {}: {}", model::QuoteGo(sample.labels),
                             Message(parsed.status()));
    }
    if (parsed->values.size() != 1 || parsed->values[0].histogram == nullptr) {
      return InvalidArgument("labels {}: expected 1 histogram, got {} values",
                             model::QuoteGo(sample.labels), parsed->values.size());
    }
    shown.value = 0;
    shown.histogram =
        promql::FloatHistogram::FromModel(*parsed->values[0].histogram).TestExpression();
    return shown;
  }

  absl::StatusOr<std::vector<ShownSample>> Evaluate(const ExpressionTest& test) {
    promql::ParserOptions parser = engine_.options().parser;
    TRY_ASSIGN(const promql::ExprPtr expr, promql::ParseExpr(test.expr, parser));
    TRY_ASSIGN(const auto vector, QueryVector(engine_, store_.querier(), *expr, test.expr,
                                              test_.start_ms + test.eval_time_ms, {}));
    std::vector<ShownSample> got;
    for (const promql::Sample& sample : vector) {
      ShownSample shown{PairsOf(sample.labels), sample.value, ""};
      if (sample.histogram != nullptr) {
        shown.histogram = promql::FloatHistogram::FromModel(*sample.histogram).TestExpression();
      }
      got.push_back(std::move(shown));
    }
    return got;
  }

  void CheckExpression(const ExpressionTest& test) {
    const std::string where = fmt::format("    expr: {}, time: {},", model::QuoteGo(test.expr),
                                          promql::FormatDurationMs(test.eval_time_ms));
    auto got = Evaluate(test);
    if (!got.ok()) {
      errors_.push_back(where + " err: " + Message(got.status()));
      return;
    }
    std::vector<ShownSample> expected;
    for (const ExpectedSample& sample : test.expected) {
      auto shown = ShownOf(sample);
      if (!shown.ok()) {
        errors_.push_back(where + " err: " + Message(shown.status()));
        return;
      }
      expected.push_back(*std::move(shown));
    }
    const auto by_labels = [](const ShownSample& a, const ShownSample& b) {
      return a.labels < b.labels;
    };
    std::stable_sort(expected.begin(), expected.end(), by_labels);
    std::stable_sort(got->begin(), got->end(), by_labels);
    const bool same = std::equal(expected.begin(), expected.end(), got->begin(), got->end(),
                                 [this](const ShownSample& a, const ShownSample& b) {
                                   return SameSample(a, b, spec_.fuzzy_compare);
                                 });
    if (same) return;
    if (options_.diff) {
      errors_.push_back(where + "\n        diff (- expected, + got):" +
                        DiffText(TextsOf(expected), TextsOf(*got)));
      return;
    }
    errors_.push_back(where + "\n        exp: " + SamplesText(expected) +
                      "\n        got: " + SamplesText(*got));
  }

  promql::Options EngineOptions() const {
    promql::Options options;
    options.samples_max = kSamplesMax;
    options.lookback_ms = options_.lookback_ms;
    options.default_interval_ms = spec_.evaluation_interval_ms;
    options.delayed_name_removal = options_.delayed_name_removal;
    options.parser.experimental_functions = options_.experimental_functions;
    options.parser.extended_range_selectors = options_.extended_range_selectors;
    return options;
  }

  const TestSpec& test_;
  const UnitTestSpec& spec_;
  const UnitTestOptions& options_;
  FileSystem& files_;
  const std::vector<std::string>& rule_files_;
  const ManualClock clock_;
  const promql::Engine engine_{EngineOptions(), &SystemClock(), nullptr};
  TestStore store_;
  std::vector<Input> inputs_;
  std::vector<std::shared_ptr<EvaluatedGroup>> groups_;
  std::vector<std::string> errors_;
};

bool Wanted(const std::string& name, const std::vector<std::string>& run) {
  return run.empty() || std::any_of(run.begin(), run.end(), [&](const std::string& pattern) {
           return re2::RE2::PartialMatch(name, pattern);
         });
}

std::string EscapeXml(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&#34;";
        break;
      case '\n':
        out += "&#xA;";
        break;
      default:
        if (static_cast<unsigned char>(c) >= 0x20 || c == '\t') out += c;
    }
  }
  return out;
}

}  // namespace

UnitTestOutcome RunUnitTestFile(FileSystem& files, const std::string& path,
                                const UnitTestOptions& options) {
  UnitTestOutcome outcome;
  const auto text = files.ReadFile(path);
  const auto spec =
      text.ok() ? ParseUnitTestSpec(*text) : absl::StatusOr<UnitTestSpec>(text.status());
  if (!spec.ok()) {
    outcome.errors.push_back(text.ok() ? path + ": " + Message(spec.status())
                                       : Message(spec.status()));
    return outcome;
  }
  std::set<std::string> order;
  for (const std::string& group : spec->group_eval_order) {
    if (order.insert(group).second) continue;
    outcome.errors.push_back("group name repeated in evaluation order: " + group);
    return outcome;
  }
  std::vector<std::string> rule_files;
  for (const std::string& pattern : spec->rule_files) {
    const std::string whole = JoinPath(DirectoryOf(path), pattern);
    const auto found = scrape::Glob(files, whole);
    if (!found.ok()) {
      outcome.errors.push_back(Message(found.status()));
      return outcome;
    }
    if (found->empty()) outcome.warnings.push_back("  WARNING: no file match pattern " + whole);
    rule_files.insert(rule_files.end(), found->begin(), found->end());
  }
  for (size_t i = 0; i < spec->tests.size(); ++i) {
    TestSpec test = spec->tests[i];
    if (!Wanted(test.name, options.run)) continue;
    if (test.interval_ms == 0) test.interval_ms = spec->evaluation_interval_ms;
    UnitTestCase& done = outcome.cases.emplace_back();
    done.name = test.name.empty() ? "unnamed#" + std::to_string(i) : test.name;
    done.errors = TestRun(test, *spec, options, files, rule_files).Run();
    outcome.errors.insert(outcome.errors.end(), done.errors.begin(), done.errors.end());
  }
  return outcome;
}

std::string JunitReport(const std::vector<std::pair<std::string, UnitTestOutcome>>& outcomes) {
  std::string out = "<testsuites>";
  for (const auto& [path, outcome] : outcomes) {
    size_t failures = 0;
    std::string cases;
    for (const UnitTestCase& one : outcome.cases) {
      failures += one.errors.empty() ? 0 : 1;
      cases += fmt::format("<testcase name=\"{}\">", EscapeXml(one.name));
      for (const std::string& error : one.errors) {
        cases += fmt::format("<failure message=\"{}\"></failure>", EscapeXml(error));
      }
      cases += "</testcase>";
    }
    const bool aborted = outcome.cases.empty() && !outcome.ok();
    out += fmt::format("<testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\">{}",
                       EscapeXml(path), outcome.cases.size(), failures, aborted ? 1 : 0, cases);
    if (aborted) out += "<error message=\"" + EscapeXml(outcome.errors[0]) + "\"></error>";
    out += "</testsuite>";
  }
  return out + "</testsuites>";
}

}  // namespace hearth::rules
