# SPDX-License-Identifier: Apache-2.0
output "amp_workspace_id" {
  description = "Id of the Prometheus workspace, ws-…"
  value       = module.metrics.amp_workspace_id
}

output "amp_workspace_arn" {
  description = "ARN of the Prometheus workspace."
  value       = module.metrics.amp_workspace_arn
}

output "amp_endpoint" {
  description = "Prometheus endpoint; api/v1/remote_write and api/v1/query follow it."
  value       = module.metrics.amp_endpoint
}

output "amp_ingest_role_arn" {
  description = "ARN of the role for the annotation of amp-iamproxy-ingest-service-account."
  value       = module.metrics.amp_ingest_role_arn
}

output "grafana_endpoint" {
  description = "URL of the Grafana workspace; TF_VAR_grafana_endpoint of the second phase."
  value       = module.metrics.grafana_endpoint
}

output "grafana_workspace_id" {
  description = "Id of the Grafana workspace, g-…"
  value       = module.metrics.grafana_workspace_id
}

output "grafana_service_account_token" {
  description = "Token that lives for an hour; TF_VAR_grafana_auth of the second phase."
  value       = module.metrics.grafana_service_account_token
  sensitive   = true
}
