// SPDX-License-Identifier: Apache-2.0
#include "auth/glob.h"

#include "base/text.h"

namespace hearth::auth {
namespace {

constexpr size_t kArnFields = 6;

uint16_t Symbol(char c) { return static_cast<unsigned char>(c); }

void AppendLiteral(std::string_view text, Glob* glob) {
  for (char c : text) glob->push_back(Symbol(c));
}

// What stands between "${" and "}".
bool AppendVariable(std::string_view body, const ConditionContext& context, Glob* glob) {
  if (body == "*" || body == "?" || body == "$") {
    glob->push_back(Symbol(body[0]));
    return true;
  }
  std::string_view key = body;
  std::string_view fallback;
  bool has_fallback = false;
  size_t comma = body.find(',');
  if (comma != std::string_view::npos) {
    key = TrimSpace(body.substr(0, comma));
    fallback = TrimSpace(body.substr(comma + 1));
    if (fallback.size() < 2 || fallback.front() != '\'' || fallback.back() != '\'') return false;
    fallback = fallback.substr(1, fallback.size() - 2);
    has_fallback = true;
  }
  const std::vector<std::string>* values = context.Find(key);
  if (values != nullptr && values->size() == 1) {
    AppendLiteral(values->front(), glob);
    return true;
  }
  if (has_fallback) AppendLiteral(fallback, glob);
  return has_fallback;
}

uint16_t Fold(uint16_t symbol, bool ignore_case) {
  if (ignore_case && symbol >= 'A' && symbol <= 'Z') return static_cast<uint16_t>(symbol + 32);
  return symbol;
}

}  // namespace

bool CompileGlob(std::string_view text, bool wildcards, const ConditionContext* context,
                 Glob* glob) {
  glob->clear();
  for (size_t i = 0; i < text.size(); ++i) {
    if (context != nullptr && text[i] == '$' && i + 1 < text.size() && text[i + 1] == '{') {
      size_t end = text.find('}', i);
      if (end == std::string_view::npos) return false;
      if (!AppendVariable(text.substr(i + 2, end - i - 2), *context, glob)) return false;
      i = end;
    } else if (wildcards && text[i] == '*') {
      if (glob->empty() || glob->back() != kAnyRun) glob->push_back(kAnyRun);
    } else if (wildcards && text[i] == '?') {
      glob->push_back(kAnyOne);
    } else {
      glob->push_back(Symbol(text[i]));
    }
  }
  return true;
}

// The usual two-pointer walk: on a mismatch go back to the last run and let it take one more.
bool GlobMatches(const Glob& glob, std::string_view text, bool ignore_case) {
  size_t p = 0, t = 0;
  size_t run = Glob::npos, run_text = 0;
  while (t < text.size()) {
    if (p < glob.size() && glob[p] == kAnyRun) {
      run = p++;
      run_text = t;
    } else if (p < glob.size() && (glob[p] == kAnyOne || Fold(glob[p], ignore_case) ==
                                                             Fold(Symbol(text[t]), ignore_case))) {
      ++p;
      ++t;
    } else if (run != Glob::npos) {
      p = run + 1;
      t = ++run_text;
    } else {
      return false;
    }
  }
  while (p < glob.size() && glob[p] == kAnyRun) ++p;
  return p == glob.size();
}

bool ArnMatches(const Glob& glob, std::string_view arn) {
  Glob prefix;
  AppendLiteral("arn:", &prefix);
  if (glob.substr(0, prefix.size()) != prefix || arn.substr(0, 4) != "arn:") {
    return GlobMatches(glob, arn);
  }
  size_t p = 0, t = 0;
  for (size_t field = 0; field < kArnFields; ++field) {
    bool last = field + 1 == kArnFields;
    size_t p_end = last ? Glob::npos : glob.find(Symbol(':'), p);
    size_t t_end = last ? std::string_view::npos : arn.find(':', t);
    // A pattern that ends early is completed with `*`, as IAM does.
    if (!GlobMatches(glob.substr(p, p_end == Glob::npos ? p_end : p_end - p),
                     arn.substr(t, t_end == std::string_view::npos ? t_end : t_end - t))) {
      return false;
    }
    if (p_end == Glob::npos) return true;
    if (t_end == std::string_view::npos) return false;
    p = p_end + 1;
    t = t_end + 1;
  }
  return true;
}

}  // namespace hearth::auth
