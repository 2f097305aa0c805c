// SPDX-License-Identifier: Apache-2.0
// The functions that templates may call: text/template's own and Prometheus'. A function says what
// types it takes, and the interpreter checks and converts arguments as Go's reflection does.
#pragma once

#include <absl/status/statusor.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rules/template_value.h"

namespace hearth::rules {

enum class ArgType { kAny, kString, kSample, kSamples, kInt, kDuration, kTime };
std::string_view GoName(ArgType type);  // "string", "*template.sample", …

struct FunctionSignature {
  std::string_view name;
  std::vector<ArgType> args;
  bool variadic = false;  // the last type, any number of times
};

// What calls need beyond their arguments.
struct FunctionContext {
  const TemplateEnvironment* environment = nullptr;
  int queries = 0;  // made so far
};

using FunctionArgs = std::span<const TemplateValue>;
struct TemplateFunction {
  FunctionSignature signature;
  absl::StatusOr<TemplateValue> (*call)(FunctionArgs args, FunctionContext* context);
};

// Null where there is none. `and` and `or` are not here: the interpreter evaluates them lazily.
const TemplateFunction* FindTemplateFunction(std::string_view name);
bool IsTemplateFunction(std::string_view name);    // with `and` and `or`
std::vector<std::string> TemplateFunctionNames();  // sorted, with `and` and `or`

// Tables of the parts.
std::span<const TemplateFunction> BuiltinFunctions();  // of text/template
std::span<const TemplateFunction> PrometheusFunctions();

// Methods of times, durations and samples' histograms: `(now | toTime).Format "2006"`.
// Null where the value's type has no such method.
const TemplateFunction* FindMethod(const TemplateValue& receiver, std::string_view name);

// fmt.Sprintf.
std::string FormatGo(std::string_view format, FunctionArgs args);
// fmt.Sprint.
std::string PrintGo(FunctionArgs args);

}  // namespace hearth::rules
