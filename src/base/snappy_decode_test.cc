// SPDX-License-Identifier: Apache-2.0
#include "base/snappy_decode.h"

#include <gtest/gtest.h>

#include <string>

#include "base/compress.h"

namespace hearth {
namespace {

using namespace std::string_literals;

struct Case {
  std::string what;
  std::string elements;
  std::string decoded;  // of a corrupt one: as many bytes as it declares
  bool sound = true;
};

TEST(SnappyDecode, TakesEveryElementAndNothingBroken) {
  const std::string sixty_one(61, 'x');
  const std::string hundred(100, 'y');
  const Case cases[] = {
      {"nothing", "", ""},
      {"a literal", "\x08"s + "abc", "abc"},
      {"a literal with its size in one byte", "\xf0\x3c"s + sixty_one, sixty_one},
      {"a literal with its size in two bytes", "\xf4\x63\x00"s + hundred, hundred},
      {"a literal with its size in four bytes", "\xfc\x02\x00\x00\x00"s + "abc", "abc"},
      {"a copy of 11 bits", "\x0c"s + "abcd" + "\x01\x04", "abcdabcd"},
      {"a copy of 16 bits", "\x0c"s + "abcd" + "\x0a\x04\x00"s, "abcdabc"},
      {"a copy of 32 bits", "\x0c"s + "abcd" + "\x0b\x04\x00\x00\x00"s, "abcdabc"},
      {"a copy that repeats", "\x04"s + "ab" + "\x1a\x02\x00"s, "ababababa"},
      {"offset 0", "\x0c"s + "abcd" + "\x01\x00"s, "abcdabcd", false},
      {"an offset before the beginning", "\x0c"s + "abcd" + "\x01\x05", "abcdabcd", false},
      {"a copy beyond the size", "\x0c"s + "abcd" + "\x01\x04", "abcdabc", false},
      {"a literal beyond the size", "\x08"s + "abc", "ab", false},
      {"less than the size", "\x08"s + "abc", "abcd", false},
      {"a literal that ends early", "\x0c"s + "abc", "abcd", false},
      {"a copy that ends early", "\x0c"s + "abcd" + "\x0a\x04", "abcdabc", false},
      {"a size that ends early", "\xf4\x63"s, hundred, false},
      {"a size of 4 GiB", "\xfc\xff\xff\xff\xff"s + hundred, hundred, false},
  };
  for (const Case& one : cases) {
    // Alone it is read with care, between two long literals at full speed.
    for (const bool fast : {false, true}) {
      const std::string before = fast ? "\xf0\x3c"s + sixty_one : "";
      const std::string after = fast && one.sound ? "\xf4\x63\x00"s + hundred : "";
      const std::string expected =
          (fast ? sixty_one : "") + one.decoded + (after.empty() ? "" : hundred);
      // An offset before the beginning is none where something lies before.
      if (fast && one.what == "an offset before the beginning") continue;
      std::string out(expected.size(), '\0');
      const bool sound =
          SnappyDecodeElements(before + one.elements + after, out.data(), out.size());
      EXPECT_EQ(sound, one.sound) << one.what << (fast ? ", fast" : "");
      if (sound) {
        EXPECT_EQ(out, expected) << one.what << (fast ? ", fast" : "");
      }
    }
  }
}

TEST(SnappyDecode, GivesBackWhatWasCompressed) {
  std::string text;
  for (size_t i = 0; i < 20'000; ++i) {
    text += "label_" + std::to_string(i % 37) + "=\"" + std::to_string(i * i % 1009) + "\",";
    if (i % 500 == 0) text.append(i % 300, 'z');
    std::string out;
    if (i % 997 != 0) continue;
    ASSERT_TRUE(SnappyDecompress(SnappyCompress(text), text.size(), &out).ok());
    EXPECT_EQ(out, text);
  }
}

}  // namespace
}  // namespace hearth
