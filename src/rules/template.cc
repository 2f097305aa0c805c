// SPDX-License-Identifier: Apache-2.0
// The interpreter: text/template's exec.go for the values that Prometheus gives its templates. The
// places where `node_` is set are Go's, because errors name them.
#include "rules/template.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "base/status.h"
#include "model/labels.h"
#include "rules/template_functions.h"
#include "rules/template_node.h"
#include "rules/template_value.h"

namespace hearth::rules {
namespace {

using Value = TemplateValue;
using Result = absl::StatusOr<TemplateValue>;

enum class Flow { kNext, kBreak, kContinue };

// Range over a number of this size and more is refused by the steps anyway.
constexpr int64_t kRangeIntMax = 10'000'000;

class Interpreter {
 public:
  Interpreter(const TemplateTree& tree, const TemplateEnvironment& environment)
      : tree_(tree), environment_(environment), context_{&environment, 0}, name_(tree.name) {}

  absl::StatusOr<std::string> Run(const Value& dot) {
    variables_ = {{"$", dot}};
    TRY(WalkList(dot, *tree_.root).status());
    return std::move(out_);
  }

 private:
  struct Variable {
    std::string name;
    Value value;
  };
  // An argument that the pipeline hands on to its next command.
  using Final = std::optional<Value>;

  absl::Status Fail(std::string_view what) const {
    std::string place = tree_.name;
    std::string context;
    if (node_ != nullptr) {
      const std::string_view before = std::string_view(tree_.text).substr(0, node_->position);
      const size_t newline = before.rfind('\n');
      const size_t column =
          newline == std::string_view::npos ? before.size() : before.size() - newline - 1;
      place += fmt::format(":{}:{}", 1 + std::count(before.begin(), before.end(), '\n'), column);
      context = fmt::format(" at <{}>", node_->String());
    }
    return InvalidArgument("template: {}: executing {}{}: {}", place, model::QuoteGo(name_),
                           context, what);
  }
  void At(const TemplateNode& node) { node_ = &node; }

  absl::Status Step() {
    if (++steps_ <= environment_.limits.steps_max) return absl::OkStatus();
    return Fail(fmt::format("more than {} steps", environment_.limits.steps_max));
  }
  absl::Status Write(std::string_view text) {
    if (out_.size() + text.size() > environment_.limits.output_bytes_max) {
      return Fail(
          fmt::format("the output is larger than {} bytes", environment_.limits.output_bytes_max));
    }
    out_ += text;
    return absl::OkStatus();
  }

  absl::StatusOr<Flow> WalkList(const Value& dot, const TemplateNode& list) {
    for (const NodePtr& node : list.children) {
      TRY_ASSIGN(const Flow flow, Walk(dot, *node));
      if (flow != Flow::kNext) return flow;
    }
    return Flow::kNext;
  }

  absl::StatusOr<Flow> Walk(const Value& dot, const TemplateNode& node) {
    At(node);
    TRY(Step());
    switch (node.kind) {
      case NodeKind::kText:
        TRY(Write(node.text));
        return Flow::kNext;
      case NodeKind::kAction: {
        TRY_ASSIGN(const Value value, Pipeline(dot, *node.pipe));
        if (node.pipe->declared.empty()) {
          At(node);
          TRY(Write(value.Print()));
        }
        return Flow::kNext;
      }
      case NodeKind::kIf:
      case NodeKind::kWith:
        return IfOrWith(dot, node);
      case NodeKind::kRange:
        return Range(dot, node);
      case NodeKind::kTemplate:
        TRY(CallTemplate(dot, node));
        return Flow::kNext;
      case NodeKind::kBreak:
        return Flow::kBreak;
      case NodeKind::kContinue:
        return Flow::kContinue;
      default:
        return WalkList(dot, node);
    }
  }

