#include "agent/campaign/endpoints.h"

#include <algorithm>
#include <utility>

#include "agent/llm/url.h"

namespace passnet::agent {
namespace {

bool IsVariable(const std::string& name) {
  const bool clean = std::all_of(name.begin(), name.end(),
                                 [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; });
  return clean && !(name.front() >= '0' && name.front() <= '9');
}

}  // namespace

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
  });
}

std::vector<FieldProblem> CheckEndpoints(const std::string& key, const std::vector<EndpointConfig>& endpoints) {
  std::vector<FieldProblem> problems;
  for (const EndpointConfig& endpoint : endpoints) {
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
  if (config == nullptr) return options;
  options.ca_file = config->ca_file;
  if (!config->api_key_env.empty()) {
    ASSIGN_OR_RETURN(options.api_key, ApiKeyFromEnvironment(config->api_key_env));
  }
  return options;
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
