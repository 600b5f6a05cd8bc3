// The LLM endpoints that the daemon's owner has named, and what a campaign's reference to one of them means. A client of
// the API never chooses where a key goes: the pair of URL and key variable stands in the daemon's configuration, a spec
// has its name.
// Threads: immutable, thread-safe. Owns: the configuration.
// Errors: kNotFound (no such name; the key's variable is not set), kUnavailable (the name means another URL than at
// launch), kPermissionDenied (an endpoint that the configuration does not have). Texts say what to write where.
// Source: docs/threat_model.md, section 6.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/campaign/spec.h"
#include "agent/llm/client.h"
#include "base/fields.h"
#include "base/result.h"

namespace passnet::agent {

struct EndpointConfig {
  std::string name;
  std::string base_url;
  std::string api_key_env;  // the variable in the daemon's environment that holds the key; empty: none is sent
  std::string ca_file;      // PEM; empty: the system's
  std::string dialect = "openai-chat";  // what is spoken there, unless a campaign says otherwise
  RateLimits limits = {};               // of it with its key; absent: those of all endpoints
};

// The two limits, in the section that is open.
void VisitRateLimits(FieldVisitor& fields, RateLimits* limits);
// Sections whose names are the endpoints' names.
void VisitEndpoints(FieldVisitor& fields, std::string_view key, std::vector<EndpointConfig>* endpoints);
std::vector<FieldProblem> CheckEndpoints(const std::string& key, const std::vector<EndpointConfig>& endpoints);

class EndpointBook {
 public:
  // `local`: a spec may give a server of this machine by its URL, without a key.
  EndpointBook(std::vector<EndpointConfig> named, bool local) : named_(std::move(named)), local_(local) {}

  // For a launch: writes into the spec what its name means today, so that the journal tells where calls went. The key is
  // looked for as well.
  Status Pin(EndpointSpec* spec) const;
  // The endpoint of a pinned spec, with the key. Specs of journals from before names had a URL and a variable: they mean
  // the configured endpoint with both.
  Result<EndpointOptions> Open(const EndpointSpec& spec) const;

 private:
  // Campaigns that reach one server with one key by different names, or by its URL, wait at one gate: its name is that of
  // the first such endpoint, its limits are the lowest of all.
  void DescribeGate(EndpointOptions* endpoint) const;
  // nullptr: a local server without a key.
  Result<const EndpointConfig*> Find(const EndpointSpec& spec) const;
  Result<const EndpointConfig*> FindByName(const EndpointSpec& spec) const;

  const std::vector<EndpointConfig> named_;
  const bool local_;
};

}  // namespace passnet::agent
