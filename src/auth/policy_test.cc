// SPDX-License-Identifier: Apache-2.0
// Runs testdata/policy/*.test (format: testdata/policy/README.md).
#include "auth/policy.h"

#include <gtest/gtest.h>

#include <map>

#include "auth/access.h"
#include "base/file_system.h"
#include "base/status.h"
#include "base/text.h"

namespace hearth::auth {
namespace {

std::vector<std::string> Words(std::string_view line) {
  std::vector<std::string> words;
  for (std::string_view word : Split(line, ' ')) {
    if (!word.empty()) words.emplace_back(word);
  }
  return words;
}

// What a file has defined so far.
struct World {
  std::map<std::string, std::shared_ptr<const PolicyDocument>> documents;
  std::map<std::string, Principal> principals;
  std::map<std::string, std::vector<std::string>> context;  // of all rows that follow
};

class Runner {
 public:
  explicit Runner(std::string file) : file_(std::move(file)) {}

  int Run() {
    absl::StatusOr<std::string> read = RealFileSystem().ReadFile(file_);
    EXPECT_TRUE(read.ok()) << read.status();
    std::string text = read.value_or("");
    for (std::string_view raw : Split(text, '\n')) {
      ++line_;
      Line(TrimSpace(raw));
    }
    return rows_;
  }

 private:
  std::string Where() const {
    return fmt::format("{}:{}", file_.substr(file_.rfind('/') + 1), line_);
  }

  void Line(std::string_view line) {
    if (line.empty() || line[0] == '#') return;
    std::vector<std::string> words = Words(line);
    const std::string& verb = words[0];
    if (verb == "identity" || verb == "resource" || verb == "trust") return Define(line, words);
    if (verb == "malformed") return Malformed(line, words);
    if (verb == "principal") return DefinePrincipal(words);
    if (verb == "set") return Set(words);
    if (verb == "allow" || verb == "deny") return Decide(words);
    ADD_FAILURE() << Where() << ": unknown verb " << verb;
  }

  static PolicyKind Kind(std::string_view word) {
    if (word == "resource") return PolicyKind::kResource;
    return word == "trust" ? PolicyKind::kTrust : PolicyKind::kIdentity;
  }

  // The rest of the line after `count` words.
  static std::string_view Rest(std::string_view line, const std::vector<std::string>& words,
                               size_t count) {
    for (size_t i = 0; i < count; ++i) {
      line = TrimSpace(line.substr(line.find(words[i]) + words[i].size()));
    }
    return line;
  }

  // identity|resource|trust NAME JSON; a lone statement is wrapped into a
  // document.
  void Define(std::string_view line, const std::vector<std::string>& words) {
    std::string json(Rest(line, words, 2));
    if (json.find("\"Statement\"") == std::string::npos) {
      json = R"({"Version":"2012-10-17","Statement":)" + json + "}";
    }
    auto document = PolicyDocument::Parse(json, Kind(words[0]));
    ASSERT_TRUE(document.ok()) << Where() << ": " << document.status();
    world_.documents[words[1]] = *document;
  }

  // malformed KIND JSON => text that must be part of the error
  void Malformed(std::string_view line, const std::vector<std::string>& words) {
    ++rows_;
    std::string_view rest = Rest(line, words, 2);
    size_t arrow = rest.rfind(" => ");
    ASSERT_NE(arrow, std::string_view::npos) << Where();
    absl::Status status = PolicyDocument::Parse(rest.substr(0, arrow), Kind(words[1])).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << Where();
    EXPECT_NE(Message(status).find(rest.substr(arrow + 4)), std::string::npos)
        << Where() << ": " << status;
  }

  // principal NAME root|user|role ACCOUNT NAME [identity=a,b] [boundary=c]
  // [session=d,e] [tag.K=V]
  void DefinePrincipal(const std::vector<std::string>& words) {
    ASSERT_GE(words.size(), 5u) << Where();
    Principal principal;
    principal.account = words[3];
    if (words[2] == "root") {
      principal = RootPrincipal(words[3]);
    } else if (words[2] == "user") {
      principal.kind = PrincipalKind::kUser;
      principal.user_name = words[4];
      principal.arn = UserArn(words[3], "/", words[4]);
      principal.user_id = "AIDAEXAMPLEEXAMPLE123";
    } else {
      principal.kind = PrincipalKind::kAssumedRole;
      principal.session_name = "session";
      principal.arn = AssumedRoleArn(words[3], words[4], "session");
      principal.role_arn = RoleArn(words[3], "/", words[4]);
      principal.user_id = "AROAEXAMPLEEXAMPLE123:session";
    }
    for (size_t i = 5; i < words.size(); ++i) Attach(words[i], &principal);
    world_.principals[words[1]] = principal;
  }

