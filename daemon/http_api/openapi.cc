#include "daemon/http_api/openapi.h"

#include <algorithm>
#include <utility>

#include "agent/campaign/spec.h"
#include "base/fields.h"
#include "base/json.h"
#include "daemon/http_api/problem.h"

namespace passnet::daemon {
namespace {

constexpr int kProblemsOfAll[] = {400, 401, 403, 415, 421, 500, 503};

// A list of fields as a JSON Schema, with the values that they have before a reading as defaults.
class SchemaWriter : public FieldVisitor {
 public:
  void Enter(std::string_view section) override {
    Json* inner = &Put(section, {{"type", "object"}});
    inner->Set("additionalProperties", false);
    stack_.push_back(&inner->Set("properties", Json::MakeObject()));
  }
  void Leave() override { stack_.pop_back(); }
  void Required(std::string_view) override {}
  void Text(std::string_view key, std::string* value) override { Put(key, {{"type", "string"}, {"default", *value}}); }
  void Texts(std::string_view key, std::vector<std::string>*) override {
    Put(key, {{"type", "array"}, {"items", {{"type", "string"}}}});
  }
  void Flag(std::string_view key, bool* value) override { Put(key, {{"type", "boolean"}, {"default", *value}}); }
  void Integer(std::string_view key, int64_t* value, int64_t min, int64_t max) override {
    Put(key, {{"type", "integer"}, {"minimum", min}, {"maximum", max}, {"default", *value}});
  }
  void Integer(std::string_view key, std::optional<int64_t>*, int64_t min, int64_t max) override {
    Put(key, {{"type", kIntegerOrNull}, {"minimum", min}, {"maximum", max}});
  }
  void Integers(std::string_view key, std::vector<int64_t>*, int64_t min, int64_t max) override {
    Put(key, {{"type", "array"}, {"items", {{"type", "integer"}, {"minimum", min}, {"maximum", max}}}});
  }
  void Number(std::string_view key, double* value, double min, double max) override {
    Put(key, {{"type", "number"}, {"minimum", min}, {"maximum", max}, {"default", *value}});
  }
  void Number(std::string_view key, std::optional<double>*, double min, double max) override {
    Put(key, {{"type", kNumberOrNull}, {"minimum", min}, {"maximum", max}});
  }
  void Choice(std::string_view key, int* index, const std::vector<std::string>& names) override {
    Put(key, {{"enum", names}, {"default", names[static_cast<size_t>(*index)]}});
  }
  void TextMap(std::string_view key, std::map<std::string, std::string>*) override { PutMap(key, "string"); }
  void NumberMap(std::string_view key, std::map<std::string, double>*) override { PutMap(key, "number"); }
  void Any(std::string_view key, Json*) override { Put(key, Json::MakeObject()); }
  void List(std::string_view key, size_t, const std::function<void(size_t)>&,
            const std::function<void(size_t)>&) override {
    Put(key, {{"type", "array"}, {"items", {{"type", "object"}}}});
  }
  void Sections(std::string_view key, const std::vector<std::string>&,
                const std::function<void(const std::vector<std::string>&)>&,
                const std::function<void(size_t)>&) override {
    PutMap(key, "object");
  }
  Json Take() { return std::move(root_); }

