#include "daemon/http_api/guard.h"

#include <algorithm>

#include "base/check.h"
#include "base/text.h"
#include "daemon/http_api/problem.h"

namespace passnet::daemon {
namespace {

constexpr size_t kMaxShownHost = 100;  // of a stranger's header in an answer

// Every given token is compared with every known one to its last byte.
bool IsOneOf(const std::vector<Sha256Digest>& known, const Sha256Digest& given) {
  volatile uint8_t found = 0;
  for (const Sha256Digest& digest : known) {
    volatile uint8_t difference = 0;
    for (size_t i = 0; i < digest.size(); ++i) difference = difference | static_cast<uint8_t>(digest[i] ^ given[i]);
    found = found | static_cast<uint8_t>(difference == 0);
  }
  return found != 0;
}

std::vector<Sha256Digest> DigestsOf(const std::vector<Secret>& tokens) {
  std::vector<Sha256Digest> digests;
  for (const Secret& token : tokens) {
    if (!token.empty()) digests.push_back(Sha256Of(token.Reveal()));
  }
  return digests;
}

std::string LowerCase(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

bool IsReading(const std::string& method) { return method == "GET" || method == "HEAD"; }

bool IsJson(const std::string& content_type) {
  return LowerCase(std::string(Trimmed(content_type.substr(0, content_type.find(';'))))) == "application/json";
}

}  // namespace

Guard::Guard(const GuardOptions& options)
    : names_{"127.0.0.1", "localhost", "[::1]"},
      origins_(options.allowed_origins.begin(), options.allowed_origins.end()),
      operate_(DigestsOf(options.operate_tokens)),
      read_(DigestsOf(options.read_tokens)) {
  CHECK(!operate_.empty());
  // A browser that is sent to 0.0.0.0 ends on loopback: the address of all interfaces is nobody's name.
  const bool is_everywhere = options.host == "0.0.0.0" || options.host == "::";
  const bool is_v6 = options.host.find(':') != std::string::npos;
  if (!is_everywhere) names_.insert(LowerCase(is_v6 ? "[" + options.host + "]" : options.host));
  for (const std::string& host : options.allowed_hosts) hosts_.insert(LowerCase(host));
}

std::optional<Response> Guard::Refuse(const Request& request) const {
  if (auto refusal = RefuseHost(request)) return refusal;
  if (auto refusal = RefusePage(request)) return refusal;
  if (request.method == "OPTIONS" && ComesFromAllowedOrigin(request)) {
    Response preflight;
    preflight.status = 204;
    preflight.headers["Access-Control-Allow-Methods"] = "GET, POST";
    preflight.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type, Last-Event-ID";
    preflight.headers["Access-Control-Max-Age"] = "600";
    return preflight;
  }
  if (auto refusal = RefuseToken(request)) return refusal;
  if (request.method == "POST" && !IsJson(request.Header("content-type"))) {
    return Problem(415, "a POST must have the Content-Type application/json, with a body or without");
  }
  return std::nullopt;
}

void Guard::ShowToOrigin(const Request& request, Response* response) const {
  if (!ComesFromAllowedOrigin(request)) return;
  response->headers["Access-Control-Allow-Origin"] = request.Header("origin");
  response->headers["Vary"] = "Origin";
}

std::optional<Response> Guard::RefuseHost(const Request& request) const {
  const std::string host = LowerCase(request.Header("host"));
  if (hosts_.contains(host)) return std::nullopt;
  const std::string port = ":" + std::to_string(request.port);
  if (host.ends_with(port) && names_.contains(host.substr(0, host.size() - port.size()))) return std::nullopt;
  if (request.port == 80 && names_.contains(host)) return std::nullopt;  // clients leave out the default port
  return Problem(421, "the Host header names \"" + OneLine(host, kMaxShownHost) +
                          "\", which is not this daemon; http.allowed_hosts names further ones");
}

std::optional<Response> Guard::RefusePage(const Request& request) const {
  if (ComesFromAllowedOrigin(request)) return std::nullopt;
  constexpr const char* kRefusal = "requests from pages of another origin are refused; http.allowed_origins names those "
                                   "that may ask";
  if (request.headers.contains("origin") &&
      LowerCase(request.Header("origin")) != "http://" + LowerCase(request.Header("host"))) {
    return Problem(403, kRefusal);
  }
  // "same-site" is every other port of this machine, whoever serves there.
  const std::string site = request.Header("sec-fetch-site");
  if (!site.empty() && site != "same-origin" && site != "none") return Problem(403, kRefusal);
  return std::nullopt;
}

std::optional<Response> Guard::RefuseToken(const Request& request) const {
  if (request.path == "/health" && IsReading(request.method)) return std::nullopt;
  const std::string header = request.Header("authorization");
  constexpr std::string_view kBearer = "Bearer ";
  const bool given = header.starts_with(kBearer);
  const Sha256Digest digest = Sha256Of(given ? std::string_view(header).substr(kBearer.size()) : std::string_view());
  const bool operate = IsOneOf(operate_, digest);
  const bool read = IsOneOf(read_, digest);
  if (!given || (!operate && !read)) {
    return Problem(401, "a bearer token is needed: the one in the daemon's token file (http.token_file, beside the "
                        "journal when that is not set)");
  }
  if (!operate && !IsReading(request.method)) return Problem(403, "this token may only read");
  return std::nullopt;
}

bool Guard::ComesFromAllowedOrigin(const Request& request) const {
  return request.headers.contains("origin") && origins_.contains(request.Header("origin"));
}

}  // namespace passnet::daemon
