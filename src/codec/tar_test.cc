// SPDX-License-Identifier: Apache-2.0
#include "codec/tar.h"

#include <gtest/gtest.h>

namespace hearth::codec {
namespace {

TEST(Tar, HeadersComeBack) {
  const std::string deep = std::string(120, 'd') + "/" + std::string(80, 'f');
  for (const std::string& name : {std::string("a"), std::string("tls/ca.pem"), deep}) {
    for (const uint64_t size : {uint64_t{0}, uint64_t{511}, uint64_t{1} << 32, uint64_t{1} << 40}) {
      const auto header = TarHeader(name, size, 0600, 1'700'000'000'000);
      ASSERT_TRUE(header.ok());
      ASSERT_EQ(header->size(), kTarBlockBytes);
      const auto entry = ParseTarHeader(*header);
      ASSERT_TRUE(entry.ok()) << entry.status();
      EXPECT_EQ(entry->name, name);
      EXPECT_EQ(entry->size, size);
      EXPECT_EQ(entry->mode, 0600U);
    }
  }
  EXPECT_FALSE(TarHeader(std::string(300, 'x'), 0, 0600, 0).ok());
  EXPECT_FALSE(TarHeader(std::string(101, 'x'), 0, 0600, 0).ok());
}

TEST(Tar, PadsToBlocks) {
  EXPECT_EQ(TarPadding(0).size(), 0U);
  EXPECT_EQ(TarPadding(1).size(), 511U);
  EXPECT_EQ(TarPadding(512).size(), 0U);
  EXPECT_EQ(ParseTarHeader(TarEnd())->name, "");
}

TEST(Tar, RefusesWhatLeadsOutOrIsDamaged) {
  for (const char* name : {"/etc/passwd", "../x", "a/../../x", "a//b", "./a"}) {
    const auto header = TarHeader(name, 1, 0600, 0);
    ASSERT_TRUE(header.ok());
    EXPECT_FALSE(ParseTarHeader(*header).ok()) << name;
  }
  std::string header = *TarHeader("a", 1, 0600, 0);
  for (size_t i = 0; i < header.size(); ++i) {
    std::string damaged = header;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    const auto entry = ParseTarHeader(damaged);
    if (entry.ok()) {  // the end of the checksum's own field has no meaning
      EXPECT_EQ(entry->name, "a") << i;
      EXPECT_EQ(entry->size, 1U) << i;
    }
  }
  EXPECT_FALSE(ParseTarHeader(header.substr(1)).ok());
}

}  // namespace
}  // namespace hearth::codec
