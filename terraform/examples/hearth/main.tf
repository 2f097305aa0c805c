# SPDX-License-Identifier: Apache-2.0
# The stack on a hearth of this machine, without a Kubernetes cluster. Not one line differs from
# what AWS takes: hearth is chosen by the environment (AWS_PROFILE and its files).

locals {
  issuer = "https://oidc.example.com/id/${upper(md5(var.cluster_name))}"
}

# Stands for the cluster's issuer. EKS clusters bring one; examples/aws looks it up.
resource "aws_iam_openid_connect_provider" "this" {
  url             = local.issuer
  client_id_list  = ["sts.amazonaws.com"]
  thumbprint_list = ["9e99a48a9960b14926bb7f3b02e22da2b0ab7280"]
}

provider "grafana" {
  # terraform/README.md says why: null and no other way to the workspace.
  url  = var.grafana_endpoint != "" ? var.grafana_endpoint : null
  auth = var.grafana_auth != "" ? var.grafana_auth : "unset"
}

module "metrics" {
  source = "../../modules/metrics"

  cluster_name              = var.cluster_name
  cluster_oidc_provider_arn = aws_iam_openid_connect_provider.this.arn
  cluster_oidc_issuer_url   = local.issuer
  alert_rules_yaml          = file("${path.module}/../../../rules/alerts.yaml")
  manage_kubernetes         = false
  grafana_endpoint          = var.grafana_endpoint
  tags                      = { Cluster = var.cluster_name }
}
