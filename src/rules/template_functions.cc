// SPDX-License-Identifier: Apache-2.0
// Prometheus' own template functions (template/template.go, common/helpers/templates).
#include "rules/template_functions.h"

#include <fmt/core.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/status.h"
#include "codec/go_float.h"
#include "model/labels.h"
#include "promql/parser.h"
#include "rules/template_host.h"
#include "scrape/letter_case.h"

namespace hearth::rules {
namespace {

using Value = TemplateValue;
using Result = absl::StatusOr<TemplateValue>;

constexpr double kNsPerSecond = 1e9;

absl::StatusOr<double> ToFloat(const Value& value) {
  if (const auto* number = value.As<double>()) return *number;
  if (const auto* number = value.As<int64_t>()) return static_cast<double>(*number);
  if (const auto* duration = value.As<DurationValue>()) {
    return static_cast<double>(duration->ns) / kNsPerSecond;
  }
  if (const auto* text = value.As<std::string>()) {
    double number = 0;
    if (!codec::ParseGoFloat(*text, &number)) {
      return InvalidArgument("strconv.ParseFloat: parsing {}: invalid syntax",
                             model::QuoteGo(*text));
    }
    return number;
  }
  return InvalidArgument("can't convert {} to float", value.valid() ? value.TypeName() : "<nil>");
}

// %.4g
std::string Short(double value) { return FormatGo("%.4g", std::array<Value, 1>{Value(value)}); }
bool IsPlain(double value) { return value == 0 || !std::isfinite(value); }

// Divides or multiplies until the number is short; the prefix says how often.
std::string Scaled(double value, double base, bool up,
                   std::initializer_list<std::string_view> prefixes, std::string_view unit) {
  std::string_view prefix;
  for (const std::string_view candidate : prefixes) {
    if (up ? std::abs(value) < base : std::abs(value) >= 1) break;
    prefix = candidate;
    value = up ? value / base : value * base;
  }
  return Short(value) + std::string(prefix) + std::string(unit);
}

Result Humanize(FunctionArgs args, FunctionContext*) {
  TRY_ASSIGN(const double value, ToFloat(args[0]));
  if (IsPlain(value)) return Value(Short(value));
  if (std::abs(value) >= 1) {
    return Value(Scaled(value, 1000, true, {"k", "M", "G", "T", "P", "E", "Z", "Y"}, ""));
  }
  return Value(Scaled(value, 1000, false, {"m", "u", "n", "p", "f", "a", "z", "y"}, ""));
}

Result Humanize1024(FunctionArgs args, FunctionContext*) {
  TRY_ASSIGN(const double value, ToFloat(args[0]));
  if (std::abs(value) <= 1 || IsPlain(value)) return Value(Short(value));
  return Value(Scaled(value, 1024, true, {"ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"}, ""));
}

Result HumanizeDuration(FunctionArgs args, FunctionContext*) {
  TRY_ASSIGN(const double value, ToFloat(args[0]));
  if (!std::isfinite(value)) return Value(Short(value));
  if (value == 0) return Value(Short(value) + "s");
  if (std::abs(value) < 1) {
    return Value(Scaled(value, 1000, false, {"m", "u", "n", "p", "f", "a", "z", "y"}, "s"));
  }
  const std::string sign = value < 0 ? "-" : "";
  const double magnitude = std::abs(value);
  // Go's conversion of what does not fit is implementation-defined; here it is the largest number.
  constexpr double kLargest = 9.2e18;
  const auto seconds = static_cast<int64_t>(std::min(magnitude, kLargest));
  const int64_t s = seconds % 60, m = seconds / 60 % 60, h = seconds / 3600 % 24;
  const int64_t days = seconds / 86400;
  if (days != 0) return Value(fmt::format("{}{}d {}h {}m {}s", sign, days, h, m, s));
  if (h != 0) return Value(fmt::format("{}{}h {}m {}s", sign, h, m, s));
  if (m != 0) return Value(fmt::format("{}{}m {}s", sign, m, s));
  return Value(sign + Short(magnitude) + "s");
}

Result HumanizePercentage(FunctionArgs args, FunctionContext*) {
  TRY_ASSIGN(const double value, ToFloat(args[0]));
  return Value(Short(value * 100) + "%");
}

absl::StatusOr<TimeValue> FloatToTime(double value) {
  if (!std::isfinite(value)) return InvalidArgument("value is NaN or Inf");
  const double ns = value * kNsPerSecond;
  if (ns > static_cast<double>(std::numeric_limits<int64_t>::max()) ||
      ns < static_cast<double>(std::numeric_limits<int64_t>::min())) {
    return InvalidArgument(
        "{} cannot be represented as a nanoseconds timestamp since it overflows int64",
        PrintFloat(value));
  }
  // The bound itself is a float that int64 cannot hold; Go wraps it as the machine does.
  const int64_t whole =
      ns >= 0x1p63 ? std::numeric_limits<int64_t>::min() : static_cast<int64_t>(ns);
  return TimeValue{whole / 1'000'000};
}

Result HumanizeTimestamp(FunctionArgs args, FunctionContext*) {
  TRY_ASSIGN(const double value, ToFloat(args[0]));
  if (!std::isfinite(value)) return Value(Short(value));
  TRY_ASSIGN(const TimeValue time, FloatToTime(value));
  return Value(PrintTime(time.ms));
}

Result ToTime(FunctionArgs args, FunctionContext*) {
  TRY_ASSIGN(const double value, ToFloat(args[0]));
  TRY_ASSIGN(const TimeValue time, FloatToTime(value));
  return Value(time);
}

Result ToDuration(FunctionArgs args, FunctionContext*) {
  TRY_ASSIGN(const double value, ToFloat(args[0]));
  const double ns = value * kNsPerSecond;
  constexpr double kBound = 9.2e18;
  return Value(DurationValue{std::isfinite(ns) && std::abs(ns) < kBound
                                 ? static_cast<int64_t>(ns)
                                 : std::numeric_limits<int64_t>::min()});
}

Result Now(FunctionArgs, FunctionContext* context) {
  return Value(static_cast<double>(context->environment->time_ms) / 1000.0);
}

Result ParseDuration(FunctionArgs args, FunctionContext*) {
  std::string_view text = *args[0].text();
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const auto ms = promql::ParseDurationMs(text);
  if (!ms.ok()) {
    return InvalidArgument("not a valid duration string: {}", model::QuoteGo(*args[0].text()));
  }
  const double seconds = static_cast<double>(*ms) / 1000.0;
  return Value(negative ? -seconds : seconds);
}

// Queries.
Result Query(FunctionArgs args, FunctionContext* context) {
  const TemplateEnvironment& environment = *context->environment;
  if (++context->queries > environment.limits.queries_max) {
    return ResourceExhausted("a template may make at most {} queries",
                             environment.limits.queries_max);
  }
  if (!environment.query) return FailedPrecondition("there is nothing to query here");
  TRY_ASSIGN(std::vector<TemplateSample> samples, environment.query(*args[0].text()));
  SampleList list;
  list.reserve(samples.size());
  for (TemplateSample& sample : samples) {
    list.push_back(std::make_shared<const TemplateSample>(std::move(sample)));
  }
  return Value(std::make_shared<const SampleList>(std::move(list)));
}

const SampleList& ListOf(const Value& value) {
  static const SampleList& none = *new SampleList;
  const auto* list = value.As<std::shared_ptr<const SampleList>>();
  return list == nullptr ? none : **list;
}
const TemplateSample* SampleOf(const Value& value) {
  const auto* sample = value.As<std::shared_ptr<const TemplateSample>>();
  return sample == nullptr ? nullptr : sample->get();
}
absl::Status NoSample() {
  return InvalidArgument("runtime error: invalid memory address or nil pointer dereference");
}
Value LabelOf(const TemplateSample& sample, const std::string& name) {
  const auto found = sample.labels.find(name);
  return Value(found == sample.labels.end() ? std::string() : found->second);
}

Result First(FunctionArgs args, FunctionContext*) {
  const SampleList& list = ListOf(args[0]);
  if (list.empty()) return InvalidArgument("first() called on vector with no elements");
  return Value(list[0]);
}
Result Label(FunctionArgs args, FunctionContext*) {
  const TemplateSample* sample = SampleOf(args[1]);
  if (sample == nullptr) return NoSample();
  return LabelOf(*sample, *args[0].text());
}
Result SampleValue(FunctionArgs args, FunctionContext*) {
  const TemplateSample* sample = SampleOf(args[0]);
  if (sample == nullptr) return NoSample();
  if (!sample->histogram.empty()) return Value(HistogramText{sample->histogram});
  return Value(sample->value);
}
Result StringValue(FunctionArgs args, FunctionContext*) {
  const TemplateSample* sample = SampleOf(args[0]);
  if (sample == nullptr) return NoSample();
  return LabelOf(*sample, "__value__");
}
Result SortByLabel(FunctionArgs args, FunctionContext*) {
  SampleList list = ListOf(args[1]);
  const std::string& by = *args[0].text();
  const auto label = [&by](const TemplateSample& sample) -> std::string_view {
    const auto found = sample.labels.find(by);
    return found == sample.labels.end() ? std::string_view() : std::string_view(found->second);
  };
  std::stable_sort(list.begin(), list.end(),
                   [&](const auto& a, const auto& b) { return label(*a) < label(*b); });
  return Value(std::make_shared<const SampleList>(std::move(list)));
}

Result Args(FunctionArgs args, FunctionContext*) {
  AnyMap map;
  for (size_t i = 0; i < args.size(); ++i) map["arg" + std::to_string(i)] = args[i];
  return Value(std::make_shared<const AnyMap>(std::move(map)));
}

// Texts.
absl::StatusOr<std::unique_ptr<re2::RE2>> Compile(const std::string& pattern, bool must) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  auto regex = std::make_unique<re2::RE2>(pattern, options);
  if (!regex->ok()) {
    return InvalidArgument("{}error parsing regexp: {}",
                           must ? "regexp: Compile(" + model::QuoteGo(pattern) + "): " : "",
                           regex->error());
  }
  return regex;
}

// Go's Regexp.Expand: $1, $name, ${name}; $$ is one dollar; what names no group is empty.
void Expand(std::string_view replacement, const re2::RE2& regex,
            const std::vector<re2::StringPiece>& groups, std::string* out) {
  const auto is_word = [](char c) {
    return c == '_' || std::isalnum(static_cast<unsigned char>(c)) != 0;
  };
  size_t at = 0;
  while (at < replacement.size()) {
    const size_t dollar = replacement.find('$', at);
    out->append(replacement.substr(at, dollar - at));
    if (dollar == std::string_view::npos) return;
    at = dollar + 1;
    if (at < replacement.size() && replacement[at] == '$') {
      *out += '$';
      ++at;
      continue;
    }
    const bool braces = at < replacement.size() && replacement[at] == '{';
    size_t end = at + (braces ? 1 : 0);
    const size_t begin = end;
    while (end < replacement.size() && is_word(replacement[end])) ++end;
    const bool closed = !braces || (end < replacement.size() && replacement[end] == '}');
    if (end == begin || !closed) {
      *out += '$';  // malformed: kept as it is
      continue;
    }
    const std::string name(replacement.substr(begin, end - begin));
    at = end + (braces ? 1 : 0);
    int64_t number = -1;
    if (!ParseInt64(name, &number)) {
      const auto& names = regex.NamedCapturingGroups();
      const auto found = names.find(name);
      number = found == names.end() ? -1 : found->second;
    }
    if (number >= 0 && static_cast<size_t>(number) < groups.size()) {
      const re2::StringPiece& group = groups[static_cast<size_t>(number)];
      out->append(group.data() == nullptr ? "" : group.data(), group.size());
    }
  }
}

Result ReplaceAll(FunctionArgs args, FunctionContext* context) {
  TRY_ASSIGN(const auto regex, Compile(*args[0].text(), true));
  const std::string& replacement = *args[1].text();
  const std::string& text = *args[2].text();
  std::vector<re2::StringPiece> groups(static_cast<size_t>(regex->NumberOfCapturingGroups()) + 1);
  const auto width_at = [&text](size_t at) -> size_t {
    if (at >= text.size()) return 1;
    const auto lead = static_cast<unsigned char>(text[at]);
    return lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  };
  std::string out;
  size_t at = 0;
  size_t copied = 0;
  while (at <= text.size() && regex->Match(text, at, text.size(), re2::RE2::UNANCHORED,
                                           groups.data(), static_cast<int>(groups.size()))) {
    const auto begin = static_cast<size_t>(groups[0].data() - text.data());
    const size_t end = begin + groups[0].size();
    out += text.substr(copied, begin - copied);
    // An empty match right after a match does not count (Go's Regexp.ReplaceAllString).
    if (end > copied || begin == 0) Expand(replacement, *regex, groups, &out);
    copied = end;
    at = std::max(end, at + width_at(at));
    if (out.size() > context->environment->limits.output_bytes_max) {
      return ResourceExhausted("reReplaceAll: the result is larger than {} bytes",
                               context->environment->limits.output_bytes_max);
    }
  }
  if (copied < text.size()) out += text.substr(copied);
  return Value(std::move(out));
}

Result Match(FunctionArgs args, FunctionContext*) {
  TRY_ASSIGN(const auto regex, Compile(*args[0].text(), false));
  return Value(re2::RE2::PartialMatch(*args[1].text(), *regex));
}

Result SafeHtml(FunctionArgs args, FunctionContext*) { return Value(HtmlText{*args[0].text()}); }
Result ToUpper(FunctionArgs args, FunctionContext*) {
  return Value(scrape::ToUpperText(*args[0].text()));
}
Result ToLower(FunctionArgs args, FunctionContext*) {
  return Value(scrape::ToLowerText(*args[0].text()));
}

// cases.Title(language.AmericanEnglish, cases.NoLower): the first letter of each word becomes a
// capital, the rest stays.
Result Title(FunctionArgs args, FunctionContext*) {
  const std::string& text = *args[0].text();
  std::string out;
  bool in_word = false;
  for (size_t at = 0; at < text.size();) {
    const auto lead = static_cast<unsigned char>(text[at]);
    const size_t size = std::min<size_t>(lead < 0xc0   ? 1
                                         : lead < 0xe0 ? 2
                                         : lead < 0xf0 ? 3
                                                       : 4,
                                         text.size() - at);
    const std::string letter = text.substr(at, size);
    // Apostrophes, dots and the like between letters do not end a word (Unicode's word breaks).
    const bool joins = letter == "'" || letter == "." || letter == ":" || letter == "_";
    const bool word = lead >= 0x80 || std::isalnum(lead) != 0;
    out += word && !in_word ? scrape::ToUpperText(letter) : letter;
    const bool next_is_word =
        at + size < text.size() &&
        (static_cast<unsigned char>(text[at + size]) >= 0x80 || std::isalnum(text[at + size]) != 0);
    in_word = word || (letter == "_") || (joins && in_word && next_is_word);
    at += size;
  }
  return Value(std::move(out));
}

Result StripPort(FunctionArgs args, FunctionContext*) {
  std::string host, port;
  return Value(SplitHostPort(*args[0].text(), &host, &port) ? host : *args[0].text());
}

Result StripDomain(FunctionArgs args, FunctionContext*) {
  const std::string& text = *args[0].text();
  std::string host, port;
  if (!SplitHostPort(text, &host, &port)) {
    host = text;
    port.clear();
  }
  if (IsIpAddress(host)) return Value(text);
  host = host.substr(0, host.find('.'));
  if (port.empty()) return Value(std::move(host));
  return Value((host.find(':') != std::string::npos ? "[" + host + "]" : host) + ":" + port);
}

std::string QueryEscape(std::string_view text) {
  std::string out;
  for (const std::string_view piece : Split(text, ' ')) {
    if (!out.empty() || piece.data() != text.data()) out += '+';
    out += PercentEncode(piece, false);
  }
  return out;
}
Result UrlQueryEscape(FunctionArgs args, FunctionContext*) {
  return Value(QueryEscape(*args[0].text()));
}
Result GraphLink(FunctionArgs args, FunctionContext*) {
  return Value("/graph?g0.expr=" + QueryEscape(*args[0].text()) + "&g0.tab=0");
}
Result TableLink(FunctionArgs args, FunctionContext*) {
  return Value(TableLinkFor(*args[0].text()));
}
Result ExternalUrl(FunctionArgs, FunctionContext* context) {
  return Value(context->environment->external_url);
}
Result PathPrefix(FunctionArgs, FunctionContext* context) {
  const std::string& url = context->environment->external_url;
  const size_t scheme = url.find("://");
  const size_t path = url.find('/', scheme == std::string::npos ? 0 : scheme + 3);
  if (path == std::string::npos) return Value(std::string());
  return Value(url.substr(path, url.find_first_of("?#", path) - path));
}

}  // namespace

