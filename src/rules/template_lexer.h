// SPDX-License-Identifier: Apache-2.0
// Text of a Go template (text/template/parse of Go 1.25) to tokens: plain text, and within {{ }}
// words, fields, variables, literals, with white space kept as tokens of its own, because there
// `a .b` and `a.b` differ. Pure function, thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::rules {

enum class TemplateTokenType {
  kError,  // text is the message; the last token
  kBool,
  kChar,  // a printable character that is no other token: a comma
  kCharConstant,
  kAssign,   // =
  kDeclare,  // :=
  kEof,
  kField,       // .Name
  kIdentifier,  // a function's name
  kLeftDelim,
  kLeftParen,
  kNumber,
  kPipe,
  kRawString,
  kRightDelim,
  kRightParen,
  kSpace,
  kString,
  kText,
  kVariable,  // $ or $name
  kKeyword,   // marks what follows as keywords, as in Go
  kBlock,
  kBreak,
  kContinue,
  kDot,
  kDefine,
  kElse,
  kEnd,
  kIf,
  kNil,
  kRange,
  kTemplate,
  kWith,
};

struct TemplateToken {
  TemplateTokenType type = TemplateTokenType::kEof;
  size_t position = 0;  // byte of the text
  int line = 1;
  std::string text;
  // As error messages name it: `"foo"`, `<end>`, `EOF`, or the error itself.
  std::string Describe() const;
};

// Ends with kEof or kError.
std::vector<TemplateToken> LexTemplate(std::string_view text);

}  // namespace hearth::rules
