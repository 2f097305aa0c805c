// SPDX-License-Identifier: Apache-2.0
// Syntax trees of PromQL (Prometheus 3.14, promql/parser/ast.go). Made by parser.h, printed by
// String(), evaluated by engine.h. A tree is a plain value owned by its root; const trees may be
// shared between threads.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/matcher.h"
#include "promql/token.h"

namespace hearth::promql {

// Bytes [start, end) of the query text.
struct PosRange {
  int32_t start = 0;
  int32_t end = 0;
  friend bool operator==(const PosRange&, const PosRange&) = default;
};
// "line:column" of `at` (both from 1, the column in bytes) as Prometheus prints positions.
std::string PositionText(std::string_view query, int32_t at);

enum class ValueType : uint8_t { kNone, kScalar, kVector, kMatrix, kString };
std::string_view Name(ValueType type);            // "scalar", "vector", "matrix", "string", "none"
std::string_view DocumentedName(ValueType type);  // "instant vector", "range vector", …

// A function's signature. All live in one constant table.
struct Function {
  std::string_view name;
  std::vector<ValueType> arg_types;
  int variadic = 0;  // 0: exact; n: up to n more than arg_types - 1; -1: any number
  ValueType return_type = ValueType::kVector;
  bool experimental = false;
};
const Function* FindFunction(std::string_view name);  // null where unknown
const std::vector<Function>& AllFunctions();          // sorted by name

struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

enum class ExprKind : uint8_t {
  kAggregate,
  kBinary,
  kCall,
  kMatrixSelector,
  kSubquery,
  kNumber,
  kParen,
  kString,
  kUnary,
  kVectorSelector,
  kDuration,
  kStepInvariant,
};

struct Expr {
  explicit Expr(ExprKind k) : kind(k) {}
  virtual ~Expr() = default;
  virtual ValueType type() const = 0;
  virtual PosRange pos() const = 0;
  virtual ExprPtr Clone() const = 0;
  // The canonical text, as upstream's printer writes it.
  std::string String() const;
  // The same over many lines where it is long, as upstream's format_query has it; `level` indents.
  std::string Pretty(int level = 0) const;
  // One line a node, children indented: for tests and for reading.
  std::string Dump() const;
  // Children in evaluation order; null ones are left out. Duration expressions are not children.
  std::vector<const Expr*> Children() const;
  const ExprKind kind;