std::string TableLinkFor(std::string_view expression) {
  return "/graph?g0.expr=" + QueryEscape(expression) + "&g0.tab=1";
}

std::span<const TemplateFunction> PrometheusFunctions() {
  constexpr ArgType kText = ArgType::kString;
  static const auto& functions = *new std::vector<TemplateFunction>{
      {{"args", {ArgType::kAny}, true}, Args},
      {{"externalURL", {}}, ExternalUrl},
      {{"first", {ArgType::kSamples}}, First},
      {{"graphLink", {kText}}, GraphLink},
      {{"humanize", {ArgType::kAny}}, Humanize},
      {{"humanize1024", {ArgType::kAny}}, Humanize1024},
      {{"humanizeDuration", {ArgType::kAny}}, HumanizeDuration},
      {{"humanizePercentage", {ArgType::kAny}}, HumanizePercentage},
      {{"humanizeTimestamp", {ArgType::kAny}}, HumanizeTimestamp},
      {{"label", {kText, ArgType::kSample}}, Label},
      {{"match", {kText, kText}}, Match},
      {{"now", {}}, Now},
      {{"parseDuration", {kText}}, ParseDuration},
      {{"pathPrefix", {}}, PathPrefix},
      {{"query", {kText}}, Query},
      {{"reReplaceAll", {kText, kText, kText}}, ReplaceAll},
      {{"safeHtml", {kText}}, SafeHtml},
      {{"sortByLabel", {kText, ArgType::kSamples}}, SortByLabel},
      {{"stripDomain", {kText}}, StripDomain},
      {{"stripPort", {kText}}, StripPort},
      {{"strvalue", {ArgType::kSample}}, StringValue},
      {{"tableLink", {kText}}, TableLink},
      {{"title", {kText}}, Title},
      {{"toDuration", {ArgType::kAny}}, ToDuration},
      {{"toLower", {kText}}, ToLower},
      {{"toTime", {ArgType::kAny}}, ToTime},
      {{"toUpper", {kText}}, ToUpper},
      {{"urlQueryEscape", {kText}}, UrlQueryEscape},
      {{"value", {ArgType::kSample}}, SampleValue},
  };
  return functions;
}

const TemplateFunction* FindTemplateFunction(std::string_view name) {
  // Prometheus' functions come first: the expander's map wins over the built-in one.
  for (const auto& table : {PrometheusFunctions(), BuiltinFunctions()}) {
    for (const TemplateFunction& function : table) {
      if (function.signature.name == name) return &function;
    }
  }
  return nullptr;
}

bool IsTemplateFunction(std::string_view name) {
  return name == "and" || name == "or" || FindTemplateFunction(name) != nullptr;
}

std::vector<std::string> TemplateFunctionNames() {
  std::vector<std::string> names{"and", "or"};
  for (const auto& table : {PrometheusFunctions(), BuiltinFunctions()}) {
    for (const TemplateFunction& function : table) names.emplace_back(function.signature.name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string_view GoName(ArgType type) {
  switch (type) {
    case ArgType::kAny:
      return "interface {}";
    case ArgType::kString:
      return "string";
    case ArgType::kSample:
      return "*template.sample";
    case ArgType::kSamples:
      return "template.queryResult";
    case ArgType::kInt:
      return "int";
    case ArgType::kDuration:
      return "time.Duration";
    case ArgType::kTime:
      return "time.Time";
  }
  return "";
}

}  // namespace hearth::rules
