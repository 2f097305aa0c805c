// SPDX-License-Identifier: Apache-2.0
// hearth check rules and hearth test rules: as promtool, with its files, options and exit codes
// (0 good, 1 bad, 3 lint findings that --lint-fatal makes fatal).
#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <memory>

#include "base/file_system.h"
#include "base/status.h"
#include "commands.h"
#include "promql/parser.h"
#include "rules/rule_file.h"
#include "rules/unit_test_file.h"

namespace hearth::app {
namespace {

constexpr int kFailed = 1;
constexpr int kLintFailed = 3;

struct CheckFlags {
  std::vector<std::string> files;
  std::string lint = "duplicate-rules";
  bool lint_fatal = false;
  bool ignore_unknown_fields = false;
};

bool Feature(const std::vector<std::string>& features, std::string_view name) {
  for (const std::string& list : features) {
    for (const std::string_view feature : Split(list, ',')) {
      if (feature == name) return true;
    }
  }
  return false;
}

void PrintDuplicates(const std::vector<rules::DuplicateRule>& duplicates) {
  std::printf("  FAILED:\nlint error %zu duplicate rule(s) found.\n", duplicates.size());
  for (const rules::DuplicateRule& duplicate : duplicates) {
    std::printf("Metric: %s\nLabel(s):\n", duplicate.name.c_str());
    for (const auto& [name, value] : duplicate.labels) {
      std::printf("\t%s: %s\n", name.c_str(), value.c_str());
    }
  }
  std::printf("Might cause inconsistency while recording expressions\n\n");
}

int CheckOne(const CheckFlags& flags, const std::string& name, const std::string& text) {
  rules::RuleFileOptions options;
  options.ignore_unknown_fields = flags.ignore_unknown_fields;
  const rules::RuleFile file = rules::ParseRuleFile(text, name, options);
  if (!file.errors.empty()) {
    std::printf("  FAILED:\n");
    for (const std::string& error : file.errors) std::printf("%s\n", error.c_str());
    return kFailed;
  }
  if (flags.lint == "all" || flags.lint == "duplicate-rules") {
    const auto duplicates = rules::FindDuplicates(file.groups);
    if (!duplicates.empty()) {
      PrintDuplicates(duplicates);
      return flags.lint_fatal ? kLintFailed : 0;
    }
  }
  size_t count = 0;
  for (const rules::Group& group : file.groups) count += group.rules.size();
  std::printf("  SUCCESS: %zu rules found\n\n", count);
  return 0;
}

int CheckRules(const CheckFlags& flags) {
  int worst = 0;
  // As promtool: what is broken counts more than what is only doubtful.
  const auto note = [&worst](int code) {
    if (code == kFailed || worst == 0) worst = code == 0 ? worst : code;
  };
  if (flags.files.empty()) {
    std::printf("Checking standard input\n");
    const std::string text{std::istreambuf_iterator<char>(std::cin), {}};
    return CheckOne(flags, "standard input", text);
  }
  for (const std::string& path : flags.files) {
    std::printf("Checking %s\n", path.c_str());
    const auto text = RealFileSystem().ReadFile(path);
    if (!text.ok()) {
      std::printf("  FAILED:\n%s\n", Message(text.status()).c_str());
      note(kFailed);
      continue;
    }
    note(CheckOne(flags, path, *text));
  }
  return worst;
}

struct TestFlags {
  std::vector<std::string> files;
  std::vector<std::string> features;
  std::string junit;
  std::string lookback = "5m";
  rules::UnitTestOptions options;
};

int TestRules(TestFlags* flags) {
  const auto lookback = promql::ParseDurationMs(flags->lookback);
  if (!lookback.ok()) {
    std::fprintf(stderr, "hearth test rules: --query.lookback-delta: %s\n",
                 Message(lookback.status()).c_str());
    return kFailed;
  }
  flags->options.lookback_ms = *lookback;
  flags->options.experimental_functions = Feature(flags->features, "promql-experimental-functions");
  flags->options.delayed_name_removal = Feature(flags->features, "promql-delayed-name-removal");
  flags->options.extended_range_selectors =
      Feature(flags->features, "promql-extended-range-selectors");
  bool failed = false;
  std::vector<std::pair<std::string, rules::UnitTestOutcome>> outcomes;
  for (const std::string& path : flags->files) {
    rules::UnitTestOutcome outcome = rules::RunUnitTestFile(RealFileSystem(), path, flags->options);
    for (const std::string& warning : outcome.warnings) {
      std::fprintf(stderr, "%s\n", warning.c_str());
    }
    std::printf("%s\n%s\n", path.c_str(), outcome.ok() ? "  SUCCESS" : "  FAILED:");
    for (const std::string& error : outcome.errors) std::printf("%s\n\n", error.c_str());
    if (outcome.ok()) std::printf("\n");
    failed = failed || !outcome.ok();
    outcomes.emplace_back(path, std::move(outcome));
  }
  if (!flags->junit.empty()) {
    const absl::Status status =
        RealFileSystem().WriteFileAtomic(flags->junit, rules::JunitReport(outcomes), 0644);
    if (!status.ok()) {
      std::fprintf(stderr, "hearth test rules: %s\n", Message(status).c_str());
      return kFailed;
    }
  }
  return failed ? kFailed : 0;
}

}  // namespace

void AddCheckRules(CLI::App& check, int* exit_code) {
  auto flags = std::make_shared<CheckFlags>();
  CLI::App* command = check.add_subcommand("rules", "rule files; standard input without FILE");
  command->add_option("FILE", flags->files, "files to check");
  command->add_option("--lint", flags->lint, "all, duplicate-rules or none")
      ->check(CLI::IsMember({"all", "duplicate-rules", "none"}))
      ->capture_default_str();
  command->add_flag("--lint-fatal", flags->lint_fatal, "lint findings exit with 3");
  command->add_flag("--ignore-unknown-fields", flags->ignore_unknown_fields,
                    "fields of your own are no errors");
  command->callback([flags, exit_code] {
    if (const int code = CheckRules(*flags); code != 0) *exit_code = code;
  });
}

void AddTestCommand(CLI::App& app, int* exit_code) {
  CLI::App* test = app.add_subcommand("test", "run unit tests, as promtool test does");
  test->require_subcommand(1);
  auto flags = std::make_shared<TestFlags>();
  CLI::App* command = test->add_subcommand("rules", "unit tests of rules");
  command->add_option("FILE", flags->files, "test files")->required();
  command->add_option("--run", flags->options.run, "only tests whose name matches")
      ->expected(1)
      ->take_all();
  command->add_flag("--diff", flags->options.diff, "show what is missing and what is unexpected");
  command->add_option("--junit", flags->junit, "write a JUnit report to this file");
  command->add_option("--enable-feature", flags->features, "feature names, comma separated")
      ->expected(1)
      ->take_all();
  command->add_option("--query.lookback-delta", flags->lookback, "how old a sample may be")
      ->capture_default_str();
  command->add_flag("--ignore-unknown-fields", flags->options.ignore_unknown_fields,
                    "fields of your own in rule files are no errors");
  command->callback([flags, exit_code] { *exit_code = TestRules(flags.get()); });
}

}  // namespace hearth::app
