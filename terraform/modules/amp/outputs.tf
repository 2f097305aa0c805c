# SPDX-License-Identifier: Apache-2.0
output "workspace_id" {
  description = "Id of the workspace, ws-…"
  value       = aws_prometheus_workspace.this.id
}

output "workspace_arn" {
  description = "ARN of the workspace, the resource of IAM policies."
  value       = aws_prometheus_workspace.this.arn
}

output "endpoint" {
  description = "Prometheus endpoint; api/v1/remote_write and api/v1/query follow it."
  value       = aws_prometheus_workspace.this.prometheus_endpoint
}
