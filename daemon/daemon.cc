#include "daemon/daemon.h"

#include <pthread.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <optional>
#include <random>
#include <thread>
#include <utility>

#include "agent/campaign/endpoints.h"
#include "agent/campaign/manager.h"
#include "agent/campaign/store_journal.h"
#include "agent/llm/sleeper.h"
#include "base/file.h"
#include "base/log.h"
#include "base/token_file.h"
#include "daemon/http_api/event_stream.h"
#include "daemon/http_api/guard.h"
#include "daemon/http_api/request_counts.h"
#include "daemon/http_api/routes.h"
#include "daemon/http_api/server.h"
#include "daemon/http_api/verdict_counts.h"
#include "daemon/loop_call.h"
#include "evaluator/client/lane_client.h"
#include "trajectories/reader.h"
#include "trajectories/store.h"

namespace passnet::daemon {
namespace {

namespace asio = boost::asio;

constexpr int kWorkThreads = 1;         // hashing and large JSON; chosen: it is idle nearly always
constexpr size_t kWorkQueue = 4096;
constexpr size_t kReaders = 16;         // chosen: most requests and streams read for microseconds
constexpr Nanos kStopLimit = std::chrono::seconds(12);  // behind the grace; chosen: far above what evaluators' ends take
constexpr int kNotInOrder = 3;          // docs/contracts.md, "Exit codes"

Result<Secret> TokenOf(const std::string& variable) {
  if (variable.empty()) return Secret();
  const char* value = std::getenv(variable.c_str());
  if (value == nullptr || *value == '\0') {
    return NotFound("the environment variable " + variable + " with the API's token is not set");
  }
  return Secret(value);
}

// `token` is that of the token file.
Result<GuardOptions> GuardOf(const HttpOptions& http, Secret token) {
  GuardOptions options;
  options.host = http.host;
  options.allowed_hosts = http.allowed_hosts;
  options.allowed_origins = http.allowed_origins;
  ASSIGN_OR_RETURN(Secret operate, TokenOf(http.operate_token_env));
  ASSIGN_OR_RETURN(Secret read, TokenOf(http.read_token_env));
  options.operate_tokens = {std::move(token), std::move(operate)};
  options.read_tokens = {std::move(read)};
  return options;
}

// The CLI of the same user finds the token by the port. Where no folder will have it, the file has to be named.
std::unique_ptr<PublishedToken> Publish(int port, const Secret& token, const std::string& file) {
  auto published = PublishToken(port, token);
  if (published) return std::move(published).value();
  log::Warning("daemon", "the token is not published: give passnet --token-file",
               {{"file", file}, {"error", published.error().context}});
  return nullptr;
}

std::function<double()> Jitter() {
  auto generator = std::make_shared<std::mt19937_64>(std::random_device{}());
  return [generator] { return std::uniform_real_distribution<double>(0, 1)(*generator); };
}

agent::GateOptions GateOf(const LlmOptions& llm) {
  agent::GateOptions options;
  options.start = static_cast<int>(llm.start_in_flight);
  options.ceiling = static_cast<int>(llm.max_in_flight);
  options.limits = llm.limits;
  return options;
}

// One a timing core: "cpu:1", or "cpu:1@6" where the core is named.
std::vector<agent::LaneSetup> LanesOf(const LaneOptions& options, const LaneStarter& start) {
  std::vector<int64_t> cores = options.timing_cores;
  if (cores.empty()) cores.push_back(options.timing_core);
  std::vector<agent::LaneSetup> lanes;
  for (int64_t core : cores) {
    std::string name = options.device + ":" + std::to_string(options.threads);
    if (core >= 0) name += "@" + std::to_string(core);
    lanes.push_back({std::move(name), start(core), options.processes, core});
  }
  return lanes;
}

// The loop with its thread, and what lives on it.
class Machine {
 public:
  Machine(const DaemonOptions& options, const agent::BuildFacts& build, const LaneStarter& start_lane,
          std::unique_ptr<trajectories::Store> store)
      : options_(options),
        store_(std::move(store)),
        readers_(options.journal, kReaders),
        streams_(options.http.max_event_streams),
        pool_("pn-work", kWorkThreads, kWorkQueue),
        sleeper_(agent::LoopSleeper()),
        gates_(GateOf(options.llm), &Clock::System(), sleeper_.get()),
        endpoints_(options.endpoints, options.llm.local_endpoints),
        lanes_(LanesOf(options.lane, start_lane)),
        journal_(store_.get(), &pool_, sleeper_.get(), &Clock::System()),
        manager_(loop_.get_executor(), CampaignPortsOf(), {options.journal, build, 64}),
        signals_(loop_, SIGTERM, SIGINT),
        build_(build) {}

