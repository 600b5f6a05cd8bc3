// The daemon's figures in the text form of Prometheus: campaigns, what was asked of models and spent, verdicts, gates of
// endpoints, lanes, the journal, event streams, requests. A new part of the daemon adds a function to metrics.cc and its
// lines to docs/contracts.md.
// Threads: blocking; any thread but the loop's.
// Errors: those of the journal's reader.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/campaign/manager.h"
#include "agent/health/breaker.h"
#include "agent/llm/gate.h"
#include "base/result.h"

namespace passnet::daemon {

struct ApiPorts;

// What only the loop can tell.
struct LoopFigures {
  int64_t campaigns_running = 0;
  agent::CampaignManager::Trajectories trajectories;
  std::vector<agent::GateFacts> gates;
  int64_t journal_waiting = 0;
  std::string journal_trouble;                     // why the journal takes nothing; empty: all is well
  std::map<std::string, std::string> quarantined;  // why what is stored cannot be read, by id
  std::vector<agent::Outage> outages;
  std::optional<agent::CampaignManager::Stopping> stopping;
};

Result<std::string> MetricsText(const ApiPorts& ports, const LoopFigures& loop);
}  // namespace passnet::daemon
