# SPDX-License-Identifier: Apache-2.0
# The stack: a Prometheus workspace, a Grafana workspace, and who may write.

module "amp" {
  source = "../amp"

  alias            = "${var.cluster_name}-amp"
  alert_rules_yaml = var.alert_rules_yaml
  tags             = var.tags
}

module "amg" {
  source = "../amg"

  name                     = "${var.cluster_name}-amg"
  prometheus_workspace_arn = module.amp.workspace_arn
  tags                     = var.tags
}

data "aws_iam_policy_document" "ingest" {
  statement {
    effect    = "Allow"
    actions   = ["aps:RemoteWrite"]
    resources = [module.amp.workspace_arn]
  }
}

# Option A: whatever Prometheus runs in the cluster already, by this service account.
module "ingest" {
  source = "../irsa"

  role_name                 = "${var.cluster_name}-metrics-amp-ingest"
  cluster_oidc_provider_arn = var.cluster_oidc_provider_arn
  cluster_oidc_issuer_url   = var.cluster_oidc_issuer_url
  service_account_name      = "amp-iamproxy-ingest-service-account"
  namespace                 = var.namespace
  inline_policies           = { remote-write = data.aws_iam_policy_document.ingest.json }
  tags                      = var.tags
}

resource "kubernetes_namespace_v1" "this" {
  count = var.manage_kubernetes ? 1 : 0

  metadata {
    name = var.namespace
  }
}

# Option B: a collector of our own.
module "adot_collector" {
  source = "../adot-collector"
  count  = var.enable_adot_collector ? 1 : 0

  cluster_name              = var.cluster_name
  cluster_oidc_provider_arn = var.cluster_oidc_provider_arn
  cluster_oidc_issuer_url   = var.cluster_oidc_issuer_url
  namespace                 = try(kubernetes_namespace_v1.this[0].metadata[0].name, var.namespace)
  prometheus_workspace_arn  = module.amp.workspace_arn
  prometheus_endpoint       = module.amp.endpoint
  manage_kubernetes         = var.manage_kubernetes
  tags                      = var.tags
}
