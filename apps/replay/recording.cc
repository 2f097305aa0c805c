// SPDX-License-Identifier: Apache-2.0
#include "recording.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <unordered_map>

#include "base/status.h"

namespace hearth::replay {
namespace {

constexpr std::string_view kFrameMark = "##SCRAPE ";
// Of a recording with one frame, or none after the first: a usual scrape interval.
constexpr int64_t kGapMs = 15'000;

std::string_view NameOf(std::string_view id) { return id.substr(0, id.find('{')); }

bool IsCounter(std::string_view id) {
  const std::string_view name = NameOf(id);
  return name.ends_with("_total") || name.ends_with("_bucket") || name.ends_with("_sum") ||
         name.ends_with("_count");
}

template <typename T>
bool ReadNumber(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

// "+Inf" is how the exposition writes it; from_chars knows only "inf".
bool ReadValue(std::string_view text, double& value) {
  if (text.starts_with('+')) text.remove_prefix(1);
  return ReadNumber(text, value);
}

// As the exposition format spells them.
std::string FormatValue(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{}", value);
}

struct FrameHead {
  std::string_view target;
  int64_t time_ms = 0;
};

absl::StatusOr<FrameHead> ReadHead(std::string_view line, size_t number) {
  const std::string_view rest = line.substr(kFrameMark.size());
  const size_t space = rest.find(' ');
  FrameHead head;
  if (space == 0 || space == std::string_view::npos ||
      !ReadNumber(rest.substr(space + 1), head.time_ms)) {
    return InvalidArgument("line {}: want '##SCRAPE <target> <unix ms>', got '{}'", number, line);
  }
  head.target = rest.substr(0, space);
  return head;
}

}  // namespace

absl::StatusOr<Recording> Recording::Parse(std::string_view text) {
  Recording out;
  std::unordered_map<std::string_view, uint32_t> ids;  // Views of `text`.
  Frame* frame = nullptr;
  int64_t first_ms = 0;
  size_t number = 0;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++number;
    if (line.starts_with(kFrameMark)) {
      TRY_ASSIGN(const FrameHead head, ReadHead(line, number));
      if (out.frame_count_++ == 0) first_ms = head.time_ms;
      auto target = std::ranges::find(out.targets_, head.target, &Target::name);
      if (target == out.targets_.end()) {
        target = out.targets_.insert(target, {std::string(head.target), {}});
      }
      frame = &target->frames.emplace_back(Frame{head.time_ms - first_ms, {}});
      out.duration_ms_ = std::max(out.duration_ms_, frame->at_ms + kGapMs);
      continue;
    }
    if (line.empty() || line.starts_with('#')) continue;
    const size_t space = line.rfind(' ');
    double value = 0;
    if (frame == nullptr || space == std::string_view::npos || space == 0 ||
        !ReadValue(line.substr(space + 1), value)) {
      return InvalidArgument("line {}: want a sample within a frame, got '{}'", number, line);
    }
    const std::string_view id = line.substr(0, space);
    const auto [entry, added] = ids.try_emplace(id, static_cast<uint32_t>(out.series_.size()));
    if (added) out.series_.push_back({std::string(id), IsCounter(id), 0, 0, false});
    Series& series = out.series_[entry->second];
    if (series.seen && value > series.last) series.growth += value - series.last;
    series.last = value;
    series.seen = true;
    frame->samples.push_back({entry->second, value});
  }
  if (out.frame_count_ == 0) return InvalidArgument("the recording holds no frame");
  return out;
}

std::string Recording::Render(int64_t elapsed_ms) const {
  const int64_t round = elapsed_ms / duration_ms_;
  const int64_t at_ms = elapsed_ms % duration_ms_;
  std::vector<Sample> samples;
  for (const Target& target : targets_) {
    // The latest frame so far; a target that was scraped later shows its first frame until then.
    auto frame = std::ranges::upper_bound(target.frames, at_ms, {}, &Frame::at_ms);
    if (frame != target.frames.begin()) --frame;
    samples.insert(samples.end(), frame->samples.begin(), frame->samples.end());
  }
  std::ranges::sort(samples, {}, [this](const Sample& sample) -> std::string_view {
    return series_[sample.series].id;
  });
  // '{' sorts behind letters, so that a metric's series would be parted by those of longer names.
  std::ranges::stable_sort(
      samples, {}, [this](const Sample& sample) { return NameOf(series_[sample.series].id); });

  std::string out;
  std::string_view last_name;
  for (const Sample& sample : samples) {
    const Series& series = series_[sample.series];
    const std::string_view name = NameOf(series.id);
    if (name != last_name) {
      // Parts of histograms stay untyped: a recording may hold some parts of one only.
      if (!series.counter || name.ends_with("_total")) {
        fmt::format_to(std::back_inserter(out), "# TYPE {} {}\n", name,
                       series.counter ? "counter" : "gauge");
      }
      last_name = name;
    }
    const double value =
        series.counter ? sample.value + series.growth * static_cast<double>(round) : sample.value;
    fmt::format_to(std::back_inserter(out), "{} {}\n", series.id, FormatValue(value));
  }
  return out;
}

}  // namespace hearth::replay
