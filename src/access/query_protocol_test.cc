// SPDX-License-Identifier: Apache-2.0
#include "access/query_protocol.h"

#include <gtest/gtest.h>

#include "access/aws_errors.h"
#include "base/status.h"

namespace hearth::access {
namespace {

QueryForm Form(std::string body) {
  net::HttpRequest request;
  request.method = "POST";
  request.body = std::move(body);
  const auto form = QueryForm::Parse(request);
  EXPECT_TRUE(form.ok()) << form.status();
  return form.ok() ? *form : QueryForm();
}

TEST(QueryForm, ReadsListsInTheOrderOfTheirNumbers) {
  const QueryForm form = Form("A.member.10=x&A.member.2=y&A.member.1=z&AB.member.1=n&A.member.0=q");
  EXPECT_EQ(form.List("A"), (std::vector<std::string>{"z", "y", "x"}));
  EXPECT_TRUE(form.List("C").empty());
}

TEST(QueryForm, ReadsStructures) {
  const QueryForm form = Form(
      "Tags.member.2.Key=b&Tags.member.2.Value=2&Tags.member.1.Key=a&Tags.member.1.Value=%26"
      "&E.member.1.Values.member.1=v");
  const auto tags = form.Structures("Tags");
  ASSERT_EQ(tags.size(), 2U);
  EXPECT_EQ(tags[0].Text("Key"), "a");
  EXPECT_EQ(tags[0].Text("Value"), "&");
  EXPECT_EQ(tags[1].Text("Value"), "2");
  EXPECT_EQ(form.Structures("E")[0].List("Values"), std::vector<std::string>{"v"});
}

TEST(QueryForm, RefusesWhatIsNoText) {
  for (const char* body : {"a=%FF", "a=%00", "a=%", "%C3%28=a"}) {
    net::HttpRequest request;
    request.method = "POST";
    request.body = body;
    EXPECT_EQ(QueryFaultCode(QueryForm::Parse(request).status()), "MalformedQueryString") << body;
  }
}

TEST(QueryReader, CollectsFaultsInAwsWords) {
  const QueryForm form = Form("RoleName=a%20b&MaxItems=0");
  QueryReader in(form);
  in.Text("RoleName", {true, 1, 64, [](unsigned char c) { return c != ' '; }, "[\\w+=,.@-]+"});
  in.Text("PolicyName", {true, 1, 128});
  in.Number("MaxItems", 100, 1, 1000);
  EXPECT_EQ(QueryFaultCode(in.status()), "ValidationError");
  EXPECT_EQ(Message(in.status()),
            "3 validation errors detected: Value 'a b' at 'roleName' failed to satisfy "
            "constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]+; Value null "
            "at 'policyName' failed to satisfy constraint: Member must not be null; Value '0' at "
            "'maxItems' failed to satisfy constraint: Member must have value greater than or equal "
            "to 1");
}

TEST(QueryAnswer, HasTheShapeOfTheProtocol) {
  XmlWriter out;
  out.Text("Arn", "a<b");
  EXPECT_EQ(QueryAnswerXml(kStsService, "GetX", out.xml(), true, "id"),
            "<GetXResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetXResult>"
            "<Arn>a&lt;b</Arn></GetXResult><ResponseMetadata><RequestId>id</RequestId>"
            "</ResponseMetadata></GetXResponse>");
  EXPECT_EQ(QueryAnswerXml(kIamService, "DeleteRole", "", false, "id"),
            "<DeleteRoleResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">"
            "<ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></DeleteRoleResponse>");
}

TEST(QueryFailure, CarriesCodeStatusAndMissingStatement) {
  const auto fault = QueryFault(404, "NoSuchEntity", "The role with name r cannot be found.");
  net::HttpResponse response = QueryFailure(kIamService, fault, "id");
  EXPECT_EQ(response.status, 404);
  EXPECT_NE(response.body.find("<Code>NoSuchEntity</Code>"), std::string::npos);
  EXPECT_NE(response.body.find("<Type>Sender</Type>"), std::string::npos);
  response = QueryFailure(kIamService, QueryFault({RefusalKind::kDenied, "no", "{}"}), "id");
  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(response.headers.Find("x-hearth-missing-statement"), "{}");
  EXPECT_EQ(QueryFailure(kIamService, Unavailable("x"), "id").status, 503);
  EXPECT_EQ(QueryFailure(kIamService, absl::AbortedError("x"), "id").status, 409);
  EXPECT_EQ(QueryFailure(kIamService, Internal("x"), "id").status, 500);
}

TEST(EscapeXml, LeavesNothingThatXmlCannotHold) {
  EXPECT_EQ(EscapeXml("a\x01\r\n\xff"), "a\xEF\xBF\xBD&#xD;\n\xEF\xBF\xBD");
}

}  // namespace
}  // namespace hearth::access
