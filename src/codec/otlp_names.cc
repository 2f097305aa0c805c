// SPDX-License-Identifier: Apache-2.0
#include "codec/otlp_names.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/text.h"

namespace hearth::codec {
namespace {

using Tokens = std::vector<std::string>;

constexpr std::pair<std::string_view, std::string_view> kUnits[] = {{"d", "days"},
                                                                    {"h", "hours"},
                                                                    {"min", "minutes"},
                                                                    {"s", "seconds"},
                                                                    {"ms", "milliseconds"},
                                                                    {"us", "microseconds"},
                                                                    {"ns", "nanoseconds"},
                                                                    {"By", "bytes"},
                                                                    {"KiBy", "kibibytes"},
                                                                    {"MiBy", "mebibytes"},
                                                                    {"GiBy", "gibibytes"},
                                                                    {"TiBy", "tibibytes"},
                                                                    {"KBy", "kilobytes"},
                                                                    {"MBy", "megabytes"},
                                                                    {"GBy", "gigabytes"},
                                                                    {"TBy", "terabytes"},
                                                                    {"m", "meters"},
                                                                    {"V", "volts"},
                                                                    {"A", "amperes"},
                                                                    {"J", "joules"},
                                                                    {"W", "watts"},
                                                                    {"g", "grams"},
                                                                    {"Cel", "celsius"},
                                                                    {"Hz", "hertz"},
                                                                    {"1", ""},
                                                                    {"%", "percent"}};
constexpr std::pair<std::string_view, std::string_view> kPerUnits[] = {
    {"s", "second"}, {"m", "minute"}, {"h", "hour"}, {"d", "day"},
    {"w", "week"},   {"mo", "month"}, {"y", "year"}};

template <size_t N>
std::string NameOf(std::string_view unit,
                   const std::pair<std::string_view, std::string_view> (&table)[N]) {
  for (const auto& [from, to] : table) {
    if (from == unit) return std::string(to);
  }
  return std::string(unit);
}

bool IsAlnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
bool IsMetricChar(char c) { return IsAlnum(c) || c == ':'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Runes outside the legacy set are one underscore each: continuation bytes of UTF-8 add none.
bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

template <typename Keep>
Tokens Fields(std::string_view text, Keep keep) {
  Tokens tokens;
  std::string token;
  for (const char c : text) {
    if (keep(c)) {
      token += c;
    } else if (!token.empty()) {
      tokens.push_back(std::move(token));
      token.clear();
    }
  }
  if (!token.empty()) tokens.push_back(std::move(token));
  return tokens;
}

std::string Join(const Tokens& tokens) {
  std::string out;
  for (size_t i = 0; i < tokens.size(); ++i) out += (i > 0 ? "_" : "") + tokens[i];
  return out;
}

bool Contains(const Tokens& tokens, std::string_view token) {
  return std::find(tokens.begin(), tokens.end(), token) != tokens.end();
}

void MoveToEnd(std::string_view token, Tokens* tokens) {
  std::erase(*tokens, token);
  tokens->emplace_back(token);
}

std::string CleanUnit(std::string_view unit) {
  std::string out;
  for (const char c : unit) {
    if (IsContinuation(c)) continue;
    const char kept = IsMetricChar(c) ? c : '_';
    if (kept == '_' && !out.empty() && out.back() == '_') continue;
    out += kept;
  }
  if (out.starts_with('_')) out.erase(0, 1);
  return out;
}

struct UnitSuffixes {
  std::string main;
  std::string per;  // with "per_" before it
};

UnitSuffixes SuffixesOf(std::string_view unit) {
  UnitSuffixes suffixes;
  const size_t slash = unit.find('/');
  const std::string_view main = TrimSpace(unit.substr(0, slash));
  if (!main.empty() && main.find_first_of("{}") == std::string_view::npos) {
    suffixes.main = NameOf(main, kUnits);
  }
  if (slash == std::string_view::npos) return suffixes;
  const std::string_view per = TrimSpace(unit.substr(slash + 1));
  if (!per.empty() && per.find_first_of("{}") == std::string_view::npos) {
    suffixes.per = NameOf(per, kPerUnits);
  }
  if (!suffixes.per.empty()) suffixes.per = "per_" + suffixes.per;
  return suffixes;
}

void AddUnitTokens(std::string_view unit, Tokens* tokens) {
  const UnitSuffixes suffixes = SuffixesOf(unit);
  std::string main = CleanUnit(suffixes.main);
  std::string per = CleanUnit(suffixes.per);
  if (Contains(*tokens, main)) main.clear();
  if (per == "per_") {
    per.clear();
  } else {
    if (per.ends_with('_')) per.pop_back();
    if (Contains(*tokens, per)) per.clear();
  }
  if (!per.empty() && main.ends_with('_')) main.pop_back();
  if (!main.empty()) tokens->push_back(std::move(main));
  if (!per.empty()) tokens->push_back(std::move(per));
}

std::string EscapedName(const OtlpMetric& metric, bool suffixes) {
  if (!suffixes) {
    std::string name =
        Join(Fields(metric.name, [](char c) { return IsMetricChar(c) || c == '_'; }));
    if (!name.empty() && IsDigit(name[0])) name.insert(0, "_");
    return name;
  }
  Tokens tokens = Fields(metric.name, IsMetricChar);
  AddUnitTokens(metric.unit, &tokens);
  if (metric.kind == OtlpMetric::Kind::kSum && metric.monotonic) MoveToEnd("total", &tokens);
  if (metric.unit == "1" && metric.kind == OtlpMetric::Kind::kGauge) MoveToEnd("ratio", &tokens);
  std::string name = Join(tokens);
  if (!name.empty() && IsDigit(name[0])) name.insert(0, "_");
  return name;
}

void TrimSuffix(std::string_view suffix, std::string* name) {
  if (name->ends_with(suffix) && name->size() > suffix.size() + 1) {
    name->resize(name->size() - suffix.size() - 1);
  }
}

std::string Utf8NameWithSuffixes(const OtlpMetric& metric) {
  std::string name = metric.name;
  const bool ratio = metric.unit == "1" && metric.kind == OtlpMetric::Kind::kGauge;
  const bool total = metric.kind == OtlpMetric::Kind::kSum && metric.monotonic;
  const UnitSuffixes suffixes = SuffixesOf(metric.unit);
  if (ratio) TrimSuffix("ratio", &name);
  if (total) TrimSuffix("total", &name);
  if (!suffixes.per.empty()) TrimSuffix(suffixes.per, &name);
  if (!suffixes.main.empty() && !name.ends_with(suffixes.main)) name += "_" + suffixes.main;
  if (!suffixes.per.empty()) name += "_" + suffixes.per;
  if (total) name += "_total";
  if (ratio) name += "_ratio";
  return name;
}

bool OnlyUnderscores(std::string_view text) {
  return text.find_first_not_of('_') == std::string_view::npos;
}

std::string SanitizeLabel(std::string_view name, bool keep_underscores) {
  const bool reserved =
      !keep_underscores && name.size() >= 4 && name.starts_with("__") && name.ends_with("__");
  if (reserved) name = name.substr(2, name.size() - 4);
  std::string out;
  for (const char c : name) {
    if (IsAlnum(c)) {
      out += c;
    } else if (!IsContinuation(c) && (keep_underscores || out.empty() || out.back() != '_')) {
      out += '_';
    }
  }
  return reserved ? "__" + out + "__" : out;
}

}  // namespace

bool ParseOtlpNaming(std::string_view name, OtlpNaming* naming) {
  constexpr std::string_view kNames[] = {"UnderscoreEscapingWithSuffixes",
                                         "UnderscoreEscapingWithoutSuffixes",
                                         "NoUTF8EscapingWithSuffixes", "NoTranslation"};
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if (name != kNames[i]) continue;
    *naming = static_cast<OtlpNaming>(i);
    return true;
  }
  return false;
}

std::string OtlpMetricName(const OtlpMetric& metric, OtlpNaming naming) {
  switch (naming) {
    case OtlpNaming::kNoTranslation:
      return metric.name;
    case OtlpNaming::kNoUtf8EscapingWithSuffixes:
      return metric.name.empty() ? "" : Utf8NameWithSuffixes(metric);
    default:
      break;
  }
  std::string name = EscapedName(metric, naming == OtlpNaming::kUnderscoreEscapingWithSuffixes);
  if (name != metric.name && OnlyUnderscores(name)) return "";
  return name;
}

std::string OtlpUnitName(std::string_view unit) {
  const UnitSuffixes suffixes = SuffixesOf(unit);
  const std::string main = CleanUnit(suffixes.main);
  const std::string per = CleanUnit(suffixes.per);
  std::string out = main.empty() ? per : per.empty() ? main : main + "_" + per;
  if (out.starts_with('_')) out.erase(0, 1);
  if (out.ends_with('_')) out.pop_back();
  return out;
}

std::string OtlpLabelName(std::string_view label, OtlpNaming naming, bool key_for_underscore,
                          bool keep_underscores) {
  const bool utf8 =
      naming == OtlpNaming::kNoTranslation || naming == OtlpNaming::kNoUtf8EscapingWithSuffixes;
  if (label.empty()) return "";
  if (utf8) return OnlyUnderscores(label) ? "" : std::string(label);
  std::string name = SanitizeLabel(label, keep_underscores);
  if (!name.empty() && IsDigit(name[0])) {
    name.insert(0, "key_");
  } else if (key_for_underscore && name.starts_with('_') && !name.starts_with("__")) {
    name.insert(0, "key");
  }
  return OnlyUnderscores(name) ? "" : name;
}

}  // namespace hearth::codec
