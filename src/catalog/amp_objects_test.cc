// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/status.h"
#include "catalog/amp_detectors.h"
#include "catalog/amp_documents.h"
#include "catalog/amp_rules.h"
#include "catalog/amp_scrapers.h"
#include "catalog/backend_test.h"
#include "catalog/credentials.h"
#include "catalog/eks.h"

namespace hearth::catalog {
namespace {

class AmpObjects : public BackendTest {
 protected:
  template <typename Body>
  auto Write(Body&& body) {
    return catalog_->Write(std::forward<Body>(body));
  }
  template <typename Body>
  auto Read(Body&& body) {
    return catalog_->Read(std::forward<Body>(body));
  }
  void SetUp() override {
    BackendTest::SetUp();
    workspace_.account = "000000000000";
    workspace_.region = "us-east-1";
    ASSERT_TRUE(Write([&](Transaction& t) { return CreateAmpWorkspace(t, &workspace_); }).ok());
  }
  RuleNamespace Rules(const std::string& name, const std::string& data) {
    RuleNamespace rules;
    rules.workspace = workspace_.id;
    rules.name = name;
    rules.data = data;
    rules.tags = {{"a", "b"}};
    return rules;
  }

  AmpWorkspace workspace_;
};

TEST_P(AmpObjects, RuleNamespacesKeepTheirBytes) {
  const std::string data("groups: []\r\n\0\xff# \n", 17);
  RuleNamespace rules = Rules("my rules", data);
  ASSERT_TRUE(Write([&](Transaction& t) { return CreateRuleNamespace(t, &rules); }).ok());
  const auto found =
      *Read([&](Reader& r) { return GetRuleNamespace(r, workspace_.id, "my rules"); });
  EXPECT_EQ(found.data, data);
  EXPECT_EQ(found.tags, rules.tags);
  RuleNamespace again = Rules("my rules", "x");
  EXPECT_TRUE(
      absl::IsAlreadyExists(Write([&](Transaction& t) { return CreateRuleNamespace(t, &again); })));
  clock_.Advance(1000);
  RuleNamespace stale = found;
  RuleNamespace changed = found;
  changed.data = "groups:\n";
  ASSERT_TRUE(Write([&](Transaction& t) { return UpdateRuleNamespace(t, &changed); }).ok());
  EXPECT_GT(changed.modified_ms, changed.created_ms);
  EXPECT_TRUE(
      absl::IsAborted(Write([&](Transaction& t) { return UpdateRuleNamespace(t, &stale); })));
  ASSERT_TRUE(Write([&](Transaction& t) {
                return DeleteRuleNamespace(t, workspace_.id, "my rules");
              }).ok());
  EXPECT_TRUE(absl::IsNotFound(
      Write([&](Transaction& t) { return DeleteRuleNamespace(t, workspace_.id, "my rules"); })));
}

TEST_P(AmpObjects, ListsByPrefixAndPage) {
  for (const char* name : {"b1", "a%", "b2", "a_x"}) {
    RuleNamespace rules = Rules(name, "");
    ASSERT_TRUE(Write([&](Transaction& t) { return CreateRuleNamespace(t, &rules); }).ok());
  }
  const auto names = [&](std::string_view prefix, std::string_view after, int limit) {
    std::vector<std::string> out;
    const auto found =
        Read([&](Reader& r) { return ListRuleNamespaces(r, workspace_.id, prefix, after, limit); });
    for (const RuleNamespace& rules : *found) out.push_back(rules.name);
    return out;
  };
  EXPECT_THAT(names("b", "", 10), testing::ElementsAre("b1", "b2"));
  EXPECT_THAT(names("b", "b1", 10), testing::ElementsAre("b2"));
  EXPECT_THAT(names("a%", "", 10), testing::ElementsAre("a%"));
  EXPECT_EQ(names("", "", 3).size(), 3U);
}

TEST_P(AmpObjects, OneDocumentOfAKind) {
  AmpDocument document;
  document.workspace = workspace_.id;
  document.kind = AmpDocumentKind::kAlertManager;
  document.content = "alertmanager_config: |\n";
  ASSERT_TRUE(Write([&](Transaction& t) { return CreateAmpDocument(t, &document); }).ok());
  EXPECT_TRUE(absl::IsAlreadyExists(
      Write([&](Transaction& t) { return CreateAmpDocument(t, &document); })));
  document.content = "changed";
  document.revision = 1;
  ASSERT_TRUE(Write([&](Transaction& t) { return UpdateAmpDocument(t, &document); }).ok());
  EXPECT_EQ(Read([&](Reader& r) {
              return GetAmpDocument(r, AmpDocumentKind::kAlertManager, workspace_.id);
            })->content,
            "changed");
  EXPECT_TRUE(absl::IsNotFound(Read([&](Reader& r) {
                                 return GetAmpDocument(r, AmpDocumentKind::kLogging, workspace_.id);
                               }).status()));
}

TEST_P(AmpObjects, ScrapersAndDetectors) {
  AmpScraper scraper;
  scraper.account = "000000000000";
  scraper.region = "us-east-1";
  scraper.configuration = std::string("a\0b", 3);
  scraper.source = R"({"eksConfiguration":{}})";
  ASSERT_TRUE(Write([&](Transaction& t) { return CreateAmpScraper(t, &scraper); }).ok());
  EXPECT_TRUE(scraper.id.starts_with("s-"));
  scraper.logging = "{}";
  scraper.tags["k"] = "v";
  ASSERT_TRUE(Write([&](Transaction& t) { return UpdateAmpScraper(t, &scraper); }).ok());
  const auto listed =
      *Read([&](Reader& r) { return ListAmpScrapers(r, "000000000000", "us-east-1"); });
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_EQ(listed[0].configuration, scraper.configuration);
  EXPECT_EQ(listed[0].logging, "{}");
  EXPECT_TRUE(Read([&](Reader& r) { return ListAmpScrapers(r, "1", "us-east-1"); })->empty());
  EXPECT_EQ(Read([&](Reader& r) { return AllAmpScrapers(r); })->size(), 1U);

  AmpDetector detector;
  detector.workspace = workspace_.id;
  detector.alias = "cpu";
  detector.labels = {{"l", "v"}};
  ASSERT_TRUE(Write([&](Transaction& t) { return CreateAmpDetector(t, &detector); }).ok());
  detector.interval_seconds = 300;
  ASSERT_TRUE(Write([&](Transaction& t) { return UpdateAmpDetector(t, &detector); }).ok());
  const auto found =
      *Read([&](Reader& r) { return GetAmpDetector(r, workspace_.id, detector.id); });
  EXPECT_EQ(found.interval_seconds, 300);
  EXPECT_EQ(found.labels, detector.labels);
  EXPECT_TRUE(Read([&](Reader& r) { return ListAmpDetectors(r, workspace_.id, "x"); })->empty());
}

TEST_P(AmpObjects, CredentialsOfAClusterAreSealedAndGoWithIt) {
  EksCluster cluster;
  cluster.account = "000000000000";
  cluster.region = "us-east-1";
  cluster.name = "c";
  const EksCredentials given = {"the-token", "CERT", "KEY"};
  const auto stored = [&] {
    return *Read([&](Reader& r) { return GetEksCredentials(r, cluster); });
  };
  ASSERT_TRUE(Write([&](Transaction& t) -> absl::Status {
                TRY(CreateEksCluster(t, &cluster));
                return PutEksCredentials(t, cluster, given);
              }).ok());
  EXPECT_EQ(stored(), given);
  const auto sealed =
      Read([](Reader& r) { return GetSecret(r, "eks-credentials/000000000000/us-east-1/c"); });
  ASSERT_TRUE(sealed.ok()) << sealed.status();
  EXPECT_EQ(sealed->find("the-token"), std::string::npos);
  ASSERT_TRUE(Write([&](Transaction& t) {
                return DeleteEksCluster(t, cluster.account, cluster.region, cluster.name);
              }).ok());
  EXPECT_TRUE(stored().empty());
}

TEST_P(AmpObjects, AllGoWithTheirWorkspace) {
  RuleNamespace rules = Rules("r", "");
  AmpDocument document;
  document.workspace = workspace_.id;
  AmpDetector detector;
  detector.workspace = workspace_.id;
  ASSERT_TRUE(Write([&](Transaction& t) -> absl::Status {
                TRY(CreateRuleNamespace(t, &rules));
                TRY(CreateAmpDocument(t, &document));
                return CreateAmpDetector(t, &detector);
              }).ok());
  ASSERT_TRUE(Write([&](Transaction& t) { return DeleteAmpWorkspace(t, workspace_.id); }).ok());
  EXPECT_TRUE(Read([&](Reader& r) { return ListRuleNamespaces(r, workspace_.id); })->empty());
  EXPECT_TRUE(Read([&](Reader& r) { return ListAmpDetectors(r, workspace_.id); })->empty());
  EXPECT_TRUE(absl::IsNotFound(Read([&](Reader& r) {
                                 return GetAmpDocument(r, AmpDocumentKind::kAlertManager,
                                                       workspace_.id);
                               }).status()));
  EXPECT_TRUE(
      absl::IsNotFound(Write([&](Transaction& t) { return CreateRuleNamespace(t, &rules); })));
}

HEARTH_ON_EVERY_BACKEND(AmpObjects);

}  // namespace
}  // namespace hearth::catalog
