// SPDX-License-Identifier: Apache-2.0
#include "rules/rule_book.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/status.h"
#include "model/value.h"
#include "promql/memory_store.h"
#include "promql/parser.h"
#include "rules/scheduler.h"

namespace hearth::rules {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int64_t kMinuteMs = 60'000;

// A store in memory that takes everything.
class Store : public storage::Appender {
 public:
  Store() { memory.HonourHints(true); }  // as the real one does
  absl::StatusOr<storage::AppendOutcome> Commit(const storage::WriteBatch& batch,
                                                const storage::Origin&) override {
    if (full) return ResourceExhausted("the disk is full");
    storage::AppendOutcome outcome;
    for (const auto& series : batch.series()) {
      for (uint32_t i = 0; i < series.sample_count; ++i) {
        const size_t at = series.first_sample + i;
        memory.Add(model::Labels(batch.labels(series)), batch.times_ms()[at], batch.values()[at]);
        ++outcome.stored;
      }
    }
    return outcome;
  }
  promql::MemoryStore memory;
  bool full = false;
};

class RuleBookTest : public testing::Test {
 protected:
  RuleBookTest() : scheduler_({0}, engine_, clock_, metrics_) { Open(); }

  void Open() {
    book_ = std::make_unique<RuleBook>(
        "ws-1", scheduler_, store_.memory, store_,
        [this](std::string_view, const std::vector<AlertNotice>& alerts) {
          sent_.insert(sent_.end(), alerts.begin(), alerts.end());
        },
        metrics_);
  }
  void Give(const std::string& text, const std::string& name = "r.yaml") {
    book_->SetFiles({{name, text, ""}}, kMinuteMs);
  }
  // One turn of every group: a minute goes by.
  void Minute(int count = 1) {
    for (int i = 0; i < count; ++i) {
      clock_.Advance(kMinuteMs);
      scheduler_.RunDue();
    }
  }
  void Set(const char* series, double value) {
    store_.memory.Add(*promql::ParseMetric(series), clock_.NowMs(), value);
  }
  // The newest value of an instant query, "none" or "stale".
  std::string Value(std::string_view query) {
    const auto result = engine_.Instant(store_.memory, query, clock_.NowMs(), {});
    if (!result.ok()) return Message(result.status());
    if (result->vector.size() != 1) return std::to_string(result->vector.size()) + " elements";
    return std::to_string(static_cast<int64_t>(result->vector[0].value));
  }
  const RuleView& Rule(size_t group = 0, size_t rule = 0) {
    groups_ = book_->Groups();
    return groups_.at(group).rules.at(rule);
  }

  ManualClock clock_;
  Registry metrics_;
  const promql::Engine engine_{{}, &clock_, nullptr};
  Store store_;
  std::vector<AlertNotice> sent_;
  Scheduler scheduler_;
  std::unique_ptr<RuleBook> book_;
  std::vector<GroupView> groups_;
};

constexpr char kTwoRules[] = R"(groups:
- name: g
  labels: {team: core}
  rules:
  - record: job:up:sum
    expr: sum by (job) (up)
    labels: {level: job}
  - record: twice
    expr: job:up:sum * 2
)";

TEST_F(RuleBookTest, RecordsAndLaterRulesSeeEarlierOnes) {
  Give(kTwoRules);
  Set("up{job=\"a\"}", 3);
  EXPECT_EQ(Rule().state, AlertState::kUnknown);
  EXPECT_EQ(Rule().health, Health::kUnknown);
  Minute();
  EXPECT_EQ(Value(R"(job:up:sum{job="a", level="job", team="core"})"), "3");
  EXPECT_EQ(Value(R"(twice{job="a", team="core"})"), "6");
  EXPECT_EQ(Rule().health, Health::kGood);
  EXPECT_EQ(groups_[0].interval_ms, kMinuteMs);
}

TEST_F(RuleBookTest, MarksSeriesThatVanishAsStale) {
  Give(kTwoRules);
  Set("up{job=\"a\"}", 3);
  Minute();
  ASSERT_EQ(Value("job:up:sum"), "3");
  Set("up{job=\"a\"}", model::StaleNan());
  Minute();
  EXPECT_EQ(Value("job:up:sum"), "0 elements");
}

TEST_F(RuleBookTest, EndsTheSeriesOfRulesThatAreGoneAfterTwoIntervals) {
  Give(kTwoRules);
  for (int i = 0; i < 3; ++i) {
    Set("up{job=\"a\"}", 3);
    Minute();
  }
  Give("groups: []\n");
  EXPECT_THAT(book_->Groups(), IsEmpty());
  EXPECT_EQ(Value("job:up:sum"), "3");
  Minute(2);
  EXPECT_EQ(Value("job:up:sum"), "0 elements");
}

