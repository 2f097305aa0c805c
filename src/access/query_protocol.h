// SPDX-License-Identifier: Apache-2.0
// The query protocol of STS and IAM: a form in, XML out. What both share: parameters with
// `Name.member.N` lists, validation in AWS's words, the XML writer, faults as absl::Status with
// AWS's code as a payload, and the answer around it all. Source: aws-contract.md §1.2, §1.5, §7.1.
//
// Values and pure functions, thread-safe.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "access/gate.h"
#include "net/http.h"

namespace hearth::access {

struct QueryService {
  std::string_view signing_name;  // "iam"
  std::string_view version;       // "2010-05-08"
  std::string_view xml_namespace;
};
inline constexpr QueryService kStsService = {"sts", "2011-06-15",
                                             "https://sts.amazonaws.com/doc/2011-06-15/"};
inline constexpr QueryService kIamService = {"iam", "2010-05-08",
                                             "https://iam.amazonaws.com/doc/2010-05-08/"};

// More pairs than any operation takes (50 tags, 256 exclusions); beyond it the form is refused.
inline constexpr size_t kQueryParametersMax = 4096;

class QueryForm {
 public:
  // The form of a request: of POST the body, else the query string. MalformedQueryString.
  static absl::StatusOr<QueryForm> Parse(const net::HttpRequest& request);

  std::string_view action() const { return Text("Action"); }
  bool Has(std::string_view name) const { return values_.find(name) != values_.end(); }
  std::string_view Text(std::string_view name) const;  // "" where absent
  // `name`.member.1, `name`.member.2 … in the order of their numbers.
  std::vector<std::string> List(std::string_view name) const;
  // The same for structures: each with its fields' names as they follow the number.
  std::vector<QueryForm> Structures(std::string_view name) const;
  const std::map<std::string, std::string, std::less<>>& values() const { return values_; }

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

// What a parameter must look like.
struct QueryRule {
  bool required = false;
  size_t min = 0;
  size_t max = 0;  // characters; 0 is no limit
  bool (*allowed)(unsigned char) = nullptr;
  std::string_view pattern = {};  // of `allowed`, as AWS words it
};

// Reads parameters and collects what is wrong with them, all at once as AWS does:
// "2 validation errors detected: Value 'x' at 'roleName' failed to satisfy constraint: …".
class QueryReader {
 public:
  explicit QueryReader(const QueryForm& form) : form_(form) {}
  std::string Text(std::string_view name, const QueryRule& rule = {});
  int64_t Number(std::string_view name, int64_t fallback, int64_t min, int64_t max);
  bool Flag(std::string_view name, bool fallback);
  // One of `allowed`; "" where absent.
  std::string OneOf(std::string_view name, std::initializer_list<std::string_view> allowed,
                    bool required = false);
  std::vector<std::string> List(std::string_view name, size_t max, const QueryRule& rule = {});
  void Fail(std::string_view name, std::string_view value, std::string_view constraint);
  absl::Status status() const;  // ValidationError

 private:
  void Check(std::string_view name, std::string_view value, const QueryRule& rule);
  const QueryForm& form_;
  std::vector<std::string> faults_;
};

// Elements in order; text is escaped. Indentation would be part of no contract, so there is none.
class XmlWriter {
 public:
  void Open(std::string_view name);
  void Close(std::string_view name);
  void Text(std::string_view name, std::string_view text);
  void TextIf(std::string_view name, std::string_view text);  // nothing where empty
  void Number(std::string_view name, int64_t number);
  void Flag(std::string_view name, bool flag);
  void Time(std::string_view name, int64_t ms);  // 2026-08-07T12:00:00Z
  void List(std::string_view name, const std::vector<std::string>& members);
  const std::string& xml() const { return xml_; }

 private:
  std::string xml_;
};

// A refusal in AWS's words, to be passed up with TRY.
absl::Status QueryFault(int status, std::string_view code, std::string_view message);
absl::Status QueryFault(const Refusal& refusal);
// With a reason for machines, which the answer carries as x-hearth-reason.
absl::Status WithReason(absl::Status fault, std::string_view reason);
// The code of a fault, "" of any other status.
std::string QueryFaultCode(const absl::Status& status);

// The answer to a call that failed: faults as they are, Aborted as ConcurrentModification,
// Unavailable as 503 ServiceUnavailable, anything else (logged) as 500 ServiceFailure.
net::HttpResponse QueryFailure(const QueryService& service, const absl::Status& status,
                               std::string_view request_id);
// `result`: what is inside <ActionResult>; `has_result` false leaves that element out.
std::string QueryAnswerXml(const QueryService& service, std::string_view action,
                           std::string_view result, bool has_result, std::string_view request_id);
net::HttpResponse QueryAnswer(std::string xml, std::string_view request_id);

// "Could not find operation X for version Y".
absl::Status UnknownQueryAction(const QueryForm& form);

}  // namespace hearth::access
