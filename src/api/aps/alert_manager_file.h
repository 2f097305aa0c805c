// SPDX-License-Identifier: Apache-2.0
// The check of an alert manager definition: YAML with the keys `alertmanager_config` (a text that
// is Alertmanager's own YAML) and `template_files` (name to text). Source: aws-contract.md §10,
// Alertmanager's config/config.go for the structure. Pure; private to this module.
#pragma once

#include <absl/status/status.h>

#include <string_view>

namespace hearth::api {

// InvalidArgument "line 3, column 1: what is wrong"; a line of the inner text is named as
// "alertmanager_config: line 3, …".
absl::Status CheckAlertManagerFile(std::string_view text);

}  // namespace hearth::api
