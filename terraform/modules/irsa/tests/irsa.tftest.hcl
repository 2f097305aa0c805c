# SPDX-License-Identifier: Apache-2.0

mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{\"Statement\":[]}" }
  }
}

variables {
  role_name                 = "demo-writer"
  cluster_oidc_provider_arn = "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC"
  cluster_oidc_issuer_url   = "https://oidc.eks.eu-west-1.amazonaws.com/id/ABC"
  service_account_name      = "writer"
  namespace                 = "monitoring"
}

run "trusts_one_service_account" {
  command = plan

  assert {
    condition     = anytrue([for c in data.aws_iam_policy_document.trust.statement[0].condition : c.variable == "oidc.eks.eu-west-1.amazonaws.com/id/ABC:sub" && c.test == "StringEquals" && tolist(c.values) == tolist(["system:serviceaccount:monitoring:writer"])])
    error_message = "The subject is not exactly the one service account."
  }

  assert {
    condition     = anytrue([for c in data.aws_iam_policy_document.trust.statement[0].condition : c.variable == "oidc.eks.eu-west-1.amazonaws.com/id/ABC:aud" && c.test == "StringEquals" && tolist(c.values) == tolist(["sts.amazonaws.com"])])
    error_message = "The audience is not exactly sts.amazonaws.com."
  }

  assert {
    condition     = length(data.aws_iam_policy_document.trust.statement[0].condition) == 2
    error_message = "More conditions than subject and audience."
  }

  assert {
    condition     = tolist(one(data.aws_iam_policy_document.trust.statement[0].principals).identifiers) == tolist(["arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC"])
    error_message = "Another provider is trusted."
  }
}

run "no_policies_by_default" {
  command = plan

  assert {
    condition     = length(aws_iam_role_policy.this) == 0
    error_message = "There is a policy that nobody gave."
  }
}

run "a_policy_each" {
  command = plan

  variables {
    inline_policies = { read = "{\"Statement\":[]}", write = "{\"Statement\":[]}" }
  }

  assert {
    condition     = toset(keys(aws_iam_role_policy.this)) == toset(["read", "write"])
    error_message = "Not one policy for each name."
  }
}

run "issuer_without_scheme" {
  command = plan

  variables {
    cluster_oidc_issuer_url = "oidc.eks.eu-west-1.amazonaws.com/id/ABC"
  }

  assert {
    condition     = anytrue([for c in data.aws_iam_policy_document.trust.statement[0].condition : c.variable == "oidc.eks.eu-west-1.amazonaws.com/id/ABC:sub" && c.test == "StringEquals" && tolist(c.values) == tolist(["system:serviceaccount:monitoring:writer"])])
    error_message = "The claims' keys have another issuer."
  }
}

run "issuer_with_slash" {
  command = plan

  variables {
    cluster_oidc_issuer_url = "https://oidc.eks.eu-west-1.amazonaws.com/id/ABC/"
  }

  assert {
    condition     = anytrue([for c in data.aws_iam_policy_document.trust.statement[0].condition : c.variable == "oidc.eks.eu-west-1.amazonaws.com/id/ABC:aud" && c.test == "StringEquals" && tolist(c.values) == tolist(["sts.amazonaws.com"])])
    error_message = "The claims' keys have a slash at their end."
  }
}

run "issuer_with_port" {
  command = plan

  variables {
    cluster_oidc_issuer_url = "https://localhost:8443"
  }

  assert {
    condition     = anytrue([for c in data.aws_iam_policy_document.trust.statement[0].condition : c.variable == "localhost:8443:sub" && c.test == "StringEquals" && tolist(c.values) == tolist(["system:serviceaccount:monitoring:writer"])])
    error_message = "The port is lost."
  }
}

run "refuses_empty_role_name" {
  command = plan

  variables {
    role_name = ""
  }

  expect_failures = [var.role_name]
}

run "refuses_role_name_with_slash" {
  command = plan

  variables {
    role_name = "a/b"
  }

  expect_failures = [var.role_name]
}

run "refuses_role_name_of_65" {
  command = plan

  variables {
    role_name = format("%065d", 0)
  }

  expect_failures = [var.role_name]
}

run "refuses_arn_of_a_role" {
  command = plan

  variables {
    cluster_oidc_provider_arn = "arn:aws:iam::123456789012:role/x"
  }

  expect_failures = [var.cluster_oidc_provider_arn]
}

run "refuses_arn_with_url" {
  command = plan

  variables {
    cluster_oidc_provider_arn = "https://oidc.eks.eu-west-1.amazonaws.com/id/ABC"
  }

  expect_failures = [var.cluster_oidc_provider_arn]
}

run "refuses_short_account" {
  command = plan

  variables {
    cluster_oidc_provider_arn = "arn:aws:iam::1234:oidc-provider/x"
  }

  expect_failures = [var.cluster_oidc_provider_arn]
}

run "refuses_http_issuer" {
  command = plan

  variables {
    cluster_oidc_issuer_url = "http://oidc.example.com"
  }

  expect_failures = [var.cluster_oidc_issuer_url]
}

run "refuses_issuer_with_query" {
  command = plan

  variables {
    cluster_oidc_issuer_url = "https://oidc.example.com/?a=b"
  }

  expect_failures = [var.cluster_oidc_issuer_url]
}

run "refuses_issuer_with_wildcard" {
  command = plan

  variables {
    cluster_oidc_issuer_url = "https://*.example.com"
  }

  expect_failures = [var.cluster_oidc_issuer_url]
}

run "refuses_empty_issuer" {
  command = plan

  variables {
    cluster_oidc_issuer_url = ""
  }

  expect_failures = [var.cluster_oidc_issuer_url]
}

run "refuses_any_service_account" {
  command = plan

  variables {
    service_account_name = "*"
  }

  expect_failures = [var.service_account_name]
}

run "refuses_any_namespace" {
  command = plan

  variables {
    namespace = "*"
  }

  expect_failures = [var.namespace]
}

run "refuses_upper_case_namespace" {
  command = plan

  variables {
    namespace = "Monitoring"
  }

  expect_failures = [var.namespace]
}

run "refuses_policy_that_is_no_json" {
  command = plan

  variables {
    inline_policies = { write = "Allow" }
  }

  expect_failures = [var.inline_policies]
}

run "refuses_policy_without_statement" {
  command = plan

  variables {
    inline_policies = { write = "{}" }
  }

  expect_failures = [var.inline_policies]
}

run "refuses_policy_name_with_space" {
  command = plan

  variables {
    inline_policies = { "may write" = "{\"Statement\":[]}" }
  }

  expect_failures = [var.inline_policies]
}
