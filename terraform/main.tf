# SPDX-License-Identifier: Apache-2.0
module "metrics" {
  source = "./modules/metrics"
  count  = var.enable_metrics ? 1 : 0

  cluster_name              = var.cluster_name
  cluster_oidc_provider_arn = var.cluster_oidc_provider_arn
  cluster_oidc_issuer_url   = var.cluster_oidc_issuer_url
  namespace                 = var.namespace
  alert_rules_yaml          = var.alert_rules_yaml
  enable_adot_collector     = var.enable_adot_collector
  manage_kubernetes         = var.manage_kubernetes
  grafana_endpoint          = var.grafana_endpoint
  tags                      = var.tags
}
