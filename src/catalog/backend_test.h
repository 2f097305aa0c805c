// SPDX-License-Identifier: Apache-2.0
// The databases that every catalog test runs on: SQLite always, PostgreSQL where
// HEARTH_TEST_POSTGRES holds a libpq URL of an empty database.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/rng.h"
#include "catalog/catalog.h"

namespace hearth::catalog {

inline std::vector<std::string> Backends() {
  std::vector<std::string> backends = {"sqlite"};
  if (std::getenv("HEARTH_TEST_POSTGRES") != nullptr) backends.push_back("postgresql");
  return backends;
}

class BackendTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    catalog_ = Open();
    if (GetParam() != "sqlite") {
      ASSERT_TRUE(catalog_->MigrateTo(0).ok());
      ASSERT_TRUE(catalog_->MigrateTo(Catalog::LatestSchemaVersion()).ok());
    }
  }
  std::string Url() const {
    if (GetParam() == "sqlite") return JoinPath(directory_.path(), "catalog.db");
    return std::getenv("HEARTH_TEST_POSTGRES");
  }
  // Another process' view of the same catalog.
  std::unique_ptr<Catalog> Open() {
    Catalog::Options options;
    options.url = Url();
    absl::StatusOr<std::unique_ptr<Catalog>> catalog = Catalog::Open(options, clock_, rng_);
    EXPECT_TRUE(catalog.ok()) << catalog.status();
    return catalog.ok() ? *std::move(catalog) : nullptr;
  }

  TemporaryDirectory directory_;
  ManualClock clock_;
  SeededRng rng_{1};
  std::unique_ptr<Catalog> catalog_;
};

#define HEARTH_ON_EVERY_BACKEND(Suite)                               \
  INSTANTIATE_TEST_SUITE_P(On, Suite, testing::ValuesIn(Backends()), \
                           [](const auto& backend) { return backend.param; })

}  // namespace hearth::catalog