constexpr char kAlert[] = R"(groups:
- name: g
  rules:
  - alert: Down
    expr: up == 0
    for: 2m
    keep_firing_for: 1m
    labels: {severity: "{{ if eq $value 0.0 }}page{{ end }}"}
    annotations: {summary: "{{ $labels.job }} is down"}
)";

TEST_F(RuleBookTest, AlertsPendFireStayAndResolve) {
  Give(kAlert);
  book_->Configure({});
  const auto state = [this](double up) {
    Set("up{job=\"a\"}", up);
    Minute();
    const RuleView& rule = Rule();
    return rule.alerts.empty() ? AlertState::kInactive : rule.alerts[0].state;
  };
  EXPECT_EQ(state(1), AlertState::kInactive);
  EXPECT_EQ(state(0), AlertState::kPending);
  EXPECT_EQ(state(0), AlertState::kPending);
  EXPECT_THAT(sent_, IsEmpty());
  EXPECT_EQ(state(0), AlertState::kFiring);
  ASSERT_EQ(sent_.size(), 1U);
  EXPECT_EQ(sent_[0].labels,
            (model::Labels{{"alertname", "Down"}, {"job", "a"}, {"severity", "page"}}));
  EXPECT_THAT(sent_[0].annotations, ElementsAre(std::pair("summary", "a is down")));
  EXPECT_GT(sent_[0].ends_at_ms, clock_.NowMs());
  EXPECT_EQ(state(1), AlertState::kFiring);  // keep_firing_for
  EXPECT_NE(Rule().alerts[0].keep_firing_since_ms, kNever);
  sent_.clear();
  EXPECT_EQ(state(1), AlertState::kInactive);
  ASSERT_EQ(sent_.size(), 1U);  // resolved
  EXPECT_LE(sent_[0].ends_at_ms, clock_.NowMs());
  EXPECT_EQ(Value("ALERTS"), "0 elements");
}

TEST_F(RuleBookTest, ForSurvivesARestart) {
  constexpr char kSlow[] = R"(groups:
- name: g
  rules:
  - {alert: Slow, expr: up == 0, for: 30m}
)";
  Give(kSlow);
  const auto minutes = [this](int count) {
    for (int i = 0; i < count; ++i) {
      Set("up{job=\"a\"}", 0);
      Minute();
    }
  };
  // The first groups of a process write ALERTS once they have restored: after two evaluations.
  minutes(15);
  ASSERT_EQ(Rule().alerts.size(), 1U);
  const int64_t active_at_ms = Rule().alerts[0].active_at_ms;
  book_.reset();
  clock_.Advance(5 * kMinuteMs);
  Open();
  Give(kSlow);
  minutes(3);
  ASSERT_EQ(Rule().alerts.size(), 1U);
  // The time down does not count, nor does what is within a second.
  EXPECT_NEAR(static_cast<double>(Rule().alerts[0].active_at_ms),
              static_cast<double>(active_at_ms + 6 * kMinuteMs), 2.0 * kMinuteMs);
  EXPECT_EQ(Rule().alerts[0].state, AlertState::kPending);
  minutes(20);
  EXPECT_EQ(Rule().alerts[0].state, AlertState::kFiring);
}

TEST_F(RuleBookTest, AGroupThatIsTheSameKeepsItsState) {
  Give(kAlert);
  Set("up{job=\"a\"}", 0);
  Minute();
  const int64_t active_at_ms = Rule().alerts.at(0).active_at_ms;
  Give(std::string(kAlert) + "- name: other\n  rules: [{record: x, expr: vector(1)}]\n");
  Give(kAlert);
  EXPECT_EQ(Rule().alerts.at(0).active_at_ms, active_at_ms);
  // A changed expression of the same rule keeps its alerts too.
  std::string changed = kAlert;
  changed.replace(changed.find("up == 0"), 7, "up <= 0");
  Give(changed);
  EXPECT_EQ(Rule().alerts.at(0).active_at_ms, active_at_ms);
}

