// SPDX-License-Identifier: Apache-2.0
#include "base/rolling_file.h"

#include <gtest/gtest.h>

#include "base/status.h"

namespace hearth {
namespace {

TEST(RollingFile, KeepsTheFullOneBefore) {
  TemporaryDirectory directory;
  FileSystem& files = RealFileSystem();
  const std::string path = JoinPath(directory.path(), "sub/a.log");
  {
    auto file = RollingFile::Open(files, path, path + ".1", 12);
    ASSERT_TRUE(file.ok()) << Message(file.status());
    for (const std::string_view line : {"first", "2", "third", "a line that is too long", "end"}) {
      EXPECT_TRUE((*file)->Append(line).ok());
    }
  }
  EXPECT_EQ(*files.ReadFile(path + ".1"), "a line that is too long\n");
  EXPECT_EQ(*files.ReadFile(path), "end\n");
  auto again = RollingFile::Open(files, path, path + ".1", 12);
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE((*again)->Append("more").ok());
  EXPECT_EQ(*files.ReadFile(path), "end\nmore\n");
}

TEST(RollingFile, SaysWhatCannotBeOpened) {
  TemporaryDirectory directory;
  FileSystem& files = RealFileSystem();
  ASSERT_TRUE(files.MakeDirectories(JoinPath(directory.path(), "folder")).ok());
  const auto file = RollingFile::Open(files, JoinPath(directory.path(), "folder"), "x", 100);
  EXPECT_FALSE(file.ok());
}

}  // namespace
}  // namespace hearth
