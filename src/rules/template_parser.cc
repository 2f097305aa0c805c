// SPDX-License-Identifier: Apache-2.0
#include <absl/strings/numbers.h>
#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "base/status.h"
#include "codec/go_float.h"
#include "model/labels.h"
#include "promql/parser.h"
#include "rules/template_functions.h"
#include "rules/template_lexer.h"
#include "rules/template_node.h"

namespace hearth::rules {
namespace {

using Type = TemplateTokenType;

// Nested parentheses and blocks: each costs a stack frame here and when the template runs.
constexpr int kDepthMax = 100;

NodePtr MakeNode(NodeKind kind, size_t position) {
  return std::make_unique<TemplateNode>(kind, position);
}

bool StripUnderscores(std::string_view text, std::string* out) {
  // Go allows _ only with a base prefix, or as digit separator between digits (base 0).
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      *out += text[i];
      continue;
    }
    const bool between = i > 0 && i + 1 < text.size() && std::isxdigit(text[i - 1]) != 0 &&
                         std::isxdigit(text[i + 1]) != 0;
    if (!between) return false;
  }
  return true;
}

// Go's strconv.ParseInt(text, 0, 64), sign included.
bool ParseGoInt(std::string_view text, int64_t* value) {
  std::string plain;
  if (!StripUnderscores(text, &plain)) return false;
  const bool negative = plain.starts_with('-');
  if (negative || plain.starts_with('+')) plain.erase(0, 1);
  int base = 10;
  if (plain.size() > 1 && plain[0] == '0') {
    const char mark = static_cast<char>(std::tolower(plain[1]));
    base = mark == 'x' ? 16 : mark == 'b' ? 2 : 8;
    plain.erase(0, mark == 'x' || mark == 'b' || mark == 'o' ? 2 : 1);
  }
  if (plain.empty() || std::isxdigit(plain[0]) == 0) return false;
  errno = 0;
  char* end = nullptr;
  const unsigned long long magnitude = std::strtoull(plain.c_str(), &end, base);
  if (errno != 0 || *end != '\0') return false;
  const auto limit = static_cast<unsigned long long>(std::numeric_limits<int64_t>::max());
  if (magnitude > limit + (negative ? 1 : 0)) return false;
  *value = negative ? static_cast<int64_t>(0 - magnitude) : static_cast<int64_t>(magnitude);
  return true;
}

bool ParseNumberNode(TemplateNode* node) {
  node->is_int = ParseGoInt(node->text, &node->integer);
  if (node->is_int) {
    node->is_float = true;
    node->real = static_cast<double>(node->integer);
    return true;
  }
  std::string plain;
  if (!StripUnderscores(node->text, &plain)) return false;
  if (plain.find_first_of("xXpP") != std::string::npos) {
    if (plain.find_first_of("pP") == std::string::npos) return false;
    char* end = nullptr;
    node->real = std::strtod(plain.c_str(), &end);
    node->is_float = *end == '\0';
  } else {
    // A whole number that overflows is no float, as in Go.
    if (plain.find_first_of(".eE") == std::string::npos) return false;
    node->is_float = codec::ParseGoFloat(plain, &node->real);
  }
  if (!node->is_float) return false;
  // 1e3 and 4.0 are fine where a whole number is wanted.
  constexpr double kBound = 9.2e18;
  if (std::abs(node->real) < kBound && std::trunc(node->real) == node->real) {
    node->is_int = true;
    node->integer = static_cast<int64_t>(node->real);
  }
  return true;
}

// A character constant's code point; false where it is malformed.
bool ParseCharConstant(std::string_view text, int64_t* value) {
  const auto body = promql::Unquote(text);
  if (!body.ok() || body->empty()) return false;
  const auto lead = static_cast<unsigned char>((*body)[0]);
  const size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (body->size() != size) return false;
  uint32_t code = size == 1 ? lead : lead & (0xffU >> (size + 1));
  for (size_t i = 1; i < size; ++i) {
    code = (code << 6) | (static_cast<unsigned char>((*body)[i]) & 0x3fU);
  }
  *value = code;
  return true;
}

