// SPDX-License-Identifier: Apache-2.0
// What a rest-json operation takes, as a table of the service model: types, which members are
// required, lengths, ranges, patterns, enums, and where on the wire each member is. A request is
// read into a RestInput, or refused as the real services refuse it, with every mistake named.
//
//   constexpr Shape kAlias{.type = ShapeType::kString, .min = 1, .max = 100};
//   constexpr Member kCreateMembers[] = {{"alias", &kAlias}, {"id", &kId, true, In::kUri}};
//   constexpr Shape kCreate{.type = ShapeType::kStructure, .members = kCreateMembers};
//
// Lengths are Unicode code points for text, bytes for blobs, entries for lists and maps. Patterns
// must match the whole value (RE2, `.` is no line break), as AWS's own servers do. Members that a
// table does not know are ignored, JSON null is absent. Text with a NUL or invalid UTF-8 is refused
// everywhere. Pure, thread-safe; tables are constant data.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::access {

enum class ShapeType : uint8_t {
  kString,
  kBlob,  // base64 text
  kInteger,
  kDouble,
  kBoolean,
  kStructure,
  kUnion,  // a structure with exactly one member present
  kList,
  kMap,
  kDocument,  // any JSON
};

// Where a member is.
enum class In : uint8_t {
  kBody,
  kUri,        // the {label} of the same name
  kQuery,      // ?name=…; a list is the repeated key
  kQueryRest,  // every query key that no other member names: a map to lists
  kHeader,
};

struct Shape;

struct Member {
  std::string_view name;
  const Shape* shape = nullptr;
  bool required = false;
  In in = In::kBody;
  std::string_view wire_name = {};  // where it differs from `name`
};

inline constexpr int64_t kNoMinimum = std::numeric_limits<int64_t>::min();
inline constexpr int64_t kNoMaximum = std::numeric_limits<int64_t>::max();

struct Shape {
  ShapeType type = ShapeType::kString;
  int64_t min = kNoMinimum;
  int64_t max = kNoMaximum;
  std::string_view pattern = {};
  std::span<const std::string_view> values = {};  // enum
  const Shape* key = nullptr;                     // of a map
  const Shape* element = nullptr;                 // of a list; the values of a map
  std::span<const Member> members = {};
};

// The members of a request that were given, all of them checked. Cheap to copy.
class RestInput {
 public:
  RestInput();
  explicit RestInput(nlohmann::json json);

  bool Has(std::string_view name) const;
  // The value, or "" / nothing / empty where it was not given. Asking for another type than the
  // table's gives the same.
  std::string Text(std::string_view name) const;
  std::string Blob(std::string_view name) const;  // decoded
  std::optional<int64_t> Number(std::string_view name) const;
  std::optional<bool> Flag(std::string_view name) const;
  std::vector<std::string> TextList(std::string_view name) const;
  std::map<std::string, std::string> TextMap(std::string_view name) const;
  RestInput Child(std::string_view name) const;  // a structure; empty where it was not given
  std::vector<RestInput> Children(std::string_view name) const;  // a list of structures
  // All of it.
  const nlohmann::json& json() const { return *json_; }
  // One member as JSON text, "" where it was not given: to keep as it came.
  std::string JsonText(std::string_view name) const;

 private:
  std::shared_ptr<const nlohmann::json> json_;
};

// One mistake, as fieldList shows it.
struct FieldError {
  std::string name;     // "tags.Env", "destinations[0].filters"
  std::string message;  // "Member must not be null"
};

// Appends what is wrong with `value` to `errors`; at most kFieldErrorsMax are kept.
inline constexpr size_t kFieldErrorsMax = 20;
void CheckShape(const Shape& shape, const nlohmann::json& value, std::string_view name,
                std::vector<FieldError>* errors);

}  // namespace hearth::access
