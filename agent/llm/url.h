// The part of a URL that an endpoint or a proxy is named by.
// Threads: immutable values. Errors: kInvalidArgument (the text says which part is wrong; never shows a password).
// Source: RFC 3986, restricted to http and https without query and fragment.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace passnet::agent {

struct Url {
  bool tls = false;
  std::string credentials;  // "user:password" as written; only where ParseUrl allows it
  std::string host;         // without the brackets of an IPv6 address
  std::string port;         // digits; 80 or 443 when not written
  std::string path;         // "" or "/v1", never with a slash at the end

  // As the Host header wants it: brackets for IPv6, the port only when it is not the default one.
  std::string HostHeader() const;
};

enum class Credentials { kRefused, kAllowed };

Result<Url> ParseUrl(std::string_view text, Credentials credentials);

}  // namespace passnet::agent
