// SPDX-License-Identifier: Apache-2.0
#include "rules/rule_file.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "base/status.h"
#include "codec/yaml.h"
#include "model/duration.h"
#include "model/labels.h"
#include "rules/template.h"

namespace hearth::rules {
namespace {

using codec::YamlNode;

// Reads one file; every mistake becomes a line, so that all of them are seen at once.
class Reader {
 public:
  Reader(std::string_view file_name, const RuleFileOptions& options, RuleFile* out)
      : file_name_(file_name), options_(options), out_(*out) {}

  void ReadFile(const YamlNode& root) {
    if (root.is_null()) return;
    if (!CheckKeys(root, {"groups"}, "the file")) return;
    const YamlNode* groups = root.Find("groups");
    if (groups == nullptr || groups->is_null()) return;
    if (!groups->is_sequence()) return Fail(*groups, "groups must be a list");
    std::set<std::string> names;
    for (const YamlNode& node : groups->items()) {
      const size_t errors_before = out_.errors.size();
      Group group = ReadGroup(node);
      if (group.name.empty()) {
        Fail(node, "Groupname must not be empty");
      } else if (!names.insert(group.name).second) {
        Fail(node, fmt::format("groupname: \"{}\" is repeated in the same file", group.name));
      }
      group.errors.assign(out_.errors.begin() + static_cast<std::ptrdiff_t>(errors_before),
                          out_.errors.end());
      out_.groups.push_back(std::move(group));
    }
  }

  void Fail(const YamlNode& node, std::string_view what) {
    out_.errors.push_back(fmt::format("{}:{}: {}{}", file_name_, node.line(), where_, what));
  }
  void FailAt(int line, std::string_view what) {
    out_.errors.push_back(fmt::format("{}:{}: {}{}", file_name_, line, where_, what));
  }

 private:
  bool CheckKeys(const YamlNode& node, std::initializer_list<std::string_view> known,
                 std::string_view what) {
    if (!node.is_map()) {
      Fail(node, fmt::format("{} must be a map, not a {}", what, node.kind_name()));
      return false;
    }
    for (const auto& [key, value] : node.entries()) {
      if (options_.ignore_unknown_fields) break;
      if (std::find(known.begin(), known.end(), key.text()) != known.end()) continue;
      std::string names;
      for (const std::string_view name : known) {
        names += (names.empty() ? "" : ", ") + std::string(name);
      }
      Fail(key, fmt::format("field {} not found in {}; known: {}", key.text(), what, names));
    }
    return true;
  }

  std::string Text(const YamlNode& map, std::string_view key) {
    const YamlNode* node = map.Find(key);
    if (node == nullptr) return "";
    auto text = node->AsText();
    if (!text.ok()) {
      FailAt(node->line(), fmt::format("{}: {}", key, Message(text.status())));
      return "";
    }
    return *std::move(text);
  }

  int64_t Duration(const YamlNode& map, std::string_view key) {
    const std::string text = Text(map, key);
    if (text.empty()) return 0;
    const auto duration_ms = model::ParseDurationMs(text);
    if (!duration_ms.ok()) {
      Fail(*map.Find(key), fmt::format("{}: not a valid duration string: \"{}\"", key, text));
      return 0;
    }
    return *duration_ms;
  }

  TextPairs Pairs(const YamlNode& map, std::string_view key, std::string_view kind) {
    TextPairs pairs;
    const YamlNode* node = map.Find(key);
    if (node == nullptr || node->is_null()) return pairs;
    if (!node->is_map()) {
      Fail(*node, fmt::format("{} must be a map", key));
      return pairs;
    }
    for (const auto& [name, value] : node->entries()) {
      auto text = value.AsText();
      if (!text.ok()) {
        Fail(value, fmt::format("{} {}: {}", kind, name.text(), Message(text.status())));
        continue;
      }
      const bool bad_label =
          name.text().empty() || (kind == "label" && name.text() == model::kMetricName);
      if (bad_label) {
        Fail(name, fmt::format("invalid {} name: {}", kind, name.text()));
        continue;
      }
      pairs.emplace_back(name.text(), *std::move(text));
    }
    return pairs;
  }

  Group ReadGroup(const YamlNode& node) {
    Group group;
    group.file = file_name_;
    where_.clear();
    if (!CheckKeys(node, {"name", "interval", "query_offset", "limit", "labels", "rules"},
                   "a rule group")) {
      return group;
    }
    group.name = Text(node, "name");
    group.interval_ms = Duration(node, "interval");
    if (node.Find("query_offset") != nullptr) {
      group.query_offset_ms = Duration(node, "query_offset");
    }
    if (const YamlNode* limit = node.Find("limit"); limit != nullptr) {
      const auto value = limit->AsInt();
      if (value.ok()) {
        group.limit = *value;
      } else {
        Fail(*limit, "limit: " + Message(value.status()));
      }
    }
    group.labels = Pairs(node, "labels", "label");
    const YamlNode* rules = node.Find("rules");
    if (rules == nullptr || rules->is_null()) return group;
    if (!rules->is_sequence()) {
      Fail(*rules, "rules must be a list");
      return group;
    }
    for (size_t i = 0; i < rules->items().size(); ++i) {
      where_ = fmt::format("group \"{}\", rule {}, ", group.name, i + 1);
      group.rules.push_back(ReadRule(rules->items()[i]));
    }
    where_.clear();
    return group;
  }

