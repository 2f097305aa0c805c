// SPDX-License-Identifier: Apache-2.0
// The functions of Go's text/template itself (funcs.go of Go 1.25), but for `and` and `or`.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "base/json_text.h"
#include "base/status.h"
#include "rules/template_functions.h"

namespace hearth::rules {
namespace {

using Value = TemplateValue;
using Result = absl::StatusOr<TemplateValue>;

absl::StatusOr<size_t> IndexOf(const Value& index, size_t size, bool end_allowed) {
  const auto* number = index.As<int64_t>();
  if (number == nullptr) {
    if (!index.valid()) return InvalidArgument("cannot index slice/array with nil");
    return InvalidArgument("cannot index slice/array with type {}", index.TypeName());
  }
  const auto bound = static_cast<int64_t>(size) + (end_allowed ? 1 : 0);
  if (*number < 0 || *number >= bound) return InvalidArgument("index out of range: {}", *number);
  return static_cast<size_t>(*number);
}

Result IndexOnce(const Value& item, const Value& index) {
  if (!item.valid()) return InvalidArgument("index of untyped nil");
  if (const auto* list = item.As<std::shared_ptr<const SampleList>>()) {
    TRY_ASSIGN(const size_t at, IndexOf(index, (*list)->size(), false));
    return Value((**list)[at]);
  }
  if (const std::string* text = item.text()) {
    TRY_ASSIGN(const size_t at, IndexOf(index, text->size(), false));
    return Value(int64_t{static_cast<unsigned char>((*text)[at])});
  }
  const auto* labels = item.As<std::shared_ptr<const LabelMap>>();
  const auto* map = item.As<std::shared_ptr<const AnyMap>>();
  if (labels == nullptr && map == nullptr) {
    return InvalidArgument("can't index item of type {}", item.TypeName());
  }
  const std::string* key = index.text();
  if (key == nullptr) {
    return InvalidArgument("value has type {}; should be string", index.TypeName());
  }
  if (labels != nullptr) {
    const auto found = (*labels)->find(*key);
    return Value(found == (*labels)->end() ? std::string() : found->second);
  }
  const auto found = (*map)->find(*key);
  return found == (*map)->end() ? Value() : found->second;
}

Result Index(FunctionArgs args, FunctionContext*) {
  Value item = args[0];
  if (!item.valid()) return InvalidArgument("index of untyped nil");
  for (const Value& index : args.subspan(1)) {
    TRY_ASSIGN(item, IndexOnce(item, index));
  }
  return item;
}

Result Slice(FunctionArgs args, FunctionContext*) {
  const Value& item = args[0];
  if (!item.valid()) return InvalidArgument("slice of untyped nil");
  if (args.size() > 4) return InvalidArgument("too many slice indexes: {}", args.size() - 1);
  const auto* list = item.As<std::shared_ptr<const SampleList>>();
  const std::string* text = item.text();
  if (list == nullptr && text == nullptr) {
    return InvalidArgument("can't slice item of type {}", item.TypeName());
  }
  if (text != nullptr && args.size() == 4) return InvalidArgument("cannot 3-index slice a string");
  const size_t size = list != nullptr ? (*list)->size() : text->size();
  size_t bounds[3] = {0, size, size};
  for (size_t i = 1; i < args.size(); ++i) {
    TRY_ASSIGN(bounds[i - 1], IndexOf(args[i], size, true));
  }
  if (bounds[0] > bounds[1] || bounds[1] > bounds[2]) {
    return InvalidArgument("invalid slice index: {} > {}", bounds[0], bounds[1]);
  }
  if (text != nullptr) return Value(text->substr(bounds[0], bounds[1] - bounds[0]));
  const auto begin = (*list)->begin();
  return Value(std::make_shared<const SampleList>(begin + static_cast<std::ptrdiff_t>(bounds[0]),
                                                  begin + static_cast<std::ptrdiff_t>(bounds[1])));
}

Result Length(FunctionArgs args, FunctionContext*) {
  const Value& item = args[0];
  if (!item.valid()) return InvalidArgument("len of nil pointer");
  const auto count = [](size_t size) { return Value(static_cast<int64_t>(size)); };
  if (const std::string* text = item.text()) return count(text->size());
  if (const auto* labels = item.As<std::shared_ptr<const LabelMap>>()) {
    return count((*labels)->size());
  }
  if (const auto* map = item.As<std::shared_ptr<const AnyMap>>()) return count((*map)->size());
  if (const auto* list = item.As<std::shared_ptr<const SampleList>>()) {
    return count((*list)->size());
  }
  return InvalidArgument("len of type {}", item.TypeName());
}

Result Not(FunctionArgs args, FunctionContext*) { return Value(!args[0].truth()); }

// Values are callable in Go only; no function of templates returns one.
Result Call(FunctionArgs args, FunctionContext*) {
  if (!args[0].valid()) return InvalidArgument("call of nil");
  return InvalidArgument("non-function {} of type {}", args[0].Print(), args[0].TypeName());
}

// Comparison. Kinds as Go's basicKind.
enum class Basic { kInvalid, kBool, kInt, kFloat, kString };

absl::StatusOr<Basic> BasicOf(const Value& value) {
  if (value.As<bool>() != nullptr) return Basic::kBool;
  if (value.As<int64_t>() != nullptr) return Basic::kInt;
  if (value.As<double>() != nullptr) return Basic::kFloat;
  if (value.text() != nullptr) return Basic::kString;
  if (value.As<DurationValue>() != nullptr) return Basic::kInvalid;
  return InvalidArgument("invalid type for comparison");
}

absl::StatusOr<bool> Equal(const Value& a, const Value& b) {
  if (!a.valid() || !b.valid()) return a.valid() == b.valid();
  const auto kind_a = BasicOf(a);
  const auto kind_b = BasicOf(b);
  if (!kind_a.ok() || !kind_b.ok()) {
    // Pointers are equal where they are the same; maps and lists cannot be compared.
    if (const auto* sample = a.As<std::shared_ptr<const TemplateSample>>()) {
      const auto* other = b.As<std::shared_ptr<const TemplateSample>>();
      return other != nullptr && *sample == *other;
    }
    return InvalidArgument("non-comparable type {}: {}", a.Print(), a.TypeName());
  }
  if (*kind_a != *kind_b) return InvalidArgument("incompatible types for comparison");
  switch (*kind_a) {
    case Basic::kBool:
      return *a.As<bool>() == *b.As<bool>();
    case Basic::kInt:
      return *a.As<int64_t>() == *b.As<int64_t>();
    case Basic::kFloat:
      return *a.As<double>() == *b.As<double>();
    case Basic::kString:
      return *a.text() == *b.text();
    default:
      return a.As<DurationValue>()->ns == b.As<DurationValue>()->ns;
  }
}

Result Eq(FunctionArgs args, FunctionContext*) {
  if (args.size() < 2) return InvalidArgument("missing argument for comparison");
  for (const Value& other : args.subspan(1)) {
    TRY_ASSIGN(const bool equal, Equal(args[0], other));
    if (equal) return Value(true);
  }
  return Value(false);
}

Result Ne(FunctionArgs args, FunctionContext*) {
  TRY_ASSIGN(const bool equal, Equal(args[0], args[1]));
  return Value(!equal);
}

absl::StatusOr<bool> Less(const Value& a, const Value& b) {
  TRY_ASSIGN(const Basic kind_a, BasicOf(a));
  TRY_ASSIGN(const Basic kind_b, BasicOf(b));
  if (kind_a != kind_b) return InvalidArgument("incompatible types for comparison");
  switch (kind_a) {
    case Basic::kInt:
      return *a.As<int64_t>() < *b.As<int64_t>();
    case Basic::kFloat:
      return *a.As<double>() < *b.As<double>();
    case Basic::kString:
      return *a.text() < *b.text();
    default:
      return InvalidArgument("invalid type for comparison");
  }
}

Result Lt(FunctionArgs args, FunctionContext*) {
  TRY_ASSIGN(const bool less, Less(args[0], args[1]));
  return Value(less);
}
Result Le(FunctionArgs args, FunctionContext*) {
  TRY_ASSIGN(const bool less, Less(args[0], args[1]));
  if (less) return Value(true);
  TRY_ASSIGN(const bool equal, Equal(args[0], args[1]));
  return Value(equal);
}
Result Gt(FunctionArgs args, FunctionContext* context) {
  TRY_ASSIGN(const Value at_most, Le(args, context));
  return Value(!at_most.truth());
}
Result Ge(FunctionArgs args, FunctionContext*) {
  TRY_ASSIGN(const bool less, Less(args[0], args[1]));
  return Value(!less);
}

Result Print(FunctionArgs args, FunctionContext*) { return Value(PrintGo(args)); }
Result PrintLine(FunctionArgs args, FunctionContext*) {
  std::string out;
  for (const Value& arg : args) out += (out.empty() ? "" : " ") + arg.Print();
  return Value(out + "\n");
}
Result PrintFormatted(FunctionArgs args, FunctionContext*) {
  return Value(FormatGo(*args[0].text(), args.subspan(1)));
}

std::string EscapeHtml(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "&#34;";
        break;
      case '\'':
        out += "&#39;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '\0':
        out += "\xef\xbf\xbd";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string EscapeJs(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '\\':
        out += "\\\\";
        break;
      case '\'':
        out += "\\'";
        break;
      case '"':
        out += "\\\"";
        break;
      case '<':
        out += "\\u003C";
        break;
      case '>':
        out += "\\u003E";
        break;
      case '&':
        out += "\\u0026";
        break;
      case '=':
        out += "\\u003D";
        break;
      default:
        out += static_cast<unsigned char>(c) < 0x20
                   ? fmt::format("\\u{:04X}", static_cast<unsigned>(c))
                   : std::string(1, c);
    }
  }
  return out;
}

Result Html(FunctionArgs args, FunctionContext*) { return Value(EscapeHtml(PrintGo(args))); }
Result Js(FunctionArgs args, FunctionContext*) { return Value(EscapeJs(PrintGo(args))); }
Result UrlQuery(FunctionArgs args, FunctionContext*) {
  std::string escaped = PercentEncode(PrintGo(args), false);
  for (size_t at; (at = escaped.find("%20")) != std::string::npos;) escaped.replace(at, 3, "+");
  return Value(std::move(escaped));
}

}  // namespace

