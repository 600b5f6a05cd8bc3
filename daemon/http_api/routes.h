// The API's routes (docs/contracts.md, "HTTP API"). Handlers own no state: they read through read-only connections of
// their own and post commands to the loop.
// Threads: handlers run on server threads. Borrows: everything in ApiPorts until the server has stopped.
#pragma once

#include <boost/asio/io_context.hpp>
#include <string>

#include "agent/campaign/lane_pool.h"
#include "agent/campaign/manager.h"
#include "agent/campaign/store_journal.h"
#include "daemon/http_api/event_stream.h"
#include "daemon/http_api/request_counts.h"
#include "daemon/http_api/router.h"
#include "daemon/http_api/verdict_counts.h"
#include "daemon/options.h"
#include "trajectories/reader.h"
#include "trajectories/store.h"

namespace passnet::daemon {

struct ApiPorts {
  boost::asio::io_context* loop = nullptr;
  agent::CampaignManager* manager = nullptr;    // loop-only
  agent::StoreJournal* journal = nullptr;       // loop-only
  agent::LanePool* lanes = nullptr;
  agent::GateRegistry* gates = nullptr;         // loop-only
  trajectories::Store* store = nullptr;
  trajectories::ReaderPool* readers = nullptr;
  StreamSlots* streams = nullptr;
  RequestCounts* counts = nullptr;
  VerdictCounts* verdicts = nullptr;
  agent::BuildFacts build;
  DaemonOptions options;  // shown by /v1/config
};

Router MakeRouter(const ApiPorts& ports);

}  // namespace passnet::daemon
