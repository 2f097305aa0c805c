// SPDX-License-Identifier: Apache-2.0
#include "scrape/series_cache.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

namespace hearth::scrape {
namespace {

// Scrapes that fail at their end (a limit) with other series each time.
TEST(SeriesCache, DoesNotGrowByScrapesThatFail) {
  SeriesCache cache;
  for (int scrape = 0; scrape < 20; ++scrape) {
    cache.Begin();
    for (int i = 0; i < 600; ++i) {
      bool is_new = false;
      const std::string text = fmt::format("m{{i=\"{}.{}\"}}", scrape, i);
      cache.Track(cache.Add(text, text, &is_new));
    }
    cache.Begin();
    cache.Finish(/*good=*/false, [](const SeriesCache::Series&) {});
    EXPECT_LE(cache.size(), 1000U);
  }
}

TEST(SeriesCache, AFailureForgetsNothingOfAGoodScrape) {
  SeriesCache cache;
  bool is_new = false;
  cache.Begin();
  for (int i = 0; i < 3000; ++i) {
    const std::string text = fmt::format("m{{i=\"{}\"}}", i);
    cache.Track(cache.Add(text, text, &is_new));
  }
  cache.Finish(/*good=*/true, [](const SeriesCache::Series&) {});
  size_t stale = 0;
  cache.Begin();
  cache.Finish(/*good=*/false, [&](const SeriesCache::Series&) { ++stale; });
  EXPECT_EQ(stale, 3000U);
  cache.Begin();
  EXPECT_NE(cache.Find("m{i=\"7\"}"), nullptr);
}

}  // namespace
}  // namespace hearth::scrape