  void Attach(const std::string& word, Principal* principal) {
    size_t equals = word.find('=');
    ASSERT_NE(equals, std::string::npos) << Where();
    std::string key = word.substr(0, equals);
    std::string value = word.substr(equals + 1);
    if (key.substr(0, 4) == "tag.") {
      principal->tags[key.substr(4)] = value;
      return;
    }
    std::vector<NamedPolicy>* list = &principal->identity_policies;
    if (key == "boundary") list = &principal->boundary;
    if (key == "session") {
      list = &principal->session_policies;
      principal->has_session_policies = true;
    }
    for (std::string_view name : Split(value, ',')) {
      if (name.empty()) continue;
      ASSERT_TRUE(world_.documents.contains(std::string(name))) << Where() << ": " << name;
      list->push_back({std::string(name), world_.documents[std::string(name)]});
    }
  }

  // set KEY VALUE… (none unsets)
  void Set(const std::vector<std::string>& words) {
    world_.context.erase(words[1]);
    if (words.size() > 2) {
      world_.context[words[1]] = std::vector<std::string>(words.begin() + 2, words.end());
    }
  }

  // allow|deny PRINCIPAL ACTION RESOURCE [key=value[|value…]]… [policy:NAME]
  // [account:N]
  //   [because:identity|boundary|session|resource] [explicit]
  void Decide(const std::vector<std::string>& words) {
    ++rows_;
    ASSERT_GE(words.size(), 4u) << Where();
    ASSERT_TRUE(world_.principals.contains(words[1])) << Where() << ": " << words[1];
    const Principal& principal = world_.principals[words[1]];
    RequestFacts facts;
    facts.now_ms = 1'786'104'600'000;  // 2026-08-07T12:10:00Z
    ConditionContext context = StandardContext(principal, facts);
    for (const auto& [key, values] : world_.context) context.SetMany(key, values);
    std::string account, because;
    const PolicyDocument* resource_policy = nullptr;
    bool explicit_deny = false;
    for (size_t i = 4; i < words.size(); ++i) {
      const std::string& word = words[i];
      if (word == "explicit") {
        explicit_deny = true;
      } else if (word.substr(0, 7) == "policy:") {
        resource_policy = world_.documents[word.substr(7)].get();
        ASSERT_NE(resource_policy, nullptr) << Where();
      } else if (word.substr(0, 8) == "account:") {
        account = word.substr(8);
      } else if (word.substr(0, 8) == "because:") {
        because = word.substr(8);
      } else {
        size_t equals = word.find('=');
        ASSERT_NE(equals, std::string::npos) << Where() << ": " << word;
        std::vector<std::string> values;
        for (std::string_view value : Split(std::string_view(word).substr(equals + 1), '|')) {
          values.emplace_back(value);
        }
        context.SetMany(word.substr(0, equals), values);
      }
    }
    AccessDecision decision =
        DecideAccess({principal, words[2], words[3], context, resource_policy, account});
    Check(words, decision, because, explicit_deny);
  }

  void Check(const std::vector<std::string>& words, const AccessDecision& decision,
             const std::string& because, bool explicit_deny) {
    EXPECT_EQ(decision.allowed, words[0] == "allow") << Where() << ": " << decision.message;
    EXPECT_EQ(decision.explicit_deny, explicit_deny) << Where() << ": " << decision.message;
    EXPECT_EQ(decision.allowed, decision.message.empty()) << Where();
    EXPECT_EQ(decision.missing_statement.empty(), decision.allowed || decision.explicit_deny)
        << Where();
    if (because.empty()) return;
    static const std::map<std::string, PolicySource> kSources = {
        {"identity", PolicySource::kIdentity},
        {"boundary", PolicySource::kBoundary},
        {"session", PolicySource::kSession},
        {"resource", PolicySource::kResource},
        {"root", PolicySource::kRoot}};
    EXPECT_EQ(static_cast<int>(decision.source), static_cast<int>(kSources.at(because)))
        << Where() << ": " << decision.message;
  }