class Parser {
 public:
  Parser(std::string_view name, std::string_view text)
      : name_(name), tokens_(LexTemplate(text)), text_(text) {}

  absl::StatusOr<TemplateTree> Run() {
    TemplateTree tree;
    tree.name = name_;
    tree.text = text_;
    tree_ = &tree;
    tree.root = MakeNode(NodeKind::kList, 0);
    while (Peek().type != Type::kEof) {
      if (Peek().type == Type::kLeftDelim && PeekAfterDelim() == Type::kDefine) {
        Next();
        NextNonSpace();
        TRY(Definition());
        continue;
      }
      TRY_ASSIGN(NodePtr node, TextOrAction());
      if (node->kind == NodeKind::kList) {  // {{end}} or {{else}}
        return Fail("unexpected {" + node->text + "}");
      }
      tree.root->children.push_back(std::move(node));
    }
    return tree;
  }

 private:
  const TemplateToken& Peek() const { return tokens_[std::min(at_, tokens_.size() - 1)]; }
  const TemplateToken& Next() {
    const TemplateToken& token = Peek();
    if (at_ < tokens_.size()) ++at_;
    return token;
  }
  void SkipSpaces() {
    while (Peek().type == Type::kSpace) ++at_;
  }
  const TemplateToken& PeekNonSpace() {
    SkipSpaces();
    return Peek();
  }
  const TemplateToken& NextNonSpace() {
    SkipSpaces();
    return Next();
  }
  Type PeekAfterDelim() const {
    size_t at = at_ + 1;
    while (at < tokens_.size() && tokens_[at].type == Type::kSpace) ++at;
    return at < tokens_.size() ? tokens_[at].type : Type::kEof;
  }
  int Line() const { return tokens_[std::min(at_ > 0 ? at_ - 1 : 0, tokens_.size() - 1)].line; }

  absl::Status Fail(std::string_view what) const {
    return InvalidArgument("template: {}:{}: {}", name_, Line(), what);
  }
  absl::Status Unexpected(const TemplateToken& token, std::string_view context) const {
    if (token.type != Type::kError) {
      return Fail(fmt::format("unexpected {} in {}", token.Describe(), context));
    }
    std::string extra;
    if (action_line_ != 0 && action_line_ != token.line) {
      const bool is_action = token.text.ends_with(" action");
      extra =
          fmt::format("{} started at {}:{}", is_action ? "" : " in action", name_, action_line_);
    }
    return InvalidArgument("template: {}:{}: {}{}", name_, token.line, token.text, extra);
  }
  absl::Status Expect(Type type, std::string_view context) {
    const TemplateToken& token = NextNonSpace();
    return token.type == type ? absl::OkStatus() : Unexpected(token, context);
  }

  absl::StatusOr<NodePtr> TextOrAction() {
    const TemplateToken& token = NextNonSpace();
    if (token.type == Type::kText) {
      NodePtr node = MakeNode(NodeKind::kText, token.position);
      node->text = token.text;
      return node;
    }
    if (token.type != Type::kLeftDelim) return Unexpected(token, "input");
    action_line_ = token.line;
    auto node = Action();
    action_line_ = 0;
    return node;
  }

