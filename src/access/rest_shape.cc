// SPDX-License-Identifier: Apache-2.0
#include "access/rest_shape.h"

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>
#include <fmt/core.h>
#include <re2/re2.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "base/text.h"

namespace hearth::access {
namespace {

using Json = nlohmann::json;

// Doubles hold integers exactly up to here.
constexpr double kExactDouble = 9007199254740992.0;

// Compiled once for the life of the process: the tables hold some dozens of patterns.
class Patterns {
 public:
  bool Matches(std::string_view pattern, std::string_view text) {
    return RE2::FullMatch(re2::StringPiece(text.data(), text.size()), Compiled(pattern));
  }

 private:
  const RE2& Compiled(std::string_view pattern) {
    absl::MutexLock lock(&mutex_);
    auto& entry = compiled_[std::string(pattern)];
    if (entry == nullptr) {
      entry = std::make_unique<RE2>(re2::StringPiece(pattern.data(), pattern.size()), RE2::Quiet);
    }
    return *entry;
  }
  absl::Mutex mutex_;
  std::unordered_map<std::string, std::unique_ptr<RE2>> compiled_ ABSL_GUARDED_BY(mutex_);
};

Patterns& AllPatterns() {
  static Patterns& patterns = *new Patterns();
  return patterns;
}

size_t CodePoints(std::string_view text) {
  size_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xC0U) != 0x80U ? 1 : 0;
  return count;
}

std::optional<int64_t> AsInteger(const Json& value) {
  if (value.is_number_unsigned()) {
    const auto number = value.get<uint64_t>();
    if (number > static_cast<uint64_t>(kNoMaximum)) return std::nullopt;
    return static_cast<int64_t>(number);
  }
  if (value.is_number_integer()) return value.get<int64_t>();
  if (!value.is_number_float()) return std::nullopt;
  const double number = value.get<double>();
  if (std::trunc(number) != number || std::abs(number) > kExactDouble) return std::nullopt;
  return static_cast<int64_t>(number);
}

std::string Join(std::string_view parent, std::string_view name) {
  return parent.empty() ? std::string(name) : fmt::format("{}.{}", parent, name);
}

class Checker {
 public:
  explicit Checker(std::vector<FieldError>* errors) : errors_(*errors) {}

  void Check(const Shape& shape, const Json& value, std::string_view name) {
    if (errors_.size() >= kFieldErrorsMax) return;
    switch (shape.type) {
      case ShapeType::kString:
        return CheckString(shape, value, name);
      case ShapeType::kBlob:
        return CheckBlob(shape, value, name);
      case ShapeType::kInteger:
        return CheckInteger(shape, value, name);
      case ShapeType::kDouble:
        return CheckDouble(shape, value, name);
      case ShapeType::kBoolean:
        if (!value.is_boolean()) Fail(name, "Member must be true or false");
        return;
      case ShapeType::kStructure:
      case ShapeType::kUnion:
        return CheckStructure(shape, value, name);
      case ShapeType::kList:
        return CheckList(shape, value, name);
      case ShapeType::kMap:
        return CheckMap(shape, value, name);
      case ShapeType::kDocument:
        return;
    }
  }

 private:
  void Fail(std::string_view name, std::string message) {
    if (errors_.size() < kFieldErrorsMax) errors_.push_back({std::string(name), message});
  }

  // `what`: "length", "value" …
  void CheckRange(const Shape& shape, int64_t actual, std::string_view what,
                  std::string_view name) {
    if (shape.min != kNoMinimum && actual < shape.min) {
      Fail(name, fmt::format("Member must have {} greater than or equal to {}", what, shape.min));
    }
    if (shape.max != kNoMaximum && actual > shape.max) {
      Fail(name, fmt::format("Member must have {} less than or equal to {}", what, shape.max));
    }
  }

  void CheckString(const Shape& shape, const Json& value, std::string_view name) {
    if (!value.is_string()) return Fail(name, "Member must be a string");
    const std::string& text = value.get_ref<const std::string&>();
    CheckRange(shape, static_cast<int64_t>(CodePoints(text)), "length", name);
    if (!shape.pattern.empty() && !AllPatterns().Matches(shape.pattern, text)) {
      Fail(name, fmt::format("Member must satisfy regular expression pattern: {}", shape.pattern));
    }
    if (shape.values.empty()) return;
    std::string known;
    for (const std::string_view one : shape.values) {
      if (text == one) return;
      known += (known.empty() ? "" : ", ") + std::string(one);
    }
    Fail(name, fmt::format("Member must satisfy enum value set: [{}]", known));
  }

  void CheckBlob(const Shape& shape, const Json& value, std::string_view name) {
    if (!value.is_string()) return Fail(name, "Member must be base64 text");
    std::string bytes;
    if (!Base64Decode(value.get_ref<const std::string&>(), &bytes)) {
      return Fail(name, "Member must be base64 text");
    }
    CheckRange(shape, static_cast<int64_t>(bytes.size()), "length", name);
  }

