// What the client takes from the process's environment: the key and the proxy.
#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "agent/llm/client.h"
#include "agent/llm/url.h"

namespace passnet::agent {
namespace {

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

std::string EitherCase(const char* lower, const char* upper) {
  std::string value = Variable(lower);
  return value.empty() ? Variable(upper) : value;
}

// "*", "host", ".domain" or "domain": curl's reading of no_proxy.
bool Names(std::string_view entry, std::string_view host) {
  if (entry == "*" || entry == host) return true;
  if (entry.starts_with('.')) entry.remove_prefix(1);
  if (entry.empty() || entry.size() >= host.size()) return entry == host && !entry.empty();
  return host.ends_with(entry) && host[host.size() - entry.size() - 1] == '.';
}

bool IsExempt(const std::string& no_proxy, std::string_view host) {
  std::string_view rest = no_proxy;
  while (!rest.empty()) {
    size_t end = std::min(rest.find_first_of(", "), rest.size());
    if (Names(rest.substr(0, end), host)) return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

}  // namespace

Result<Secret> ApiKeyFromEnvironment(const std::string& variable) {
  std::string value = Variable(variable.c_str());
  if (value.empty()) return NotFound("the environment variable " + variable + " with the API key is not set");
  return Secret(std::move(value));
}

std::string ProxyFromEnvironment(const std::string& base_url) {
  auto url = ParseUrl(base_url, Credentials::kRefused);
  if (!url || !url.value().tls) return {};
  if (IsExempt(EitherCase("no_proxy", "NO_PROXY"), url.value().host)) return {};
  return EitherCase("https_proxy", "HTTPS_PROXY");
}

}  // namespace passnet::agent