  // {{end}} and {{else}} come back as kList nodes whose text is "end" or "else" (in doubled
  // braces, for messages); the pipeline of an `else if` is still to be read then.
  absl::StatusOr<NodePtr> Action() {
    const TemplateToken& token = NextNonSpace();
    switch (token.type) {
      case Type::kBlock:
        return Block();
      case Type::kBreak:
        return LoopControl(NodeKind::kBreak, "break");
      case Type::kContinue:
        return LoopControl(NodeKind::kContinue, "continue");
      case Type::kElse: {
        const Type next = PeekNonSpace().type;
        NodePtr node = MakeNode(NodeKind::kList, token.position);
        node->text = "{else}";
        if (next != Type::kIf && next != Type::kWith) TRY(Expect(Type::kRightDelim, "else"));
        return node;
      }
      case Type::kEnd: {
        NodePtr node = MakeNode(NodeKind::kList, token.position);
        node->text = "{end}";
        TRY(Expect(Type::kRightDelim, "end"));
        return node;
      }
      case Type::kIf:
        return Control(NodeKind::kIf, "if");
      case Type::kRange:
        return Control(NodeKind::kRange, "range");
      case Type::kWith:
        return Control(NodeKind::kWith, "with");
      case Type::kTemplate:
        return TemplateCall();
      default:
        break;
    }
    --at_;
    const size_t position = Peek().position;
    NodePtr node = MakeNode(NodeKind::kAction, position);
    TRY_ASSIGN(node->pipe, Pipeline("command", Type::kRightDelim));
    return node;
  }

  absl::StatusOr<NodePtr> LoopControl(NodeKind kind, std::string_view word) {
    const size_t position = Peek().position;
    if (const TemplateToken& token = NextNonSpace(); token.type != Type::kRightDelim) {
      return Unexpected(token, fmt::format("{{{{{}}}}}", word));
    }
    if (range_depth_ == 0) return Fail(fmt::format("{{{{{}}}}} outside {{{{range}}}}", word));
    return MakeNode(kind, position);
  }

  // Up to {{end}} or {{else}}, which says how it ended.
  absl::StatusOr<NodePtr> ItemList(std::string* ended_by) {
    NodePtr list = MakeNode(NodeKind::kList, PeekNonSpace().position);
    while (PeekNonSpace().type != Type::kEof) {
      TRY_ASSIGN(NodePtr node, TextOrAction());
      if (node->kind == NodeKind::kList) {
        *ended_by = node->text;
        return list;
      }
      list->children.push_back(std::move(node));
    }
    Next();
    return Fail("unexpected EOF");
  }

  absl::StatusOr<NodePtr> Control(NodeKind kind, std::string_view context) {
    if (++depth_ > kDepthMax) return Fail("blocks are nested too deeply");
    const size_t variables = variables_.size();
    NodePtr node = MakeNode(kind, PeekNonSpace().position);
    TRY_ASSIGN(node->pipe, Pipeline(context, Type::kRightDelim));
    if (kind == NodeKind::kRange) ++range_depth_;
    std::string ended_by;
    TRY_ASSIGN(node->list, ItemList(&ended_by));
    if (kind == NodeKind::kRange) --range_depth_;
    if (ended_by == "{else}") {
      // `else if` and `else with` are an else with a block of its own, which takes the {{end}}.
      const Type next = PeekNonSpace().type;
      const bool nested = (kind == NodeKind::kIf && next == Type::kIf) ||
                          (kind == NodeKind::kWith && next == Type::kWith);
      if (nested) {
        const TemplateToken& word = NextNonSpace();
        node->else_list = MakeNode(NodeKind::kList, word.position);
        TRY_ASSIGN(NodePtr inner, Control(kind, context));
        node->else_list->children.push_back(std::move(inner));
      } else {
        if (next == Type::kIf || next == Type::kWith) return Unexpected(Next(), "else");
        TRY_ASSIGN(node->else_list, ItemList(&ended_by));
        if (ended_by != "{end}") return Fail(fmt::format("expected end; found {{{}}}", ended_by));
      }
    }
    variables_.resize(variables);
    --depth_;
    return node;
  }

  absl::Status CheckTemplateName(const TemplateToken& token, std::string_view context,
                                 std::string* name) const {
    if (token.type != Type::kString && token.type != Type::kRawString) {
      return Unexpected(token, context);
    }
    const auto unquoted = promql::Unquote(token.text);
    if (!unquoted.ok()) return Fail("invalid syntax");
    *name = *unquoted;
    return absl::OkStatus();
  }

