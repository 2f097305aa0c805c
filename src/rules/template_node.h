// SPDX-License-Identifier: Apache-2.0
// Syntax trees of Go templates, as text/template/parse makes them: positions and printed forms are
// the same, because error messages show them.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/string_map.h"

namespace hearth::rules {

enum class NodeKind {
  kText,
  kAction,
  kIf,
  kRange,
  kWith,
  kTemplate,
  kBreak,
  kContinue,
  kList,
  // Within actions.
  kPipe,
  kCommand,
  kIdentifier,
  kField,     // .a.b: fields
  kVariable,  // $x.a.b: fields[0] is "$x"
  kChain,     // (pipe).a.b: children[0], fields
  kDot,
  kNil,
  kBool,
  kNumber,
  kString,
};

struct TemplateNode;
using NodePtr = std::unique_ptr<TemplateNode>;

struct TemplateNode {
  TemplateNode(NodeKind k, size_t at) : kind(k), position(at) {}
  const NodeKind kind;
  const size_t position;            // byte of the text
  std::string text;                 // kText; identifier; literal as written; template's name
  std::vector<std::string> fields;  // kField, kVariable, kChain; without dots
  std::vector<NodePtr> children;    // list's nodes, pipe's commands, command's words
  std::vector<NodePtr> declared;    // kPipe: variables
  bool assigns = false;             // kPipe: = and not :=
  NodePtr pipe;                     // kAction, kIf, kRange, kWith, kTemplate (may be null)
  NodePtr list;                     // what runs
  NodePtr else_list;                // may be null
  bool boolean = false;
  bool is_int = false;
  bool is_float = false;
  int64_t integer = 0;
  double real = 0;
  std::string value;  // kString, unquoted

  // As Go's Node.String(): what error messages show after "at".
  std::string String() const;
};

// One text with everything that it defines.
struct TemplateTree {
  std::string name;
  std::string text;
  NodePtr root;                  // kList
  StringMap<NodePtr> templates;  // {{define}} and {{block}}, by name
};

// Errors are Go's: `template: NAME:LINE: function "x" not defined`.
absl::StatusOr<TemplateTree> ParseTemplateTree(std::string_view name, std::string_view text);

}  // namespace hearth::rules