  absl::StatusOr<Flow> IfOrWith(const Value& dot, const TemplateNode& node) {
    const size_t mark = variables_.size();
    TRY_ASSIGN(const Value value, Pipeline(dot, *node.pipe));
    Flow flow = Flow::kNext;
    if (value.truth()) {
      TRY_ASSIGN(flow, WalkList(node.kind == NodeKind::kWith ? value : dot, *node.list));
    } else if (node.else_list != nullptr) {
      TRY_ASSIGN(flow, WalkList(dot, *node.else_list));
    }
    variables_.resize(mark);
    return flow;
  }

  // One turn of a loop. False: {{break}}.
  absl::StatusOr<bool> Turn(const TemplateNode& node, size_t mark, const Value& key,
                            const Value& element, bool one_is_key) {
    TRY(Step());
    const auto& declared = node.pipe->declared;
    const auto set = [&](size_t nth, const Value& value) {
      if (node.pipe->assigns) {
        Assign(declared[nth]->fields[0], value);
      } else {
        variables_[variables_.size() - declared.size() + nth].value = value;
      }
    };
    if (declared.size() == 1) set(0, one_is_key ? key : element);
    if (declared.size() == 2) {
      set(0, key);
      set(1, element);
    }
    TRY_ASSIGN(const Flow flow, WalkList(element, *node.list));
    variables_.resize(mark);
    return flow != Flow::kBreak;
  }

  absl::StatusOr<Flow> Range(const Value& dot, const TemplateNode& node) {
    At(node);
    const size_t before = variables_.size();
    TRY_ASSIGN(const Value value, Pipeline(dot, *node.pipe));
    const size_t mark = variables_.size();
    bool any = false;
    bool go_on = true;
    const auto turn = [&](const Value& key, const Value& element, bool one_is_key) -> absl::Status {
      any = true;
      if (!go_on) return absl::OkStatus();
      TRY_ASSIGN(go_on, Turn(node, mark, key, element, one_is_key));
      return absl::OkStatus();
    };
    if (const auto* list = value.As<std::shared_ptr<const SampleList>>()) {
      for (size_t i = 0; i < (*list)->size() && go_on; ++i) {
        TRY(turn(Value(static_cast<int64_t>(i)), Value((**list)[i]), false));
      }
    } else if (const auto* labels = value.As<std::shared_ptr<const LabelMap>>()) {
      for (const auto& [key, element] : **labels) TRY(turn(Value(key), Value(element), false));
    } else if (const auto* map = value.As<std::shared_ptr<const AnyMap>>()) {
      for (const auto& [key, element] : **map) TRY(turn(Value(key), element, false));
    } else if (const auto* number = value.As<int64_t>()) {
      if (*number > kRangeIntMax) return Fail(fmt::format("range over {} is too long", *number));
      for (int64_t i = 0; i < *number && go_on; ++i) TRY(turn(Value(i), Value(i), true));
    } else if (value.valid()) {
      return Fail(fmt::format("range can't iterate over {}", value.Print()));
    }
    Flow flow = Flow::kNext;
    if (!any && node.else_list != nullptr) {
      TRY_ASSIGN(flow, WalkList(dot, *node.else_list));
    }
    variables_.resize(before);
    return flow;
  }

  absl::Status CallTemplate(const Value& dot, const TemplateNode& node) {
    At(node);
    const auto found = tree_.templates.find(node.text);
    if (found == tree_.templates.end()) {
      return Fail(fmt::format("template {} not defined", model::QuoteGo(node.text)));
    }
    if (depth_ == environment_.limits.recursion_max) {
      return Fail(fmt::format("exceeded maximum template depth ({})", depth_));
    }
    Value inner;
    if (node.pipe != nullptr) {
      TRY_ASSIGN(inner, Pipeline(dot, *node.pipe));
    }
    std::vector<Variable> outer{{"$", inner}};
    outer.swap(variables_);
    std::string outer_name = std::exchange(name_, node.text);
    ++depth_;
    TRY(WalkList(inner, *found->second).status());
    --depth_;
    name_ = std::move(outer_name);
    variables_.swap(outer);
    return absl::OkStatus();
  }

