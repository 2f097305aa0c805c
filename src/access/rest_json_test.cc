// SPDX-License-Identifier: Apache-2.0
#include "access/rest_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/status.h"

namespace hearth::access {
namespace {

using testing::HasSubstr;

constexpr Shape kText{};
constexpr Shape kAlias{.min = 1, .max = 5, .pattern = "[a-zä]+"};
constexpr Shape kNumber{.type = ShapeType::kInteger, .min = 1, .max = 10};
constexpr Shape kData{.type = ShapeType::kBlob, .min = 1, .max = 4};
constexpr Shape kFlag{.type = ShapeType::kBoolean};
constexpr Shape kTags{.type = ShapeType::kMap, .max = 2, .key = &kAlias, .element = &kText};
constexpr std::string_view kColours[] = {"RED", "BLUE"};
constexpr Shape kColour{.values = kColours};
constexpr Shape kColourList{.type = ShapeType::kList, .min = 1, .max = 2, .element = &kColour};
constexpr Member kEitherMembers[] = {{"one", &kText}, {"two", &kText}};
constexpr Shape kEither{.type = ShapeType::kUnion, .members = kEitherMembers};
constexpr Member kCreateMembers[] = {
    {"alias", &kAlias},   {"number", &kNumber},
    {"data", &kData},     {"flag", &kFlag},
    {"tags", &kTags},     {"colours", &kColourList},
    {"either", &kEither}, {"id", &kAlias, true, In::kUri},
};
constexpr Shape kCreate{.type = ShapeType::kStructure, .members = kCreateMembers};
constexpr Shape kFilters{.type = ShapeType::kMap, .element = &kColourList};
constexpr Shape kKeys{.type = ShapeType::kList, .element = &kText};
constexpr Member kListMembers[] = {
    {"max", &kNumber, false, In::kQuery, "maxResults"},
    {"keys", &kKeys, false, In::kQuery},
    {"filters", &kFilters, false, In::kQueryRest},
    {"licence", &kText, false, In::kHeader, "Grafana-Token"},
};
constexpr Shape kList{.type = ShapeType::kStructure, .members = kListMembers};
constexpr RestOperation kOperations[] = {
    {"Create", "POST", "/things/{id}", 202, &kCreate},
    {"List", "GET", "/things", 200, &kList},
    {"Alias", "POST", "/things/alias", 200, nullptr},
    {"Deep", "GET", "/things/{id}/parts/{name}", 200, nullptr},
    {"Tags", "GET", "/tags/{arn}", 200, nullptr},
};

net::HttpRequest Request(std::string method, std::string path, std::string query = "",
                         std::string body = "") {
  net::HttpRequest request;
  request.method = std::move(method);
  request.path = std::move(path);
  request.query = std::move(query);
  request.body = std::move(body);
  return request;
}

absl::StatusOr<RestInput> Read(const net::HttpRequest& request) {
  RestMatch match;
  if (!RestOperations(kOperations).Find(request, &match)) return UnknownOperation(request);
  return ReadRestInput(*match.operation, match, request);
}

absl::StatusOr<RestInput> Create(std::string body) {
  return Read(Request("POST", "/things/abc", "", std::move(body)));
}

std::string Body(const absl::Status& status) {
  SeededRng rng(1);
  return RestErrorResponse(status, rng).body;
}

TEST(RestOperations, FindsByMethodAndRawPath) {
  struct Row {
    const char* method;
    const char* path;
    const char* operation;  // "" for none
    const char* label;
  };
  constexpr Row kRows[] = {
      {"GET", "/things", "List", ""},
      {"GET", "/things/", "List", ""},
      {"POST", "/things/abc", "Create", "abc"},
      {"POST", "/things/alias", "Alias", ""},
      {"GET", "/things/a%20b/parts/c%2Fd", "Deep", "a b"},
      {"GET", "/tags/arn%3Aaws%3Ax%2Fy", "Tags", ""},
      {"GET", "/tags/arn:aws:x/y", "", ""},
      {"PUT", "/things/abc", "", ""},
      {"GET", "/things//parts/x", "", ""},
      {"GET", "/things/%zz/parts/x", "", ""},
      {"GET", "/", "", ""},
      {"GET", "", "", ""},
  };
  for (const Row& row : kRows) {
    RestMatch match;
    const bool found = RestOperations(kOperations).Find(Request(row.method, row.path), &match);
    EXPECT_EQ(found, *row.operation != '\0') << row.path;
    if (!found) continue;
    EXPECT_EQ(match.operation->name, row.operation) << row.path;
    EXPECT_EQ(match.Label("id"), row.label) << row.path;
  }
  RestMatch match;
  ASSERT_TRUE(RestOperations(kOperations).Find(Request("GET", "/tags/a%2Fb%253A"), &match));
  EXPECT_EQ(match.Label("arn"), "a/b%3A");
}

TEST(ReadRestInput, ReadsEveryPlace) {
  const auto input = Create(
      R"({"alias":"bä","number":3,"data":"aGk=","flag":true,"tags":{"k":"v"},"colours":["RED"],)"
      R"("either":{"two":"x"},"unknown":[1],"id":"zzz"})");
  ASSERT_TRUE(input.ok()) << input.status();
  EXPECT_EQ(input->Text("alias"), "bä");
  EXPECT_EQ(input->Number("number"), 3);
  EXPECT_EQ(input->Blob("data"), "hi");
  EXPECT_EQ(input->Flag("flag"), true);
  EXPECT_EQ(input->TextMap("tags").at("k"), "v");
  EXPECT_THAT(input->TextList("colours"), testing::ElementsAre("RED"));
  EXPECT_EQ(input->Child("either").Text("two"), "x");
  EXPECT_EQ(input->Text("id"), "abc") << "the path's label, not the body's member";

  net::HttpRequest list = Request("GET", "/things", "maxResults=4&keys=a&keys=b&status=RED&x=BLUE");
  list.headers.Set("Grafana-Token", "t");
  const auto listed = Read(list);
  ASSERT_TRUE(listed.ok()) << listed.status();
  EXPECT_EQ(listed->Number("max"), 4);
  EXPECT_THAT(listed->TextList("keys"), testing::ElementsAre("a", "b"));
  EXPECT_THAT(listed->Child("filters").TextList("status"), testing::ElementsAre("RED"));
  EXPECT_THAT(listed->Child("filters").TextList("x"), testing::ElementsAre("BLUE"));
  EXPECT_EQ(listed->Text("licence"), "t");
}

TEST(ReadRestInput, NullAndMissingAreAbsent) {
  const auto input = Create(R"({"alias":null})");
  ASSERT_TRUE(input.ok()) << input.status();
  EXPECT_FALSE(input->Has("alias"));
  EXPECT_EQ(input->Text("alias"), "");
  EXPECT_EQ(input->Number("number"), std::nullopt);
  EXPECT_TRUE(Create("").ok());
}

TEST(ReadRestInput, NamesEachMistake) {
  struct Row {
    const char* body;
    const char* field;
    const char* message;
  };
  const Row rows[] = {
      {R"({"alias":""})", "alias", "greater than or equal to 1"},
      {R"({"alias":"aaaaaa"})", "alias", "length less than or equal to 5"},
      {R"({"alias":"A"})", "alias", "regular expression pattern: [a-zä]+"},
      {R"({"alias":7})", "alias", "must be a string"},
      {R"({"number":0})", "number", "value greater than or equal to 1"},
      {R"({"number":11})", "number", "value less than or equal to 10"},
      {R"({"number":1.5})", "number", "must be an integer"},
      {R"({"number":99999999999999999999})", "number", "must be an integer"},
      {R"({"data":"%%"})", "data", "base64"},
      {R"({"data":"aGVsbG8="})", "data", "length less than or equal to 4"},
      {R"({"flag":"true"})", "flag", "true or false"},
      {R"({"tags":{"a":"1","b":"2","c":"3"}})", "tags", "length less than or equal to 2"},
      {R"({"tags":{"AA":"1"}})", "tags key", "pattern"},
      {R"({"tags":{"a":1}})", "tags.a", "must be a string"},
      {R"({"colours":[]})", "colours", "greater than or equal to 1"},
      {R"({"colours":["RED","PINK"]})", "colours[1]", "enum value set: [RED, BLUE]"},
      {R"({"either":{}})", "either", "exactly one of [one, two], not 0"},
      {R"({"either":{"one":"x","two":"y"}})", "either", "not 2"},
      {R"({"either":[]})", "either", "must be a structure"},
  };
  for (const Row& row : rows) {
    const auto input = Create(row.body);
    ASSERT_FALSE(input.ok()) << row.body;
    EXPECT_EQ(RestErrorStatus(input.status()), 400);
    const auto body = nlohmann::json::parse(Body(input.status()));
    EXPECT_EQ(body["reason"], "FIELD_VALIDATION_FAILED") << row.body;
    EXPECT_EQ(body["fieldList"][0]["name"], row.field) << row.body;
    EXPECT_THAT(body["fieldList"][0]["message"].get<std::string>(), HasSubstr(row.message));
    EXPECT_THAT(body["message"].get<std::string>(), HasSubstr(row.field));
  }
  const auto two = Create(R"({"alias":"aaaaaa","number":0})");
  EXPECT_EQ(nlohmann::json::parse(Body(two.status()))["fieldList"].size(), 2U);
}

TEST(ReadRestInput, WhatCannotBeParsed) {
  const std::string deep = R"({"a":)" + std::string(100'000, '[') + "}";
  for (const std::string& body :
       {std::string("{"), std::string("[]"), std::string("null"), std::string(R"({"a":"\u0000"})"),
        std::string(R"({"a":{"\u0000":1}})"), std::string("{\"a\":\"\xff\"}"), deep}) {
    const auto input = Create(body);
    ASSERT_FALSE(input.ok()) << body.substr(0, 40);
    EXPECT_THAT(Body(input.status()), HasSubstr(R"("reason":"CANNOT_PARSE")"));
  }
  EXPECT_FALSE(Read(Request("POST", "/things/a%00b", "", "{}")).ok());
  EXPECT_FALSE(Read(Request("POST", "/things/%ff", "", "{}")).ok());
  EXPECT_FALSE(Read(Request("GET", "/things", "keys=%00")).ok());
  EXPECT_FALSE(Read(Request("GET", "/things", "maxResults=x")).ok());
  const auto huge = Create(std::string(kRestBodyMax + 1, ' '));
  EXPECT_EQ(RestErrorStatus(huge.status()), 413);
}

TEST(RestErrors, WireForm) {
  SeededRng rng(1);
  const net::HttpResponse missing =
      RestErrorResponse(ResourceNotFound("Workspace not found", "ws-1", "workspace"), rng);
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(missing.headers.Find("x-amzn-ErrorType"), "ResourceNotFoundException");
  EXPECT_EQ(missing.body,
            R"({"message":"Workspace not found","resourceId":"ws-1","resourceType":"workspace"})");
  EXPECT_FALSE(missing.headers.Find("x-amzn-RequestId").empty());
  const net::HttpResponse quota =
      RestErrorResponse(QuotaExceeded("Limit exceeded.", "", "workspace", "aps", "L-1"), rng);
  EXPECT_EQ(quota.status, 402);
  EXPECT_THAT(quota.body, HasSubstr(R"("serviceCode":"aps","quotaCode":"L-1")"));
  const net::HttpResponse throttled = RestErrorResponse(Throttled("Rate exceeded", "aps", ""), rng);
  EXPECT_EQ(throttled.status, 429);
  EXPECT_EQ(throttled.headers.Find("Retry-After"), "1");
  const net::HttpResponse broken =
      RestErrorResponse(Unavailable("database /secret/path is gone"), rng);
  EXPECT_EQ(broken.status, 500);
  EXPECT_EQ(broken.headers.Find("x-amzn-ErrorType"), "InternalServerException");
  EXPECT_THAT(broken.body, testing::Not(HasSubstr("secret")));
  EXPECT_TRUE(IsRestError(ResourceConflict("c", "i", "t")));
  EXPECT_TRUE(IsRestError(Annotate(ResourceConflict("c", "i", "t"), "context")));
  EXPECT_FALSE(IsRestError(NotFound("x")));
}

TEST(PageTokens, RoundTripAndRefuse) {
  const std::string token = MakePageToken("ListThings/000/us-east-1/", "ws-é/1");
  EXPECT_EQ(*ReadPageToken("ListThings/000/us-east-1/", token), "ws-é/1");
  EXPECT_EQ(*ReadPageToken("x", ""), "");
  EXPECT_FALSE(ReadPageToken("ListThings/000/eu-west-1/", token).ok());
  EXPECT_FALSE(ReadPageToken("ListThings/000/us-east-1/", token + "AA").ok());
  EXPECT_FALSE(ReadPageToken("ListThings/000/us-east-1/", "nonsense").ok());
  EXPECT_NE(token, MakePageToken("ListThings/000/us-east-1/", "ws-2"));
}

}  // namespace
}  // namespace hearth::access
