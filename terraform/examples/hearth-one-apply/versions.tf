# SPDX-License-Identifier: Apache-2.0
terraform {
  required_version = ">= 1.7"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7.0"
    }
    grafana = {
      source  = "grafana/grafana"
      version = ">= 3.0, < 5.0"
    }
    kubernetes = {
      source  = "hashicorp/kubernetes"
      version = ">= 2.7, < 4.0"
    }
    helm = {
      source  = "hashicorp/helm"
      version = ">= 2.6, < 4.0"
    }
  }
}
