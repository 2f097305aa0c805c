// SPDX-License-Identifier: Apache-2.0
// Anomaly detectors: kept and answered as given; nothing evaluates them, and their status says so.
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "api/aps/answers.h"
#include "api/aps/aps.h"
#include "base/status.h"
#include "catalog/amp_detectors.h"
#include "promql/parser.h"

namespace hearth::api {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kDefaultInterval = 60;
constexpr std::string_view kType = "anomalydetector";
constexpr std::string_view kReason =
    "kept as given; this version of hearth does not evaluate anomaly detectors";
constexpr std::string_view kDefaultMissing = R"({"skip":true})";  // AMP's own default

Json DetectorJson(const catalog::AmpWorkspace& owner, const catalog::AmpDetector& detector,
                  bool whole) {
  Json json = {{"arn", catalog::AmpDetectorArn(owner.account, owner.region, owner.id, detector.id)},
               {"anomalyDetectorId", detector.id},
               {"alias", detector.alias},
               {"status", ActiveStatus(kReason)},
               {"createdAt", access::EpochSeconds(detector.created_ms)},
               {"modifiedAt", access::EpochSeconds(detector.modified_ms)},
               {"tags", TagsJson(detector.tags)}};
  if (!whole) return json;
  json["evaluationIntervalInSeconds"] = detector.interval_seconds;
  json["missingDataAction"] = StoredJson(detector.missing_data);
  json["configuration"] = StoredJson(detector.configuration);
  json["labels"] = TagsJson(detector.labels);
  return json;
}

std::string Written(const catalog::AmpWorkspace& owner, const catalog::AmpDetector& detector) {
  Json json = DetectorJson(owner, detector, false);
  json.erase("alias");
  json.erase("createdAt");
  json.erase("modifiedAt");
  return access::RestBody(json);
}

absl::Status ReadInto(const access::RestInput& input, catalog::AmpDetector* detector) {
  const std::string query = input.Child("configuration").Child("randomCutForest").Text("query");
  if (const auto expr = promql::ParseExpr(query); !expr.ok()) {
    return access::InvalidField("configuration.randomCutForest.query", Message(expr.status()));
  }
  detector->interval_seconds =
      input.Number("evaluationIntervalInSeconds").value_or(kDefaultInterval);
  detector->missing_data = input.Has("missingDataAction") ? input.JsonText("missingDataAction")
                                                          : std::string(kDefaultMissing);
  detector->configuration = input.JsonText("configuration");
  detector->labels = input.TextMap("labels");
  return absl::OkStatus();
}

}  // namespace

Aps::Body Aps::CreateAnomalyDetector(const Call& call) {
  catalog::AmpDetector detector;
  detector.workspace = std::string(call.match.Label("workspaceId"));
  detector.alias = call.Text("alias");
  detector.tags = call.input.TextMap("tags");
  TRY(CheckTags(detector.tags));
  TRY(ReadInto(call.input, &detector));
  return Once(call, [&](catalog::Transaction& transaction) -> Body {
    TRY_ASSIGN(const catalog::AmpWorkspace owner, Owner(transaction, call));
    TRY(catalog::CreateAmpDetector(transaction, &detector));
    return Written(owner, detector);
  });
}

Aps::Body Aps::PutAnomalyDetector(const Call& call) {
  const std::string_view id = call.match.Label("anomalyDetectorId");
  return Once(call, [&](catalog::Transaction& transaction) -> Body {
    TRY_ASSIGN(const catalog::AmpWorkspace owner, Owner(transaction, call));
    TRY_ASSIGN(catalog::AmpDetector detector,
               OrNotFound(catalog::GetAmpDetector(transaction, owner.id, id), "Anomaly detector",
                          id, kType));
    TRY(ReadInto(call.input, &detector));
    detector.modified_ms = transaction.now_ms();
    TRY(catalog::UpdateAmpDetector(transaction, &detector));
    return Written(owner, detector);
  });
}

Aps::Body Aps::DescribeAnomalyDetector(const Call& call) {
  const std::string_view id = call.match.Label("anomalyDetectorId");
  return catalog_.Read([&](catalog::Reader& reader) -> Body {
    TRY_ASSIGN(const catalog::AmpWorkspace owner, Owner(reader, call));
    TRY_ASSIGN(
        const catalog::AmpDetector detector,
        OrNotFound(catalog::GetAmpDetector(reader, owner.id, id), "Anomaly detector", id, kType));
    return access::RestBody(Json{{"anomalyDetector", DetectorJson(owner, detector, true)}});
  });
}

Aps::Body Aps::ListAnomalyDetectors(const Call& call) {
  const std::string prefix = call.Text("alias");
  const int64_t page = call.input.Number("maxResults").value_or(kPageDefault);
  const std::string scope = PageScope(call, prefix);
  TRY_ASSIGN(const std::string after, access::ReadPageToken(scope, call.Text("nextToken")));
  return catalog_.Read([&](catalog::Reader& reader) -> Body {
    TRY_ASSIGN(const catalog::AmpWorkspace owner, Owner(reader, call));
    TRY_ASSIGN(auto rows, catalog::ListAmpDetectors(reader, owner.id, prefix, after,
                                                    static_cast<int>(page) + 1));
    const std::string next = CutPage(page, scope, &rows, [](const auto& row) { return row.id; });
    Json answer = {{"anomalyDetectors", Json::array()}};
    for (const catalog::AmpDetector& row : rows) {
      answer["anomalyDetectors"].push_back(DetectorJson(owner, row, false));
    }
    if (!next.empty()) answer["nextToken"] = next;
    return access::RestBody(answer);
  });
}

Aps::Body Aps::DeleteAnomalyDetector(const Call& call) {
  const std::string_view id = call.match.Label("anomalyDetectorId");
  return Once(call, [&](catalog::Transaction& transaction) -> Body {
    TRY_ASSIGN(const catalog::AmpWorkspace owner, Owner(transaction, call));
    const absl::Status status = catalog::DeleteAmpDetector(transaction, owner.id, id);
    if (absl::IsNotFound(status)) {
      return access::ResourceNotFound("Anomaly detector not found", id, kType);
    }
    TRY(status);
    return "";
  });
}

}  // namespace hearth::api
