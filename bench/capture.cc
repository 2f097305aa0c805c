// SPDX-License-Identifier: Apache-2.0
#include "capture.h"

#include <bit>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <unordered_map>

namespace hearth::bench {
namespace {

// A NaN that no exporter writes.
constexpr uint64_t kAbsentBits = 0x7ff4'0000'0000'0b5e;

bool EndsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

// name{label="value",…}: the text format's escapes are \\, \" and \n.
bool ParseSeries(std::string_view text, CapturedSeries* out) {
  const size_t brace = text.find('{');
  out->name = std::string(text.substr(0, brace));
  for (const char* end : {"_total", "_count", "_sum", "_bucket"}) {
    out->cumulative = out->cumulative || EndsWith(out->name, end);
  }
  if (brace == std::string_view::npos) return !out->name.empty();
  size_t at = brace + 1;
  while (at < text.size() && text[at] != '}') {
    const size_t equals = text.find("=\"", at);
    if (equals == std::string_view::npos) return false;
    std::string value;
    size_t i = equals + 2;
    for (; i < text.size() && text[i] != '"'; ++i) {
      if (text[i] == '\\' && i + 1 < text.size()) {
        ++i;
        value.push_back(text[i] == 'n' ? '\n' : text[i]);
      } else {
        value.push_back(text[i]);
      }
    }
    out->labels.emplace_back(text.substr(at, equals - at), std::move(value));
    at = i + 1;
    if (at < text.size() && text[at] == ',') ++at;
  }
  return at < text.size();
}

class Reader {
 public:
  void Line(std::string_view line) {
    constexpr std::string_view kScrape = "##SCRAPE ";
    if (line.substr(0, kScrape.size()) == kScrape) {
      BeginScrape(line.substr(kScrape.size()));
    } else if (!line.empty() && line[0] != '#' && target_ != nullptr) {
      Sample(line);
    }
  }

  std::optional<Capture> Finish() {
    Capture capture;
    for (auto& one : targets_) {
      const size_t scrapes = one->target.scrape_ms.size();
      for (CapturedSeries& series : one->series) {
        series.target = capture.targets.size();
        series.values.resize(scrapes, std::bit_cast<double>(kAbsentBits));
        capture.series.push_back(std::move(series));
      }
      capture.targets.push_back(std::move(one->target));
    }
    if (capture.series.empty()) return std::nullopt;
    return capture;
  }

 private:
  struct Target {
    CapturedTarget target;
    std::vector<CapturedSeries> series;
    std::unordered_map<std::string, size_t> by_text;
  };

  void BeginScrape(std::string_view rest) {
    const size_t space = rest.find(' ');
    const std::string name(rest.substr(0, space));
    target_ = nullptr;
    for (auto& one : targets_) {
      if (one->target.name == name) target_ = one.get();
    }
    if (target_ == nullptr) {
      targets_.push_back(std::make_unique<Target>());
      target_ = targets_.back().get();
      target_->target.name = name;
    }
    const std::string time(space == std::string_view::npos ? "0" : rest.substr(space + 1));
    target_->target.scrape_ms.push_back(std::strtoll(time.c_str(), nullptr, 10));
  }

  void Sample(std::string_view line) {
    // The value is behind the last space: none of the captures carries timestamps.
    const size_t space = line.rfind(' ');
    if (space == std::string_view::npos) return;
    const std::string text(line.substr(0, space));
    const auto [at, added] = target_->by_text.try_emplace(text, target_->series.size());
    if (added) {
      CapturedSeries series;
      if (!ParseSeries(text, &series)) {
        target_->by_text.erase(at);
        return;
      }
      target_->series.push_back(std::move(series));
    }
    std::vector<double>& values = target_->series[at->second].values;
    values.resize(target_->target.scrape_ms.size() - 1, std::bit_cast<double>(kAbsentBits));
    values.push_back(std::strtod(std::string(line.substr(space + 1)).c_str(), nullptr));
  }

  std::vector<std::unique_ptr<Target>> targets_;
  Target* target_ = nullptr;
};

}  // namespace

bool IsAbsent(double value) { return std::bit_cast<uint64_t>(value) == kAbsentBits; }

std::optional<Capture> ReadCapture(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return std::nullopt;
  Reader reader;
  char* line = nullptr;
  size_t capacity = 0;
  for (ssize_t size; (size = getline(&line, &capacity, file)) > 0;) {
    reader.Line(std::string_view(line, static_cast<size_t>(size - (line[size - 1] == '\n'))));
  }
  std::free(line);
  std::fclose(file);
  return reader.Finish();
}

}  // namespace hearth::bench
