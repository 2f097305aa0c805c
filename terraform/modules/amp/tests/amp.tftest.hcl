# SPDX-License-Identifier: Apache-2.0

mock_provider "aws" {}

variables {
  alias = "demo-amp"
}

run "no_rules_by_default" {
  command = plan

  assert {
    condition     = length(aws_prometheus_rule_group_namespace.this) == 0
    error_message = "A namespace without rules."
  }

  assert {
    condition     = aws_prometheus_workspace_configuration.this.retention_period_in_days == 150
    error_message = "Retention is not 150 days."
  }

  assert {
    condition     = aws_prometheus_workspace.this.alias == "demo-amp"
    error_message = "Another alias."
  }
}

run "rules_make_a_namespace" {
  command = plan

  variables {
    alert_rules_yaml = "# why,  exactly\ngroups:\n  - name: a\n    rules: []\n"
  }

  assert {
    condition     = length(aws_prometheus_rule_group_namespace.this) == 1
    error_message = "No namespace for the rules."
  }

  assert {
    condition     = aws_prometheus_rule_group_namespace.this[0].name == "eks-observability-alerts"
    error_message = "Another name."
  }

  assert {
    condition     = aws_prometheus_rule_group_namespace.this[0].data == var.alert_rules_yaml
    error_message = "Not byte for byte."
  }
}

run "our_own_rules" {
  command = plan

  variables {
    alert_rules_yaml = file("../../../rules/alerts.yaml")
  }

  assert {
    condition     = length(aws_prometheus_rule_group_namespace.this) == 1
    error_message = "No namespace for the rules."
  }
}

run "retention" {
  command = plan

  variables {
    retention_period_in_days = 1095
  }

  assert {
    condition     = aws_prometheus_workspace_configuration.this.retention_period_in_days == 1095
    error_message = "Not passed on."
  }
}

run "tags" {
  command = plan

  variables {
    tags             = { a = "b" }
    alert_rules_yaml = "# why,  exactly\ngroups:\n  - name: a\n    rules: []\n"
  }

  assert {
    condition     = aws_prometheus_workspace.this.tags["a"] == "b"
    error_message = "The workspace lacks the tags."
  }

  assert {
    condition     = aws_prometheus_rule_group_namespace.this[0].tags["a"] == "b"
    error_message = "The namespace lacks the tags."
  }
}

run "refuses_no_yaml" {
  command = plan

  variables {
    alert_rules_yaml = "groups: ["
  }

  expect_failures = [var.alert_rules_yaml]
}

run "refuses_rules_without_groups" {
  command = plan

  variables {
    alert_rules_yaml = "rules: []"
  }

  expect_failures = [var.alert_rules_yaml]
}

run "refuses_groups_that_are_no_list" {
  command = plan

  variables {
    alert_rules_yaml = "groups: 7"
  }

  expect_failures = [var.alert_rules_yaml]
}

run "refuses_group_without_name" {
  command = plan

  variables {
    alert_rules_yaml = "groups:\n  - rules: []"
  }

  expect_failures = [var.alert_rules_yaml]
}

run "refuses_more_than_a_mebibyte" {
  command = plan

  variables {
    alert_rules_yaml = format("groups: []\n#%s", join("", [for i in range(1024) : format("%01024d", i)]))
  }

  expect_failures = [var.alert_rules_yaml]
}

run "refuses_no_retention" {
  command = plan

  variables {
    retention_period_in_days = 0
  }

  expect_failures = [var.retention_period_in_days]
}

run "refuses_retention_over_three_years" {
  command = plan

  variables {
    retention_period_in_days = 1096
  }

  expect_failures = [var.retention_period_in_days]
}

run "refuses_half_a_day" {
  command = plan

  variables {
    retention_period_in_days = 1.5
  }

  expect_failures = [var.retention_period_in_days]
}

run "refuses_empty_alias" {
  command = plan

  variables {
    alias = ""
  }

  expect_failures = [var.alias]
}

run "refuses_alias_with_space_at_its_end" {
  command = plan

  variables {
    alias = "demo "
  }

  expect_failures = [var.alias]
}

run "refuses_alias_of_101" {
  command = plan

  variables {
    alias = format("%0101d", 0)
  }

  expect_failures = [var.alias]
}
