// SPDX-License-Identifier: Apache-2.0
// AWS's own managed policies, as AWS publishes them
// (https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html, November
// 2026): those that stacks of metrics and EKS attach. Others are said not to exist.
#include "auth/iso_time.h"
#include "base/text.h"
#include "catalog/iam.h"
#include "crypto/hash.h"

namespace hearth::catalog {
namespace {

struct Published {
  std::string_view name;
  std::string_view path;
  std::string_view version;
  std::string_view created;
  std::string_view updated;
  std::string_view document;
};

// clang-format off
constexpr Published kPublished[] = {
    {"AWSGrafanaAccountAdministrator", "/", "v3", "2021-02-23T00:20:38Z",
     "2022-02-15T22:36:18Z",
     R"({"Version":"2012-10-17","Statement":[{"Sid":"AWSGrafanaOrganizationAdmin","Effect":"Allo)"
     R"(w","Action":["iam:ListRoles"],"Resource":"*"},{"Sid":"GrafanaIAMGetRolePermission","Effe)"
     R"(ct":"Allow","Action":"iam:GetRole","Resource":"arn:aws:iam::*:role/*"},{"Sid":"AWSGrafan)"
     R"(aPermissions","Effect":"Allow","Action":["grafana:*"],"Resource":"*"},{"Sid":"GrafanaIAM)"
     R"(PassRolePermission","Effect":"Allow","Action":"iam:PassRole","Resource":"arn:aws:iam::*:)"
     R"(role/*","Condition":{"StringLike":{"iam:PassedToService":"grafana.amazonaws.com"}}}]})"},
    {"AWSGrafanaConsoleReadOnlyAccess", "/", "v3", "2021-02-23T00:10:40Z",
     "2022-02-15T22:30:54Z",
     R"({"Version":"2012-10-17","Statement":[{"Sid":"AWSGrafanaConsoleReadOnlyAccess","Effect":")"
     R"(Allow","Action":["grafana:Describe*","grafana:List*"],"Resource":"*"}]})"},
    {"AWSGrafanaWorkspacePermissionManagement", "/", "v4", "2021-02-23T00:15:54Z",
     "2023-03-15T22:17:26Z",
     R"({"Version":"2012-10-17","Statement":[{"Sid":"AWSGrafanaPermissions","Effect":"Allow","Ac)"
     R"(tion":["grafana:DescribeWorkspace","grafana:DescribeWorkspaceAuthentication","grafana:Up)"
     R"(datePermissions","grafana:ListPermissions","grafana:ListWorkspaces"],"Resource":"arn:aws)"
     R"(:grafana:*:*:/workspaces*"},{"Sid":"IAMIdentityCenterPermissions","Effect":"Allow","Acti)"
     R"(on":["sso:DescribeRegisteredRegions","sso:GetSharedSsoConfiguration","sso:ListDirectoryA)"
     R"(ssociations","sso:GetManagedApplicationInstance","sso:ListProfiles","sso:AssociateProfil)"
     R"(e","sso:DisassociateProfile","sso:GetProfile","sso:ListProfileAssociations","sso-directo)"
     R"(ry:DescribeUser","sso-directory:DescribeGroup"],"Resource":"*"}]})"},
    {"AWSGrafanaWorkspacePermissionManagementV2", "/", "v1", "2024-01-05T18:39:46Z",
     "2024-01-05T18:39:46Z",
     R"({"Version":"2012-10-17","Statement":[{"Sid":"AWSGrafanaPermissions","Effect":"Allow","Ac)"
     R"(tion":["grafana:DescribeWorkspace","grafana:DescribeWorkspaceAuthentication","grafana:Up)"
     R"(datePermissions","grafana:ListPermissions","grafana:ListWorkspaces"],"Resource":"arn:aws)"
     R"(:grafana:*:*:/workspaces*"},{"Sid":"IAMIdentityCenterPermissions","Effect":"Allow","Acti)"
     R"(on":["sso:DescribeRegisteredRegions","sso:GetSharedSsoConfiguration","sso:ListDirectoryA)"
     R"(ssociations","sso:GetManagedApplicationInstance","sso:ListProfiles","sso:GetProfile","ss)"
     R"(o:ListProfileAssociations","sso-directory:DescribeUser","sso-directory:DescribeGroup"],")"
     R"(Resource":"*"}]})"},
    {"AWSXRayDaemonWriteAccess", "/", "v2", "2018-08-28T23:00:33Z",
     "2024-02-13T21:58:30Z",
     R"({"Version":"2012-10-17","Statement":[{"Sid":"AWSXRayDaemonWriteAccess","Effect":"Allow",)"
     R"("Action":["xray:PutTraceSegments","xray:PutTelemetryRecords","xray:GetSamplingRules","xr)"
     R"(ay:GetSamplingTargets","xray:GetSamplingStatisticSummaries"],"Resource":["*"]}]})"},
    {"AdministratorAccess", "/", "v1", "2015-02-06T18:39:46Z",
     "2015-02-06T18:39:46Z",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]})"},
    {"AmazonEBSCSIDriverPolicy", "/service-role/", "v15", "2022-04-04T17:24:29Z",
     "2026-05-13T17:42:22Z",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["ec2:DescribeAvailabili)"
     R"(tyZones","ec2:DescribeInstances","ec2:DescribeInstanceTypes","ec2:DescribeSnapshots","ec)"
     R"(2:DescribeTags","ec2:DescribeVolumes","ec2:DescribeVolumesModifications","ec2:DescribeVo)"
     R"(lumeStatus"],"Resource":"*"},{"Effect":"Allow","Action":["ec2:CreateSnapshot","ec2:Modif)"
     R"(yVolume"],"Resource":"arn:aws:ec2:*:*:volume/*"},{"Effect":"Allow","Action":["ec2:CopyVo)"
     R"(lumes"],"Resource":["arn:aws:ec2:*:*:volume/vol-*"]},{"Effect":"Allow","Action":["ec2:At)"
     R"(tachVolume","ec2:DetachVolume"],"Resource":["arn:aws:ec2:*:*:volume/*","arn:aws:ec2:*:*:)"
     R"(instance/*"]},{"Effect":"Allow","Action":["ec2:CreateVolume","ec2:EnableFastSnapshotRest)"
     R"(ores"],"Resource":"arn:aws:ec2:*:*:snapshot/*"},{"Effect":"Allow","Action":["ec2:CreateT)"
     R"(ags"],"Resource":["arn:aws:ec2:*:*:volume/*","arn:aws:ec2:*:*:snapshot/*"],"Condition":{)"
     R"("StringEquals":{"ec2:CreateAction":["CreateVolume","CreateSnapshot","CopyVolumes"]}}},{")"
     R"(Effect":"Allow","Action":["ec2:DeleteTags"],"Resource":["arn:aws:ec2:*:*:volume/*","arn:)"
     R"(aws:ec2:*:*:snapshot/*"]},{"Effect":"Allow","Action":["ec2:CreateVolume","ec2:CopyVolume)"
     R"(s"],"Resource":"arn:aws:ec2:*:*:volume/*","Condition":{"StringLike":{"aws:RequestTag/ebs)"
     R"(.csi.aws.com/cluster":"true"}}},{"Effect":"Allow","Action":["ec2:CreateVolume","ec2:Copy)"
     R"(Volumes"],"Resource":"arn:aws:ec2:*:*:volume/*","Condition":{"StringLike":{"aws:RequestT)"
     R"(ag/CSIVolumeName":"*"}}},{"Effect":"Allow","Action":["ec2:DeleteVolume"],"Resource":"arn)"
     R"(:aws:ec2:*:*:volume/*","Condition":{"StringLike":{"ec2:ResourceTag/ebs.csi.aws.com/clust)"
     R"(er":"true"}}},{"Effect":"Allow","Action":["ec2:DeleteVolume"],"Resource":"arn:aws:ec2:*:)"
     R"(*:volume/*","Condition":{"StringLike":{"ec2:ResourceTag/CSIVolumeName":"*"}}},{"Effect":)"
     R"("Allow","Action":["ec2:DeleteVolume"],"Resource":"arn:aws:ec2:*:*:volume/*","Condition":)"
     R"({"StringLike":{"ec2:ResourceTag/kubernetes.io/created-for/pvc/name":"*"}}},{"Effect":"Al)"
     R"(low","Action":["ec2:CreateSnapshot"],"Resource":"arn:aws:ec2:*:*:snapshot/*","Condition")"
     R"(:{"StringLike":{"aws:RequestTag/CSIVolumeSnapshotName":"*"}}},{"Effect":"Allow","Action")"
     R"(:["ec2:CreateSnapshot"],"Resource":"arn:aws:ec2:*:*:snapshot/*","Condition":{"StringLike)"
     R"(":{"aws:RequestTag/ebs.csi.aws.com/cluster":"true"}}},{"Effect":"Allow","Action":["ec2:D)"
     R"(eleteSnapshot","ec2:LockSnapshot"],"Resource":"arn:aws:ec2:*:*:snapshot/*","Condition":{)"
     R"("StringLike":{"ec2:ResourceTag/CSIVolumeSnapshotName":"*"}}},{"Effect":"Allow","Action":)"
     R"(["ec2:DeleteSnapshot","ec2:LockSnapshot"],"Resource":"arn:aws:ec2:*:*:snapshot/*","Condi)"
     R"(tion":{"StringLike":{"ec2:ResourceTag/ebs.csi.aws.com/cluster":"true"}}}]})"},
    {"AmazonEC2ContainerRegistryReadOnly", "/", "v3", "2015-12-21T17:04:15Z",
     "2019-12-10T20:56:32Z",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["ecr:GetAuthorizationTo)"
     R"(ken","ecr:BatchCheckLayerAvailability","ecr:GetDownloadUrlForLayer","ecr:GetRepositoryPo)"
     R"(licy","ecr:DescribeRepositories","ecr:ListImages","ecr:DescribeImages","ecr:BatchGetImag)"
     R"(e","ecr:GetLifecyclePolicy","ecr:GetLifecyclePolicyPreview","ecr:ListTagsForResource","e)"
     R"(cr:DescribeImageScanFindings"],"Resource":"*"}]})"},
    {"AmazonEKSClusterPolicy", "/", "v10", "2018-05-27T21:06:14Z",
     "2026-02-12T17:58:15Z",
     R"({"Version":"2012-10-17","Statement":[{"Sid":"AmazonEKSClusterPolicy","Effect":"Allow","A)"
     R"(ction":["autoscaling:DescribeAutoScalingGroups","autoscaling:UpdateAutoScalingGroup","ec)"
     R"(2:AttachVolume","ec2:AuthorizeSecurityGroupIngress","ec2:CreateRoute","ec2:CreateSecurit)"
     R"(yGroup","ec2:CreateTags","ec2:CreateVolume","ec2:DeleteRoute","ec2:DeleteSecurityGroup",)"
     R"("ec2:DeleteVolume","ec2:DescribeInstances","ec2:DescribeRouteTables","ec2:DescribeSecuri)"
     R"(tyGroups","ec2:DescribeSubnets","ec2:DescribeVolumes","ec2:DescribeVolumesModifications")"
     R"(,"ec2:DescribeVpcs","ec2:DescribeDhcpOptions","ec2:DescribeNetworkInterfaces","ec2:Descr)"
     R"(ibeAvailabilityZones","ec2:DetachVolume","ec2:ModifyInstanceAttribute","ec2:ModifyVolume)"
     R"(","ec2:RevokeSecurityGroupIngress","ec2:DescribeAccountAttributes","ec2:DescribeAddresse)"
     R"(s","ec2:DescribeInternetGateways","ec2:DescribeInstanceTopology","elasticloadbalancing:A)"
     R"(ddTags","elasticloadbalancing:ApplySecurityGroupsToLoadBalancer","elasticloadbalancing:A)"
     R"(ttachLoadBalancerToSubnets","elasticloadbalancing:ConfigureHealthCheck","elasticloadbala)"
     R"(ncing:CreateListener","elasticloadbalancing:CreateLoadBalancer","elasticloadbalancing:Cr)"
     R"(eateLoadBalancerListeners","elasticloadbalancing:CreateLoadBalancerPolicy","elasticloadb)"
     R"(alancing:CreateTargetGroup","elasticloadbalancing:DeleteListener","elasticloadbalancing:)"
     R"(DeleteLoadBalancer","elasticloadbalancing:DeleteLoadBalancerListeners","elasticloadbalan)"
     R"(cing:DeleteTargetGroup","elasticloadbalancing:DeregisterInstancesFromLoadBalancer","elas)"
     R"(ticloadbalancing:DeregisterTargets","elasticloadbalancing:DescribeListeners","elasticloa)"
     R"(dbalancing:DescribeLoadBalancerAttributes","elasticloadbalancing:DescribeLoadBalancerPol)"
     R"(icies","elasticloadbalancing:DescribeLoadBalancers","elasticloadbalancing:DescribeTarget)"
     R"(GroupAttributes","elasticloadbalancing:DescribeTargetGroups","elasticloadbalancing:Descr)"
     R"(ibeTargetHealth","elasticloadbalancing:DetachLoadBalancerFromSubnets","elasticloadbalanc)"
     R"(ing:ModifyListener","elasticloadbalancing:ModifyLoadBalancerAttributes","elasticloadbala)"
     R"(ncing:ModifyTargetGroup","elasticloadbalancing:ModifyTargetGroupAttributes","elasticload)"
     R"(balancing:RegisterInstancesWithLoadBalancer","elasticloadbalancing:RegisterTargets","ela)"
     R"(sticloadbalancing:SetLoadBalancerPoliciesForBackendServer","elasticloadbalancing:SetLoad)"
     R"(BalancerPoliciesOfListener","kms:DescribeKey"],"Resource":"*"},{"Sid":"AmazonEKSClusterP)"
     R"(olicySLRCreate","Effect":"Allow","Action":"iam:CreateServiceLinkedRole","Resource":"*",")"
     R"(Condition":{"StringEquals":{"iam:AWSServiceName":"elasticloadbalancing.amazonaws.com"}}})"
     R"(,{"Sid":"AmazonEKSClusterPolicyENIDelete","Effect":"Allow","Action":"ec2:DeleteNetworkIn)"
     R"(terface","Resource":"*","Condition":{"StringEquals":{"ec2:ResourceTag/eks:eni:owner":"am)"
     R"(azon-vpc-cni"}}}]})"},
    {"AmazonEKSVPCResourceController", "/", "v1", "2020-08-12T00:55:34Z",
     "2020-08-12T00:55:34Z",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:CreateNetworkInterf)"
     R"(acePermission","Resource":"*","Condition":{"ForAnyValue:StringEquals":{"ec2:ResourceTag/)"
     R"(eks:eni:owner":"eks-vpc-resource-controller"}}},{"Effect":"Allow","Action":["ec2:CreateN)"
     R"(etworkInterface","ec2:DetachNetworkInterface","ec2:ModifyNetworkInterfaceAttribute","ec2)"
     R"(:DeleteNetworkInterface","ec2:AttachNetworkInterface","ec2:UnassignPrivateIpAddresses",")"
     R"(ec2:AssignPrivateIpAddresses"],"Resource":"*"}]})"},
    {"AmazonEKSWorkerNodePolicy", "/", "v3", "2018-05-27T21:09:01Z",
     "2023-11-27T00:06:13Z",
     R"({"Version":"2012-10-17","Statement":[{"Sid":"WorkerNodePermissions","Effect":"Allow","Ac)"
     R"(tion":["ec2:DescribeInstances","ec2:DescribeInstanceTypes","ec2:DescribeRouteTables","ec)"
     R"(2:DescribeSecurityGroups","ec2:DescribeSubnets","ec2:DescribeVolumes","ec2:DescribeVolum)"
     R"(esModifications","ec2:DescribeVpcs","eks:DescribeCluster","eks-auth:AssumeRoleForPodIden)"
     R"(tity"],"Resource":"*"}]})"},
    {"AmazonEKS_CNI_Policy", "/", "v6", "2018-05-27T21:07:42Z",
     "2026-03-04T19:12:14Z",
     R"({"Version":"2012-10-17","Statement":[{"Sid":"AmazonEKSCNIPolicy","Effect":"Allow","Actio)"
     R"(n":["ec2:AssignPrivateIpAddresses","ec2:AttachNetworkInterface","ec2:CreateNetworkInterf)"
     R"(ace","ec2:DeleteNetworkInterface","ec2:DescribeInstances","ec2:DescribeTags","ec2:Descri)"
     R"(beNetworkInterfaces","ec2:DescribeInstanceTypes","ec2:DescribeSubnets","ec2:DescribeSecu)"
     R"(rityGroups","ec2:DetachNetworkInterface","ec2:ModifyNetworkInterfaceAttribute","ec2:Unas)"
     R"(signPrivateIpAddresses"],"Resource":"*"},{"Sid":"AmazonEKSCNIPolicyENITag","Effect":"All)"
     R"(ow","Action":["ec2:CreateTags"],"Resource":["arn:aws:ec2:*:*:network-interface/*"]}]})"},
    {"AmazonGrafanaAthenaAccess", "/service-role/", "v1", "2021-11-22T17:11:11Z",
     "2021-11-22T17:11:11Z",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["athena:GetDatabase","a)"
     R"(thena:GetDataCatalog","athena:GetTableMetadata","athena:ListDatabases","athena:ListDataC)"
     R"(atalogs","athena:ListTableMetadata","athena:ListWorkGroups"],"Resource":["*"]},{"Effect")"
     R"(:"Allow","Action":["athena:GetQueryExecution","athena:GetQueryResults","athena:GetWorkGr)"
     R"(oup","athena:StartQueryExecution","athena:StopQueryExecution"],"Resource":["*"],"Conditi)"
     R"(on":{"Null":{"aws:ResourceTag/GrafanaDataSource":"false"}}},{"Effect":"Allow","Action":[)"
     R"("glue:GetDatabase","glue:GetDatabases","glue:GetTable","glue:GetTables","glue:GetPartiti)"
     R"(on","glue:GetPartitions","glue:BatchGetPartition"],"Resource":["*"]},{"Effect":"Allow",")"
     R"(Action":["s3:GetBucketLocation","s3:GetObject","s3:ListBucket","s3:ListBucketMultipartUp)"
     R"(loads","s3:ListMultipartUploadParts","s3:AbortMultipartUpload","s3:CreateBucket","s3:Put)"
     R"(Object","s3:PutBucketPublicAccessBlock"],"Resource":["arn:aws:s3:::grafana-athena-query-)"
     R"(results-*"]}]})"},
    {"AmazonGrafanaCloudWatchAccess", "/service-role/", "v1", "2023-03-24T22:41:53Z",
     "2023-03-24T22:41:53Z",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["cloudwatch:DescribeAla)"
     R"(rmsForMetric","cloudwatch:DescribeAlarmHistory","cloudwatch:DescribeAlarms","cloudwatch:)"
     R"(ListMetrics","cloudwatch:GetMetricStatistics","cloudwatch:GetMetricData","cloudwatch:Get)"
     R"(InsightRuleReport"],"Resource":"*"},{"Effect":"Allow","Action":["logs:DescribeLogGroups")"
     R"(,"logs:GetLogGroupFields","logs:StartQuery","logs:StopQuery","logs:GetQueryResults","log)"
     R"(s:GetLogEvents"],"Resource":"*"},{"Effect":"Allow","Action":["ec2:DescribeTags","ec2:Des)"
     R"(cribeInstances","ec2:DescribeRegions"],"Resource":"*"},{"Effect":"Allow","Action":"tag:G)"
     R"(etResources","Resource":"*"},{"Effect":"Allow","Action":["oam:ListSinks","oam:ListAttach)"
     R"(edLinks"],"Resource":"*"}]})"},
    {"AmazonGrafanaRedshiftAccess", "/service-role/", "v1", "2021-11-26T23:15:15Z",
     "2021-11-26T23:15:15Z",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["redshift:DescribeClust)"
     R"(ers","redshift-data:GetStatementResult","redshift-data:DescribeStatement","secretsmanage)"
     R"(r:ListSecrets"],"Resource":"*"},{"Effect":"Allow","Action":["redshift-data:DescribeTable)"
     R"(","redshift-data:ExecuteStatement","redshift-data:ListTables","redshift-data:ListSchemas)"
     R"("],"Resource":"*","Condition":{"Null":{"aws:ResourceTag/GrafanaDataSource":"false"}}},{")"
     R"(Effect":"Allow","Action":"redshift:GetClusterCredentials","Resource":["arn:aws:redshift:)"
     R"(*:*:dbname:*/*","arn:aws:redshift:*:*:dbuser:*/redshift_data_api_user"]},{"Effect":"Allo)"
     R"(w","Action":["secretsmanager:GetSecretValue"],"Resource":"*","Condition":{"Null":{"secre)"
     R"(tsmanager:ResourceTag/RedshiftQueryOwner":"false"}}}]})"},
    {"AmazonPrometheusConsoleFullAccess", "/", "v9", "2020-12-15T18:11:10Z",
     "2026-02-12T17:59:47Z",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["tag:GetTagValues","tag)"
     R"(:GetTagKeys"],"Resource":"*"},{"Effect":"Allow","Action":["aps:CreateWorkspace","aps:Des)"
     R"(cribeWorkspace","aps:UpdateWorkspaceAlias","aps:DeleteWorkspace","aps:ListWorkspaces","a)"
     R"(ps:DescribeAlertManagerDefinition","aps:DescribeRuleGroupsNamespace","aps:CreateAlertMan)"
     R"(agerDefinition","aps:CreateRuleGroupsNamespace","aps:DeleteAlertManagerDefinition","aps:)"
     R"(DeleteRuleGroupsNamespace","aps:ListRuleGroupsNamespaces","aps:PutAlertManagerDefinition)"
     R"(","aps:PutRuleGroupsNamespace","aps:TagResource","aps:UntagResource","aps:CreateLoggingC)"
     R"(onfiguration","aps:UpdateLoggingConfiguration","aps:DeleteLoggingConfiguration","aps:Des)"
     R"(cribeLoggingConfiguration","aps:UpdateWorkspaceConfiguration","aps:DescribeWorkspaceConf)"
     R"(iguration","aps:CreateQueryLoggingConfiguration","aps:UpdateQueryLoggingConfiguration",")"
     R"(aps:DeleteQueryLoggingConfiguration","aps:DescribeQueryLoggingConfiguration"],"Resource")"
     R"(:"*"}]})"},
    {"AmazonPrometheusFullAccess", "/", "v2", "2020-12-15T18:10:46Z",
     "2023-11-26T20:16:13Z",
     R"({"Version":"2012-10-17","Statement":[{"Sid":"AllPrometheusActions","Effect":"Allow","Act)"
     R"(ion":["aps:*"],"Resource":"*"},{"Sid":"DescribeCluster","Effect":"Allow","Action":["eks:)"
     R"(DescribeCluster","ec2:DescribeSubnets","ec2:DescribeSecurityGroups"],"Resource":"*","Con)"
     R"(dition":{"ForAnyValue:StringEquals":{"aws:CalledVia":["aps.amazonaws.com"]}}},{"Sid":"Cr)"
     R"(eateServiceLinkedRole","Effect":"Allow","Action":"iam:CreateServiceLinkedRole","Resource)"
     R"(":"arn:aws:iam::*:role/aws-service-role/scraper.aps.amazonaws.com/AWSServiceRoleForAmazo)"
     R"(nPrometheusScraper*","Condition":{"StringEquals":{"iam:AWSServiceName":"scraper.aps.amaz)"
     R"(onaws.com"}}}]})"},
    {"AmazonPrometheusQueryAccess", "/", "v1", "2020-12-19T01:02:58Z",
     "2020-12-19T01:02:58Z",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["aps:GetLabels","aps:Ge)"
     R"(tMetricMetadata","aps:GetSeries","aps:QueryMetrics"],"Resource":"*"}]})"},
    {"AmazonPrometheusRemoteWriteAccess", "/", "v1", "2020-12-19T01:04:32Z",
     "2020-12-19T01:04:32Z",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["aps:RemoteWrite"],"Res)"
     R"(ource":"*"}]})"},
    {"AmazonSSMManagedInstanceCore", "/", "v2", "2019-03-15T17:22:12Z",
     "2019-05-23T16:54:21Z",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["ssm:DescribeAssociatio)"
     R"(n","ssm:GetDeployablePatchSnapshotForInstance","ssm:GetDocument","ssm:DescribeDocument",)"
     R"("ssm:GetManifest","ssm:GetParameter","ssm:GetParameters","ssm:ListAssociations","ssm:Lis)"
     R"(tInstanceAssociations","ssm:PutInventory","ssm:PutComplianceItems","ssm:PutConfigurePack)"
     R"(ageResult","ssm:UpdateAssociationStatus","ssm:UpdateInstanceAssociationStatus","ssm:Upda)"
     R"(teInstanceInformation"],"Resource":"*"},{"Effect":"Allow","Action":["ssmmessages:CreateC)"
     R"(ontrolChannel","ssmmessages:CreateDataChannel","ssmmessages:OpenControlChannel","ssmmess)"
     R"(ages:OpenDataChannel"],"Resource":"*"},{"Effect":"Allow","Action":["ec2messages:Acknowle)"
     R"(dgeMessage","ec2messages:DeleteMessage","ec2messages:FailMessage","ec2messages:GetEndpoi)"
     R"(nt","ec2messages:GetMessages","ec2messages:SendReply"],"Resource":"*"}]})"},
    {"CloudWatchAgentServerPolicy", "/", "v3", "2018-03-07T01:06:44Z",
     "2024-02-06T16:37:37Z",
     R"({"Version":"2012-10-17","Statement":[{"Sid":"CWACloudWatchServerPermissions","Effect":"A)"
     R"(llow","Action":["cloudwatch:PutMetricData","ec2:DescribeVolumes","ec2:DescribeTags","log)"
     R"(s:PutLogEvents","logs:PutRetentionPolicy","logs:DescribeLogStreams","logs:DescribeLogGro)"
     R"(ups","logs:CreateLogStream","logs:CreateLogGroup","xray:PutTraceSegments","xray:PutTelem)"
     R"(etryRecords","xray:GetSamplingRules","xray:GetSamplingTargets","xray:GetSamplingStatisti)"
     R"(cSummaries"],"Resource":"*"},{"Sid":"CWASSMServerPermissions","Effect":"Allow","Action":)"
     R"(["ssm:GetParameter"],"Resource":"arn:aws:ssm:*:*:parameter/AmazonCloudWatch-*"}]})"},
    {"IAMFullAccess", "/", "v2", "2015-02-06T18:40:38Z",
     "2019-06-21T19:40:00Z",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:*","organizations:)"
     R"(DescribeAccount","organizations:DescribeOrganization","organizations:DescribeOrganizatio)"
     R"(nalUnit","organizations:DescribePolicy","organizations:ListChildren","organizations:List)"
     R"(Parents","organizations:ListPoliciesForTarget","organizations:ListRoots","organizations:)"
     R"(ListPolicies","organizations:ListTargetsForPolicy"],"Resource":"*"}]})"},
    {"IAMReadOnlyAccess", "/", "v4", "2015-02-06T18:40:39Z",
     "2018-01-25T19:11:27Z",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:GenerateCredential)"
     R"(Report","iam:GenerateServiceLastAccessedDetails","iam:Get*","iam:List*","iam:SimulateCus)"
     R"(tomPolicy","iam:SimulatePrincipalPolicy"],"Resource":"*"}]})"},
    {"PowerUserAccess", "/", "v12", "2015-02-06T18:39:47Z",
     "2026-02-12T17:59:14Z",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotAction":["iam:*","organizatio)"
     R"(ns:*","account:*"],"Resource":"*"},{"Effect":"Allow","Action":["account:GetAccountInform)"
     R"(ation","account:GetGovCloudAccountInformation","account:GetPrimaryEmail","account:ListRe)"
     R"(gions","iam:CreateServiceLinkedRole","iam:DeleteServiceLinkedRole","iam:ListRoles","orga)"
     R"(nizations:DescribeEffectivePolicy","organizations:DescribeOrganization"],"Resource":"*"})"
     R"(]})"},
};
// clang-format on

ManagedPolicy Make(const Published& published) {
  ManagedPolicy policy;
  policy.account = "aws";
  policy.name = published.name;
  policy.path = published.path;
  // IAM's ids say nothing; this one is the same for every process.
  std::string id = crypto::Sha256Hex(published.name).substr(0, 17);
  for (char& c : id) {
    if (c >= 'a' && c <= 'f') c = static_cast<char>(c - 'a' + 'A');
  }
  policy.id = "ANPA" + id;
  policy.document = published.document;
  policy.default_version = published.version;
  auth::ParseIsoDate(published.created, &policy.created_ms);
  auth::ParseIsoDate(published.updated, &policy.updated_ms);
  policy.revision = 1;
  return policy;
}

}  // namespace

const std::vector<ManagedPolicy>& AwsManagedPolicies() {
  static const std::vector<ManagedPolicy> policies = [] {
    std::vector<ManagedPolicy> all;
    for (const Published& published : kPublished) all.push_back(Make(published));
    return all;
  }();
  return policies;
}

}  // namespace hearth::catalog
