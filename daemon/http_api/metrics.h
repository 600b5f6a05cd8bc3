// The daemon's figures in the text form of Prometheus: campaigns, what was asked of models and spent, lanes, the journal,
// event streams, requests. A new part of the daemon adds a function to metrics.cc and its lines to docs/contracts.md.
// Threads: blocking; any thread but the loop's.
// Errors: those of the journal's reader.
// Source: https://prometheus.io/docs/instrumenting/exposition_formats, text format 0.0.4.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/health/breaker.h"
#include "base/result.h"

namespace passnet::daemon {

struct ApiPorts;

// What only the loop can tell.
struct LoopFigures {
  int64_t campaigns_running = 0;
  int64_t journal_waiting = 0;
  std::string journal_trouble;                     // why the journal takes nothing; empty: all is well
  std::map<std::string, std::string> quarantined;  // why what is stored cannot be read, by id
  std::vector<agent::Outage> outages;
};

Result<std::string> MetricsText(const ApiPorts& ports, const LoopFigures& loop);

// A label's value with backslash, quotation mark and line end escaped, and no bytes that are not UTF-8.
std::string EscapedLabel(std::string_view value);

}  // namespace passnet::daemon
