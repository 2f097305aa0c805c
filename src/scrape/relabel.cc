// SPDX-License-Identifier: Apache-2.0
#include "scrape/relabel.h"

#include <openssl/evp.h>
#include <re2/re2.h>

#include <array>
#include <charconv>

#include "base/check.h"
#include "base/status.h"
#include "base/text.h"
#include "scrape/letter_case.h"

namespace hearth::scrape {
namespace {

using model::LabelsBuilder;
using model::QuoteGo;

constexpr std::array<std::pair<std::string_view, RelabelAction>, 11> kActions = {{
    {"replace", RelabelAction::kReplace},
    {"keep", RelabelAction::kKeep},
    {"drop", RelabelAction::kDrop},
    {"keepequal", RelabelAction::kKeepEqual},
    {"dropequal", RelabelAction::kDropEqual},
    {"hashmod", RelabelAction::kHashMod},
    {"labelmap", RelabelAction::kLabelMap},
    {"labeldrop", RelabelAction::kLabelDrop},
    {"labelkeep", RelabelAction::kLabelKeep},
    {"lowercase", RelabelAction::kLowercase},
    {"uppercase", RelabelAction::kUppercase},
}};

// RE2 allows more groups; a template can only name what a user wrote.
constexpr int kGroupsMax = 64;

bool HasVariable(std::string_view text) { return text.find('$') != std::string_view::npos; }

bool IsWordByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// The groups of one match, found by number or name.
struct Match {
  const re2::RE2* regex = nullptr;
  std::vector<re2::StringPiece> groups;  // 0 is the whole

  static bool Find(const re2::RE2& regex, std::string_view text, Match* match) {
    const int groups = std::min(regex.NumberOfCapturingGroups() + 1, kGroupsMax);
    match->regex = &regex;
    match->groups.resize(static_cast<size_t>(groups));
    const re2::StringPiece input(text.data(), text.size());
    return regex.Match(input, 0, text.size(), re2::RE2::ANCHOR_BOTH, match->groups.data(), groups);
  }

