#include "daemon/http_api/openapi.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "daemon/http_api/routes.h"

namespace passnet::daemon {
namespace {

Json DocumentOf(const std::vector<RouteFacts>& routes) {
  auto json = ParseJson(OpenApiJson(routes, "1.2.3"));
  EXPECT_TRUE(json) << json.error().context;
  return json ? std::move(json).value() : Json();
}

// No handler is called: the ports may be empty.
std::vector<RouteFacts> Routes() { return MakeRouter(ApiPorts()).routes(); }

TEST(OpenApiTest, EveryRouteIsInIt) {
  const std::vector<RouteFacts> routes = Routes();
  EXPECT_GT(routes.size(), 12u);
  const Json document = DocumentOf(routes);
  EXPECT_EQ(document["openapi"], "3.1.0");
  EXPECT_EQ(document["info"]["version"], "1.2.3");
  for (const RouteFacts& route : routes) {
    const Json& operation = document["paths"][route.pattern][route.method == "GET" ? "get" : "post"];
    EXPECT_EQ(operation["summary"], route.summary) << route.pattern;
    EXPECT_TRUE(operation["responses"].Has(std::to_string(route.status))) << route.pattern;
    EXPECT_TRUE(operation["responses"].Has("401")) << route.pattern;
    EXPECT_EQ(operation.Has("security"), route.pattern == "/health") << route.pattern;
  }
}

TEST(OpenApiTest, ParametersOfThePathAreRequired) {
  const Json document = DocumentOf(Routes());
  const Json& events = document["paths"]["/v1/campaigns/{id}/events"]["get"];
  ASSERT_EQ(events["parameters"].size(), 3u);
  EXPECT_EQ(events["parameters"].At(0)["name"], "id");
  EXPECT_EQ(events["parameters"].At(0)["in"], "path");
  EXPECT_EQ(events["parameters"].At(0)["required"], true);
  EXPECT_TRUE(events["responses"]["200"]["content"].Has("text/event-stream"));
}

// References of a document that lead nowhere break its readers.
void ExpectReferences(const Json& json, const Json& schemas) {
  for (const auto& [key, value] : json.Members()) {
    const std::string prefix = "#/components/schemas/";
    if (key == "$ref") {
      EXPECT_TRUE(value.Text().starts_with(prefix) && schemas.Has(value.Text().substr(prefix.size()))) << value;
    }
    ExpectReferences(value, schemas);
  }
  for (const Json& item : json.Items()) ExpectReferences(item, schemas);
}

TEST(OpenApiTest, LaunchIsDescribedFromItsFields) {
  const Json document = DocumentOf(Routes());
  const Json& schemas = document["components"]["schemas"];
  ExpectReferences(document, schemas);
  const Json& launch = schemas["launch"]["properties"];
  EXPECT_EQ(launch["concurrency"]["type"], "integer");
  EXPECT_EQ(launch["concurrency"]["maximum"], 1000);
  EXPECT_EQ(launch["endpoint"]["properties"]["name"]["type"], "string");
  EXPECT_EQ(launch["endpoint"]["additionalProperties"], false);
  EXPECT_EQ(launch["scoring"]["properties"]["final_profile"]["enum"].At(0), "passbench");
  EXPECT_EQ(schemas["passnet.campaign_report.1"]["properties"]["schema"]["const"], "passnet.campaign_report/1");
}

TEST(OpenApiTest, HealthTellsOfAStop) {
  const Json document = DocumentOf(Routes());
  const Json& answer = document["paths"]["/health"]["get"]["responses"]["200"]["content"]["application/json"]["schema"];
  EXPECT_EQ(answer["$ref"], "#/components/schemas/health");
  const Json& health = document["components"]["schemas"]["health"]["properties"];
  EXPECT_EQ(health["status"]["enum"], Json(Json::Array{"ok", "degraded", "stopping"}));
  EXPECT_EQ(health["stopping"]["properties"]["replies"]["type"], "integer");
}

}  // namespace
}  // namespace passnet::daemon
