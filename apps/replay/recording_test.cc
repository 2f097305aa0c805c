// SPDX-License-Identifier: Apache-2.0
#include "recording.h"

#include <gtest/gtest.h>

#include <string>

#include "base/status.h"
#include "volumes.h"

namespace hearth::replay {
namespace {

constexpr std::string_view kText =
    "##SCRAPE ksm 1000\n"
    "pods{phase=\"Running\"} 3\n"
    "restarts_total{pod=\"a\"} 5\n"
    "##SCRAPE api 2000\n"
    "requests_total 100\n"
    "##SCRAPE ksm 16000\n"
    "pods{phase=\"Running\"} 4\n"
    "restarts_total{pod=\"a\"} 7\n"
    "##SCRAPE ksm 31000\n"
    "pods{phase=\"Running\"} 2\n"
    "restarts_total{pod=\"a\"} 1\n";

Recording Parsed(std::string_view text) {
  absl::StatusOr<Recording> recording = Recording::Parse(text);
  EXPECT_TRUE(recording.ok()) << Message(recording.status());
  return *std::move(recording);
}

bool Has(const std::string& exposition, std::string_view line) {
  return ("\n" + exposition).find("\n" + std::string(line) + "\n") != std::string::npos;
}

TEST(Recording, ShowsTheLatestFrameOfEveryTarget) {
  const Recording recording = Parsed(kText);
  EXPECT_EQ(recording.duration_ms(), 45'000);
  EXPECT_EQ(recording.series_count(), 3u);
  EXPECT_EQ(recording.frame_count(), 4u);
  const std::string early = recording.Render(0);
  EXPECT_TRUE(Has(early, "pods{phase=\"Running\"} 3")) << early;
  EXPECT_TRUE(Has(early, "requests_total 100")) << early;
  EXPECT_TRUE(Has(early, "# TYPE pods gauge")) << early;
  EXPECT_TRUE(Has(early, "# TYPE requests_total counter")) << early;
  EXPECT_TRUE(Has(recording.Render(14'999), "pods{phase=\"Running\"} 3"));
  EXPECT_TRUE(Has(recording.Render(15'000), "pods{phase=\"Running\"} 4"));
  EXPECT_TRUE(Has(recording.Render(44'999), "pods{phase=\"Running\"} 2"));
}

TEST(Recording, CountersGrowFromRoundToRoundAndGaugesDoNot) {
  const Recording recording = Parsed(kText);
  // Grew by 2 in a round; the recorded reset stays one, but no round starts below its like.
  EXPECT_TRUE(Has(recording.Render(45'000), "restarts_total{pod=\"a\"} 7"));
  EXPECT_TRUE(Has(recording.Render(45'000 + 15'000), "restarts_total{pod=\"a\"} 9"));
  EXPECT_TRUE(Has(recording.Render(90'000), "restarts_total{pod=\"a\"} 9"));
  EXPECT_TRUE(Has(recording.Render(90'000), "pods{phase=\"Running\"} 3"));
}

TEST(Recording, KeepsTheSeriesOfAMetricTogether) {
  const Recording recording = Parsed("##SCRAPE a 1\na{x=\"1\"} 1\na_b 2\na{x=\"2\"} 3\n");
  EXPECT_EQ(recording.Render(0),
            "# TYPE a gauge\na{x=\"1\"} 1\na{x=\"2\"} 3\n# TYPE a_b gauge\na_b 2\n");
}

TEST(Recording, RefusesWhatIsNotOfTheFormat) {
  for (const std::string_view text :
       {"", "a 1\n", "##SCRAPE a\n", "##SCRAPE a b\n", "##SCRAPE  1\n", "##SCRAPE a 1\nb\n",
        "##SCRAPE a 1\nb c\n"}) {
    EXPECT_FALSE(Recording::Parse(text).ok()) << text;
  }
}

TEST(Recording, ReadsSpecialValues) {
  const std::string text = Parsed("##SCRAPE a 1\nb +Inf\nc -Inf\nd NaN\ne 1e+06\n").Render(0);
  EXPECT_TRUE(Has(text, "b +Inf")) << text;
  EXPECT_TRUE(Has(text, "e 1000000")) << text;
}

TEST(Volumes, StayWithinTheirCapacityAndSayThatTheyAreSimulated) {
  const std::string text = RenderSimulatedVolumes(12'345);
  EXPECT_TRUE(text.starts_with("# Simulated"));
  EXPECT_NE(text.find("kubelet_volume_stats_used_bytes{namespace=\"shop\""), std::string::npos);
  EXPECT_NE(RenderSimulatedVolumes(0), RenderSimulatedVolumes(60'000));
}

}  // namespace
}  // namespace hearth::replay
