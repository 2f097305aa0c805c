// SPDX-License-Identifier: Apache-2.0
#include "scrape/config_reader.h"

#include <fmt/core.h>

#include "base/status.h"
#include "base/text.h"
#include "model/duration.h"

namespace hearth::scrape {
namespace {

using codec::YamlNode;
using model::QuoteGo;

// A status of YamlNode says "line 3, column 7: what"; the path of the key is better known here.
std::string WithoutPlace(const absl::Status& status) {
  const std::string message = Message(status);
  const size_t colon = message.find(": ");
  return message.starts_with("line ") && colon != std::string::npos ? message.substr(colon + 2)
                                                                    : message;
}

}  // namespace

void ConfigContext::Fail(const YamlNode& node, std::string_view path, std::string_view what) {
  if (!status.ok()) return;
  status = InvalidArgument("{}:{}: {}{}{}", file_name, node.line(), path, path.empty() ? "" : ": ",
                           what);
}

std::string ConfigContext::Path(std::string_view file) const {
  return directory.empty() || file.empty() ? std::string(file) : JoinPath(directory, file);
}

Section::Section(ConfigContext* context, const YamlNode& node, std::string path)
    : context_(context), node_(node), path_(std::move(path)) {
  if (!node.is_map() && !node.is_null()) {
    context->Fail(node, path_, fmt::format("expected a map, got {}", node.kind_name()));
  }
}

std::string Section::PathOf(std::string_view key) const {
  return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

bool Section::Has(std::string_view key) const {
  const YamlNode* value = node_.Find(key);
  return value != nullptr && !value->is_null();
}

const YamlNode* Section::Take(std::string_view key) {
  known_.emplace(key);
  const YamlNode* value = node_.Find(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

void Section::Fail(std::string_view key, std::string_view what) {
  const YamlNode* value = node_.Find(key);
  context_->Fail(value == nullptr ? node_ : *value, PathOf(key), what);
}

void Section::Text(std::string_view key, std::string* out) {
  const YamlNode* value = Take(key);
  if (value == nullptr) return;
  auto text = value->AsText();
  if (!text.ok()) return Fail(key, WithoutPlace(text.status()));
  *out = *std::move(text);
}

void Section::File(std::string_view key, std::string* out) {
  if (!Has(key)) return Ignore(key);
  Text(key, out);
  *out = context_->Path(*out);
}

void Section::OneOf(std::string_view key, std::initializer_list<std::string_view> allowed,
                    std::string* out) {
  if (!Has(key)) return Ignore(key);
  std::string text;
  Text(key, &text);
  std::string list;
  for (const std::string_view one : allowed) {
    if (text == one) {
      *out = std::move(text);
      return;
    }
    list += (list.empty() ? "" : ", ") + std::string(one);
  }
  Fail(key, fmt::format("{} is not one of {}", QuoteGo(text), list));
}

void Section::Bool(std::string_view key, bool* out) {
  const YamlNode* value = Take(key);
  if (value == nullptr) return;
  const auto read = value->AsBool();
  if (!read.ok()) return Fail(key, WithoutPlace(read.status()));
  *out = *read;
}

void Section::Duration(std::string_view key, int64_t* milliseconds) {
  std::string text;
  Text(key, &text);
  if (text.empty()) return;
  const auto read = model::ParseDurationMs(text);
  if (absl::IsOutOfRange(read.status())) {
    return Fail(key, fmt::format("duration {} is out of range (292 years)", model::QuoteGo(text)));
  }
  if (!read.ok()) {
    return Fail(key, fmt::format("{} is no duration; allowed are whole numbers with the units y, "
                                 "w, d, h, m, s, ms from large to small, as 1h30m",
                                 model::QuoteGo(text)));
  }
  *milliseconds = *read;
}

void Section::Size(std::string_view key, uint64_t* bytes) {
  std::string text;
  Text(key, &text);
  if (text.empty()) return;
  const auto read = ParseSizeBytes(text);
  if (!read.ok()) return Fail(key, Message(read.status()));
  *bytes = *read;
}

void Section::Int(std::string_view key, int64_t* out) {
  const YamlNode* value = Take(key);
  if (value == nullptr) return;
  const auto read = value->AsInt();
  if (!read.ok()) return Fail(key, WithoutPlace(read.status()));
  *out = *read;
}

void Section::Number(std::string_view key, double* out) {
  const YamlNode* value = Take(key);
  if (value == nullptr) return;
  const auto read = value->AsDouble();
  if (!read.ok()) return Fail(key, WithoutPlace(read.status()));
  *out = *read;
}

void Section::Count(std::string_view key, uint64_t* out) {
  if (!Has(key)) return Ignore(key);
  int64_t number = 0;
  Int(key, &number);
  if (number < 0) return Fail(key, fmt::format("{} is below 0", number));
  *out = static_cast<uint64_t>(number);
}

void Section::Texts(std::string_view key, std::vector<std::string>* out) {
  if (!Has(key)) return Ignore(key);
  out->clear();
  Each(key, [&](const YamlNode& item, const std::string& path) {
    auto text = item.AsText();
    if (!text.ok()) return context_->Fail(item, path, WithoutPlace(text.status()));
    out->push_back(*std::move(text));
  });
}

void Section::TextMap(std::string_view key, Pairs* out) {
  const YamlNode* value = Take(key);
  if (value == nullptr) return;
  if (!value->is_map()) {
    return Fail(key, fmt::format("expected a map, got {}", value->kind_name()));
  }
  for (const auto& [name, entry] : value->entries()) {
    auto text = entry.AsText();
    if (!text.ok()) {
      return context_->Fail(entry, PathOf(key) + "." + name.text(), WithoutPlace(text.status()));
    }
    out->emplace_back(name.text(), *std::move(text));
  }
}

void Section::LabelMap(std::string_view key, model::Labels* out) {
  Pairs pairs;
  TextMap(key, &pairs);
  std::vector<model::Label> labels;
  for (const auto& [name, value] : pairs) {
    if (name.empty()) return Fail(key, "\"\" is not a valid label name");
    labels.push_back({name, value});
  }
  if (!labels.empty()) *out = model::Labels::FromPairs(std::move(labels));
}

void Section::Url(std::string_view key, std::string* out) {
  if (!Has(key)) return Ignore(key);
  Text(key, out);
  std::string_view rest = *out;
  const bool http = rest.starts_with("http://");
  if (!http && !rest.starts_with("https://")) {
    return Fail(key, fmt::format("{} is no http or https URL", QuoteGo(*out)));
  }
  rest.remove_prefix(http ? 7 : 8);
  if (rest.empty() || rest[0] == '/' || rest[0] == '?') {
    Fail(key, fmt::format("host is missing in URL {}", QuoteGo(*out)));
  }
}

void Section::Each(std::string_view key,
                   absl::FunctionRef<void(const YamlNode& item, std::string path)> read) {
  const YamlNode* value = Take(key);
  if (value == nullptr) return;
  if (!value->is_sequence()) {
    return Fail(key, fmt::format("expected a list, got {}", value->kind_name()));
  }
  for (size_t i = 0; i < value->items().size(); ++i) {
    read(value->items()[i], fmt::format("{}[{}]", PathOf(key), i));
  }
}

void Section::NotYet(std::string_view key) {
  const YamlNode* value = Take(key);
  if (value != nullptr) context_->unsupported.push_back({PathOf(key), value->line()});
}

void Section::NotYet(std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys) NotYet(key);
}

void Section::Finish() {
  for (const auto& [key, value] : node_.entries()) {
    if (!known_.contains(std::string_view(key.text()))) {
      return context_->Fail(key, PathOf(key.text()), "unknown key");
    }
  }
}

}  // namespace hearth::scrape