  void Assign(const std::string& name, const Value& value) {
    for (auto it = variables_.rbegin(); it != variables_.rend(); ++it) {
      if (it->name != name) continue;
      it->value = value;
      return;
    }
  }
  Value Find(const std::string& name) const {
    for (auto it = variables_.rbegin(); it != variables_.rend(); ++it) {
      if (it->name == name) return it->value;
    }
    return Value();  // the parser has seen that it is declared
  }

  Result Pipeline(const Value& dot, const TemplateNode& pipe) {
    At(pipe);
    Final value;
    for (const NodePtr& command : pipe.children) {
      TRY_ASSIGN(Value next, Command(dot, *command, value));
      value = std::move(next);
    }
    for (const NodePtr& variable : pipe.declared) {
      if (pipe.assigns) {
        Assign(variable->fields[0], *value);
      } else {
        variables_.push_back({variable->fields[0], *value});
      }
    }
    return *std::move(value);
  }

  absl::Status NotAFunction(const TemplateNode& command, const Final& final) {
    if (command.children.size() <= 1 && !final) return absl::OkStatus();
    return Fail(
        fmt::format("can't give argument to non-function {}", command.children[0]->String()));
  }

  Result Command(const Value& dot, const TemplateNode& command, const Final& final) {
    TRY(Step());
    const TemplateNode& first = *command.children[0];
    switch (first.kind) {
      case NodeKind::kField:
        At(first);
        return FieldChain(dot, dot, first.fields, 0, command, final);
      case NodeKind::kChain: {
        At(first);
        TRY_ASSIGN(const Value inner, ChainBase(dot, first));
        return FieldChain(dot, inner, first.fields, 0, command, final);
      }
      case NodeKind::kIdentifier:
        return Function(dot, first, command, command, final);
      case NodeKind::kPipe:
        TRY(NotAFunction(command, final));
        return Pipeline(dot, first);
      case NodeKind::kVariable:
        At(first);
        if (first.fields.size() == 1) {
          TRY(NotAFunction(command, final));
          return Find(first.fields[0]);
        }
        return FieldChain(dot, Find(first.fields[0]), first.fields, 1, command, final);
      default:
        break;
    }
    At(first);
    TRY(NotAFunction(command, final));
    return Constant(dot, first);
  }

  Result Constant(const Value& dot, const TemplateNode& node) {
    switch (node.kind) {
      case NodeKind::kBool:
        return Value(node.boolean);
      case NodeKind::kDot:
        return dot;
      case NodeKind::kNil:
        return Fail("nil is not a command");
      case NodeKind::kNumber:
        return Number(node);
      case NodeKind::kString:
        return Value(node.value);
      default:
        return Fail("can't evaluate command " + model::QuoteGo(node.String()));
    }
  }

  // 1 is an int, 1.0 and 1e3 are floats, 0x10 is an int.
  static Value Number(const TemplateNode& node) {
    const bool hex = node.text.size() > 2 && node.text[0] == '0' &&
                     (node.text[1] == 'x' || node.text[1] == 'X') &&
                     node.text.find_first_of("pP") == std::string::npos;
    const bool character = node.text.starts_with('\'');
    if (!hex && !character && node.text.find_first_of(".eEpP") != std::string::npos) {
      return Value(node.real);
    }
    return Value(node.integer);
  }

  Result ChainBase(const Value& dot, const TemplateNode& chain) {
    if (chain.children[0]->kind == NodeKind::kNil) {
      return Fail("indirection through explicit nil in " + chain.String());
    }
    return Argument(dot, std::nullopt, *chain.children[0]);
  }

