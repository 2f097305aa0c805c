// SPDX-License-Identifier: Apache-2.0
#include "api/amg/operations.h"

namespace hearth::api::amg {
namespace {

using access::In;
using access::Member;
using access::RestOperation;
using access::Shape;
using access::ShapeType;

constexpr Shape Text(int64_t min = access::kNoMinimum, int64_t max = access::kNoMaximum,
                     std::string_view pattern = {}) {
  Shape shape;
  shape.min = min;
  shape.max = max;
  shape.pattern = pattern;
  return shape;
}
constexpr Shape Pattern(std::string_view pattern) {
  return Text(access::kNoMinimum, access::kNoMaximum, pattern);
}
constexpr Shape Enum(std::span<const std::string_view> values) {
  Shape shape;
  shape.values = values;
  return shape;
}
constexpr Shape Number(int64_t min, int64_t max) {
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
constexpr Shape Structure(std::span<const Member> members) {
  Shape shape;
  shape.type = ShapeType::kStructure;
  shape.members = members;
  return shape;
}

// ---- simple shapes ---------------------------------------------------------------------------

constexpr Shape kString{};
constexpr Shape kBoolean{.type = ShapeType::kBoolean};
constexpr Shape kInteger{.type = ShapeType::kInteger};
constexpr std::string_view kAccountAccessValues[] = {"CURRENT_ACCOUNT", "ORGANIZATION"};
constexpr Shape kAccountAccess = Enum(kAccountAccessValues);
constexpr std::string_view kPermissionTypeValues[] = {"CUSTOMER_MANAGED", "SERVICE_MANAGED"};
constexpr Shape kPermissionType = Enum(kPermissionTypeValues);
constexpr std::string_view kDataSourceValues[] = {
    "AMAZON_OPENSEARCH_SERVICE",
    "CLOUDWATCH",
    "PROMETHEUS",
    "XRAY",
    "TIMESTREAM",
    "SITEWISE",
    "ATHENA",
    "REDSHIFT",
    "TWINMAKER",
};
constexpr Shape kDataSource = Enum(kDataSourceValues);
constexpr Shape kDataSources = List(&kDataSource);
constexpr std::string_view kNotificationValues[] = {"SNS"};
constexpr Shape kNotification = Enum(kNotificationValues);
constexpr Shape kNotifications = List(&kNotification);
constexpr std::string_view kProviderValues[] = {"AWS_SSO", "SAML"};
constexpr Shape kProvider = Enum(kProviderValues);
constexpr Shape kProviders = List(&kProvider);
constexpr std::string_view kRoleValues[] = {"ADMIN", "EDITOR", "VIEWER"};
constexpr Shape kRole = Enum(kRoleValues);
constexpr std::string_view kUserTypeValues[] = {"SSO_USER", "SSO_GROUP"};
constexpr Shape kUserType = Enum(kUserTypeValues);
constexpr std::string_view kActionValues[] = {"ADD", "REVOKE"};
constexpr Shape kAction = Enum(kActionValues);
constexpr std::string_view kLicenseValues[] = {"ENTERPRISE", "ENTERPRISE_FREE_TRIAL"};
constexpr Shape kLicense = Enum(kLicenseValues);
constexpr std::string_view kAddressValues[] = {"IPv4", "DualStack"};
constexpr Shape kAddressType = Enum(kAddressValues);

constexpr Shape kWorkspaceId = Pattern("g-[0-9a-f]{10}");
constexpr Shape kClientToken = Pattern("[!-~]{1,64}");
constexpr Shape kWorkspaceName = Pattern("[a-zA-Z0-9._~-]{1,255}");
constexpr Shape kDescription = Text(0, 2048);
constexpr Shape kLongText = Text(1, 2048);
constexpr Shape kTexts = List(&kString);
constexpr Shape kConfiguration = Text(2, 65536);
constexpr Shape kVersion = Text(1, 255);
constexpr Shape kKmsKey = Text(1, 2048, "[a-zA-Z0-9:/_-]+");
constexpr Shape kTagKey = Text(1, 128);
constexpr Shape kTagValue = Text(0, 256);
constexpr Shape kTagKeys = List(&kTagKey);
constexpr Shape kTags{
    .type = ShapeType::kMap, .min = 0, .max = 50, .key = &kTagKey, .element = &kTagValue};
constexpr Shape kNetworkId = Text(0, 255);
constexpr Shape kGroups = List(&kNetworkId, 1, 5);
constexpr Shape kSubnets = List(&kNetworkId, 2, 6);
constexpr Member kVpcMembers[] = {{"securityGroupIds", &kGroups, true},
                                  {"subnetIds", &kSubnets, true}};
constexpr Shape kVpc = Structure(kVpcMembers);
constexpr Shape kAccessId = Text(1, 100);
constexpr Shape kAccessIds = List(&kAccessId);
constexpr Member kNetworkMembers[] = {{"prefixListIds", &kAccessIds, true},
                                      {"vpceIds", &kAccessIds, true}};
constexpr Shape kNetwork = Structure(kNetworkMembers);
constexpr Shape kLabsToken = Text(1, 36);
constexpr Shape kPageSize = Number(1, 100);
constexpr Shape kSecondsToLive = Number(1, 2592000);
constexpr Shape kKeyName = Text(1, 100);
constexpr Shape kAccountName = Text(1, 128);
constexpr Shape kSsoId = Text(1, 47);

// ---- SAML ------------------------------------------------------------------------------------

constexpr Shape kShortText = Text(1, 256);
constexpr Shape kShortTexts = List(&kShortText);
constexpr Member kMetadataMembers[] = {{"url", &kLongText}, {"xml", &kString}};
constexpr Shape kMetadata = Structure(kMetadataMembers);
constexpr Member kAssertionMembers[] = {{"name", &kShortText},  {"login", &kShortText},
                                        {"email", &kShortText}, {"groups", &kShortText},
                                        {"role", &kShortText},  {"org", &kShortText}};
constexpr Shape kAssertion = Structure(kAssertionMembers);
constexpr Member kRoleListMembers[] = {{"editor", &kShortTexts}, {"admin", &kShortTexts}};
constexpr Shape kRoleLists = Structure(kRoleListMembers);
constexpr Member kSamlMembers[] = {{"idpMetadata", &kMetadata, true},
                                   {"assertionAttributes", &kAssertion},
                                   {"roleValues", &kRoleLists},
                                   {"allowedOrganizations", &kShortTexts},
                                   {"loginValidityDuration", &kInteger}};
constexpr Shape kSaml = Structure(kSamlMembers);

// ---- permissions -----------------------------------------------------------------------------

constexpr Member kUserMembers[] = {{"id", &kSsoId, true}, {"type", &kUserType, true}};
constexpr Shape kUser = Structure(kUserMembers);
constexpr Shape kUsers = List(&kUser);
constexpr Member kInstructionMembers[] = {
    {"action", &kAction, true}, {"role", &kRole, true}, {"users", &kUsers, true}};
constexpr Shape kInstruction = Structure(kInstructionMembers);
constexpr Shape kInstructions = List(&kInstruction, 0, 20);

// ---- requests --------------------------------------------------------------------------------

constexpr Member kId{"workspaceId", &kWorkspaceId, true, In::kUri};
constexpr Member kAccountId{"serviceAccountId", &kString, true, In::kUri};
constexpr Member kLicenseType{"licenseType", &kLicense, true, In::kUri};
constexpr Member kArn{"resourceArn", &kString, true, In::kUri};
constexpr Member kMaxResults{"maxResults", &kPageSize, false, In::kQuery};
constexpr Member kNextToken{"nextToken", &kString, false, In::kQuery};

constexpr Member kWorkspaceMembers[] = {kId};
constexpr Shape kWorkspace = Structure(kWorkspaceMembers);
constexpr Member kPageMembers[] = {kMaxResults, kNextToken};
constexpr Shape kPage = Structure(kPageMembers);
constexpr Member kWorkspacePageMembers[] = {kId, kMaxResults, kNextToken};
constexpr Shape kWorkspacePage = Structure(kWorkspacePageMembers);
constexpr Member kCreateMembers[] = {
    {"accountAccessType", &kAccountAccess, true},
    {"clientToken", &kClientToken},
    {"organizationRoleName", &kLongText},
    {"permissionType", &kPermissionType, true},
    {"stackSetName", &kString},
    {"workspaceDataSources", &kDataSources},
    {"workspaceDescription", &kDescription},
    {"workspaceName", &kWorkspaceName},
    {"workspaceNotificationDestinations", &kNotifications},
    {"workspaceOrganizationalUnits", &kTexts},
    {"workspaceRoleArn", &kLongText},
    {"authenticationProviders", &kProviders, true},
    {"tags", &kTags},
    {"vpcConfiguration", &kVpc},
    {"configuration", &kConfiguration},
    {"networkAccessControl", &kNetwork},
    {"grafanaVersion", &kVersion},
    {"ipAddressType", &kAddressType},
    {"kmsKeyId", &kKmsKey},
};
constexpr Shape kCreate = Structure(kCreateMembers);
constexpr Member kUpdateMembers[] = {
    kId,
    {"accountAccessType", &kAccountAccess},
    {"organizationRoleName", &kLongText},
    {"permissionType", &kPermissionType},
    {"stackSetName", &kString},
    {"workspaceDataSources", &kDataSources},
    {"workspaceDescription", &kDescription},
    {"workspaceName", &kWorkspaceName},
    {"workspaceNotificationDestinations", &kNotifications},
    {"workspaceOrganizationalUnits", &kTexts},
    {"workspaceRoleArn", &kLongText},
    {"vpcConfiguration", &kVpc},
    {"removeVpcConfiguration", &kBoolean},
    {"networkAccessControl", &kNetwork},
    {"removeNetworkAccessConfiguration", &kBoolean},
    {"ipAddressType", &kAddressType},
};
constexpr Shape kUpdate = Structure(kUpdateMembers);
constexpr Member kAuthenticationMembers[] = {
    kId, {"authenticationProviders", &kProviders, true}, {"samlConfiguration", &kSaml}};
constexpr Shape kAuthentication = Structure(kAuthenticationMembers);
constexpr Member kConfigureMembers[] = {
    kId, {"configuration", &kConfiguration, true}, {"grafanaVersion", &kVersion}};
constexpr Shape kConfigure = Structure(kConfigureMembers);
constexpr Member kVersionsMembers[] = {
    kMaxResults, kNextToken, {"workspaceId", &kWorkspaceId, false, In::kQuery, "workspace-id"}};
constexpr Shape kVersions = Structure(kVersionsMembers);
constexpr Member kLicenseMembers[] = {kId, kLicenseType};
constexpr Shape kDisassociate = Structure(kLicenseMembers);
constexpr Member kAssociateMembers[] = {
    kId, kLicenseType, {"grafanaToken", &kLabsToken, false, In::kHeader, "Grafana-Token"}};
constexpr Shape kAssociate = Structure(kAssociateMembers);
constexpr Member kCreateKeyMembers[] = {kId,
                                        {"keyName", &kKeyName, true},
                                        {"keyRole", &kString, true},
                                        {"secondsToLive", &kSecondsToLive, true}};
constexpr Shape kCreateKey = Structure(kCreateKeyMembers);
constexpr Member kDeleteKeyMembers[] = {kId, {"keyName", &kKeyName, true, In::kUri}};
constexpr Shape kDeleteKey = Structure(kDeleteKeyMembers);
constexpr Member kCreateAccountMembers[] = {
    kId, {"name", &kAccountName, true}, {"grafanaRole", &kRole, true}};
constexpr Shape kCreateAccount = Structure(kCreateAccountMembers);
constexpr Member kAccountMembers[] = {kId, kAccountId};
constexpr Shape kAccount = Structure(kAccountMembers);
constexpr Member kAccountPageMembers[] = {kId, kAccountId, kMaxResults, kNextToken};
constexpr Shape kAccountPage = Structure(kAccountPageMembers);
constexpr Member kCreateTokenMembers[] = {
    kId, kAccountId, {"name", &kAccountName, true}, {"secondsToLive", &kSecondsToLive, true}};
constexpr Shape kCreateToken = Structure(kCreateTokenMembers);
constexpr Member kDeleteTokenMembers[] = {kId, kAccountId, {"tokenId", &kString, true, In::kUri}};
constexpr Shape kDeleteToken = Structure(kDeleteTokenMembers);
constexpr Member kListPermissionsMembers[] = {kId,
                                              kMaxResults,
                                              kNextToken,
                                              {"userType", &kUserType, false, In::kQuery},
                                              {"userId", &kSsoId, false, In::kQuery},
                                              {"groupId", &kSsoId, false, In::kQuery}};
constexpr Shape kListPermissions = Structure(kListPermissionsMembers);
constexpr Member kUpdatePermissionsMembers[] = {kId,
                                                {"updateInstructionBatch", &kInstructions, true}};
constexpr Shape kUpdatePermissions = Structure(kUpdatePermissionsMembers);
constexpr Member kTagsOfMembers[] = {kArn};
constexpr Shape kTagsOf = Structure(kTagsOfMembers);
constexpr Member kTagMembers[] = {kArn, {"tags", &kTags, true}};
constexpr Shape kTag = Structure(kTagMembers);
constexpr Member kUntagMembers[] = {kArn, {"tagKeys", &kTagKeys, true, In::kQuery}};
constexpr Shape kUntag = Structure(kUntagMembers);

constexpr std::string_view kOne = "/workspaces/{workspaceId}";
constexpr std::string_view kPermissions = "/workspaces/{workspaceId}/permissions";
constexpr std::string_view kLogin = "/workspaces/{workspaceId}/authentication";
constexpr std::string_view kSettings = "/workspaces/{workspaceId}/configuration";
constexpr std::string_view kLicenses = "/workspaces/{workspaceId}/licenses/{licenseType}";
constexpr std::string_view kAccounts = "/workspaces/{workspaceId}/serviceaccounts";
constexpr std::string_view kOneAccount =
    "/workspaces/{workspaceId}/serviceaccounts/{serviceAccountId}";
constexpr std::string_view kTokens =
    "/workspaces/{workspaceId}/serviceaccounts/{serviceAccountId}/tokens";
constexpr std::string_view kOneToken =
    "/workspaces/{workspaceId}/serviceaccounts/{serviceAccountId}/tokens/{tokenId}";
constexpr std::string_view kTagPath = "/tags/{resourceArn}";

constexpr RestOperation kOperations[] = {
    {"AssociateLicense", "POST", kLicenses, 202, &kAssociate},
    {"CreateWorkspace", "POST", "/workspaces", 202, &kCreate},
    {"CreateWorkspaceApiKey", "POST", "/workspaces/{workspaceId}/apikeys", 200, &kCreateKey},
    {"CreateWorkspaceServiceAccount", "POST", kAccounts, 200, &kCreateAccount},
    {"CreateWorkspaceServiceAccountToken", "POST", kTokens, 200, &kCreateToken},
    {"DeleteWorkspace", "DELETE", kOne, 202, &kWorkspace},
    {"DeleteWorkspaceApiKey", "DELETE", "/workspaces/{workspaceId}/apikeys/{keyName}", 200,
     &kDeleteKey},
    {"DeleteWorkspaceServiceAccount", "DELETE", kOneAccount, 200, &kAccount},
    {"DeleteWorkspaceServiceAccountToken", "DELETE", kOneToken, 200, &kDeleteToken},
    {"DescribeWorkspace", "GET", kOne, 200, &kWorkspace},
    {"DescribeWorkspaceAuthentication", "GET", kLogin, 200, &kWorkspace},
    {"DescribeWorkspaceConfiguration", "GET", kSettings, 200, &kWorkspace},
    {"DisassociateLicense", "DELETE", kLicenses, 202, &kDisassociate},
    {"ListPermissions", "GET", kPermissions, 200, &kListPermissions},
    {"ListTagsForResource", "GET", kTagPath, 200, &kTagsOf},
    {"ListVersions", "GET", "/versions", 200, &kVersions},
    {"ListWorkspaceServiceAccountTokens", "GET", kTokens, 200, &kAccountPage},
    {"ListWorkspaceServiceAccounts", "GET", kAccounts, 200, &kWorkspacePage},
    {"ListWorkspaces", "GET", "/workspaces", 200, &kPage},
    {"TagResource", "POST", kTagPath, 200, &kTag},
    {"UntagResource", "DELETE", kTagPath, 200, &kUntag},
    {"UpdatePermissions", "PATCH", kPermissions, 200, &kUpdatePermissions},
    {"UpdateWorkspace", "PUT", kOne, 202, &kUpdate},
    {"UpdateWorkspaceAuthentication", "POST", kLogin, 200, &kAuthentication},
    {"UpdateWorkspaceConfiguration", "PUT", kSettings, 202, &kConfigure},
};
static_assert(std::size(kOperations) == 25);

}  // namespace

std::span<const RestOperation> Operations() { return kOperations; }

}  // namespace hearth::api::amg