 private:
  Json& Put(std::string_view key, Json schema) { return stack_.back()->Set(key, std::move(schema)); }
  void PutMap(std::string_view key, const char* type) {
    Put(key, {{"type", "object"}, {"additionalProperties", {{"type", type}}}});
  }
  inline static const std::vector<std::string> kIntegerOrNull = {"integer", "null"};
  inline static const std::vector<std::string> kNumberOrNull = {"number", "null"};
  Json root_ = {{"type", "object"}, {"additionalProperties", false}};
  std::vector<Json*> stack_{&root_.Set("properties", Json::MakeObject())};
};

// What monitors read; the one answer without a name that has more than two fields.
Json HealthSchema() {
  const std::vector<std::string> statuses = {"ok", "degraded", "stopping"}, object_or_null = {"object", "null"};
  const Json text = {{"type", "string"}}, number = {{"type", "integer"}};
  const Json time = {{"type", "string"}, {"format", "date-time"}};
  const Json outage = {{"type", "object"},
                       {"properties", {{"what", text}, {"reason", text}, {"since", time}, {"next_try", time}}}};
  const Json stopping = {
      {"description", "null while it goes on; else what is waited for, replies of models until `until`"},
      {"type", object_or_null},
      {"properties",
       {{"since", time}, {"until", time}, {"replies", number}, {"appends", number}, {"evaluators", number}}}};
  return {{"type", "object"},
          {"properties",
           {{"status", {{"enum", statuses}}},
            {"journal", text},
            {"quarantined", {{"type", "object"}, {"additionalProperties", text}}},
            {"lane", text},
            {"outages", {{"type", "array"}, {"items", outage}}},
            {"campaigns_running", number},
            {"stopping", stopping}}}};
}

Json LaunchSchema() {
  agent::CampaignSpec spec;
  SchemaWriter writer;
  VisitFields(writer, spec);
  return writer.Take();
}

Json Reference(const std::string& component) { return {{"$ref", "#/components/schemas/" + component}}; }

// The key of a component: "passnet.campaign.1" of "campaign/1".
std::string ComponentOf(std::string schema) {
  std::replace(schema.begin(), schema.end(), '/', '.');
  return "passnet." + schema;
}

Json Content(const std::string& type, Json schema) { return {{type, {{"schema", std::move(schema)}}}}; }

Json SchemaOfAnswer(const RouteFacts& route) {
  if (route.pattern == "/health") return Reference("health");
  if (!route.schema.empty()) return Reference(ComponentOf(route.schema));
  return {{"type", route.content_type == "application/json" ? "object" : "string"}};
}

// "{id}" of the pattern, then those that the table names.
Json ParametersOf(const RouteFacts& route) {
  Json parameters = Json::MakeArray();
  for (size_t at = route.pattern.find('{'); at != std::string::npos; at = route.pattern.find('{', at + 1)) {
    const std::string name = route.pattern.substr(at + 1, route.pattern.find('}', at) - at - 1);
    parameters.Push({{"name", name}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}}}});
  }
  for (const RouteParameter& parameter : route.parameters) {
    parameters.Push({{"name", parameter.name},
                     {"in", parameter.in},
                     {"required", parameter.required},
                     {"description", parameter.text},
                     {"schema", {{"type", parameter.type}}}});
  }
  return parameters;
}

Json OperationOf(const RouteFacts& route) {
  Json answers = Json::MakeObject();
  answers.Set(std::to_string(route.status),
              {{"description", route.summary}, {"content", Content(route.content_type, SchemaOfAnswer(route))}});
  std::vector<int> problems(std::begin(kProblemsOfAll), std::end(kProblemsOfAll));
  problems.insert(problems.end(), route.problems.begin(), route.problems.end());
  std::sort(problems.begin(), problems.end());
  for (int status : problems) {
    answers.Set(std::to_string(status), {{"description", TitleOf(status)},
                                         {"content", Content("application/problem+json", Reference("problem"))}});
  }
  Json operation = {{"summary", route.summary}, {"parameters", ParametersOf(route)}, {"responses", std::move(answers)}};
  if (route.method == "POST" && route.pattern == "/v1/campaigns") {
    operation.Set("requestBody", {{"required", true}, {"content", Content("application/json", Reference("launch"))}});
  }
  if (route.open) operation.Set("security", Json::MakeArray());
  return operation;
}

Json Components(const std::vector<RouteFacts>& routes) {
  Json schemas = Json::MakeObject();
  for (const RouteFacts& route : routes) {
    if (route.schema.empty()) continue;
    const std::vector<std::string> required = {"schema"};
    schemas.Set(ComponentOf(route.schema), {{"description", "Its other fields are in docs/contracts.md."},
                                            {"type", "object"},
                                            {"required", required},
                                            {"properties", {{"schema", {{"const", "passnet." + route.schema}}}}}});
  }
  schemas.Set("launch", LaunchSchema());
  schemas.Set("health", HealthSchema());
  const Json text = {{"type", "string"}}, number = {{"type", "integer"}};
  schemas.Set("problem", {{"type", "object"},
                          {"properties",
                           {{"type", text}, {"title", text}, {"status", number}, {"detail", text}, {"code", text}}}});
  return {{"schemas", std::move(schemas)},
          {"securitySchemes", {{"token", {{"type", "http"}, {"scheme", "bearer"}}}}}};
}

}  // namespace

std::string OpenApiJson(const std::vector<RouteFacts>& routes, const std::string& version) {
  Json paths = Json::MakeObject();
  for (const RouteFacts& route : routes) {
    std::string method = route.method;
    std::transform(method.begin(), method.end(), method.begin(), [](char c) { return static_cast<char>(c | 0x20); });
    Json& path = paths.Member(route.pattern);
    path.Set(method, OperationOf(route));
  }
  Json security = Json::MakeArray();
  security.Push({{"token", Json::MakeArray()}});
  Json document = {{"openapi", "3.1.0"},
                   {"info", {{"title", "passnetd"}, {"version", version}}},
                   {"paths", std::move(paths)},
                   {"components", Components(routes)},
                   {"security", std::move(security)}};
  return document.Dump();
}

}  // namespace passnet::daemon
