// SPDX-License-Identifier: Apache-2.0
// Runs a fuzz target where libFuzzer is not there (GCC): over every seed file, then over seeded
// mutations of each, so that a run is the same on every machine.
//
//   x_fuzz [-runs=N] [-max_total_time=S] [-seed=N] [-artifact_prefix=P] [FILE | FOLDER]...
//
// N (1000) is the number of mutations of each seed. The input being tried is written to
// <P>last-input before it is tried, where P is given, so that a crash leaves it behind.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

// Larger inputs say little more and make each try slow.
constexpr size_t kInputBytesMax = size_t{1} << 16;

// SplitMix64 (public domain, Vigna): the same numbers everywhere, unlike std's distributions.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t Next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  size_t Below(size_t limit) { return limit == 0 ? 0 : static_cast<size_t>(Next() % limit); }

 private:
  uint64_t state_;
};

struct Options {
  uint64_t runs = 1000;
  double max_total_time_s = 0;  // 0: no limit.
  uint64_t seed = 1;
  std::string artifact_prefix;
  std::vector<std::string> inputs;
};

void Mutate(const std::vector<std::string>& seeds, Random& random, std::string& input) {
  // Values that lengths, counts and varints break at.
  static constexpr uint8_t kEdges[] = {0x00, 0x01, 0x7f, 0x80, 0xff, '"', '{', '\n'};
  for (size_t steps = 1 + random.Below(6); steps > 0; --steps) {
    const size_t at = random.Below(input.size() + 1);
    switch (random.Below(8)) {
      case 0:
        if (at < input.size()) input[at] = static_cast<char>(input[at] ^ (1 << random.Below(8)));
        break;
      case 1:
        if (at < input.size()) input[at] = static_cast<char>(random.Next());
        break;
      case 2:
        if (at < input.size()) input[at] = static_cast<char>(kEdges[random.Below(8)]);
        break;
      case 3:
        input.resize(at);
        break;
      case 4:
        input.erase(at, random.Below(16));
        break;
      case 5:
        input.insert(at, 1 + random.Below(8), static_cast<char>(kEdges[random.Below(8)]));
        break;
      case 6:
        input.insert(at, input.substr(random.Below(input.size() + 1), random.Below(64)));
        break;
      default: {
        const std::string& other = seeds[random.Below(seeds.size())];
        input.insert(at, other.substr(random.Below(other.size() + 1), random.Below(256)));
        break;
      }
    }
  }
  if (input.size() > kInputBytesMax) input.resize(kInputBytesMax);
}

void Try(const Options& options, const std::string& input) {
  if (!options.artifact_prefix.empty()) {
    std::ofstream(options.artifact_prefix + "last-input", std::ios::binary | std::ios::trunc)
        .write(input.data(), static_cast<std::streamsize>(input.size()));
  }
  // A copy of its exact size, so that the address sanitizer sees a read past the end.
  const std::vector<uint8_t> bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

bool ReadSeeds(const Options& options, std::vector<std::string>& seeds) {
  for (const std::string& input : options.inputs) {
    if (std::filesystem::is_directory(input)) {
      std::vector<std::filesystem::path> paths;
      for (const auto& entry : std::filesystem::directory_iterator(input)) {
        if (entry.is_regular_file()) paths.push_back(entry.path());
      }
      std::sort(paths.begin(), paths.end());
      for (const auto& path : paths) seeds.push_back(ReadFile(path));
    } else if (std::filesystem::is_regular_file(input)) {
      seeds.push_back(ReadFile(input));
    } else {
      std::fprintf(stderr, "no such file or folder: %s\n", input.c_str());
      return false;
    }
  }
  if (seeds.empty()) seeds = {"", std::string(64, '\0'), "{}", "a{b=\"c\"} 1 2\n"};
  return true;
}

template <typename T>
bool ReadNumber(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

bool ParseFlags(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const size_t equals = word.find('=');
    const std::string_view name = word.substr(0, equals);
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : word.substr(equals + 1);
    bool good = true;
    if (name == "-runs") {
      good = ReadNumber(value, options.runs);
    } else if (name == "-max_total_time") {
      good = ReadNumber(value, options.max_total_time_s);
    } else if (name == "-seed") {
      good = ReadNumber(value, options.seed);
    } else if (name == "-artifact_prefix") {
      options.artifact_prefix = value;
    } else if (word.starts_with("-")) {
      good = false;
    } else {
      options.inputs.emplace_back(word);
    }
    if (!good) {
      std::fprintf(stderr, "bad argument: %s\n", argv[i]);
      return false;
    }
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  std::vector<std::string> seeds;
  if (!ParseFlags(argc, argv, options) || !ReadSeeds(options, seeds)) return 2;
  for (const std::string& seed : seeds) Try(options, seed);

  const auto start = std::chrono::steady_clock::now();
  Random random(options.seed);
  uint64_t tried = seeds.size();
  // Round by round over the seeds, so that a time limit cuts all of them alike.
  for (uint64_t run = 0; run < options.runs; ++run) {
    for (const std::string& seed : seeds) {
      std::string input = seed;
      Mutate(seeds, random, input);
      Try(options, input);
      ++tried;
    }
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start;
    if (options.max_total_time_s > 0 && passed.count() > options.max_total_time_s) break;
  }
  std::printf("%llu inputs from %zu seeds, no crash\n", static_cast<unsigned long long>(tried),
              seeds.size());
  return 0;
}