  void CheckInteger(const Shape& shape, const Json& value, std::string_view name) {
    const auto number = AsInteger(value);
    if (!number) return Fail(name, "Member must be an integer");
    CheckRange(shape, *number, "value", name);
  }

  void CheckDouble(const Shape& shape, const Json& value, std::string_view name) {
    if (!value.is_number()) return Fail(name, "Member must be a number");
    const double number = value.get<double>();
    if (shape.min != kNoMinimum && number < static_cast<double>(shape.min)) {
      Fail(name, fmt::format("Member must have value greater than or equal to {}", shape.min));
    }
  }

  void CheckStructure(const Shape& shape, const Json& value, std::string_view name) {
    if (!value.is_object()) return Fail(name, "Member must be a structure");
    size_t present = 0;
    for (const Member& member : shape.members) {
      const auto found = value.find(std::string(member.name));
      if (found == value.end() || found->is_null()) {
        if (member.required) Fail(Join(name, member.name), "Member must not be null");
        continue;
      }
      ++present;
      Check(*member.shape, *found, Join(name, member.name));
    }
    if (shape.type == ShapeType::kUnion && present != 1) {
      std::string known;
      for (const Member& member : shape.members) {
        known += (known.empty() ? "" : ", ") + std::string(member.name);
      }
      Fail(name, fmt::format("Member must have exactly one of [{}], not {}", known, present));
    }
  }

  void CheckList(const Shape& shape, const Json& value, std::string_view name) {
    if (!value.is_array()) return Fail(name, "Member must be a list");
    CheckRange(shape, static_cast<int64_t>(value.size()), "length", name);
    for (size_t i = 0; i < value.size() && errors_.size() < kFieldErrorsMax; ++i) {
      Check(*shape.element, value[i], fmt::format("{}[{}]", name, i));
    }
  }

  void CheckMap(const Shape& shape, const Json& value, std::string_view name) {
    if (!value.is_object()) return Fail(name, "Member must be a map");
    CheckRange(shape, static_cast<int64_t>(value.size()), "length", name);
    for (const auto& [key, entry] : value.items()) {
      if (errors_.size() >= kFieldErrorsMax) return;
      if (shape.key != nullptr) Check(*shape.key, Json(key), fmt::format("{} key", name));
      Check(*shape.element, entry, Join(name, key));
    }
  }

  std::vector<FieldError>& errors_;
};

const Json* FindMember(const Json& json, std::string_view name) {
  if (!json.is_object()) return nullptr;
  const auto found = json.find(std::string(name));
  return found == json.end() || found->is_null() ? nullptr : &*found;
}

}  // namespace

void CheckShape(const Shape& shape, const Json& value, std::string_view name,
                std::vector<FieldError>* errors) {
  Checker(errors).Check(shape, value, name);
}

RestInput::RestInput() : json_(std::make_shared<const Json>(Json::object())) {}
RestInput::RestInput(Json json) : json_(std::make_shared<const Json>(std::move(json))) {}

bool RestInput::Has(std::string_view name) const { return FindMember(*json_, name) != nullptr; }

std::string RestInput::Text(std::string_view name) const {
  const Json* found = FindMember(*json_, name);
  return found != nullptr && found->is_string() ? found->get<std::string>() : "";
}

std::string RestInput::Blob(std::string_view name) const {
  std::string bytes;
  return Base64Decode(Text(name), &bytes) ? bytes : "";
}

std::optional<int64_t> RestInput::Number(std::string_view name) const {
  const Json* found = FindMember(*json_, name);
  return found == nullptr ? std::nullopt : AsInteger(*found);
}

std::optional<bool> RestInput::Flag(std::string_view name) const {
  const Json* found = FindMember(*json_, name);
  if (found == nullptr || !found->is_boolean()) return std::nullopt;
  return found->get<bool>();
}

std::vector<std::string> RestInput::TextList(std::string_view name) const {
  std::vector<std::string> list;
  const Json* found = FindMember(*json_, name);
  if (found == nullptr || !found->is_array()) return list;
  for (const Json& entry : *found) {
    if (entry.is_string()) list.push_back(entry.get<std::string>());
  }
  return list;
}

std::map<std::string, std::string> RestInput::TextMap(std::string_view name) const {
  std::map<std::string, std::string> map;
  const Json* found = FindMember(*json_, name);
  if (found == nullptr || !found->is_object()) return map;
  for (const auto& [key, entry] : found->items()) {
    if (entry.is_string()) map[key] = entry.get<std::string>();
  }
  return map;
}

RestInput RestInput::Child(std::string_view name) const {
  const Json* found = FindMember(*json_, name);
  return found == nullptr || !found->is_object() ? RestInput() : RestInput(*found);
}

std::vector<RestInput> RestInput::Children(std::string_view name) const {
  std::vector<RestInput> children;
  const Json* found = FindMember(*json_, name);
  if (found == nullptr || !found->is_array()) return children;
  for (const Json& entry : *found) children.emplace_back(entry);
  return children;
}

std::string RestInput::JsonText(std::string_view name) const {
  const Json* found = FindMember(*json_, name);
  return found == nullptr ? "" : found->dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace hearth::access