  // fields[from…] of `receiver`; the last one may be a method that takes the command's arguments.
  Result FieldChain(const Value& dot, Value receiver, const std::vector<std::string>& fields,
                    size_t from, const TemplateNode& command, const Final& final) {
    for (size_t i = from; i + 1 < fields.size(); ++i) {
      TRY_ASSIGN(receiver, Field(dot, receiver, fields[i], nullptr, std::nullopt));
    }
    return Field(dot, receiver, fields.back(), &command, final);
  }

  // `command` is null within a chain, where nothing takes arguments.
  Result Field(const Value& dot, const Value& receiver, const std::string& name,
               const TemplateNode* command, const Final& final) {
    if (!receiver.valid()) return Value();  // missingkey=zero
    if (const TemplateFunction* method = FindMethod(receiver, name)) {
      return Call(dot, *method, command, name, final, &receiver);
    }
    const bool has_args = (command != nullptr && command->children.size() > 1) || final;
    const auto refuse = [&] {
      return Fail(fmt::format("{} has arguments but cannot be invoked as function", name));
    };
    if (const auto* labels = receiver.As<std::shared_ptr<const LabelMap>>()) {
      if (has_args) return Fail(fmt::format("{} is not a method but has arguments", name));
      const auto found = (*labels)->find(name);
      return Value(found == (*labels)->end() ? std::string() : found->second);
    }
    if (const auto* map = receiver.As<std::shared_ptr<const AnyMap>>()) {
      if (has_args) return Fail(fmt::format("{} is not a method but has arguments", name));
      const auto found = (*map)->find(name);
      return found == (*map)->end() ? Value() : found->second;
    }
    if (const auto* sample = receiver.As<std::shared_ptr<const TemplateSample>>()) {
      const bool labels = name == "Labels";
      if (labels || name == "Value") {
        if (has_args) return refuse();
        if (labels) return Value(std::make_shared<const LabelMap>((*sample)->labels));
        return ValueOf((*sample)->value, (*sample)->histogram);
      }
    }
    if (const auto* data = receiver.As<std::shared_ptr<const AlertData>>()) {
      if (has_args) return refuse();
      if (name == "Labels") return Value(std::make_shared<const LabelMap>((*data)->labels));
      if (name == "ExternalLabels") {
        return Value(std::make_shared<const LabelMap>((*data)->external_labels));
      }
      if (name == "ExternalURL") return Value((*data)->external_url);
      if (name == "Value") return ValueOf((*data)->value, (*data)->histogram);
    }
    return Fail(fmt::format("can't evaluate field {} in type {}", name, receiver.TypeName()));
  }

  static Value ValueOf(double value, const std::string& histogram) {
    return histogram.empty() ? Value(value) : Value(HistogramText{histogram});
  }

  Result Function(const Value& dot, const TemplateNode& identifier, const TemplateNode& at,
                  const TemplateNode& command, const Final& final) {
    At(identifier);
    const std::string& name = identifier.text;
    if (name == "and" || name == "or") return AndOr(dot, name == "and", at, command, final);
    const TemplateFunction* function = FindTemplateFunction(name);
    if (function == nullptr) return Fail(fmt::format("{} is not a defined function", name));
    return Call(dot, *function, &command, name, final, nullptr);
  }

  // Evaluates only as many arguments as needed.
  Result AndOr(const Value& dot, bool is_and, const TemplateNode& at, const TemplateNode& command,
               const Final& final) {
    if (command.children.size() < 2 && !final) {
      At(at);
      return Fail(
          fmt::format("wrong number of args for {}: want at least 1 got 0", is_and ? "and" : "or"));
    }
    Value value;
    for (size_t i = 1; i < command.children.size(); ++i) {
      TRY_ASSIGN(value, Argument(dot, ArgType::kAny, *command.children[i]));
      if (value.truth() != is_and) return value;
    }
    return final ? *final : value;
  }

