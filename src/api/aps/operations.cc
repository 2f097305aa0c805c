// SPDX-License-Identifier: Apache-2.0
#include "api/aps/operations.h"

namespace hearth::api {
namespace {

using access::In;
using access::Member;
using access::RestOperation;
using access::Shape;
using access::ShapeType;

constexpr Shape Structure(std::span<const Member> members) {
  Shape shape;
  shape.type = ShapeType::kStructure;
  shape.members = members;
  return shape;
}
constexpr Shape Union(std::span<const Member> members) {
  Shape shape;
  shape.type = ShapeType::kUnion;
  shape.members = members;
  return shape;
}
constexpr Shape Text(int64_t min, int64_t max, std::string_view pattern = {}) {
  Shape shape;
  shape.min = min;
  shape.max = max;
  shape.pattern = pattern;
  return shape;
}
constexpr Shape Pattern(std::string_view pattern) {
  return Text(access::kNoMinimum, access::kNoMaximum, pattern);
}
constexpr Shape Number(int64_t min, int64_t max = access::kNoMaximum) {
  Shape shape;
  shape.type = ShapeType::kInteger;
  shape.min = min;
  shape.max = max;
  return shape;
}
constexpr Shape List(const Shape* element, int64_t min = access::kNoMinimum,
                     int64_t max = access::kNoMaximum) {
  Shape shape;
  shape.type = ShapeType::kList;
  shape.min = min;
  shape.max = max;
  shape.element = element;
  return shape;
}
constexpr Shape Map(const Shape* key, const Shape* element, int64_t min = access::kNoMinimum,
                    int64_t max = access::kNoMaximum) {
  Shape shape = List(element, min, max);
  shape.type = ShapeType::kMap;
  shape.key = key;
  return shape;
}

// ---- simple shapes ---------------------------------------------------------------------------

constexpr std::string_view kName = ".*[0-9A-Za-z][-.0-9A-Z_a-z]*.*";
constexpr std::string_view kIdPattern = "[0-9A-Za-z][-.0-9A-Z_a-z]*";
constexpr std::string_view kTagPattern = R"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)";

constexpr Shape kString{};
constexpr Shape kBoolean{.type = ShapeType::kBoolean};
constexpr Shape kBlob{.type = ShapeType::kBlob};
constexpr Shape kDouble{.type = ShapeType::kDouble, .min = 0};
constexpr Shape kWorkspaceId = Text(1, 64, kName);
constexpr Shape kToken = Text(1, 64, "[!-~]+");
constexpr Shape kWorkspaceAlias = Text(1, 100);
constexpr Shape kKmsKeyArn =
    Text(20, 2048, "arn:aws[-a-z]*:kms:[-a-z0-9]+:[0-9]{12}:key/[-a-f0-9]+");
constexpr Shape kTagKey = Text(1, 128, kTagPattern);
constexpr Shape kTagValue = Text(0, 256, kTagPattern);
constexpr Shape kTags = Map(&kTagKey, &kTagValue, 0, 50);
constexpr Shape kTagKeys = List(&kTagKey);
constexpr Shape kNamespaceName = Text(1, 128, kName);
constexpr Shape kPageSize = Number(1, 1000);
constexpr Shape kPageToken = Text(0, 1000);
constexpr Shape kLogGroupArn = Pattern(
    R"(arn:aws[a-z0-9-]*:logs:[a-z0-9-]+:[0-9]{12}:log-group:[A-Za-z0-9\.\-\_\#/]{1,512}\:\*)");
constexpr Shape kStringMap = Map(&kString, &kString);

// ---- workspace configuration -----------------------------------------------------------------

constexpr Shape kLabelName = Text(1, access::kNoMaximum, "[a-zA-Z_][a-zA-Z0-9_]*");
constexpr Shape kLabelValue = Text(1, access::kNoMaximum);
constexpr Shape kLabelSet = Map(&kLabelName, &kLabelValue);
constexpr Shape kNotNegative = Number(0);
constexpr Shape kPositive = Number(1);
constexpr Member kLimitsEntryMembers[] = {{"maxSeries", &kNotNegative}};
constexpr Shape kLimitsEntry = Structure(kLimitsEntryMembers);
constexpr Member kLimitsMembers[] = {{"limits", &kLimitsEntry, true},
                                     {"labelSet", &kLabelSet, true}};
constexpr Shape kLimits = Structure(kLimitsMembers);
constexpr Shape kLimitsList = List(&kLimits);

// ---- logging ---------------------------------------------------------------------------------

constexpr Member kLogGroupMembers[] = {{"logGroupArn", &kLogGroupArn, true}};
constexpr Shape kCloudWatchLogs = Structure(kLogGroupMembers);
constexpr Member kFilterMembers[] = {{"qspThreshold", &kNotNegative, true}};
constexpr Shape kFilter = Structure(kFilterMembers);
constexpr Member kDestinationMembers[] = {{"cloudWatchLogs", &kCloudWatchLogs, true},
                                          {"filters", &kFilter, true}};
constexpr Shape kLogDestination = Structure(kDestinationMembers);
constexpr Shape kLogDestinations = List(&kLogDestination, 1, 1);

// ---- scrapers --------------------------------------------------------------------------------

constexpr Shape kScraperId = Text(1, 64, kIdPattern);
constexpr Shape kScraperAlias = Text(1, 100, kIdPattern);
constexpr Shape kClusterArn = Pattern("arn:aws[-a-z]*:eks:[-a-z0-9]+:[0-9]{12}:cluster/.+");
constexpr Shape kWorkspaceArn = Pattern("arn:aws[-a-z]*:aps:[-a-z0-9]+:[0-9]{12}:workspace/.+");
constexpr Shape kDatasetArn = Pattern("arn:aws[-a-z]*:cloudwatch:[-a-z0-9]+:[0-9]{12}:dataset/.+");
constexpr Shape kRoleArn = Pattern("arn:aws[-a-z]*:iam::[0-9]{12}:role/.+");
constexpr Shape kDomainArn = Pattern("arn:aws[-a-z]*:es:[-a-z0-9]+:[0-9]{12}:domain/.+");
constexpr Shape kKafkaArn = Pattern("arn:aws[-a-z]*:kafka:[-a-z0-9]+:[0-9]{12}:cluster/.+");
constexpr Shape kDocument{.type = ShapeType::kDocument};
constexpr Shape kGroup = Text(0, 255, "sg-[0-9a-z]+");
constexpr Shape kGroups = List(&kGroup, 1, 5);
constexpr Shape kSubnet = Text(0, 255, "subnet-[0-9a-z]+");
constexpr Shape kSubnets = List(&kSubnet, 1, 5);
constexpr Member kEksMembers[] = {{"clusterArn", &kClusterArn, true},
                                  {"securityGroupIds", &kGroups},
                                  {"subnetIds", &kSubnets, true}};
constexpr Shape kEks = Structure(kEksMembers);
constexpr Member kVpcMembers[] = {{"securityGroupIds", &kGroups, true},
                                  {"subnetIds", &kSubnets, true}};
constexpr Shape kVpc = Structure(kVpcMembers);
constexpr Member kSourceMembers[] = {{"eksConfiguration", &kEks}, {"vpcConfiguration", &kVpc}};
constexpr Shape kSource = Union(kSourceMembers);
constexpr Member kAmpMembers[] = {{"workspaceArn", &kWorkspaceArn, true}};
constexpr Shape kAmp = Structure(kAmpMembers);
constexpr Member kDatasetMembers[] = {{"datasetArn", &kDatasetArn, true}};
constexpr Shape kDataset = Structure(kDatasetMembers);
constexpr Member kScraperDestinationMembers[] = {{"ampConfiguration", &kAmp},
                                                 {"cloudWatchConfiguration", &kDataset}};
constexpr Shape kScraperDestination = Union(kScraperDestinationMembers);
constexpr Member kRoleMembers[] = {{"sourceRoleArn", &kRoleArn}, {"targetRoleArn", &kRoleArn}};
constexpr Shape kRoles = Structure(kRoleMembers);
constexpr Member kScrapeMembers[] = {{"configurationBlob", &kBlob}};
constexpr Shape kScrape = Union(kScrapeMembers);
constexpr Member kOpenSearchMembers[] = {{"domainArn", &kDomainArn, true}};
constexpr Shape kOpenSearch = Structure(kOpenSearchMembers);
constexpr Member kKafkaMembers[] = {{"clusterArn", &kKafkaArn, true},
                                    {"topicFilter", &kDocument},
                                    {"consumerGroupFilter", &kDocument}};
constexpr Shape kKafka = Structure(kKafkaMembers);
constexpr Member kExporterMembers[] = {{"openSearchConfiguration", &kOpenSearch},
                                       {"kafkaConfiguration", &kKafka}};
constexpr Shape kExporter = Union(kExporterMembers);
constexpr Shape kExporters = List(&kExporter, 0, 1);
constexpr Shape kFilterValue = Text(1, 256);
constexpr Shape kFilterValues = List(&kFilterValue, 1, 20);
constexpr Shape kFilterKey = Text(1, 256);
constexpr Shape kFilters = Map(&kFilterKey, &kFilterValues, 1, 4);
constexpr std::string_view kComponentTypes[] = {"SERVICE_DISCOVERY", "COLLECTOR", "EXPORTER"};
constexpr Shape kComponentType{.values = kComponentTypes};
constexpr Member kComponentConfigMembers[] = {{"options", &kStringMap}};
constexpr Shape kComponentConfig = Structure(kComponentConfigMembers);
constexpr Member kComponentMembers[] = {{"type", &kComponentType, true},
                                        {"config", &kComponentConfig}};
constexpr Shape kComponent = Structure(kComponentMembers);
constexpr Shape kComponents = List(&kComponent, 1);
constexpr Member kScraperLogMembers[] = {{"cloudWatchLogs", &kCloudWatchLogs}};
constexpr Shape kScraperLog = Union(kScraperLogMembers);

// ---- anomaly detectors -----------------------------------------------------------------------

constexpr Shape kDetectorAlias = Text(1, 64, kIdPattern);
constexpr Shape kDetectorId = Text(1, 64, "ad-[0-9A-Za-z][-.0-9A-Z_a-z]*");
constexpr Shape kInterval = Number(30, 86400);
constexpr Member kMissingMembers[] = {{"markAsAnomaly", &kBoolean}, {"skip", &kBoolean}};
constexpr Shape kMissing = Union(kMissingMembers);
constexpr Member kIgnoreMembers[] = {{"amount", &kDouble}, {"ratio", &kDouble}};
constexpr Shape kIgnore = Union(kIgnoreMembers);
constexpr Shape kDetectorQuery = Text(1, 8192);
constexpr Shape kShingle = Number(2, 1024);
constexpr Shape kSample = Number(256, 1024);
constexpr Member kForestMembers[] = {{"query", &kDetectorQuery, true},
                                     {"shingleSize", &kShingle},
                                     {"sampleSize", &kSample},
                                     {"ignoreNearExpectedFromAbove", &kIgnore},
                                     {"ignoreNearExpectedFromBelow", &kIgnore}};
constexpr Shape kForest = Structure(kForestMembers);
constexpr Member kDetectorConfigMembers[] = {{"randomCutForest", &kForest}};
constexpr Shape kDetectorConfig = Union(kDetectorConfigMembers);
// The model's (?!__)[a-zA-Z_][a-zA-Z0-9_]*, which RE2 has no look-ahead for.
constexpr Shape kMetricLabelKey =
    Text(1, 7168, "[a-zA-Z][a-zA-Z0-9_]*|_|_[a-zA-Z0-9][a-zA-Z0-9_]*");
constexpr Shape kMetricLabelValue = Text(1, 7168);
constexpr Shape kNewDetectorLabels = Map(&kMetricLabelKey, &kMetricLabelValue, 0, 140);
constexpr Shape kDetectorLabels = Map(&kMetricLabelKey, &kMetricLabelValue);

// ---- requests --------------------------------------------------------------------------------

constexpr Member kId{"workspaceId", &kWorkspaceId, true, In::kUri};
constexpr Member kScraper{"scraperId", &kScraperId, true, In::kUri};
constexpr Member kDetector{"anomalyDetectorId", &kDetectorId, true, In::kUri};
constexpr Member kNamespace{"name", &kNamespaceName, true, In::kUri};
constexpr Member kArn{"resourceArn", &kString, true, In::kUri};
constexpr Member kBodyToken{"clientToken", &kToken};
constexpr Member kQueryToken{"clientToken", &kToken, false, In::kQuery};
constexpr Member kMax{"maxResults", &kPageSize, false, In::kQuery};
constexpr Member kNext{"nextToken", &kPageToken, false, In::kQuery};

constexpr Member kOfWorkspace[] = {kId};
constexpr Member kDeleteOfWorkspace[] = {kId, kQueryToken};
constexpr Member kPutData[] = {kId, {"data", &kBlob, true}, kBodyToken};
constexpr Member kPutLogging[] = {kId, {"logGroupArn", &kLogGroupArn, true}, kBodyToken};
constexpr Member kPutQueryLogging[] = {kId, {"destinations", &kLogDestinations, true}, kBodyToken};
constexpr Member kCreateNamespace[] = {
    kId, {"name", &kNamespaceName, true}, {"data", &kBlob, true}, kBodyToken, {"tags", &kTags}};
constexpr Member kOfNamespace[] = {kId, kNamespace};
constexpr Member kDeleteNamespace[] = {kId, kNamespace, kQueryToken};
constexpr Member kPutNamespace[] = {kId, kNamespace, {"data", &kBlob, true}, kBodyToken};
constexpr Member kListNamespaces[] = {
    kId, {"name", &kNamespaceName, false, In::kQuery}, kNext, kMax};
constexpr Member kCreateWorkspace[] = {
    {"alias", &kWorkspaceAlias}, kBodyToken, {"tags", &kTags}, {"kmsKeyArn", &kKmsKeyArn}};
constexpr Member kListWorkspaces[] = {kNext, {"alias", &kWorkspaceAlias, false, In::kQuery}, kMax};
constexpr Member kUpdateAlias[] = {kId, {"alias", &kWorkspaceAlias}, kBodyToken};
constexpr Member kUpdateConfiguration[] = {kId,
                                           kBodyToken,
                                           {"limitsPerLabelSet", &kLimitsList},
                                           {"retentionPeriodInDays", &kPositive},
                                           {"outOfOrderTimeWindowInSeconds", &kNotNegative},
                                           {"ruleQueryOffsetInSeconds", &kNotNegative}};
constexpr Member kDeletePolicy[] = {kId, kQueryToken, {"revisionId", &kString, false, In::kQuery}};
constexpr Member kPutPolicy[] = {
    kId, {"policyDocument", &kString, true}, kBodyToken, {"revisionId", &kString}};
constexpr Member kCreateScraper[] = {{"alias", &kScraperAlias},
                                     {"scrapeConfiguration", &kScrape, true},
                                     {"source", &kSource, true},
                                     {"destination", &kScraperDestination, true},
                                     {"roleConfiguration", &kRoles},
                                     kBodyToken,
                                     {"tags", &kTags},
                                     {"exporters", &kExporters}};
constexpr Member kUpdateScraper[] = {kScraper,
                                     {"alias", &kScraperAlias},
                                     {"scrapeConfiguration", &kScrape},
                                     {"destination", &kScraperDestination},
                                     {"roleConfiguration", &kRoles},
                                     kBodyToken,
                                     {"exporters", &kExporters}};
constexpr Member kOfScraper[] = {kScraper};
constexpr Member kDeleteScraper[] = {kScraper, kQueryToken};
constexpr Member kListScrapers[] = {{"filters", &kFilters, false, In::kQueryRest}, kNext, kMax};
constexpr Member kPutScraperLogging[] = {
    kScraper, {"loggingDestination", &kScraperLog, true}, {"scraperComponents", &kComponents}};
constexpr Member kCreateDetector[] = {kId,
                                      {"alias", &kDetectorAlias, true},
                                      {"evaluationIntervalInSeconds", &kInterval},
                                      {"missingDataAction", &kMissing},
                                      {"configuration", &kDetectorConfig, true},
                                      {"labels", &kNewDetectorLabels},
                                      kBodyToken,
                                      {"tags", &kTags}};
constexpr Member kPutDetector[] = {kId,
                                   kDetector,
                                   {"evaluationIntervalInSeconds", &kInterval},
                                   {"missingDataAction", &kMissing},
                                   {"configuration", &kDetectorConfig, true},
                                   {"labels", &kDetectorLabels},
                                   kBodyToken};
constexpr Member kOfDetector[] = {kId, kDetector};
constexpr Member kDeleteDetector[] = {kId, kDetector, kQueryToken};
constexpr Member kListDetectors[] = {
    kId, {"alias", &kDetectorAlias, false, In::kQuery}, kMax, kNext};
constexpr Member kListTags[] = {kArn};
constexpr Member kTag[] = {kArn, {"tags", &kTags, true}};
constexpr Member kUntag[] = {kArn, {"tagKeys", &kTagKeys, true, In::kQuery}};

constexpr Shape kOfWorkspaceIn = Structure(kOfWorkspace);
constexpr Shape kDeleteOfWorkspaceIn = Structure(kDeleteOfWorkspace);
constexpr Shape kPutDataIn = Structure(kPutData);
constexpr Shape kPutLoggingIn = Structure(kPutLogging);
constexpr Shape kPutQueryLoggingIn = Structure(kPutQueryLogging);
constexpr Shape kCreateNamespaceIn = Structure(kCreateNamespace);
constexpr Shape kOfNamespaceIn = Structure(kOfNamespace);
constexpr Shape kDeleteNamespaceIn = Structure(kDeleteNamespace);
constexpr Shape kPutNamespaceIn = Structure(kPutNamespace);
constexpr Shape kListNamespacesIn = Structure(kListNamespaces);
constexpr Shape kCreateWorkspaceIn = Structure(kCreateWorkspace);
constexpr Shape kListWorkspacesIn = Structure(kListWorkspaces);
constexpr Shape kUpdateAliasIn = Structure(kUpdateAlias);
constexpr Shape kUpdateConfigurationIn = Structure(kUpdateConfiguration);
constexpr Shape kDeletePolicyIn = Structure(kDeletePolicy);
constexpr Shape kPutPolicyIn = Structure(kPutPolicy);
constexpr Shape kCreateScraperIn = Structure(kCreateScraper);
constexpr Shape kUpdateScraperIn = Structure(kUpdateScraper);
constexpr Shape kOfScraperIn = Structure(kOfScraper);
constexpr Shape kDeleteScraperIn = Structure(kDeleteScraper);
constexpr Shape kListScrapersIn = Structure(kListScrapers);
constexpr Shape kPutScraperLoggingIn = Structure(kPutScraperLogging);
constexpr Shape kCreateDetectorIn = Structure(kCreateDetector);
constexpr Shape kPutDetectorIn = Structure(kPutDetector);
constexpr Shape kOfDetectorIn = Structure(kOfDetector);
constexpr Shape kDeleteDetectorIn = Structure(kDeleteDetector);
constexpr Shape kListDetectorsIn = Structure(kListDetectors);
constexpr Shape kListTagsIn = Structure(kListTags);
constexpr Shape kTagIn = Structure(kTag);
constexpr Shape kUntagIn = Structure(kUntag);

// ---- paths -----------------------------------------------------------------------------------

constexpr std::string_view kWorkspaces = "/workspaces";
constexpr std::string_view kWorkspace = "/workspaces/{workspaceId}";
constexpr std::string_view kAlertManager = "/workspaces/{workspaceId}/alertmanager/definition";
constexpr std::string_view kDetectors = "/workspaces/{workspaceId}/anomalydetectors";
constexpr std::string_view kOneDetector =
    "/workspaces/{workspaceId}/anomalydetectors/{anomalyDetectorId}";
constexpr std::string_view kLogging = "/workspaces/{workspaceId}/logging";
constexpr std::string_view kQueryLogging = "/workspaces/{workspaceId}/logging/query";
constexpr std::string_view kNamespaces = "/workspaces/{workspaceId}/rulegroupsnamespaces";
constexpr std::string_view kOneNamespace = "/workspaces/{workspaceId}/rulegroupsnamespaces/{name}";
constexpr std::string_view kPolicy = "/workspaces/{workspaceId}/policy";
constexpr std::string_view kConfiguration = "/workspaces/{workspaceId}/configuration";
constexpr std::string_view kAlias = "/workspaces/{workspaceId}/alias";
constexpr std::string_view kScrapers = "/scrapers";
constexpr std::string_view kOneScraper = "/scrapers/{scraperId}";
constexpr std::string_view kScraperLogging = "/scrapers/{scraperId}/logging-configuration";
constexpr std::string_view kTagsPath = "/tags/{resourceArn}";

constexpr RestOperation kOperations[] = {
    {"CreateAlertManagerDefinition", "POST", kAlertManager, 202, &kPutDataIn},
    {"CreateAnomalyDetector", "POST", kDetectors, 202, &kCreateDetectorIn},
    {"CreateLoggingConfiguration", "POST", kLogging, 202, &kPutLoggingIn},
    {"CreateQueryLoggingConfiguration", "POST", kQueryLogging, 202, &kPutQueryLoggingIn},
    {"CreateRuleGroupsNamespace", "POST", kNamespaces, 202, &kCreateNamespaceIn},
    {"CreateScraper", "POST", kScrapers, 202, &kCreateScraperIn},
    {"CreateWorkspace", "POST", kWorkspaces, 202, &kCreateWorkspaceIn},
    {"DeleteAlertManagerDefinition", "DELETE", kAlertManager, 202, &kDeleteOfWorkspaceIn},
    {"DeleteAnomalyDetector", "DELETE", kOneDetector, 202, &kDeleteDetectorIn},
    {"DeleteLoggingConfiguration", "DELETE", kLogging, 202, &kDeleteOfWorkspaceIn},
    {"DeleteQueryLoggingConfiguration", "DELETE", kQueryLogging, 202, &kDeleteOfWorkspaceIn},
    {"DeleteResourcePolicy", "DELETE", kPolicy, 202, &kDeletePolicyIn},
    {"DeleteRuleGroupsNamespace", "DELETE", kOneNamespace, 202, &kDeleteNamespaceIn},
    {"DeleteScraper", "DELETE", kOneScraper, 202, &kDeleteScraperIn},
    {"DeleteScraperLoggingConfiguration", "DELETE", kScraperLogging, 202, &kDeleteScraperIn},
    {"DeleteWorkspace", "DELETE", kWorkspace, 202, &kDeleteOfWorkspaceIn},
    {"DescribeAlertManagerDefinition", "GET", kAlertManager, 200, &kOfWorkspaceIn},
    {"DescribeAnomalyDetector", "GET", kOneDetector, 200, &kOfDetectorIn},
    {"DescribeLoggingConfiguration", "GET", kLogging, 200, &kOfWorkspaceIn},
    {"DescribeQueryLoggingConfiguration", "GET", kQueryLogging, 200, &kOfWorkspaceIn},
    {"DescribeResourcePolicy", "GET", kPolicy, 200, &kOfWorkspaceIn},
    {"DescribeRuleGroupsNamespace", "GET", kOneNamespace, 200, &kOfNamespaceIn},
    {"DescribeScraper", "GET", kOneScraper, 200, &kOfScraperIn},
    {"DescribeScraperLoggingConfiguration", "GET", kScraperLogging, 200, &kOfScraperIn},
    {"DescribeWorkspace", "GET", kWorkspace, 200, &kOfWorkspaceIn},
    {"DescribeWorkspaceConfiguration", "GET", kConfiguration, 200, &kOfWorkspaceIn},
    {"GetDefaultScraperConfiguration", "GET", "/scraperconfiguration", 200, nullptr},
    {"ListAnomalyDetectors", "GET", kDetectors, 200, &kListDetectorsIn},
    {"ListRuleGroupsNamespaces", "GET", kNamespaces, 200, &kListNamespacesIn},
    {"ListScrapers", "GET", kScrapers, 200, &kListScrapersIn},
    {"ListTagsForResource", "GET", kTagsPath, 200, &kListTagsIn},
    {"ListWorkspaces", "GET", kWorkspaces, 200, &kListWorkspacesIn},
    {"PutAlertManagerDefinition", "PUT", kAlertManager, 202, &kPutDataIn},
    {"PutAnomalyDetector", "PUT", kOneDetector, 202, &kPutDetectorIn},
    {"PutResourcePolicy", "PUT", kPolicy, 202, &kPutPolicyIn},
    {"PutRuleGroupsNamespace", "PUT", kOneNamespace, 202, &kPutNamespaceIn},
    {"TagResource", "POST", kTagsPath, 200, &kTagIn},
    {"UntagResource", "DELETE", kTagsPath, 200, &kUntagIn},
    {"UpdateLoggingConfiguration", "PUT", kLogging, 202, &kPutLoggingIn},
    {"UpdateQueryLoggingConfiguration", "PUT", kQueryLogging, 202, &kPutQueryLoggingIn},
    {"UpdateScraper", "PUT", kOneScraper, 202, &kUpdateScraperIn},
    {"UpdateScraperLoggingConfiguration", "PUT", kScraperLogging, 202, &kPutScraperLoggingIn},
    {"UpdateWorkspaceAlias", "POST", kAlias, 204, &kUpdateAliasIn},
    {"UpdateWorkspaceConfiguration", "PATCH", kConfiguration, 202, &kUpdateConfigurationIn},
};
static_assert(std::size(kOperations) == 44);

}  // namespace

std::span<const RestOperation> ApsOperations() { return kOperations; }

}  // namespace hearth::api
