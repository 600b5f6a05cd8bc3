#include "agent/campaign/endpoints.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "agent/llm/url.h"

namespace passnet::agent {
namespace {

bool IsVariable(const std::string& name) {
  const bool clean = std::all_of(name.begin(), name.end(),
                                 [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; });
  return clean && !(name.front() >= '0' && name.front() <= '9');
}

// The key that is sent there; nothing when its variable is not set.
std::optional<std::string> KeyOf(const EndpointConfig& endpoint) {
  if (endpoint.api_key_env.empty()) return std::string();
  auto key = ApiKeyFromEnvironment(endpoint.api_key_env);
  return key ? std::optional(key.value().Reveal()) : std::nullopt;
}

void Lower(const std::optional<double>& other, std::optional<double>* limit) {
  if (other && (!*limit || *other < **limit)) *limit = other;
}

// Sections that are one endpoint with one key have one gate, which cannot have two limits.
void CheckLimits(const std::string& key, const std::vector<EndpointConfig>& endpoints, size_t at,
                 std::vector<FieldProblem>* problems) {
  const EndpointConfig& endpoint = endpoints[at];
  for (size_t i = 0; i < at; ++i) {
    const EndpointConfig& other = endpoints[i];
    if (other.base_url != endpoint.base_url || other.api_key_env != endpoint.api_key_env) continue;
    const char* text = "differs from that of endpoints.";
    const std::string why = other.name + ", which is the same endpoint with the same key: they share its limits";
    if (other.limits.requests_per_minute != endpoint.limits.requests_per_minute) {
      problems->push_back({key + "." + endpoint.name + ".requests_per_minute", text + why});
    }
    if (other.limits.tokens_per_minute != endpoint.limits.tokens_per_minute) {
      problems->push_back({key + "." + endpoint.name + ".tokens_per_minute", text + why});
    }
    return;
  }
}

}  // namespace

void VisitRateLimits(FieldVisitor& fields, RateLimits* limits) {
  fields.Number("requests_per_minute", &limits->requests_per_minute, 0.001, 1e9);
  fields.Number("tokens_per_minute", &limits->tokens_per_minute, 1, 1e12);
}

void VisitEndpoints(FieldVisitor& fields, std::string_view key, std::vector<EndpointConfig>* endpoints) {
  std::vector<std::string> names;
  for (const EndpointConfig& endpoint : *endpoints) names.push_back(endpoint.name);
  auto resize = [&](const std::vector<std::string>& found) {
    *endpoints = std::vector<EndpointConfig>(found.size());
    for (size_t i = 0; i < found.size(); ++i) (*endpoints)[i].name = found[i];
  };
  fields.Sections(key, names, resize, [&](size_t i) {
    EndpointConfig& endpoint = (*endpoints)[i];
    fields.Required("base_url");
    fields.Text("base_url", &endpoint.base_url);
    fields.Text("api_key_env", &endpoint.api_key_env);
    fields.Text("ca_file", &endpoint.ca_file);
    fields.Text("dialect", &endpoint.dialect);
    VisitRateLimits(fields, &endpoint.limits);
  });
}

std::vector<FieldProblem> CheckEndpoints(const std::string& key, const std::vector<EndpointConfig>& endpoints) {
  std::vector<FieldProblem> problems;
  for (size_t i = 0; i < endpoints.size(); ++i) {
    const EndpointConfig& endpoint = endpoints[i];
    const std::string path = key + "." + endpoint.name;
    if (!IsEndpointName(endpoint.name)) {
      problems.push_back({path, "the name of an endpoint has letters, digits, - and _, at most 64"});
    }
    auto url = ParseUrl(endpoint.base_url, Credentials::kRefused);
    if (!url) problems.push_back({path + ".base_url", url.error().context});
    auto dialect = dialects::DialectNamed(endpoint.dialect);
    if (!dialect) problems.push_back({path + ".dialect", dialect.error().context});
    if (!endpoint.api_key_env.empty() && !IsVariable(endpoint.api_key_env)) {
      problems.push_back({path + ".api_key_env",
                          "is no name of an environment variable like OPENAI_API_KEY (the key itself stands in no file)"});
    }
    CheckLimits(key, endpoints, i, &problems);
  }
  return problems;
}

Status EndpointBook::Pin(EndpointSpec* spec) const {
  ASSIGN_OR_RETURN(const EndpointConfig* config, Find(*spec));
  if (config != nullptr) {
    spec->name = config->name;
    spec->base_url = config->base_url;
    spec->api_key_env = config->api_key_env;
    spec->ca_file = config->ca_file;
    if (spec->dialect.empty()) spec->dialect = config->dialect;
  }
  if (spec->dialect.empty()) spec->dialect = dialects::OpenAiChat().name();
  ASSIGN_OR_RETURN([[maybe_unused]] EndpointOptions options, Open(*spec));
  return OkStatus();
}

Result<EndpointOptions> EndpointBook::Open(const EndpointSpec& spec) const {
  ASSIGN_OR_RETURN(const EndpointConfig* config, Find(spec));
  EndpointOptions options;
  options.base_url = config == nullptr ? spec.base_url : config->base_url;
  options.proxy_url = ProxyFromEnvironment(options.base_url);
  // Pinned at the launch; a journal from before there were several has none.
  ASSIGN_OR_RETURN(options.dialect, dialects::DialectNamed(spec.dialect));
  if (config != nullptr) {
    options.ca_file = config->ca_file;
    if (!config->api_key_env.empty()) {
      ASSIGN_OR_RETURN(options.api_key, ApiKeyFromEnvironment(config->api_key_env));
    }
  }
  DescribeGate(&options);
  return options;
}

void EndpointBook::DescribeGate(EndpointOptions* endpoint) const {
  for (const EndpointConfig& config : named_) {
    if (config.base_url != endpoint->base_url || KeyOf(config) != endpoint->api_key.Reveal()) continue;
    if (endpoint->name.empty()) endpoint->name = config.name;
    Lower(config.limits.requests_per_minute, &endpoint->limits.requests_per_minute);
    Lower(config.limits.tokens_per_minute, &endpoint->limits.tokens_per_minute);
  }
}

Result<const EndpointConfig*> EndpointBook::Find(const EndpointSpec& spec) const {
  if (!spec.name.empty()) return FindByName(spec);
  for (const EndpointConfig& config : named_) {
    if (config.base_url == spec.base_url && config.api_key_env == spec.api_key_env) return &config;
  }
  const bool plain = spec.api_key_env.empty() && spec.ca_file.empty();
  if (plain && local_ && IsLocalUrl(spec.base_url)) return nullptr;
  return Error{ErrorCode::kPermissionDenied,
               "passnetd's configuration has no endpoint with base_url \"" + spec.base_url + "\" and api_key_env \"" +
                   spec.api_key_env + "\": a section [endpoints.NAME] with both lets the campaign go on"};
}

Result<const EndpointConfig*> EndpointBook::FindByName(const EndpointSpec& spec) const {
  std::string names;
  for (const EndpointConfig& config : named_) {
    names += (names.empty() ? "" : ", ") + config.name;
    if (config.name != spec.name) continue;
    if (spec.base_url.empty() || spec.base_url == config.base_url) return &config;
    return Error{ErrorCode::kUnavailable, "endpoint \"" + spec.name + "\" is " + config.base_url +
                                              " in passnetd's configuration and was " + spec.base_url +
                                              " when the campaign was launched"};
  }
  return NotFound("passnetd's configuration has no endpoint \"" + spec.name + "\" (it has: " +
                  (names.empty() ? "none" : names) + "); a section [endpoints." + spec.name +
                  "] with base_url and api_key_env makes one");
}

}  // namespace passnet::agent
