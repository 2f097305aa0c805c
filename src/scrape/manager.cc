// SPDX-License-Identifier: Apache-2.0
#include "scrape/manager.h"

#include <algorithm>

#include "base/check.h"
#include "scrape/manager_impl.h"

namespace hearth::scrape {

std::string_view Name(Health health) {
  switch (health) {
    case Health::kUnknown:
      return "unknown";
    case Health::kUp:
      return "up";
    case Health::kDown:
      return "down";
  }
  return "unknown";
}

Manager::Manager(ManagerOptions options, Fetcher& fetcher, storage::Appender& appender,
                 FileSystem& files, const Clock& clock, Registry& metrics)
    : impl_(std::make_unique<Impl>(std::move(options), fetcher, appender, files, clock, metrics)) {}
Manager::~Manager() { Stop(); }
void Manager::AddSelf(std::string address, std::function<std::string()> read) {
  impl_->AddSelf(std::move(address), std::move(read));
}
void Manager::ApplyConfig(std::shared_ptr<const Config> config) {
  impl_->ApplyConfig(std::move(config));
}
void Manager::Start() { impl_->Start(); }
void Manager::Stop() { impl_->Stop(); }
TargetsSnapshot Manager::Targets() const { return impl_->Targets(); }
std::vector<TargetMetadata> Manager::Metadata() const { return impl_->Metadata(); }
int64_t Manager::RunDueForTest() { return impl_->RunDueForTest(); }

}  // namespace hearth::scrape