  // `receiver` is set for methods; it becomes the first argument of the call.
  Result Call(const Value& dot, const TemplateFunction& function, const TemplateNode* command,
              const std::string& name, const Final& final, const Value* receiver) {
    const FunctionSignature& signature = function.signature;
    const size_t given = command == nullptr ? 0 : command->children.size() - 1;
    const size_t total = given + (final ? 1 : 0);
    const size_t wanted = signature.args.size();
    if (signature.variadic ? total + 1 < wanted : total != wanted) {
      if (command != nullptr) At(*command->children[0]);
      return Fail(
          signature.variadic
              ? fmt::format("wrong number of args for {}: want at least {} got {}", name,
                            wanted - 1, total)
              : fmt::format("wrong number of args for {}: want {} got {}", name, wanted, total));
    }
    const auto type_at = [&](size_t i) {
      return i < wanted ? signature.args[i] : signature.args[wanted - 1];
    };
    std::vector<Value> args;
    if (receiver != nullptr) args.push_back(*receiver);
    for (size_t i = 0; i < given; ++i) {
      TRY_ASSIGN(Value arg, Argument(dot, type_at(i), *command->children[i + 1]));
      args.push_back(std::move(arg));
    }
    if (final) {
      TRY_ASSIGN(Value arg, Validated(*final, type_at(total - 1)));
      args.push_back(std::move(arg));
    }
    Result result = function.call(args, &context_);
    if (result.ok()) return result;
    if (command != nullptr) At(*command);
    return Fail(fmt::format("error calling {}: {}", name, Message(result.status())));
  }

  // `type` is nullopt where nothing is known, as for the base of a chain.
  Result Argument(const Value& dot, std::optional<ArgType> type, const TemplateNode& node) {
    At(node);
    TRY(Step());
    const ArgType wanted = type.value_or(ArgType::kAny);
    Result value = Value();
    switch (node.kind) {
      case NodeKind::kDot:
        return Validated(dot, wanted);
      case NodeKind::kNil:
        if (wanted == ArgType::kAny || wanted == ArgType::kSample || wanted == ArgType::kSamples) {
          return Value();
        }
        return Fail(fmt::format("cannot assign nil to {}", GoName(wanted)));
      case NodeKind::kField:
        value = FieldChain(dot, dot, node.fields, 0, Alone(node), std::nullopt);
        break;
      case NodeKind::kVariable:
        value = node.fields.size() == 1 ? Result(Find(node.fields[0]))
                                        : FieldChain(dot, Find(node.fields[0]), node.fields, 1,
                                                     Alone(node), std::nullopt);
        break;
      case NodeKind::kPipe:
        value = Pipeline(dot, node);
        break;
      case NodeKind::kIdentifier:
        value = Function(dot, node, node, Alone(node), std::nullopt);
        break;
      case NodeKind::kChain: {
        TRY_ASSIGN(const Value inner, ChainBase(dot, node));
        value = FieldChain(dot, inner, node.fields, 0, Alone(node), std::nullopt);
        break;
      }
      default:
        return Literal(wanted, node);
    }
    TRY(value.status());
    return Validated(*value, wanted);
  }

  // A command of that one word: errors are reported at the word.
  const TemplateNode& Alone(const TemplateNode& node) {
    // Only children.size() and positions are looked at; see Call and Field.
    for (const auto& [word, known] : alone_) {
      if (word == &node) return *known;
    }
    auto command = std::make_unique<TemplateNode>(NodeKind::kCommand, node.position);
    // Printed as it stands, whatever its kind.
    auto shown = std::make_unique<TemplateNode>(NodeKind::kText, node.position);
    shown->text = node.String();
    command->children.push_back(std::move(shown));
    alone_.emplace_back(&node, std::move(command));
    return *alone_.back().second;
  }

