// SPDX-License-Identifier: Apache-2.0
#include "crypto/certificates.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace hearth::crypto {
namespace {

constexpr int64_t kNow = 1'700'000'000'000;
constexpr int64_t kDay = 24LL * 3600 * 1000;
const std::vector<std::string> kNames = {"localhost", "127.0.0.1", "::1", "box"};

TEST(RefreshTlsSet, MakesACaAndAServerCertificate) {
  TlsSet set;
  const auto changed = RefreshTlsSet(kNames, kNow, &set);
  ASSERT_TRUE(changed.ok()) << changed.status();
  EXPECT_TRUE(*changed);
  const auto ca = InspectCertificate(set.ca_pem);
  const auto server = InspectCertificate(set.server_pem);
  ASSERT_TRUE(ca.ok() && server.ok());
  EXPECT_TRUE(ca->is_ca);
  EXPECT_FALSE(server->is_ca);
  EXPECT_EQ(server->names, (std::vector<std::string>{"127.0.0.1", "::1", "box", "localhost"}));
  EXPECT_EQ(ca->not_after_ms, kNow + 3650 * kDay);
  EXPECT_EQ(server->not_after_ms, kNow + 365 * kDay);
  EXPECT_EQ(server->sha1_hex.size(), 40U);
  EXPECT_TRUE(CheckKeyPair(set.server_pem, set.server_key_pem).ok());
  EXPECT_FALSE(CheckKeyPair(set.server_pem, set.ca_key_pem).ok());
}

TEST(RefreshTlsSet, KeepsWhatIsGoodAndRenewsWhatIsNot) {
  TlsSet first;
  ASSERT_TRUE(RefreshTlsSet(kNames, kNow, &first).ok());
  struct Row {
    const char* what;
    std::vector<std::string> names;
    int64_t after_days;
    bool server_changes;
    bool ca_changes;
  };
  const Row rows[] = {
      {"a day later", kNames, 1, false, false},
      {"names in another order", {"box", "::1", "127.0.0.1", "localhost"}, 1, false, false},
      {"335 days later", kNames, 335, false, false},
      {"336 days later, 29 left", kNames, 336, true, false},
      {"another name", {"localhost", "other"}, 1, true, false},
      {"the CA has 29 days left", kNames, 3621, true, true},
      {"the clock was wrong: not valid yet", kNames, -10, true, true},
  };
  for (const Row& row : rows) {
    TlsSet set = first;
    const auto changed = RefreshTlsSet(row.names, kNow + row.after_days * kDay, &set);
    ASSERT_TRUE(changed.ok()) << row.what;
    EXPECT_EQ(*changed, row.server_changes || row.ca_changes) << row.what;
    EXPECT_EQ(set.server_pem != first.server_pem, row.server_changes) << row.what;
    EXPECT_EQ(set.ca_pem != first.ca_pem, row.ca_changes) << row.what;
  }
  TlsSet damaged = first;
  damaged.server_key_pem = "x";
  EXPECT_TRUE(*RefreshTlsSet(kNames, kNow, &damaged));
  EXPECT_EQ(damaged.ca_pem, first.ca_pem);
}

TEST(RefreshTlsSet, RefusesWhatIsNotAName) {
  for (const char* name : {"", "a,DNS:evil", "a b", "a\nb"}) {
    TlsSet set;
    EXPECT_FALSE(RefreshTlsSet({name}, kNow, &set).ok()) << name;
  }
  TlsSet set;
  EXPECT_FALSE(RefreshTlsSet({}, kNow, &set).ok());
}

TEST(InspectCertificate, RefusesWhatIsNone) {
  EXPECT_FALSE(InspectCertificate("").ok());
  EXPECT_FALSE(InspectCertificate("-----BEGIN CERTIFICATE-----\nAAAA\n").ok());
}

TEST(WriteTlsDirectory, KeepsTheKeyPrivate) {
  TlsSet set;
  ASSERT_TRUE(RefreshTlsSet(kNames, kNow, &set).ok());
  const TemporaryDirectory directory;
  const std::string path = JoinPath(directory.path(), "tls");
  ASSERT_TRUE(WriteTlsDirectory(RealFileSystem(), path, set).ok());
  EXPECT_EQ(RealFileSystem().Stat(path + "/server.key")->mode & 0777, 0600U);
  EXPECT_EQ(RealFileSystem().Stat(path + "/ca.pem")->mode & 0777, 0644U);
  EXPECT_EQ(*RealFileSystem().ReadFile(path + "/server.pem"), set.server_pem);
  EXPECT_FALSE(RealFileSystem().Exists(path + "/ca.key"));
}

}  // namespace
}  // namespace hearth::crypto