  absl::StatusOr<NodePtr> TemplateCall() {
    NodePtr node = MakeNode(NodeKind::kTemplate, PeekNonSpace().position);
    TRY(CheckTemplateName(NextNonSpace(), "template clause", &node->text));
    if (PeekNonSpace().type == Type::kRightDelim) {
      Next();
      return node;
    }
    TRY_ASSIGN(node->pipe, Pipeline("template clause", Type::kRightDelim));
    return node;
  }

  absl::StatusOr<NodePtr> Block() {
    if (++depth_ > kDepthMax) return Fail("blocks are nested too deeply");
    NodePtr node = MakeNode(NodeKind::kTemplate, PeekNonSpace().position);
    TRY(CheckTemplateName(NextNonSpace(), "block clause", &node->text));
    TRY_ASSIGN(node->pipe, Pipeline("block clause", Type::kRightDelim));
    TRY(Body(node->text, "block clause"));
    --depth_;
    return node;
  }

  absl::Status Definition() {
    std::string name;
    TRY(CheckTemplateName(NextNonSpace(), "define clause", &name));
    TRY(Expect(Type::kRightDelim, "define clause"));
    return Body(name, "define clause");
  }

  // A template of its own: it sees no variables but $.
  absl::Status Body(const std::string& name, std::string_view context) {
    std::vector<std::string> outer{"$"};
    outer.swap(variables_);
    const int ranges = std::exchange(range_depth_, 0);
    std::string ended_by;
    TRY_ASSIGN(NodePtr list, ItemList(&ended_by));
    if (ended_by != "{end}") return Fail(fmt::format("unexpected {{{}}} in {}", ended_by, context));
    tree_->templates.insert_or_assign(name, std::move(list));
    variables_.swap(outer);
    range_depth_ = ranges;
    return absl::OkStatus();
  }

  // `$x :=`, `$x =`, `$i, $x :=` before a pipeline. Leaves the tokens where there is none.
  absl::Status Declarations(std::string_view context, TemplateNode* pipe) {
    while (PeekNonSpace().type == Type::kVariable) {
      const size_t before = at_;
      const TemplateToken& variable = Next();
      const TemplateToken& next = PeekNonSpace();
      const bool comma = next.type == Type::kChar && next.text == ",";
      if (next.type != Type::kAssign && next.type != Type::kDeclare && !comma) {
        at_ = before;
        return absl::OkStatus();
      }
      pipe->assigns = next.type == Type::kAssign;
      Next();
      NodePtr node = MakeNode(NodeKind::kVariable, variable.position);
      node->fields.push_back(variable.text);
      pipe->declared.push_back(std::move(node));
      variables_.push_back(variable.text);
      if (!comma) return absl::OkStatus();
      if (context != "range" || pipe->declared.size() >= 2) {
        return Fail(fmt::format("too many declarations in {}", context));
      }
      const Type after = PeekNonSpace().type;
      if (after != Type::kVariable && after != Type::kRightDelim && after != Type::kRightParen) {
        return Fail("range can only initialize variables");
      }
    }
    return absl::OkStatus();
  }

  absl::StatusOr<NodePtr> Pipeline(std::string_view context, Type end) {
    if (++depth_ > kDepthMax) return Fail("expression is nested too deeply");
    NodePtr pipe = MakeNode(NodeKind::kPipe, PeekNonSpace().position);
    TRY(Declarations(context, pipe.get()));
    for (;;) {
      const TemplateToken& token = NextNonSpace();
      if (token.type == end) break;
      switch (token.type) {
        case Type::kBool:
        case Type::kCharConstant:
        case Type::kDot:
        case Type::kField:
        case Type::kIdentifier:
        case Type::kNumber:
        case Type::kNil:
        case Type::kRawString:
        case Type::kString:
        case Type::kVariable:
        case Type::kLeftParen: {
          --at_;
          TRY_ASSIGN(NodePtr command, Command());
          pipe->children.push_back(std::move(command));
          break;
        }
        default:
          return Unexpected(token, context);
      }
    }
    TRY(CheckPipeline(*pipe, context));
    --depth_;
    return pipe;
  }