  Result Literal(ArgType wanted, const TemplateNode& node) {
    switch (wanted) {
      case ArgType::kAny:
        return Constant(Value(), node);
      case ArgType::kString:
        if (node.kind == NodeKind::kString) return Value(node.value);
        return Fail("expected string; found " + node.String());
      case ArgType::kInt:
        if (node.kind == NodeKind::kNumber && node.is_int) return Value(node.integer);
        return Fail("expected integer; found " + node.String());
      case ArgType::kDuration:
        if (node.kind == NodeKind::kNumber && node.is_int) {
          return Value(DurationValue{node.integer});
        }
        return Fail("expected integer; found " + node.String());
      default:
        return Fail(
            fmt::format("can't handle {} for arg of type {}", node.String(), GoName(wanted)));
    }
  }

  // validateType of exec.go.
  Result Validated(const Value& value, ArgType wanted) {
    if (!value.valid()) {
      if (wanted == ArgType::kAny || wanted == ArgType::kSample || wanted == ArgType::kSamples) {
        return Value();
      }
      return Fail(fmt::format("invalid value; expected {}", GoName(wanted)));
    }
    bool fits = true;
    switch (wanted) {
      case ArgType::kAny:
        break;
      case ArgType::kString:
        fits = value.As<std::string>() != nullptr;
        break;
      case ArgType::kInt:
        fits = value.As<int64_t>() != nullptr;
        break;
      case ArgType::kDuration:
        fits = value.As<DurationValue>() != nullptr;
        break;
      case ArgType::kTime:
        fits = value.As<TimeValue>() != nullptr;
        break;
      case ArgType::kSample:
        fits = value.As<std::shared_ptr<const TemplateSample>>() != nullptr;
        break;
      case ArgType::kSamples:
        fits = value.As<std::shared_ptr<const SampleList>>() != nullptr;
        break;
    }
    if (fits) return value;
    return Fail(
        fmt::format("wrong type for value; expected {}; got {}", GoName(wanted), value.TypeName()));
  }

  const TemplateTree& tree_;
  const TemplateEnvironment& environment_;
  FunctionContext context_;
  std::string name_;  // of the template that runs
  std::string out_;
  std::vector<Variable> variables_;
  std::vector<std::pair<const TemplateNode*, NodePtr>> alone_;
  const TemplateNode* node_ = nullptr;
  size_t steps_ = 0;
  int depth_ = 0;
};

// As rules/alerting.go puts before every text.
constexpr std::string_view kAlertVariables =
    "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}"
    "{{$externalURL := .ExternalURL}}{{$value := .Value}}";

}  // namespace

absl::StatusOr<AlertTemplate> AlertTemplate::Parse(std::string_view alert_name,
                                                   std::string_view text) {
  AlertTemplate result;
  if (text.find("{{") == std::string_view::npos) {
    result.plain_ = text;
    return result;
  }
  std::string whole(kAlertVariables);
  whole += text;
  TRY_ASSIGN(TemplateTree tree, ParseTemplateTree("__alert_" + std::string(alert_name), whole));
  result.tree_ = std::make_shared<const TemplateTree>(std::move(tree));
  return result;
}

absl::StatusOr<std::string> AlertTemplate::Expand(const AlertData& data,
                                                  const TemplateEnvironment& environment) const {
  if (tree_ == nullptr) return plain_;
  Interpreter interpreter(*tree_, environment);
  auto text = interpreter.Run(Value(std::make_shared<const AlertData>(data)));
  if (text.ok()) return text;
  return Annotate(text.status(), "error executing template " + tree_->name);
}

absl::StatusOr<std::string> ExpandTemplate(std::string_view name, std::string_view text,
                                           const TemplateValue& dot,
                                           const TemplateEnvironment& environment) {
  auto tree = ParseTemplateTree(name, text);
  if (!tree.ok()) {
    return Annotate(tree.status(), "error parsing template " + std::string(name));
  }
  auto result = Interpreter(*tree, environment).Run(dot);
  if (result.ok()) return result;
  return Annotate(result.status(), "error executing template " + std::string(name));
}

}  // namespace hearth::rules
