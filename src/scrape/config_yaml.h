// SPDX-License-Identifier: Apache-2.0
// A loaded configuration back to YAML, with every default filled in, as Prometheus'
// /api/v1/status/config shows its own (config.Config.String). Secrets are written as <secret>: what
// comes out may be shown to whoever may see the status, and is not meant to be loaded again.
#pragma once

#include <string>
#include <string_view>

#include "scrape/config.h"

namespace hearth::scrape {

std::string ConfigYaml(const Config& config);
// One entry of scrape_configs, as /api/v1/scrape_pools/config shows it.
std::string JobYaml(const JobConfig& job);
// A URL's password is none of the reader's business: http://user:xxxxx@host/.
std::string WithoutPassword(std::string_view url);

}  // namespace hearth::scrape