  absl::Status CheckPipeline(const TemplateNode& pipe, std::string_view context) const {
    if (pipe.children.empty()) return Fail(fmt::format("missing value for {}", context));
    for (size_t i = 1; i < pipe.children.size(); ++i) {
      switch (pipe.children[i]->children[0]->kind) {
        case NodeKind::kBool:
        case NodeKind::kDot:
        case NodeKind::kNil:
        case NodeKind::kNumber:
        case NodeKind::kString:
          return Fail(fmt::format("non executable command in pipeline stage {}", i + 1));
        default:
          break;
      }
    }
    return absl::OkStatus();
  }

  absl::StatusOr<NodePtr> Command() {
    NodePtr command = MakeNode(NodeKind::kCommand, PeekNonSpace().position);
    for (;;) {
      SkipSpaces();
      TRY_ASSIGN(NodePtr operand, Operand());
      if (operand != nullptr) command->children.push_back(std::move(operand));
      const TemplateToken& token = Next();
      if (token.type == Type::kSpace) continue;
      if (token.type == Type::kRightDelim || token.type == Type::kRightParen) {
        --at_;
      } else if (token.type != Type::kPipe) {
        return Unexpected(token, "operand");
      }
      break;
    }
    if (command->children.empty()) return Fail("empty command");
    return command;
  }

  absl::StatusOr<NodePtr> Operand() {
    TRY_ASSIGN(NodePtr node, Term());
    if (node == nullptr || Peek().type != Type::kField) return node;
    const size_t position = Peek().position;
    std::vector<std::string> fields;
    while (Peek().type == Type::kField) fields.push_back(Next().text.substr(1));
    switch (node->kind) {
      case NodeKind::kField:
      case NodeKind::kVariable: {
        NodePtr merged = MakeNode(node->kind, position);
        merged->fields = std::move(node->fields);
        merged->fields.insert(merged->fields.end(), fields.begin(), fields.end());
        return merged;
      }
      case NodeKind::kBool:
      case NodeKind::kString:
      case NodeKind::kNumber:
      case NodeKind::kNil:
      case NodeKind::kDot:
        return Fail(fmt::format("unexpected . after term {}", model::QuoteGo(node->String())));
      default: {
        NodePtr chain = MakeNode(NodeKind::kChain, position);
        chain->fields = std::move(fields);
        chain->children.push_back(std::move(node));
        return chain;
      }
    }
  }

  // Null where no term begins here.
  absl::StatusOr<NodePtr> Term() {
    const TemplateToken& token = NextNonSpace();
    const auto literal = [&token](NodeKind kind) {
      NodePtr node = MakeNode(kind, token.position);
      node->text = token.text;
      return node;
    };
    switch (token.type) {
      case Type::kIdentifier:
        if (!IsTemplateFunction(token.text)) {
          return Fail(fmt::format("function \"{}\" not defined", token.text));
        }
        return literal(NodeKind::kIdentifier);
      case Type::kDot:
        return literal(NodeKind::kDot);
      case Type::kNil:
        return literal(NodeKind::kNil);
      case Type::kVariable: {
        if (std::find(variables_.begin(), variables_.end(), token.text) == variables_.end()) {
          return Fail(fmt::format("undefined variable \"{}\"", token.text));
        }
        NodePtr node = MakeNode(NodeKind::kVariable, token.position);
        node->fields.push_back(token.text);
        return node;
      }
      case Type::kField: {
        NodePtr node = MakeNode(NodeKind::kField, token.position);
        node->fields.push_back(token.text.substr(1));
        return node;
      }
      case Type::kBool: {
        NodePtr node = literal(NodeKind::kBool);
        node->boolean = token.text == "true";
        return node;
      }
      case Type::kCharConstant:
      case Type::kNumber:
        return NumberTerm(token, literal(NodeKind::kNumber));
      case Type::kLeftParen:
        return Pipeline("parenthesized pipeline", Type::kRightParen);
      case Type::kString:
      case Type::kRawString: {
        NodePtr node = literal(NodeKind::kString);
        const auto unquoted = promql::Unquote(token.text);
        if (!unquoted.ok()) return Fail("invalid syntax");
        node->value = *unquoted;
        return node;
      }
      default:
        --at_;
        return NodePtr();
    }
  }

