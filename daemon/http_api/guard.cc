#include "daemon/http_api/guard.h"

#include "daemon/http_api/problem.h"

namespace passnet::daemon {
namespace {

Sha256Digest DigestOf(std::string_view text) {
  Sha256 sha;
  sha.Update(text);
  return sha.Finish();
}

bool SameDigest(const Sha256Digest& a, const Sha256Digest& b) {
  volatile uint8_t difference = 0;
  for (size_t i = 0; i < a.size(); ++i) difference = difference | static_cast<uint8_t>(a[i] ^ b[i]);
  return difference == 0;
}

// "host", "[::1]" of "host:port", "[::1]:port".
std::string WithoutPort(const std::string& authority) {
  size_t bracket = authority.rfind(']');
  size_t colon = authority.rfind(':');
  bool has_port = colon != std::string::npos && (bracket == std::string::npos || colon > bracket);
  return has_port ? authority.substr(0, colon) : authority;
}

bool IsReading(const std::string& method) { return method == "GET" || method == "HEAD"; }

}  // namespace

Guard::Guard(const GuardOptions& options)
    : host_(options.host),
      open_(options.operate_token.empty()),
      operate_(DigestOf(options.operate_token.Reveal())),
      read_(options.read_token.empty() ? std::optional<Sha256Digest>() : DigestOf(options.read_token.Reveal())) {}

std::optional<Response> Guard::Refuse(const Request& request) const {
  std::string host = request.Header("host");
  std::string name = WithoutPort(host);
  bool known = name == "localhost" || name == "[::1]" || name.starts_with("127.") || name == host_ ||
               name == "[" + host_ + "]";
  // With a token, names of a reverse proxy may stand in Host: the token already keeps strange pages out.
  if (open_ && !known) return Problem(421, "the Host header names \"" + name + "\", which is not this daemon");
  std::string origin = request.Header("origin");
  if (!origin.empty() && origin != "http://" + host && origin != "https://" + host) {
    return Problem(403, "requests from pages of another origin are refused");
  }
  return RefuseToken(request);
}

std::optional<Response> Guard::RefuseToken(const Request& request) const {
  if (open_ || request.path == "/health") return std::nullopt;
  std::string header = request.Header("authorization");
  constexpr std::string_view kBearer = "Bearer ";
  bool given = header.starts_with(kBearer);
  Sha256Digest digest = DigestOf(given ? std::string_view(header).substr(kBearer.size()) : std::string_view());
  bool operate = SameDigest(digest, operate_);
  bool read = read_ && SameDigest(digest, *read_);
  if (!given || (!operate && !read)) return Problem(401, "a bearer token is needed");
  if (!operate && !IsReading(request.method)) return Problem(403, "this token may only read");
  return std::nullopt;
}

}  // namespace passnet::daemon
