// SPDX-License-Identifier: Apache-2.0
#include "prometheus_blocks/block_meta.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/status.h"

namespace hearth::prometheus_blocks {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kCrockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr size_t kUlidChars = 26;
constexpr int kMetaVersion = 1;
constexpr size_t kMetaBytesMax = 16 << 20;

uint64_t Number(const Json& json, const char* name) {
  const auto it = json.find(name);
  return it != json.end() && it->is_number_unsigned() ? it->get<uint64_t>() : 0;
}

}  // namespace

std::string NewUlid(int64_t now_ms, Rng& rng) {
  std::string out(kUlidChars, '0');
  auto time = static_cast<uint64_t>(now_ms);
  for (size_t i = 10; i-- > 0; time >>= 5) out[i] = kCrockford[time & 31];
  for (size_t i = 10; i < kUlidChars; ++i) out[i] = kCrockford[rng.Next() & 31];
  return out;
}

bool IsUlid(std::string_view text) {
  return text.size() == kUlidChars && text.front() <= '7' &&
         text.find_first_not_of(kCrockford) == std::string_view::npos;
}

absl::StatusOr<BlockMeta> ParseMeta(std::string_view text) {
  const Json json =
      text.size() > kMetaBytesMax ? Json() : Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("version") || !json["version"].is_number_integer()) {
    return DataLoss("it is no meta.json of a block");
  }
  if (json["version"] != kMetaVersion) {
    return FailedPrecondition("block version {} is not known; version {} is",
                              json["version"].dump(), kMetaVersion);
  }
  const auto text_of = [](const Json& value) {
    return value.is_string() ? value.get<std::string>() : std::string();
  };
  BlockMeta meta;
  for (const char* name : {"ulid", "minTime", "maxTime"}) {
    if (!json.contains(name)) return DataLoss("it has no {}", name);
  }
  meta.ulid = text_of(json["ulid"]);
  if (!IsUlid(meta.ulid) || !json["minTime"].is_number_integer() ||
      !json["maxTime"].is_number_integer()) {
    return DataLoss("its ulid or its times are malformed");
  }
  meta.min_ms = json["minTime"].get<int64_t>();
  meta.end_ms = json["maxTime"].get<int64_t>();
  if (meta.min_ms > meta.end_ms) return DataLoss("it ends before it begins");
  if (const auto stats = json.find("stats"); stats != json.end() && stats->is_object()) {
    meta.samples = Number(*stats, "numSamples");
    meta.series = Number(*stats, "numSeries");
    meta.chunks = Number(*stats, "numChunks");
  }
  if (const auto compaction = json.find("compaction");
      compaction != json.end() && compaction->is_object() && compaction->contains("parents") &&
      (*compaction)["parents"].is_array()) {
    for (const Json& parent : (*compaction)["parents"]) {
      if (parent.is_object() && parent.contains("ulid")) {
        meta.parents.push_back(text_of(parent["ulid"]));
      }
    }
  }
  if (const auto own = json.find("hearth"); own != json.end() && own->is_object()) {
    if (own->contains("export")) meta.export_key = text_of((*own)["export"]);
    if (own->contains("end") && (*own)["end"].is_number_integer()) {
      meta.export_end_ms = (*own)["end"].get<int64_t>();
    }
    meta.export_checksum = Number(*own, "checksum");
  }
  return meta;
}

std::string MetaJson(const BlockMeta& meta) {
  Json stats = {{"numSamples", meta.samples}, {"numFloatSamples", meta.float_samples}};
  if (meta.histogram_samples > 0) stats["numHistogramSamples"] = meta.histogram_samples;
  stats["numSeries"] = meta.series;
  stats["numChunks"] = meta.chunks;
  const Json json = {{"ulid", meta.ulid},
                     {"minTime", meta.min_ms},
                     {"maxTime", meta.end_ms},
                     {"stats", std::move(stats)},
                     {"compaction", {{"level", 1}, {"sources", Json::array({meta.ulid})}}},
                     {"version", kMetaVersion},
                     {"hearth",
                      {{"export", meta.export_key},
                       {"end", meta.export_end_ms},
                       {"checksum", meta.export_checksum}}}};
  return json.dump(1, '\t') + "\n";
}

absl::StatusOr<DataDirectory> ReadDirectory(FileSystem& file_system, const std::string& directory) {
  DataDirectory found;
  const auto read = [&](const std::string& path) -> absl::StatusOr<BlockMeta> {
    const std::string file = JoinPath(path, "meta.json");
    TRY_ASSIGN(const std::string bytes, file_system.ReadFile(file));
    auto meta = ParseMeta(bytes);
    if (!meta.ok()) return Annotate(meta.status(), file);
    meta->directory = path;
    return meta;
  };
  if (file_system.Exists(JoinPath(directory, "meta.json"))) {
    TRY_ASSIGN(BlockMeta meta, read(directory));
    found.blocks.push_back(std::move(meta));
    return found;
  }
  TRY_ASSIGN(const std::vector<std::string> names, file_system.List(directory));
  for (const std::string& name : names) {
    const std::string path = JoinPath(directory, name);
    if (name == "wal") found.has_log = true;
    if (!IsUlid(name) || !file_system.Exists(JoinPath(path, "meta.json"))) continue;
    TRY_ASSIGN(BlockMeta meta, read(path));
    found.blocks.push_back(std::move(meta));
  }
  if (found.blocks.empty() && !found.has_log) {
    return FailedPrecondition(
        "{} is no data directory of Prometheus: it holds no block (a folder with a ULID's name and "
        "meta.json in it) and no wal",
        directory);
  }
  std::set<std::string, std::less<>> replaced;
  for (const BlockMeta& meta : found.blocks) {
    replaced.insert(meta.parents.begin(), meta.parents.end());
  }
  for (const BlockMeta& meta : found.blocks) {
    if (replaced.contains(meta.ulid)) found.replaced.push_back(meta.ulid);
  }
  std::erase_if(found.blocks, [&](const BlockMeta& meta) { return replaced.contains(meta.ulid); });
  std::sort(found.blocks.begin(), found.blocks.end(), [](const BlockMeta& a, const BlockMeta& b) {
    return std::pair(a.min_ms, a.ulid) < std::pair(b.min_ms, b.ulid);
  });
  return found;
}

}  // namespace hearth::prometheus_blocks
