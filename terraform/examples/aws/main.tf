# SPDX-License-Identifier: Apache-2.0
# The stack beside an EKS cluster that exists and has an IAM OIDC provider.

data "aws_eks_cluster" "this" {
  name = var.cluster_name
}

data "aws_iam_openid_connect_provider" "this" {
  url = data.aws_eks_cluster.this.identity[0].oidc[0].issuer
}

data "aws_eks_cluster_auth" "this" {
  name = var.cluster_name
}

provider "kubernetes" {
  host                   = data.aws_eks_cluster.this.endpoint
  cluster_ca_certificate = base64decode(data.aws_eks_cluster.this.certificate_authority[0].data)
  token                  = data.aws_eks_cluster_auth.this.token
}

# Helm's provider is configured by the environment (KUBE_CONFIG_PATH from `aws eks
# update-kubeconfig`), because versions 2 and 3 have different blocks for it.
provider "helm" {}

provider "grafana" {
  # terraform/README.md says why: null and no other way to the workspace.
  url  = var.grafana_endpoint != "" ? var.grafana_endpoint : null
  auth = var.grafana_auth != "" ? var.grafana_auth : "unset"
}

module "metrics" {
  source = "../../modules/metrics"

  cluster_name              = var.cluster_name
  cluster_oidc_provider_arn = data.aws_iam_openid_connect_provider.this.arn
  cluster_oidc_issuer_url   = data.aws_eks_cluster.this.identity[0].oidc[0].issuer
  alert_rules_yaml          = file("${path.module}/../../../rules/alerts.yaml")
  enable_adot_collector     = var.enable_adot_collector
  manage_kubernetes         = var.manage_kubernetes
  grafana_endpoint          = var.grafana_endpoint
  tags                      = { Cluster = var.cluster_name }
}
