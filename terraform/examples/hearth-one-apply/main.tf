# SPDX-License-Identifier: Apache-2.0
# Everything in one apply. hearth knows a Grafana workspace by its name as well as by its id, so that
# the URL is there before the workspace is; and its API takes an access key pair, so that no token
# has to be made first. Amazon has neither: there it takes two phases (examples/aws).

locals {
  # The percent-encoded name; cluster names have nothing to encode.
  grafana_endpoint = "${var.hearth_url}/grafana/${var.cluster_name}-amg"
  issuer           = "https://oidc.example.com/id/${upper(md5(var.cluster_name))}"
}

resource "aws_iam_openid_connect_provider" "this" {
  url             = local.issuer
  client_id_list  = ["sts.amazonaws.com"]
  thumbprint_list = ["9e99a48a9960b14926bb7f3b02e22da2b0ab7280"]
}

provider "grafana" {
  url  = local.grafana_endpoint
  auth = var.grafana_auth
}

module "metrics" {
  source = "../../modules/metrics"

  cluster_name              = var.cluster_name
  cluster_oidc_provider_arn = aws_iam_openid_connect_provider.this.arn
  cluster_oidc_issuer_url   = local.issuer
  alert_rules_yaml          = file("${path.module}/../../../rules/alerts.yaml")
  manage_kubernetes         = false
  grafana_endpoint          = local.grafana_endpoint
  tags                      = { Cluster = var.cluster_name }
}