  Status Run() {
    ASSIGN_OR_RETURN(const Secret token, ReadOrMakeTokenFile(TokenFileOf(options_)));
    ASSIGN_OR_RETURN(GuardOptions guard_options, GuardOf(options_.http, token));
    const Guard guard(guard_options);
    const Router router = MakeRouter(ApiPortsOf());
    std::promise<int> signalled;
    signals_.async_wait([this, &signalled](const boost::system::error_code& failed, int signal) {
      if (failed) return;
      // From here on a further signal does what it does by itself, at once, whatever the loop is doing.
      boost::system::error_code ignored;
      signals_.clear(ignored);
      signalled.set_value(signal);
    });
    auto work = asio::make_work_guard(loop_);
    std::thread loop([this] { loop_.run(); });
    pthread_setname_np(loop.native_handle(), "pn-loop");
    Status served = Serve({&guard, &router, &counts_}, token, &signalled);
    StopCampaigns();
    asio::post(loop_, [this] { signals_.cancel(); });
    work.reset();
    loop.join();
    log::Info("daemon", "stopped", {});
    return served;
  }

 private:
  agent::CampaignPorts CampaignPortsOf() {
    agent::CampaignPorts ports;
    ports.journal = &journal_;
    ports.evaluation = &lanes_;
    ports.gates = &gates_;
    ports.lanes = &lanes_;
    ports.endpoints = &endpoints_;
    ports.sleeper = sleeper_.get();
    ports.clock = &Clock::System();
    ports.pool = &pool_;
    ports.jitter = Jitter();
    ports.open_endpoint = [](agent::EndpointOptions endpoint) { return agent::OpenClient(std::move(endpoint)); };
    return ports;
  }

  ApiPorts ApiPortsOf() {
    ApiPorts ports;
    ports.loop = &loop_;
    ports.manager = &manager_;
    ports.journal = &journal_;
    ports.lanes = &lanes_;
    ports.gates = &gates_;
    ports.store = store_.get();
    ports.readers = &readers_;
    ports.streams = &streams_;
    ports.counts = &counts_;
    ports.verdicts = &verdicts_;
    ports.build = build_;
    ports.options = options_;
    return ports;
  }

  // Resumes, answers requests until a signal comes, then stops answering.
  Status Serve(const HttpServer::Parts& parts, const Secret& token, std::promise<int>* signalled) {
    Command<Status> resume = [this] { return manager_.Resume(); };
    RETURN_IF_ERROR(CallOnLoop(loop_, Deadline::Never(), std::move(resume)));
    ASSIGN_OR_RETURN(auto server, HttpServer::Start(options_.http, parts));
    const auto published = Publish(server->port(), token, TokenFileOf(options_));
    if (!options_.http.port_file.empty()) {
      RETURN_IF_ERROR(WriteFileAtomic(options_.http.port_file, std::to_string(server->port()) + "\n"));
    }
    log::Info("daemon", "listening",
              {{"host", options_.http.host}, {"port", int64_t{server->port()}}, {"journal", options_.journal}});
    int signal = signalled->get_future().get();
    log::Info("daemon", "stopping", {{"signal", int64_t{signal}}});
    // Campaigns first: from here on launches are refused, and requests that wait for loop or lane get an answer.
    StopCampaigns();
    server->Stop();
    return OkStatus();
  }