TEST_F(RuleBookTest, ABrokenGroupStopsNeitherTheOthersNorItsLastGoodVersion) {
  Give(kTwoRules);
  Set("up{job=\"a\"}", 3);
  Minute();
  Give(R"(groups:
- name: g
  rules:
  - {record: broken, expr: "sum("}
- name: other
  rules:
  - {record: fine, expr: vector(7)}
- name: never
  rules:
  - {alert: A, expr: "up ==", labels: {a: b}}
)");
  Set("up{job=\"a\"}", 4);
  Minute();
  EXPECT_EQ(Value("job:up:sum"), "4");
  EXPECT_EQ(Value("fine"), "7");
  EXPECT_THAT(book_->Errors(), ElementsAre(HasSubstr("r.yaml:4: group \"g\", rule 1"),
                                           HasSubstr("r.yaml:10: group \"never\"")));
  EXPECT_EQ(Rule(1).health, Health::kBad);  // never
  EXPECT_THAT(Rule(1).last_error, HasSubstr("r.yaml:10"));
  EXPECT_THAT(metrics_.Text(), HasSubstr("hearth_rules_broken_groups{workspace=\"ws-1\"} 2"));
  // What cannot be read at all changes nothing.
  Give("groups: [");
  Set("up{job=\"a\"}", 5);
  Minute();
  EXPECT_EQ(Value("job:up:sum"), "5");
}

TEST_F(RuleBookTest, AnErrorOfOneRuleStaysWithIt) {
  Give(R"(groups:
- name: g
  limit: 1
  rules:
  - {record: many, expr: up}
  - {record: fine, expr: vector(1)}
  - {record: same, expr: up, labels: {job: one}}
)");
  Set("up{job=\"a\"}", 1);
  Set("up{job=\"b\"}", 1);
  Minute();
  EXPECT_EQ(Rule(0, 0).last_error, "exceeded limit of 1 with 2 series");
  EXPECT_EQ(Rule(0, 1).health, Health::kGood);
  EXPECT_EQ(Rule(0, 2).last_error,
            "vector contains metrics with the same labelset after applying rule labels");
  store_.full = true;
  Minute();
  EXPECT_EQ(Rule(0, 1).last_error, "the disk is full");
  EXPECT_THAT(metrics_.Text(), HasSubstr("prometheus_rule_evaluation_failures_total{"
                                         "rule_group=\"r.yaml;g\",workspace=\"ws-1\"} 5"));
}

TEST_F(RuleBookTest, LooksBackByTheOffsetOfTheGroupOrOfAll) {
  EvaluationSettings settings;
  settings.query_offset_ms = kMinuteMs;
  book_->Configure(settings);
  Give(R"(groups:
- name: own
  query_offset: 3m
  rules: [{record: own, expr: time()}]
- name: none
  query_offset: 0s
  rules: [{record: none, expr: time()}]
- name: given
  rules: [{record: given, expr: time()}]
)");
  Minute(5);
  // Asked at the offset's time, stored with it. A group's slot is at most a minute back.
  for (const auto& [name, minutes] : {std::pair{"own", 3}, {"none", 0}, {"given", 1}}) {
    EXPECT_EQ(Value(fmt::format("{0} == bool timestamp({0})", name)), "1");
    EXPECT_EQ(Value(fmt::format("floor((time() - timestamp({})) / 60)", name)),
              std::to_string(minutes));
  }
}

TEST_F(RuleBookTest, CountsMissedEvaluations) {
  Give(kTwoRules);
  Minute();
  clock_.Advance(5 * kMinuteMs);
  scheduler_.RunDue();
  EXPECT_EQ(book_->Groups().at(0).iterations_missed, 4U);
  EXPECT_THAT(metrics_.Text(), HasSubstr("prometheus_rule_group_iterations_missed_total{"
                                         "rule_group=\"r.yaml;g\",workspace=\"ws-1\"} 4"));
}

TEST_F(RuleBookTest, NamespacesComeAndGo) {
  book_->FinishOpening();
  book_->SetNamespace("alerts", kTwoRules);
  Set("up{job=\"a\"}", 3);
  Minute();
  EXPECT_EQ(Value("job:up:sum"), "3");
  EXPECT_EQ(book_->Groups().at(0).file, "alerts");
  book_->RemoveNamespace("alerts");
  EXPECT_THAT(book_->Groups(), IsEmpty());
}

TEST(Scheduler, SlotsAreThoseOfPrometheus) {
  // labels.Hash of {file="f", name="g"} decides; only that slots repeat and do not lie ahead can be
  // said without it.
  Group group;
  group.name = "g";
  group.file = "f";
  group.interval_ms = 60'000;
  const int64_t slot = Scheduler::SlotBefore(group, 1'700'000'000'000);
  EXPECT_LE(slot, 1'700'000'000'000);
  EXPECT_GT(slot, 1'700'000'000'000 - 60'000);
  EXPECT_EQ(Scheduler::SlotBefore(group, slot + 60'001), slot + 60'000);
}

}  // namespace
}  // namespace hearth::rules
