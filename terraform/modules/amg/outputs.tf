# SPDX-License-Identifier: Apache-2.0
output "workspace_id" {
  description = "Id of the workspace, g-…"
  value       = aws_grafana_workspace.this.id
}

output "endpoint" {
  description = "URL of the workspace, with https://."
  value       = "https://${aws_grafana_workspace.this.endpoint}"
}

output "role_arn" {
  description = "ARN of the role through which the workspace reads."
  value       = aws_iam_role.this.arn
}

output "service_account_token" {
  description = "Token of the service account terraform-dashboard-provisioner; lives for an hour."
  value       = aws_grafana_workspace_service_account_token.this.key
  sensitive   = true
}