  void StopCampaigns() {
    const Nanos grace = std::chrono::ceil<Nanos>(std::chrono::duration<double>(options_.llm.stop_grace_s));
    Command<Status> stop = [this, grace] { return StopWork(grace); };
    Status stopped = CallOnLoop(loop_, Deadline::After(grace + kStopLimit), std::move(stop));
    if (stopped) return;
    // The journal is whole at every moment; what waits for ever would keep the next start out.
    log::Err("daemon", "campaigns and lanes did not stop in time: the process ends as it is",
             {{"error", stopped.error().context}});
    std::_Exit(kNotInOrder);
  }

  // The lanes first: what they throw away is named while somebody still waits for it.
  Task<Status> StopWork(Nanos grace) {
    lanes_.Stop();
    int64_t replies = 0;
    for (const agent::GateFacts& gate : gates_.facts()) replies += gate.in_flight;
    if (replies > 0) {
      const int64_t grace_ms = std::chrono::duration_cast<Millis>(grace).count();
      log::Info("daemon", "replies on their way are waited for", {{"replies", replies}, {"grace_ms", grace_ms}});
    }
    co_await manager_.Stop(grace);
    co_await lanes_.Ended();
    co_return OkStatus();
  }

  // In the order in which they are needed; destroyed the other way round: the store last, after every waiter is gone.
  const DaemonOptions options_;
  const std::unique_ptr<trajectories::Store> store_;
  trajectories::ReaderPool readers_;
  StreamSlots streams_;
  RequestCounts counts_;
  VerdictCounts verdicts_;
  asio::io_context loop_;
  WorkPool pool_;
  const std::unique_ptr<agent::Sleeper> sleeper_;
  agent::GateRegistry gates_;
  const agent::EndpointBook endpoints_;
  agent::LanePool lanes_;
  agent::StoreJournal journal_;
  agent::CampaignManager manager_;
  asio::signal_set signals_;
  const agent::BuildFacts build_;
};

}  // namespace

Status RunDaemon(const DaemonOptions& options, const agent::BuildFacts& build, const LaneStarter& start_lane) {
  std::signal(SIGPIPE, SIG_IGN);  // a follower that goes away is no reason to end
  std::filesystem::path journal(options.journal);
  std::error_code made;
  std::filesystem::create_directories(std::filesystem::absolute(journal).parent_path(), made);
  trajectories::StoreOptions store_options;
  store_options.path = options.journal;
  store_options.head_log = options.head_log;
  ASSIGN_OR_RETURN(auto store, trajectories::Store::Open(std::move(store_options)));
  Machine machine(options, build, start_lane, std::move(store));
  return machine.Run();
}

LaneStarter EvaluatorProcess(const DaemonOptions& options) {
  evaluator::LaneClientOptions lane;
  lane.evaluator_binary = options.lane.evaluator_binary;
  lane.cache_dir = options.lane.cache_dir;
  if (lane.cache_dir.empty()) {
    lane.cache_dir = (std::filesystem::absolute(options.journal).parent_path() / "cache").native();
  }
  lane.device = options.lane.device;
  lane.nvcc = options.lane.nvcc;
  lane.threads = static_cast<int>(options.lane.threads);
  return [lane, cores = options.lane.timing_cores](int64_t timing_core) -> agent::StartLaneFn {
    evaluator::LaneClientOptions of_core = lane;
    of_core.timing_core = static_cast<int>(timing_core);
    for (int64_t core : cores) {
      if (core != timing_core) of_core.other_timing_cores.push_back(static_cast<int>(core));
    }
    return [of_core](Deadline deadline, std::stop_token stop) { return evaluator::StartLane(of_core, deadline, stop); };
  };
}

}  // namespace passnet::daemon
