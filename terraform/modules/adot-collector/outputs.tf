# SPDX-License-Identifier: Apache-2.0
output "role_arn" {
  description = "ARN of the role that the collector writes with."
  value       = module.irsa.role_arn
}