std::span<const TemplateFunction> BuiltinFunctions() {
  static const auto& functions = *new std::vector<TemplateFunction>{
      {{"call", {ArgType::kAny, ArgType::kAny}, true}, Call},
      {{"eq", {ArgType::kAny, ArgType::kAny}, true}, Eq},
      {{"ge", {ArgType::kAny, ArgType::kAny}}, Ge},
      {{"gt", {ArgType::kAny, ArgType::kAny}}, Gt},
      {{"html", {ArgType::kAny}, true}, Html},
      {{"index", {ArgType::kAny, ArgType::kAny}, true}, Index},
      {{"js", {ArgType::kAny}, true}, Js},
      {{"le", {ArgType::kAny, ArgType::kAny}}, Le},
      {{"len", {ArgType::kAny}}, Length},
      {{"lt", {ArgType::kAny, ArgType::kAny}}, Lt},
      {{"ne", {ArgType::kAny, ArgType::kAny}}, Ne},
      {{"not", {ArgType::kAny}}, Not},
      {{"print", {ArgType::kAny}, true}, Print},
      {{"printf", {ArgType::kString, ArgType::kAny}, true}, PrintFormatted},
      {{"println", {ArgType::kAny}, true}, PrintLine},
      {{"slice", {ArgType::kAny, ArgType::kAny}, true}, Slice},
      {{"urlquery", {ArgType::kAny}, true}, UrlQuery},
  };
  return functions;
}

}  // namespace hearth::rules