 protected:
  Expr(const Expr&) = default;
};

// The concrete type behind a reference whose kind is known.
template <typename T>
const T& As(const Expr& expr) {
  return static_cast<const T&>(expr);
}
template <typename T>
T& As(Expr& expr) {
  return static_cast<T&>(expr);
}
// `expr` without any parentheses (and step-invariant marks) around it.
const Expr& Unwrap(const Expr& expr);

struct NumberLiteral : Expr {
  NumberLiteral() : Expr(ExprKind::kNumber) {}
  ValueType type() const override { return ValueType::kScalar; }
  PosRange pos() const override { return range; }
  ExprPtr Clone() const override;
  double value = 0;
  bool duration = false;  // written as 5m: printed as a duration
  PosRange range;
};

struct StringLiteral : Expr {
  StringLiteral() : Expr(ExprKind::kString) {}
  ValueType type() const override { return ValueType::kString; }
  PosRange pos() const override { return range; }
  ExprPtr Clone() const override;
  std::string value;
  PosRange range;
};

// Arithmetic on durations within [] or after offset; step(), range(), min_of(), max_of().
struct DurationExpr : Expr {
  DurationExpr() : Expr(ExprKind::kDuration) {}
  ValueType type() const override { return ValueType::kScalar; }
  PosRange pos() const override;
  ExprPtr Clone() const override;
  std::unique_ptr<DurationExpr> CloneDuration() const;
  TokenType op = TokenType::kNone;
  ExprPtr lhs;  // null for a unary operation, step() and range()
  ExprPtr rhs;
  bool wrapped = false;  // in parentheses
  int32_t start_pos = 0;
  int32_t end_pos = 0;
};

struct VectorSelector : Expr {
  VectorSelector() : Expr(ExprKind::kVectorSelector) {}
  ValueType type() const override { return ValueType::kVector; }
  PosRange pos() const override { return range; }
  ExprPtr Clone() const override;
  std::string name;  // the metric's name where it stands before the braces
  std::vector<model::Matcher> matchers;
  int64_t original_offset_ns = 0;  // as written
  std::unique_ptr<DurationExpr> offset_expr;
  int64_t offset_ms = 0;  // set by the engine: with @ and enclosing subqueries taken in
  std::optional<int64_t> timestamp_ms;        // @ <timestamp>
  TokenType start_or_end = TokenType::kNone;  // @ start(), @ end()
  bool may_be_empty = false;                  // second argument of info(): no matcher needed
  bool anchored = false;
  bool smoothed = false;
  bool histogram_totals_only = false;  // set by the engine: no one asks for buckets
  PosRange range;
};

struct MatrixSelector : Expr {
  MatrixSelector() : Expr(ExprKind::kMatrixSelector) {}
  ValueType type() const override { return ValueType::kMatrix; }
  PosRange pos() const override { return {vector->pos().start, end_pos}; }
  ExprPtr Clone() const override;
  const VectorSelector& selector() const { return static_cast<const VectorSelector&>(*vector); }
  VectorSelector& selector() { return static_cast<VectorSelector&>(*vector); }
  ExprPtr vector;  // a VectorSelector in every tree that parsed
  int64_t range_ns = 0;
  std::unique_ptr<DurationExpr> range_expr;
  int32_t end_pos = 0;
};

struct SubqueryExpr : Expr {
  SubqueryExpr() : Expr(ExprKind::kSubquery) {}
  ValueType type() const override { return ValueType::kMatrix; }
  PosRange pos() const override { return {expr->pos().start, end_pos}; }
  ExprPtr Clone() const override;
  ExprPtr expr;
  int64_t range_ns = 0;
  std::unique_ptr<DurationExpr> range_expr;
  int64_t original_offset_ns = 0;
  std::unique_ptr<DurationExpr> offset_expr;
  int64_t offset_ms = 0;  // set by the engine
  std::optional<int64_t> timestamp_ms;
  TokenType start_or_end = TokenType::kNone;
  int64_t step_ns = 0;  // 0: the engine's default interval
  std::unique_ptr<DurationExpr> step_expr;
  int32_t end_pos = 0;
};

struct ParenExpr : Expr {
  ParenExpr() : Expr(ExprKind::kParen) {}
  ValueType type() const override { return expr->type(); }
  PosRange pos() const override { return range; }
  ExprPtr Clone() const override;
  ExprPtr expr;
  PosRange range;
};

struct UnaryExpr : Expr {
  UnaryExpr() : Expr(ExprKind::kUnary) {}
  ValueType type() const override { return expr->type(); }
  PosRange pos() const override { return {start_pos, expr->pos().end}; }
  ExprPtr Clone() const override;
  TokenType op = TokenType::kSub;
  ExprPtr expr;
  int32_t start_pos = 0;
};

// Only the engine makes it: what is below has one value for all steps of the query.
struct StepInvariantExpr : Expr {
  StepInvariantExpr() : Expr(ExprKind::kStepInvariant) {}
  ValueType type() const override { return expr->type(); }
  PosRange pos() const override { return expr->pos(); }
  ExprPtr Clone() const override;
  ExprPtr expr;
};

enum class Cardinality : uint8_t { kOneToOne, kManyToOne, kOneToMany, kManyToMany };
std::string_view Name(Cardinality cardinality);  // "one-to-one", …

struct VectorMatching {
  Cardinality cardinality = Cardinality::kOneToOne;
  std::vector<std::string> labels;
  bool on = false;                   // on (labels); else ignoring (labels)
  std::vector<std::string> include;  // of group_left / group_right
  std::optional<double> fill_left;
  std::optional<double> fill_right;
};

struct BinaryExpr : Expr {
  BinaryExpr() : Expr(ExprKind::kBinary) {}
  ValueType type() const override;
  PosRange pos() const override { return {lhs->pos().start, rhs->pos().end}; }
  ExprPtr Clone() const override;
  TokenType op = TokenType::kNone;
  ExprPtr lhs;
  ExprPtr rhs;
  std::optional<VectorMatching> matching;  // only where both sides are vectors
  bool return_bool = false;
};

struct AggregateExpr : Expr {
  AggregateExpr() : Expr(ExprKind::kAggregate) {}
  ValueType type() const override { return ValueType::kVector; }
  PosRange pos() const override { return range; }
  ExprPtr Clone() const override;
  TokenType op = TokenType::kNone;
  ExprPtr expr;
  ExprPtr param;  // null where the operation takes none
  std::vector<std::string> grouping;
  bool without = false;
  PosRange range;
};

struct Call : Expr {
  Call() : Expr(ExprKind::kCall) {}
  ValueType type() const override { return function->return_type; }
  PosRange pos() const override { return range; }
  ExprPtr Clone() const override;
  const Function* function = nullptr;
  std::vector<ExprPtr> args;
  PosRange range;
};

}  // namespace hearth::promql