  const std::string file_;
  int line_ = 0;
  int rows_ = 0;
  World world_;
};

TEST(PolicyData, EveryRowHolds) {
  const std::string directory = HEARTH_SOURCE_DIR "/testdata/policy";
  absl::StatusOr<std::vector<std::string>> names = RealFileSystem().List(directory);
  ASSERT_TRUE(names.ok()) << names.status();
  int rows = 0;
  for (const std::string& name : *names) {
    if (name.ends_with(".test")) rows += Runner(JoinPath(directory, name)).Run();
  }
  EXPECT_GE(rows, 300);
}

std::shared_ptr<const PolicyDocument> Parse(std::string_view json, PolicyKind kind) {
  auto document = PolicyDocument::Parse(json, kind);
  EXPECT_TRUE(document.ok()) << document.status();
  return *document;
}

TEST(Access, RefusalsAreInAwsWordsAndNameTheMissingStatement) {
  Principal role;
  role.kind = PrincipalKind::kAssumedRole;
  role.account = "000000000000";
  role.arn = "arn:aws:sts::000000000000:assumed-role/ingest/s";
  role.role_arn = "arn:aws:iam::000000000000:role/ingest";
  ConditionContext context;
  std::string_view resource = "arn:aws:aps:us-east-1:000000000000:workspace/ws-1";
  AccessDecision decision =
      DecideAccess({role, "aps:QueryMetrics", resource, context, nullptr, ""});
  EXPECT_EQ(decision.message,
            "User: arn:aws:sts::000000000000:assumed-role/ingest/s is not authorized "
            "to perform: "
            "aps:QueryMetrics on resource: "
            "arn:aws:aps:us-east-1:000000000000:workspace/ws-1 "
            "because no identity-based policy allows the aps:QueryMetrics action");
  EXPECT_EQ(decision.missing_statement,
            R"({"Effect":"Allow","Action":"aps:QueryMetrics",)"
            R"("Resource":"arn:aws:aps:us-east-1:000000000000:workspace/ws-1"})");

  auto deny = Parse(R"({"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},
      {"Sid":"NoQuery","Effect":"Deny","Action":"aps:Query*","Resource":"*"}]})",
                    PolicyKind::kIdentity);
  role.identity_policies = {{"inline", deny}};
  decision = DecideAccess({role, "aps:QueryMetrics", resource, context, nullptr, ""});
  EXPECT_EQ(decision.message,
            "User: arn:aws:sts::000000000000:assumed-role/ingest/s is not "
            "authorized to perform: "
            "aps:QueryMetrics on resource: "
            "arn:aws:aps:us-east-1:000000000000:workspace/ws-1 with "
            "an explicit deny in an identity-based policy");
  EXPECT_EQ(decision.policy_name, "inline");
  EXPECT_EQ(decision.statement_id, "NoQuery");
  EXPECT_EQ(decision.missing_statement, "");

  decision = DecideAccess({role, "aps:RemoteWrite", resource, context, nullptr, ""});
  EXPECT_TRUE(decision.allowed);
  EXPECT_EQ(decision.statement_id, "#1");

  decision = DecideAccess({role, "aps:RemoteWrite", resource, context, nullptr, "111111111111"});
  EXPECT_EQ(decision.missing_statement,
            R"({"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:role/ingest"},)"
            R"("Action":"aps:RemoteWrite",)"
            R"("Resource":"arn:aws:aps:us-east-1:000000000000:workspace/ws-1"})");
}

TEST(Access, WebIdentityTrust) {
  auto trust = Parse(R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow",
      "Principal":{"Federated":"arn:aws:iam::000000000000:oidc-provider/oidc.example/id/ABC"},
      "Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{
        "oidc.example/id/ABC:sub":"system:serviceaccount:monitoring:amp-ingest",
        "oidc.example/id/ABC:aud":"sts.amazonaws.com"}}}]})",
                     PolicyKind::kTrust);
  struct Row {
    std::string_view provider, sub_key, sub, aud;
    bool allowed;
  };
  const std::string_view provider = "arn:aws:iam::000000000000:oidc-provider/oidc.example/id/ABC";
  const std::string_view key = "oidc.example/id/ABC:sub";
  const std::string_view sub = "system:serviceaccount:monitoring:amp-ingest";
  const Row rows[] = {
      {provider, key, sub, "sts.amazonaws.com", true},
      {provider, key, "system:serviceaccount:default:amp-ingest", "sts.amazonaws.com", false},
      {provider, key, sub, "other", false},
      {provider, "oidc.example/id/abc:sub", sub, "sts.amazonaws.com", false},
      {"arn:aws:iam::000000000000:oidc-provider/other", key, sub, "sts.amazonaws.com", false},
  };
  for (const Row& row : rows) {
    ConditionContext context;
    context.Set(row.sub_key, std::string(row.sub));
    context.Set("oidc.example/id/ABC:aud", std::string(row.aud));
    EXPECT_EQ(TrustAllows(*trust, PrincipalPattern::Type::kFederated, row.provider,
                          "sts:AssumeRoleWithWebIdentity", context),
              row.allowed)
        << row.provider << ' ' << row.sub_key << ' ' << row.sub << ' ' << row.aud;
    EXPECT_FALSE(TrustAllows(*trust, PrincipalPattern::Type::kFederated, row.provider,
                             "sts:AssumeRole", context));
  }
  auto service = Parse(R"({"Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",
      "Principal":{"Service":"grafana.amazonaws.com"}}]})",
                       PolicyKind::kTrust);
  ConditionContext empty;
  EXPECT_TRUE(TrustAllows(*service, PrincipalPattern::Type::kService, "grafana.amazonaws.com",
                          "sts:AssumeRole", empty));
  EXPECT_FALSE(TrustAllows(*service, PrincipalPattern::Type::kService, "ec2.amazonaws.com",
                           "sts:AssumeRole", empty));
}

TEST(ConditionKeys, CompareWithoutCaseButForIssuers) {
  EXPECT_EQ(NormalizeConditionKey("AWS:UserName"), "aws:username");
  EXPECT_EQ(NormalizeConditionKey("aws:PrincipalTag/Team"), "aws:principaltag/team");
  EXPECT_EQ(NormalizeConditionKey("oidc.Example.com/id/ABC:SUB"), "oidc.Example.com/id/ABC:sub");
  EXPECT_EQ(NormalizeConditionKey("localhost:8443/Id:Aud"), "localhost:8443/Id:aud");
  EXPECT_EQ(NormalizeConditionKey("nocolon"), "nocolon");
}

}  // namespace
}  // namespace hearth::auth