  std::string_view Group(std::string_view name) const {
    size_t index = 0;
    const auto [at, error] = std::from_chars(name.data(), name.data() + name.size(), index);
    if (error != std::errc() || at != name.data() + name.size()) {
      const auto found = regex->NamedCapturingGroups().find(std::string(name));
      if (found == regex->NamedCapturingGroups().end()) return {};
      index = static_cast<size_t>(found->second);
    }
    if (index >= groups.size()) return {};
    return {groups[index].data(), groups[index].size()};
  }
};

// Go's Regexp.Expand: $1, $name (the longest name), ${name}, $$; what is malformed stays as it is.
std::string Expand(std::string_view text, const Match& match) {
  std::string out;
  while (!text.empty()) {
    const size_t dollar = text.find('$');
    out.append(text.substr(0, dollar));
    if (dollar == std::string_view::npos) break;
    text.remove_prefix(dollar + 1);
    if (text.starts_with('$')) {
      out.push_back('$');
      text.remove_prefix(1);
      continue;
    }
    const bool braces = text.starts_with('{');
    const std::string_view rest = text.substr(braces ? 1 : 0);
    size_t size = 0;
    while (size < rest.size() && IsWordByte(rest[size])) ++size;
    const bool closed = !braces || (size < rest.size() && rest[size] == '}');
    if (size == 0 || !closed) {
      out.push_back('$');
      continue;
    }
    out.append(match.Group(rest.substr(0, size)));
    text = rest.substr(size + (braces ? 1 : 0));
  }
  return out;
}

// The last eight bytes of the MD5, big endian: relabel.go, HashMod.
uint64_t HashOf(std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  CHECK(EVP_Digest(text.data(), text.size(), digest, &size, EVP_md5(), nullptr) == 1);
  CHECK(size == 16);
  uint64_t hash = 0;
  for (size_t i = 8; i < 16; ++i) hash = hash << 8 | digest[i];
  return hash;
}

bool IsName(std::string_view name, bool legacy) {
  return legacy ? model::IsLegacyLabelName(name) : !name.empty() && IsValidUtf8(name);
}

// relabel.go relabelTargetLegacy: a legacy name in which $1 and ${1} may stand for parts.
bool IsNameTemplate(std::string_view text, bool legacy) {
  if (!legacy) return IsName(text, false);
  static const re2::RE2 pattern(R"((?:(?:[a-zA-Z_]|\$(?:\{\w+\}|\w+))+\w*)+)");
  return re2::RE2::FullMatch(re2::StringPiece(text.data(), text.size()), pattern);
}

bool NeedsTarget(RelabelAction action) {
  switch (action) {
    case RelabelAction::kReplace:
    case RelabelAction::kHashMod:
    case RelabelAction::kLowercase:
    case RelabelAction::kUppercase:
    case RelabelAction::kKeepEqual:
    case RelabelAction::kDropEqual:
      return true;
    default:
      return false;
  }
}

absl::Status CheckTarget(const RelabelConfig& config) {
  const std::string_view action = Name(config.action);
  if (!NeedsTarget(config.action)) return absl::OkStatus();
  if (config.target_label.empty()) {
    return InvalidArgument("relabel action {} requires a target_label", action);
  }
  const bool is_template =
      config.action == RelabelAction::kReplace && HasVariable(config.target_label);
  const bool good = is_template ? IsNameTemplate(config.target_label, config.legacy_names)
                                : IsName(config.target_label, config.legacy_names);
  if (good) return absl::OkStatus();
  return InvalidArgument("{} is no label name: invalid target_label for relabel action {}",
                         QuoteGo(config.target_label), action);
}

// Fields that an action would ignore are mistakes (relabel.go Validate).
absl::Status CheckFields(const RelabelConfig& config) {
  const std::string_view action = Name(config.action);
  const RelabelConfig standard;
  const bool equal =
      config.action == RelabelAction::kKeepEqual || config.action == RelabelAction::kDropEqual;
  const bool letters =
      config.action == RelabelAction::kLowercase || config.action == RelabelAction::kUppercase;
  const bool names =
      config.action == RelabelAction::kLabelDrop || config.action == RelabelAction::kLabelKeep;
  if (letters && config.replacement != standard.replacement) {
    return InvalidArgument("replacement can not be set for relabel action {}", action);
  }
  const bool same_rest = config.modulus == standard.modulus &&
                         config.separator == standard.separator &&
                         config.replacement == standard.replacement;
  if (equal && (!same_rest || config.regex != standard.regex)) {
    return InvalidArgument(
        "relabel action {} takes source_labels and target_label, and no other fields", action);
  }
  if (names && (!same_rest || !config.source_labels.empty() || !config.target_label.empty())) {
    return InvalidArgument("relabel action {} takes regex, and no other fields", action);
  }
  return absl::OkStatus();
}

}  // namespace

std::string_view Name(RelabelAction action) {
  for (const auto& [name, value] : kActions) {
    if (value == action) return name;
  }
  return "replace";
}

absl::Status ParseRelabelAction(std::string_view name, RelabelAction* action) {
  const std::string lower = ToLowerAscii(name);
  std::string allowed;
  for (const auto& [known, value] : kActions) {
    if (known == lower) {
      *action = value;
      return absl::OkStatus();
    }
    allowed += (allowed.empty() ? "" : ", ") + std::string(known);
  }
  return InvalidArgument("unknown relabel action {}; allowed: {}", QuoteGo(name), allowed);
}

absl::StatusOr<RelabelRule> RelabelRule::Make(const RelabelConfig& config) {
  if (config.action == RelabelAction::kHashMod && config.modulus == 0) {
    return InvalidArgument("relabel action hashmod requires a modulus above 0");
  }
  TRY(CheckTarget(config));
  TRY(CheckFields(config));
  if (config.action == RelabelAction::kLabelMap &&
      !IsNameTemplate(config.replacement, config.legacy_names)) {
    return InvalidArgument("{} is no label name: invalid replacement for relabel action labelmap",
                           QuoteGo(config.replacement));
  }
  TRY_ASSIGN(model::AnchoredRegex regex, model::AnchoredRegex::Compile(config.regex));
  return RelabelRule(config, std::move(regex));
}

bool RelabelRule::IsLabelName(std::string_view name) const {
  return IsName(name, config_.legacy_names);
}

std::string RelabelRule::JoinSources(const LabelsBuilder& labels) const {
  std::string joined;
  for (size_t i = 0; i < config_.source_labels.size(); ++i) {
    if (i > 0) joined += config_.separator;
    joined += labels.Get(config_.source_labels[i]);
  }
  return joined;
}

void RelabelRule::Replace(std::string_view joined, LabelsBuilder* labels) const {
  Match match;
  if (!Match::Find(regex_.re2(), joined, &match)) return;
  const std::string target = Expand(config_.target_label, match);
  if (!IsLabelName(target)) return;
  labels->Set(target, Expand(config_.replacement, match));
}

void RelabelRule::MapNames(LabelsBuilder* labels) const {
  const auto before = labels->pairs();  // a label made here is not mapped again
  for (const auto& [name, value] : before) {
    Match match;
    if (Match::Find(regex_.re2(), name, &match)) {
      labels->Set(Expand(config_.replacement, match), value);
    }
  }
}

void RelabelRule::DropNames(bool drop_matching, LabelsBuilder* labels) const {
  std::vector<std::string> gone;
  for (const auto& [name, value] : labels->pairs()) {
    if (regex_.Matches(name) == drop_matching) gone.push_back(name);
  }
  for (const std::string& name : gone) labels->Delete(name);
}

bool RelabelRule::Apply(LabelsBuilder* labels) const {
  const std::string joined = JoinSources(*labels);
  switch (config_.action) {
    case RelabelAction::kKeep:
      return regex_.Matches(joined);
    case RelabelAction::kDrop:
      return !regex_.Matches(joined);
    case RelabelAction::kKeepEqual:
      return labels->Get(config_.target_label) == joined;
    case RelabelAction::kDropEqual:
      return labels->Get(config_.target_label) != joined;
    case RelabelAction::kReplace:
      Replace(joined, labels);
      break;
    case RelabelAction::kHashMod:
      labels->Set(config_.target_label, std::to_string(HashOf(joined) % config_.modulus));
      break;
    case RelabelAction::kLowercase:
      labels->Set(config_.target_label, ToLowerText(joined));
      break;
    case RelabelAction::kUppercase:
      labels->Set(config_.target_label, ToUpperText(joined));
      break;
    case RelabelAction::kLabelMap:
      MapNames(labels);
      break;
    case RelabelAction::kLabelDrop:
      DropNames(/*drop_matching=*/true, labels);
      break;
    case RelabelAction::kLabelKeep:
      DropNames(/*drop_matching=*/false, labels);
      break;
  }
  return true;
}

bool Relabel(const RelabelRules& rules, LabelsBuilder* labels) {
  for (const RelabelRule& rule : rules) {
    if (!rule.Apply(labels)) return false;
  }
  return true;
}

}  // namespace hearth::scrape
