// SPDX-License-Identifier: Apache-2.0
#include "clones.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "bodies.h"

namespace hearth::bench {
namespace {

constexpr uint64_t kPodSeries = 20;
constexpr uint64_t kGenerationsInFlight = 10;  // a tenth is replaced at a time
// Instances begin apart by this many scrapes of the capture, and none so late that the hour that
// the query suite looks at would run over its end.
constexpr uint64_t kPhase = 7;
constexpr uint64_t kLastPhase = 470;

// Where a clone's labels come from: instance or pod `number`, in its `generation`.
struct Place {
  uint64_t number = 0;
  uint64_t generation = 0;
};

class Fleet {
 public:
  Fleet(const Capture& capture, const ClonePlan& plan) : capture_(capture), plan_(plan) {
    for (size_t i = 0; i < capture.series.size(); ++i) {
      const auto& values = capture.series[i].values;
      if (plan.series == 0 || std::none_of(values.begin(), values.end(), IsAbsent)) {
        base_.push_back(i);
      }
    }
  }

  bool Write() {
    BodyFile file(plan_.out);
    if (!file.ok()) return false;
    const uint64_t count = plan_.series == 0 ? base_.size() : plan_.series;
    BodyWriter writer(symbols_, plan_.protocol, plan_.samples_per_body, &file);
    std::vector<SeriesLabels> labels;
    if (plan_.churn_steps == 0) {
      for (uint64_t i = 0; i < count; ++i) labels.push_back(LabelsOf(i, 0));
    }
    const uint64_t last = plan_.first_step + plan_.steps;
    for (uint64_t step = plan_.first_step; step < last; step += plan_.samples_per_series) {
      const uint64_t end = std::min(last, step + plan_.samples_per_series);
      for (uint64_t i = 0; i < count; ++i) {
        if (plan_.churn_steps == 0) {
          writer.BeginSeries(labels[i]);
        } else {
          writer.BeginSeries(LabelsOf(i, step));
        }
        WriteSamples(i, step, end, &writer);
        writer.EndSeries();
      }
      writer.Flush();
    }
    return file.Finish();
  }

 private:
  uint64_t Number(uint64_t index) const { return plan_.first_series + index; }

  const CapturedSeries& Base(uint64_t index) const {
    return capture_.series[base_[Number(index) % base_.size()]];
  }

  Place PlaceOf(uint64_t index, uint64_t step) const {
    if (plan_.churn_steps == 0) return {Number(index) / base_.size() + 1, 0};
    const uint64_t pod = Number(index) / kPodSeries + 1;
    return {pod, (step / plan_.churn_steps + pod % kGenerationsInFlight) / kGenerationsInFlight};
  }

  void WriteSamples(uint64_t index, uint64_t step, uint64_t end, BodyWriter* writer) const {
    const CapturedSeries& base = Base(index);
    const std::vector<int64_t>& scrapes = capture_.targets[base.target].scrape_ms;
    const Place place = PlaceOf(index, step);
    const uint64_t phase =
        plan_.series == 0 ? 0 : (place.number + place.generation * 3) * kPhase % kLastPhase;
    for (uint64_t at = step; at < end; ++at) {
      const uint64_t scrape = (phase + at) % scrapes.size();
      double value = base.values[scrape];
      if (IsAbsent(value)) continue;
      if (base.cumulative && phase + at >= scrapes.size()) {
        value += static_cast<double>((phase + at) / scrapes.size()) * base.values.back();
      }
      const int64_t time_ms = plan_.real_times
                                  ? plan_.start_ms + scrapes[scrape] - scrapes[0]
                                  : plan_.start_ms + static_cast<int64_t>(at) * plan_.step_ms;
      writer->AddSample(time_ms, value);
    }
  }

  SeriesLabels LabelsOf(uint64_t index, uint64_t step) {
    const CapturedSeries& base = Base(index);
    const Place place = PlaceOf(index, step);
    const std::string& job = capture_.targets[base.target].name;
    const uint64_t n = place.number;
    std::map<std::string, std::string> own = {
        {"__name__", base.name},
        {"instance", n < 256 && plan_.churn_steps == 0
                         ? fmt::format("10.0.0.{}:9100", n)
                         : fmt::format("10.{}.{}.{}:9100", place.generation, n >> 8, n & 255)},
        {"job", job}};
    if (plan_.kube) {
      own.insert({
          {"cluster", "eks-production-eu-west-1"},
          {"container", job + "-exporter"},
          {"endpoint", "metrics"},
          {"namespace", fmt::format("team-{}-monitoring", n % 20)},
          {"node", fmt::format("ip-10-0-{}-{}.eu-west-1.compute.internal", n >> 8, n & 255)},
          {"pod", fmt::format("{}-exporter-{:08x}-{:05x}", job, n * 2654435761 % 0xffffffff,
                              (n * 40503 + place.generation * 7919) & 0xfffff)},
          {"prometheus", "monitoring/kube-prometheus-stack"},
          {"service", job + "-exporter-headless"},
      });
    }
    std::map<std::string, std::string> all = own;
    for (const auto& [name, value] : base.labels) {
      // As a scrape does where labels of the target and of the text meet.
      all[own.contains(name) ? "exported_" + name : name] = value;
    }
    SeriesLabels labels;
    for (const auto& [name, value] : all) {
      labels.push_back(symbols_.Intern(name));
      labels.push_back(symbols_.Intern(value));
    }
    return labels;
  }

  const Capture& capture_;
  const ClonePlan& plan_;
  std::vector<size_t> base_;  // of capture_.series
  Symbols symbols_;
};

}  // namespace

bool WriteClones(const Capture& capture, const ClonePlan& plan) {
  return Fleet(capture, plan).Write();
}

}  // namespace hearth::bench
