// SPDX-License-Identifier: Apache-2.0
#include "api/iam/iam.h"

#include "access/query_protocol.h"
#include "access/replay.h"
#include "api/iam/call.h"
#include "base/status.h"
#include "base/string_map.h"

namespace hearth::api {
namespace {

using iam::Call;
using iam::Operation;

const StringMap<Operation>& Operations() {
  static const StringMap<Operation> operations = [] {
    StringMap<Operation> all;
    for (const auto list :
         {iam::RoleOperations(), iam::UserOperations(), iam::GroupOperations(),
          iam::AccessKeyOperations(), iam::PolicyOperations(), iam::OwnedPolicyOperations(),
          iam::OidcOperations(), iam::AccountOperations(), iam::SimulationOperations()}) {
      for (const Operation& operation : list) all[std::string(operation.name)] = operation;
    }
    return all;
  }();
  return operations;
}

}  // namespace

net::HttpResponse Iam::Handle(const net::HttpRequest& request) {
  const std::string request_id = NewUuid(rng_);
  const access::QueryService& service = access::kIamService;
  const access::Identified who = gate_.Identify(request, service.signing_name);
  if (who.refusal) {
    return access::QueryFailure(service, access::QueryFault(*who.refusal), request_id);
  }
  const auto form = access::QueryForm::Parse(request);
  if (!form.ok()) return access::QueryFailure(service, form.status(), request_id);
  const auto found = Operations().find(form->action());
  if (found == Operations().end() || form->Text("Version") != service.version) {
    return access::QueryFailure(service, access::UnknownQueryAction(*form), request_id);
  }
  const Operation& operation = found->second;
  const auto run = [&](catalog::Reader& reader,
                       catalog::Transaction* transaction) -> absl::StatusOr<std::string> {
    Call call{*form,
              who.caller,
              gate_,
              reader,
              transaction,
              gate_.options().account,
              access::QueryReader(*form),
              {}};
    TRY(operation.run(call));
    return access::QueryAnswerXml(service, operation.name, call.out.xml(), operation.has_result,
                                  request_id);
  };
  absl::StatusOr<std::string> xml;
  if (operation.writes) {
    // IAM has no client tokens: the SDKs' invocation id tells a repeat.
    const auto key =
        access::MakeReplayKey(request, who.caller, gate_.options().account, operation.name, "");
    const auto answer = access::WriteOnce(
        catalog_, key,
        [&](catalog::Transaction& transaction) -> absl::StatusOr<access::StoredAnswer> {
          TRY_ASSIGN(std::string made, run(transaction, &transaction));
          return access::StoredAnswer{200, std::move(made)};
        });
    xml = answer.ok() ? absl::StatusOr<std::string>(answer->body) : answer.status();
  } else {
    xml = catalog_.Read([&](catalog::Reader& reader) { return run(reader, nullptr); });
  }
  if (!xml.ok()) return access::QueryFailure(service, xml.status(), request_id);
  return access::QueryAnswer(*std::move(xml), request_id);
}

}  // namespace hearth::api
