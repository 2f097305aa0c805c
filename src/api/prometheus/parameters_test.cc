// SPDX-License-Identifier: Apache-2.0
#include "api/prometheus/parameters.h"

#include <gtest/gtest.h>

#include "base/status.h"

namespace hearth::api {
namespace {

Parameters Of(std::string query, std::string form = "") {
  net::HttpRequest request;
  request.method = form.empty() ? "GET" : "POST";
  request.query = std::move(query);
  if (!form.empty()) {
    request.headers.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
    request.body = std::move(form);
  }
  return *Parameters::Of(request);
}

TEST(Parameters, TimesAreSecondsOrRfc3339) {
  const struct {
    const char* text;
    int64_t want_ms;
  } rows[] = {
      {"1435781451.781", 1435781451781},
      {"1435781451", 1435781451000},
      {"0", 0},
      {"-1.5", -1500},
      {"1e3", 1'000'000},
      {"2015-07-01T20:10:51.781Z", 1435781451781},
      {"2015-07-01T22:10:51+02:00", 1435781451000},
  };
  for (const auto& row : rows) EXPECT_EQ(*ParseTimeMs(row.text), row.want_ms) << row.text;
  for (const char* bad : {"", "x", "30s", "NaN", "Inf", "2015-07-01", "1e400"}) {
    EXPECT_FALSE(ParseTimeMs(bad).ok()) << bad;
  }
  EXPECT_EQ(Message(Of("time=foo").RequiredTime("time").status()),
            "invalid parameter \"time\": cannot parse \"foo\" to a valid timestamp");
}

TEST(Parameters, FormComesBeforeQueryAndPlusIsASpace) {
  const Parameters parameters = Of("query=a&x=1", "query=sum%28b%29+c");
  EXPECT_EQ(parameters.Get("query"), "sum(b) c");
  EXPECT_EQ(parameters.All("query").size(), 2U);
  EXPECT_EQ(parameters.Get("x"), "1");
}

TEST(Parameters, DurationsAreSecondsOrPrometheusDurations) {
  EXPECT_EQ(**Of("step=15").Duration("step"), 15'000);
  EXPECT_EQ(**Of("step=0.5").Duration("step"), 500);
  EXPECT_EQ(**Of("step=1m30s").Duration("step"), 90'000);
  EXPECT_FALSE(Of("").Duration("step")->has_value());
  EXPECT_EQ(Message(Of("step=soon").Duration("step").status()),
            "invalid parameter \"step\": cannot parse \"soon\" to a valid duration");
}

TEST(Parameters, SelectorsNeedOneMatcherThatDoesNotMatchEmpty) {
  EXPECT_EQ(Of("match[]=up&match[]=%7Bjob%3D~%22a.*%22%2Cx%3D%22y%22%7D").Selectors()->size(), 2U);
  EXPECT_FALSE(Of("match[]=%7Bjob%3D~%22.*%22%7D").Selectors().ok());
  EXPECT_FALSE(Of("match[]=%7B").Selectors().ok());
}

TEST(Parameters, LimitsAreNotNegative) {
  EXPECT_EQ(*Of("limit=5").Limit("limit"), 5U);
  EXPECT_EQ(*Of("").Limit("limit"), 0U);
  EXPECT_FALSE(Of("limit=-1").Limit("limit").ok());
  EXPECT_FALSE(Of("limit=x").Limit("limit").ok());
}

}  // namespace
}  // namespace hearth::api
