// SPDX-License-Identifier: Apache-2.0
#include "crypto/secret.h"

#include <gtest/gtest.h>

namespace hearth::crypto {
namespace {

const std::string kKey(kSealKeySize, 'k');

TEST(Seal, OpensWithTheSameKeyAndContext) {
  SeededRng rng(1);
  for (const std::string& plain : {std::string(), std::string("s"), std::string(1000, '\0')}) {
    const std::string sealed = Seal(kKey, plain, "row 7", rng);
    const auto opened = Open(kKey, sealed, "row 7");
    ASSERT_TRUE(opened.ok()) << opened.status();
    EXPECT_EQ(*opened, plain);
  }
}

TEST(Seal, NeverRepeatsItself) {
  SeededRng rng(1);
  EXPECT_NE(Seal(kKey, "secret", "", rng), Seal(kKey, "secret", "", rng));
}

TEST(Open, RefusesEveryChange) {
  SeededRng rng(1);
  const std::string sealed = Seal(kKey, "secret", "row 7", rng);
  EXPECT_EQ(Open(std::string(kSealKeySize, 'x'), sealed, "row 7").status().code(),
            absl::StatusCode::kDataLoss);
  EXPECT_FALSE(Open(kKey, sealed, "row 8").ok());
  for (size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] ^= 1;
    EXPECT_FALSE(Open(kKey, changed, "row 7").ok()) << i;
    EXPECT_FALSE(Open(kKey, sealed.substr(0, i), "row 7").ok()) << i;
  }
}

TEST(RandomToken, IsUrlSafeAndLong) {
  SeededRng rng(1);
  const std::string token = RandomToken(rng);
  EXPECT_EQ(token.size(), 43U);
  EXPECT_EQ(token.find_first_of("+/="), std::string::npos);
  EXPECT_NE(token, RandomToken(rng));
  EXPECT_EQ(RandomAlphanumeric(rng, 20).size(), 20U);
}

}  // namespace
}  // namespace hearth::crypto
