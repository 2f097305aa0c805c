// SPDX-License-Identifier: Apache-2.0
#include "catalog/migrations.h"

namespace hearth::catalog {
namespace {

Migration Core() {
  return {
      1,
      "events, counters, secrets, leases, idempotency",
      {
          "CREATE TABLE counters (name TEXT PRIMARY KEY, value BIGINT NOT NULL)",
          "CREATE TABLE events (sequence BIGINT PRIMARY KEY, at_ms BIGINT NOT NULL,"
          " kind TEXT NOT NULL, action TEXT NOT NULL, account TEXT NOT NULL,"
          " object TEXT NOT NULL, revision BIGINT NOT NULL)",
          "CREATE TABLE secrets (name TEXT PRIMARY KEY, content TEXT NOT NULL,"
          " created_ms BIGINT NOT NULL, revision BIGINT NOT NULL)",
          "CREATE TABLE settings (workspace TEXT NOT NULL, name TEXT NOT NULL,"
          " content TEXT NOT NULL, revision BIGINT NOT NULL, PRIMARY KEY (workspace, name))",
          "CREATE TABLE leases (name TEXT PRIMARY KEY, owner TEXT NOT NULL,"
          " fence BIGINT NOT NULL, expires_ms BIGINT NOT NULL, revision BIGINT NOT NULL)",
          "CREATE TABLE idempotency (token TEXT PRIMARY KEY, request_hash TEXT NOT NULL,"
          " status BIGINT NOT NULL, body TEXT NOT NULL, expires_ms BIGINT NOT NULL,"
          " revision BIGINT NOT NULL)",
          "CREATE INDEX idempotency_end ON idempotency (expires_ms)",
          "CREATE TABLE sign_in_links (hash TEXT PRIMARY KEY, account TEXT NOT NULL,"
          " workspace TEXT NOT NULL, principal TEXT NOT NULL, role TEXT NOT NULL,"
          " created_ms BIGINT NOT NULL, expires_ms BIGINT NOT NULL, used_ms BIGINT NOT NULL,"
          " revision BIGINT NOT NULL)",
      },
      {"DROP TABLE sign_in_links", "DROP TABLE idempotency", "DROP TABLE leases",
       "DROP TABLE settings", "DROP TABLE secrets", "DROP TABLE events", "DROP TABLE counters"}};
}

Migration Iam() {
  return {2,
          "accounts, access keys, IAM",
          {
              "CREATE TABLE accounts (account TEXT PRIMARY KEY, created_ms BIGINT NOT NULL,"
              " revision BIGINT NOT NULL)",
              "CREATE TABLE access_keys (id TEXT PRIMARY KEY, account TEXT NOT NULL,"
              " user_name TEXT NOT NULL, sealed_secret TEXT NOT NULL, active BIGINT NOT NULL,"
              " created_ms BIGINT NOT NULL, revision BIGINT NOT NULL)",
              "CREATE INDEX access_keys_owner ON access_keys (account, user_name)",
              // name_key is the name in lower case: IAM's names are unique without regard to case.
              "CREATE TABLE iam_users (account TEXT NOT NULL, name_key TEXT NOT NULL,"
              " name TEXT NOT NULL, path TEXT NOT NULL, id TEXT NOT NULL UNIQUE,"
              " boundary_arn TEXT NOT NULL, tags TEXT NOT NULL, created_ms BIGINT NOT NULL,"
              " revision BIGINT NOT NULL, PRIMARY KEY (account, name_key))",
              "CREATE TABLE iam_groups (account TEXT NOT NULL, name_key TEXT NOT NULL,"
              " name TEXT NOT NULL, path TEXT NOT NULL, id TEXT NOT NULL UNIQUE,"
              " created_ms BIGINT NOT NULL, revision BIGINT NOT NULL,"
              " PRIMARY KEY (account, name_key))",
              "CREATE TABLE iam_group_members (account TEXT NOT NULL, group_key TEXT NOT NULL,"
              " user_key TEXT NOT NULL, revision BIGINT NOT NULL,"
              " PRIMARY KEY (account, group_key, user_key))",
              "CREATE TABLE iam_roles (account TEXT NOT NULL, name_key TEXT NOT NULL,"
              " name TEXT NOT NULL, path TEXT NOT NULL, id TEXT NOT NULL UNIQUE,"
              " description TEXT NOT NULL, trust_policy TEXT NOT NULL,"
              " boundary_arn TEXT NOT NULL, max_session_seconds BIGINT NOT NULL,"
              " tags TEXT NOT NULL, created_ms BIGINT NOT NULL, revision BIGINT NOT NULL,"
              " PRIMARY KEY (account, name_key))",
              "CREATE TABLE iam_inline_policies (account TEXT NOT NULL, kind TEXT NOT NULL,"
              " owner_key TEXT NOT NULL, name TEXT NOT NULL, document TEXT NOT NULL,"
              " revision BIGINT NOT NULL, PRIMARY KEY (account, kind, owner_key, name))",
              "CREATE TABLE iam_policies (arn TEXT PRIMARY KEY, account TEXT NOT NULL,"
              " name_key TEXT NOT NULL, name TEXT NOT NULL, path TEXT NOT NULL,"
              " id TEXT NOT NULL UNIQUE, description TEXT NOT NULL,"
              " default_version TEXT NOT NULL, versions_made BIGINT NOT NULL,"
              " tags TEXT NOT NULL, created_ms BIGINT NOT NULL, updated_ms BIGINT NOT NULL,"
              " revision BIGINT NOT NULL, UNIQUE (account, name_key))",
              "CREATE TABLE iam_policy_versions (arn TEXT NOT NULL, version TEXT NOT NULL,"
              " document TEXT NOT NULL, created_ms BIGINT NOT NULL, revision BIGINT NOT NULL,"
              " PRIMARY KEY (arn, version))",
              "CREATE TABLE iam_attachments (account TEXT NOT NULL, kind TEXT NOT NULL,"
              " owner_key TEXT NOT NULL, policy_arn TEXT NOT NULL, revision BIGINT NOT NULL,"
              " PRIMARY KEY (account, kind, owner_key, policy_arn))",
              "CREATE INDEX iam_attachments_policy ON iam_attachments (policy_arn)",
              "CREATE TABLE iam_oidc_providers (account TEXT NOT NULL, url TEXT NOT NULL,"
              " client_ids TEXT NOT NULL, thumbprints TEXT NOT NULL, tags TEXT NOT NULL,"
              " created_ms BIGINT NOT NULL, revision BIGINT NOT NULL,"
              " PRIMARY KEY (account, url))",
          },
          {"DROP TABLE iam_oidc_providers", "DROP TABLE iam_attachments",
           "DROP TABLE iam_policy_versions", "DROP TABLE iam_policies",
           "DROP TABLE iam_inline_policies", "DROP TABLE iam_roles", "DROP TABLE iam_group_members",
           "DROP TABLE iam_groups", "DROP TABLE iam_users", "DROP TABLE access_keys",
           "DROP TABLE accounts"}};
}

Migration Workspaces() {
  return {
      3,
      "AMP and Grafana workspaces and what is in them",
      {
          "CREATE TABLE amp_workspaces (id TEXT PRIMARY KEY, account TEXT NOT NULL,"
          " region TEXT NOT NULL, alias TEXT NOT NULL, kms_key_arn TEXT NOT NULL,"
          " status TEXT NOT NULL, created_ms BIGINT NOT NULL, tags TEXT NOT NULL,"
          " config TEXT NOT NULL, config_modified_ms BIGINT NOT NULL,"
          " resource_policy TEXT NOT NULL, resource_policy_revision TEXT NOT NULL,"
          " revision BIGINT NOT NULL)",
          "CREATE INDEX amp_workspaces_alias ON amp_workspaces (account, region, alias)",
          "CREATE TABLE grafana_workspaces (id TEXT PRIMARY KEY, account TEXT NOT NULL,"
          " region TEXT NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL,"
          " status TEXT NOT NULL, account_access_type TEXT NOT NULL,"
          " permission_type TEXT NOT NULL, role_arn TEXT NOT NULL,"
          " grafana_version TEXT NOT NULL, authentication_providers TEXT NOT NULL,"
          " data_sources TEXT NOT NULL, notification_destinations TEXT NOT NULL,"
          " configuration TEXT NOT NULL, settings TEXT NOT NULL, tags TEXT NOT NULL,"
          " created_ms BIGINT NOT NULL, modified_ms BIGINT NOT NULL,"
          " revision BIGINT NOT NULL)",
          "CREATE INDEX grafana_workspaces_name ON grafana_workspaces (account, region, name)",
          "CREATE TABLE data_sources (workspace TEXT NOT NULL, id BIGINT NOT NULL,"
          " uid TEXT NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL, url TEXT NOT NULL,"
          " access_mode TEXT NOT NULL, db_name TEXT NOT NULL, db_user TEXT NOT NULL,"
          " is_default BIGINT NOT NULL, basic_auth BIGINT NOT NULL,"
          " basic_auth_user TEXT NOT NULL, with_credentials BIGINT NOT NULL,"
          " read_only BIGINT NOT NULL, json_data TEXT NOT NULL, sealed_json TEXT NOT NULL,"
          " created_ms BIGINT NOT NULL, updated_ms BIGINT NOT NULL,"
          " revision BIGINT NOT NULL, PRIMARY KEY (workspace, uid), UNIQUE (workspace, name),"
          " UNIQUE (workspace, id))",
          "CREATE TABLE folders (workspace TEXT NOT NULL, id BIGINT NOT NULL,"
          " uid TEXT NOT NULL, title TEXT NOT NULL, parent_uid TEXT NOT NULL,"
          " description TEXT NOT NULL, created_by TEXT NOT NULL, updated_by TEXT NOT NULL,"
          " created_ms BIGINT NOT NULL, updated_ms BIGINT NOT NULL,"
          " revision BIGINT NOT NULL, PRIMARY KEY (workspace, uid), UNIQUE (workspace, id))",
          "CREATE TABLE dashboards (workspace TEXT NOT NULL, id BIGINT NOT NULL,"
          " uid TEXT NOT NULL, folder_uid TEXT NOT NULL, title TEXT NOT NULL,"
          " tags TEXT NOT NULL, json TEXT NOT NULL, message TEXT NOT NULL,"
          " created_by TEXT NOT NULL, updated_by TEXT NOT NULL, provisioned BIGINT NOT NULL,"
          " created_ms BIGINT NOT NULL, updated_ms BIGINT NOT NULL, version BIGINT NOT NULL,"
          " revision BIGINT NOT NULL, PRIMARY KEY (workspace, uid), UNIQUE (workspace, id))",
          "CREATE TABLE dashboard_versions (workspace TEXT NOT NULL, uid TEXT NOT NULL,"
          " version BIGINT NOT NULL, created_ms BIGINT NOT NULL, created_by TEXT NOT NULL,"
          " message TEXT NOT NULL, json TEXT NOT NULL, revision BIGINT NOT NULL,"
          " PRIMARY KEY (workspace, uid, version))",
      },
      {"DROP TABLE dashboard_versions", "DROP TABLE dashboards", "DROP TABLE folders",
       "DROP TABLE data_sources", "DROP TABLE grafana_workspaces", "DROP TABLE amp_workspaces"}};
}

Migration GrafanaItems() {
  return {4,
          "the small objects of Grafana workspaces",
          {"CREATE TABLE grafana_items (workspace TEXT NOT NULL, kind TEXT NOT NULL,"
           " uid TEXT NOT NULL, id BIGINT NOT NULL, parent TEXT NOT NULL, name TEXT NOT NULL,"
           " unique_key TEXT NOT NULL, from_ms BIGINT NOT NULL, to_ms BIGINT NOT NULL,"
           " json TEXT NOT NULL, created_by TEXT NOT NULL, updated_by TEXT NOT NULL,"
           " created_ms BIGINT NOT NULL, updated_ms BIGINT NOT NULL, revision BIGINT NOT NULL,"
           " PRIMARY KEY (workspace, kind, uid), UNIQUE (workspace, kind, id),"
           " UNIQUE (workspace, kind, unique_key))",
           "CREATE INDEX grafana_items_name ON grafana_items (workspace, kind, name)",
           "CREATE INDEX grafana_items_parent ON grafana_items (workspace, kind, parent)",
           "CREATE INDEX grafana_items_time ON grafana_items (workspace, kind, to_ms)"},
          {"DROP TABLE grafana_items"}};
}

Migration AmpObjects() {
  return {
      5,
      "what AMP workspaces hold, and scrapers",
      {
          "CREATE TABLE amp_rule_namespaces (workspace TEXT NOT NULL, name TEXT NOT NULL,"
          " data TEXT NOT NULL, tags TEXT NOT NULL, created_ms BIGINT NOT NULL,"
          " modified_ms BIGINT NOT NULL, revision BIGINT NOT NULL, PRIMARY KEY (workspace, name))",
          "CREATE TABLE amp_documents (workspace TEXT NOT NULL, kind TEXT NOT NULL,"
          " content TEXT NOT NULL, created_ms BIGINT NOT NULL, modified_ms BIGINT NOT NULL,"
          " revision BIGINT NOT NULL, PRIMARY KEY (workspace, kind))",
          "CREATE TABLE amp_scrapers (id TEXT PRIMARY KEY, account TEXT NOT NULL,"
          " region TEXT NOT NULL, alias TEXT NOT NULL, configuration TEXT NOT NULL,"
          " source TEXT NOT NULL, destination TEXT NOT NULL, role_configuration TEXT NOT NULL,"
          " exporters TEXT NOT NULL, role_arn TEXT NOT NULL, tags TEXT NOT NULL,"
          " logging TEXT NOT NULL, logging_modified_ms BIGINT NOT NULL,"
          " created_ms BIGINT NOT NULL, modified_ms BIGINT NOT NULL, revision BIGINT NOT NULL)",
          "CREATE INDEX amp_scrapers_place ON amp_scrapers (account, region, id)",
          "CREATE TABLE amp_detectors (workspace TEXT NOT NULL, id TEXT NOT NULL,"
          " alias TEXT NOT NULL, interval_seconds BIGINT NOT NULL, missing_data TEXT NOT NULL,"
          " configuration TEXT NOT NULL, labels TEXT NOT NULL, tags TEXT NOT NULL,"
          " created_ms BIGINT NOT NULL, modified_ms BIGINT NOT NULL, revision BIGINT NOT NULL,"
          " PRIMARY KEY (workspace, id))",
      },
      {"DROP TABLE amp_detectors", "DROP TABLE amp_scrapers", "DROP TABLE amp_documents",
       "DROP TABLE amp_rule_namespaces"}};
}

Migration GrafanaAccess() {
  return {6,
          "Grafana service accounts, tokens, permissions",
          {
              // login is unique as in Grafana: made from the name, in lower case.
              "CREATE TABLE grafana_service_accounts (workspace TEXT NOT NULL, id BIGINT NOT NULL,"
              " uid TEXT NOT NULL, name TEXT NOT NULL, login TEXT NOT NULL, role TEXT NOT NULL,"
              " disabled BIGINT NOT NULL, created_ms BIGINT NOT NULL, updated_ms BIGINT NOT NULL,"
              " revision BIGINT NOT NULL, PRIMARY KEY (workspace, id), UNIQUE (workspace, login))",
              // service_account 0 is an API key, whose names are apart from those of tokens.
              "CREATE TABLE grafana_tokens (workspace TEXT NOT NULL, id BIGINT NOT NULL,"
              " service_account BIGINT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,"
              " role TEXT NOT NULL, hash TEXT NOT NULL UNIQUE, created_ms BIGINT NOT NULL,"
              " expires_ms BIGINT NOT NULL, last_used_ms BIGINT NOT NULL,"
              " revision BIGINT NOT NULL, PRIMARY KEY (workspace, id),"
              " UNIQUE (workspace, kind, name))",
              "CREATE INDEX grafana_tokens_end ON grafana_tokens (expires_ms)",
              "CREATE TABLE grafana_permissions (workspace TEXT NOT NULL, user_type TEXT NOT NULL,"
              " user_id TEXT NOT NULL, role TEXT NOT NULL, created_ms BIGINT NOT NULL,"
              " revision BIGINT NOT NULL, PRIMARY KEY (workspace, user_type, user_id))",
          },
          {"DROP TABLE grafana_permissions", "DROP TABLE grafana_tokens",
           "DROP TABLE grafana_service_accounts"}};
}

Migration Eks() {
  return {7,
          "EKS: clusters that are known, Pod Identity",
          {
              "CREATE TABLE eks_clusters (account TEXT NOT NULL, region TEXT NOT NULL,"
              " name TEXT NOT NULL, endpoint TEXT NOT NULL, ca_pem TEXT NOT NULL,"
              " issuer TEXT NOT NULL, jwks TEXT NOT NULL, version TEXT NOT NULL,"
              " tags TEXT NOT NULL, created_ms BIGINT NOT NULL, revision BIGINT NOT NULL,"
              " PRIMARY KEY (account, region, name))",
              "CREATE INDEX eks_clusters_issuer ON eks_clusters (account, issuer)",
              "CREATE TABLE eks_pod_identities (id TEXT PRIMARY KEY, account TEXT NOT NULL,"
              " region TEXT NOT NULL, cluster TEXT NOT NULL, namespace_name TEXT NOT NULL,"
              " service_account TEXT NOT NULL, role_arn TEXT NOT NULL, tags TEXT NOT NULL,"
              " created_ms BIGINT NOT NULL, modified_ms BIGINT NOT NULL,"
              " revision BIGINT NOT NULL,"
              " UNIQUE (account, region, cluster, namespace_name, service_account))",
          },
          {"DROP TABLE eks_pod_identities", "DROP TABLE eks_clusters"}};
}

}  // namespace

const std::vector<Migration>& Migrations() {
  static const std::vector<Migration> migrations = {
      Core(), Iam(), Workspaces(), GrafanaItems(), AmpObjects(), GrafanaAccess(), Eks()};
  return migrations;
}

}  // namespace hearth::catalog
