#include "agent/llm/url.h"

#include <algorithm>
#include <cctype>

namespace passnet::agent {
namespace {

bool IsPort(std::string_view text) {
  bool digits = std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c); });
  return digits && !text.empty() && text.size() <= 5 && std::stoi(std::string(text)) <= 65535;
}

bool IsPlain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return c > 0x20 && c < 0x7F; });
}

// Splits "host", "host:port" and "[::1]:port".
Status ParseAuthority(std::string_view authority, Url* url) {
  std::string_view port;
  size_t host_end = authority.starts_with('[') ? authority.find(']') : authority.find(':');
  if (authority.starts_with('[')) {
    if (host_end == std::string_view::npos) return InvalidArgument("the bracket of the IPv6 address is not closed");
    url->host = authority.substr(1, host_end - 1);
    authority.remove_prefix(host_end + 1);
    if (!authority.empty() && !authority.starts_with(':')) return InvalidArgument("text after the IPv6 address");
  } else {
    url->host = authority.substr(0, host_end);
    authority.remove_prefix(std::min(host_end, authority.size()));
  }
  if (!authority.empty()) port = authority.substr(1);
  if (url->host.empty()) return InvalidArgument("the host is missing");
  if (!authority.empty() && !IsPort(port)) return InvalidArgument("the port is not a number up to 65535");
  url->port = !port.empty() ? std::string(port) : url->tls ? "443" : "80";
  return OkStatus();
}

}  // namespace

std::string Url::HostHeader() const {
  std::string text = host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (port != (tls ? "443" : "80")) text += ":" + port;
  return text;
}

Result<Url> ParseUrl(std::string_view text, Credentials credentials) {
  Url url;
  url.tls = text.starts_with("https://");
  if (!url.tls && !text.starts_with("http://")) return InvalidArgument("a URL must start with http:// or https://");
  if (!IsPlain(text)) return InvalidArgument("a URL must not hold spaces, control or non-ASCII characters");
  text.remove_prefix(url.tls ? 8 : 7);
  if (text.find_first_of("?#") != std::string_view::npos) {
    return InvalidArgument("a URL of an endpoint must not have a query or a fragment");
  }
  size_t slash = std::min(text.find('/'), text.size());
  std::string_view authority = text.substr(0, slash);
  url.path = text.substr(slash);
  while (url.path.ends_with('/')) url.path.pop_back();
  if (size_t at = authority.rfind('@'); at != std::string_view::npos) {
    if (credentials == Credentials::kRefused) {
      return InvalidArgument("a URL must not hold a user or password; name an environment variable with the key");
    }
    url.credentials = authority.substr(0, at);
    authority.remove_prefix(at + 1);
  }
  RETURN_IF_ERROR(ParseAuthority(authority, &url));
  return url;
}

}  // namespace passnet::agent
