# SPDX-License-Identifier: Apache-2.0
# The collector's role is its own: it can be taken away without touching any other writer.

data "aws_iam_policy_document" "ingest" {
  statement {
    effect    = "Allow"
    actions   = ["aps:RemoteWrite"]
    resources = [var.prometheus_workspace_arn]
  }
}

module "irsa" {
  source = "../irsa"

  role_name                 = "${var.cluster_name}-metrics-adot-ingest"
  cluster_oidc_provider_arn = var.cluster_oidc_provider_arn
  cluster_oidc_issuer_url   = var.cluster_oidc_issuer_url
  service_account_name      = local.service_account_name
  namespace                 = var.namespace
  inline_policies           = { remote-write = data.aws_iam_policy_document.ingest.json }
  tags                      = var.tags
}

locals {
  service_account_name = "adot-collector"
  # The workspace's own region, which the ARN says whatever the provider is configured for.
  region = split(":", var.prometheus_workspace_arn)[3]
}

resource "helm_release" "this" {
  count = var.manage_kubernetes ? 1 : 0

  name      = "adot-collector"
  namespace = var.namespace
  chart     = "${path.module}/chart"

  values = [yamlencode({
    clusterName         = var.cluster_name
    region              = local.region
    remoteWriteEndpoint = "${trimsuffix(var.prometheus_endpoint, "/")}/api/v1/remote_write"
    serviceAccount = {
      name        = local.service_account_name
      annotations = { "eks.amazonaws.com/role-arn" = module.irsa.role_arn }
    }
  })]
}