  Rule ReadRule(const YamlNode& node) {
    Rule rule;
    rule.line = node.line();
    if (!CheckKeys(node,
                   {"record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations"},
                   "a rule")) {
      return rule;
    }
    rule.record = Text(node, "record");
    rule.alert = Text(node, "alert");
    rule.expr = Text(node, "expr");
    where_ += fmt::format("\"{}\": ", rule.name());
    rule.for_ms = Duration(node, "for");
    rule.keep_firing_for_ms = Duration(node, "keep_firing_for");
    rule.labels = Pairs(node, "labels", "label");
    rule.annotations = Pairs(node, "annotations", "annotation");
    CheckRule(node, rule);
    return rule;
  }

  void CheckRule(const YamlNode& node, const Rule& rule) {
    if (!rule.record.empty() && !rule.alert.empty()) {
      Fail(node, "only one of 'record' and 'alert' must be set");
    }
    if (rule.record.empty() && rule.alert.empty()) {
      Fail(node, "one of 'record' or 'alert' must be set");
    }
    if (rule.expr.empty()) {
      Fail(node, "field 'expr' must be set in rule");
    } else if (const auto expr = promql::ParseExpr(rule.expr, options_.parser); !expr.ok()) {
      Fail(*node.Find("expr"), "could not parse expression: " + Message(expr.status()));
    }
    if (rule.record.empty()) return CheckTemplates(node, rule);
    if (!rule.annotations.empty()) Fail(node, "invalid field 'annotations' in recording rule");
    if (node.Find("for") != nullptr) Fail(node, "invalid field 'for' in recording rule");
    if (node.Find("keep_firing_for") != nullptr) {
      Fail(node, "invalid field 'keep_firing_for' in recording rule");
    }
    if (rule.record.find_first_of("{}") != std::string::npos) {
      Fail(node, fmt::format("braces present in the recording rule name; should it be in expr?: {}",
                             rule.record));
    }
  }

  void CheckTemplates(const YamlNode& node, const Rule& rule) {
    const auto check = [&](std::string_view kind, const TextPairs& pairs) {
      for (const auto& [name, text] : pairs) {
        const auto parsed = AlertTemplate::Parse(rule.alert, text);
        if (parsed.ok()) continue;
        const YamlNode* map = node.Find(kind == "label" ? "labels" : "annotations");
        const YamlNode* at = map == nullptr ? nullptr : map->Find(name);
        Fail(at == nullptr ? node : *at,
             fmt::format("{} \"{}\": {}", kind, name, Message(parsed.status())));
      }
    };
    check("label", rule.labels);
    check("annotation", rule.annotations);
  }

  const std::string file_name_;
  const RuleFileOptions options_;
  RuleFile& out_;
  std::string where_;  // "group "g", rule 2, "Alert": "
};

}  // namespace

bool operator==(const Rule& a, const Rule& b) {
  return a.record == b.record && a.alert == b.alert && a.expr == b.expr && a.for_ms == b.for_ms &&
         a.keep_firing_for_ms == b.keep_firing_for_ms && a.labels == b.labels &&
         a.annotations == b.annotations;
}

bool operator==(const Group& a, const Group& b) {
  return a.name == b.name && a.file == b.file && a.interval_ms == b.interval_ms &&
         a.query_offset_ms == b.query_offset_ms && a.limit == b.limit && a.labels == b.labels &&
         a.rules == b.rules;
}

RuleFile ParseRuleFile(std::string_view text, std::string_view file_name,
                       const RuleFileOptions& options) {
  RuleFile file;
  Reader reader(file_name, options, &file);
  const auto root = codec::ParseYaml(text);
  if (!root.ok()) {
    file.errors.push_back(fmt::format("{}: {}", file_name, Message(root.status())));
    return file;
  }
  reader.ReadFile(*root);
  return file;
}

std::vector<DuplicateRule> FindDuplicates(const std::vector<Group>& groups) {
  // cmd/promtool checkDuplicates: sorted by name and labels, a rule equal to the one before it.
  std::vector<std::pair<std::string, TextPairs>> rules;
  for (const Group& group : groups) {
    for (const Rule& rule : group.rules) {
      TextPairs labels = rule.labels;
      std::sort(labels.begin(), labels.end());
      rules.emplace_back(rule.name(), std::move(labels));
    }
  }
  std::sort(rules.begin(), rules.end());
  std::vector<DuplicateRule> found;
  for (size_t i = 1; i < rules.size(); ++i) {
    if (rules[i] != rules[i - 1]) continue;
    const bool known = !found.empty() && found.back().name == rules[i].first &&
                       found.back().labels == rules[i].second;
    if (!known) found.push_back({rules[i].first, rules[i].second});
  }
  return found;
}

}  // namespace hearth::rules