  absl::StatusOr<NodePtr> NumberTerm(const TemplateToken& token, NodePtr node) const {
    if (token.type == Type::kCharConstant) {
      if (!ParseCharConstant(token.text, &node->integer)) {
        return Fail(fmt::format("malformed character constant: {}", token.text));
      }
      node->is_int = node->is_float = true;
      node->real = static_cast<double>(node->integer);
      return node;
    }
    if (!ParseNumberNode(node.get())) {
      return Fail(fmt::format("illegal number syntax: {}", model::QuoteGo(token.text)));
    }
    return node;
  }

  const std::string name_;
  const std::vector<TemplateToken> tokens_;
  const std::string text_;
  TemplateTree* tree_ = nullptr;
  size_t at_ = 0;
  int action_line_ = 0;
  int range_depth_ = 0;
  int depth_ = 0;
  std::vector<std::string> variables_{"$"};
};

std::string Joined(const std::vector<NodePtr>& nodes, std::string_view separator) {
  std::string out;
  for (const NodePtr& node : nodes) {
    if (!out.empty()) out += separator;
    out += node->kind == NodeKind::kPipe ? "(" + node->String() + ")" : node->String();
  }
  return out;
}

std::string Dotted(const std::vector<std::string>& fields) {
  std::string out;
  for (const std::string& field : fields) out += "." + field;
  return out;
}

}  // namespace

std::string TemplateNode::String() const {
  switch (kind) {
    case NodeKind::kPipe: {
      const std::string names = Joined(declared, ", ");
      return (names.empty() ? "" : names + (assigns ? " = " : " := ")) + Joined(children, " | ");
    }
    case NodeKind::kCommand:
      return Joined(children, " ");
    case NodeKind::kField:
      return Dotted(fields);
    case NodeKind::kVariable: {
      const std::string rest = Dotted(fields);
      return rest.substr(1);
    }
    case NodeKind::kChain: {
      const TemplateNode& inner = *children[0];
      return (inner.kind == NodeKind::kPipe ? "(" + inner.String() + ")" : inner.String()) +
             Dotted(fields);
    }
    case NodeKind::kDot:
      return ".";
    case NodeKind::kNil:
      return "nil";
    case NodeKind::kAction:
      return "{{" + pipe->String() + "}}";
    case NodeKind::kTemplate:
      return "{{template " + model::QuoteGo(text) + (pipe ? " " + pipe->String() : "") + "}}";
    case NodeKind::kBreak:
      return "{{break}}";
    case NodeKind::kContinue:
      return "{{continue}}";
    case NodeKind::kList:
      return Joined(children, "");
    case NodeKind::kIf:
    case NodeKind::kRange:
    case NodeKind::kWith: {
      const std::string word = kind == NodeKind::kIf      ? "if"
                               : kind == NodeKind::kRange ? "range"
                                                          : "with";
      return "{{" + word + " " + pipe->String() + "}}" + list->String() +
             (else_list ? "{{else}}" + else_list->String() : "") + "{{end}}";
    }
    default:
      return text;
  }
}

absl::StatusOr<TemplateTree> ParseTemplateTree(std::string_view name, std::string_view text) {
  return Parser(name, text).Run();
}

}  // namespace hearth::rules
