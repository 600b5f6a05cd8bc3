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

#include "agent/campaign/manager.h"
#include "agent/campaign/store_journal.h"
#include "agent/llm/sleeper.h"
#include "base/file.h"
#include "base/log.h"
#include "daemon/http_api/event_stream.h"
#include "daemon/http_api/guard.h"
#include "daemon/http_api/routes.h"
#include "daemon/http_api/server.h"
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
constexpr Nanos kStopLimit = std::chrono::minutes(5);

Result<Secret> TokenOf(const std::string& variable) {
  if (variable.empty()) return Secret();
  const char* value = std::getenv(variable.c_str());
  if (value == nullptr || *value == '\0') {
    return NotFound("the environment variable " + variable + " with the API's token is not set");
  }
  return Secret(value);
}

Result<GuardOptions> GuardOf(const HttpOptions& http) {
  GuardOptions options;
  options.host = http.host;
  ASSIGN_OR_RETURN(options.operate_token, TokenOf(http.operate_token_env));
  ASSIGN_OR_RETURN(options.read_token, TokenOf(http.read_token_env));
  return options;
}

std::function<double()> Jitter() {
  auto generator = std::make_shared<std::mt19937_64>(std::random_device{}());
  return [generator] { return std::uniform_real_distribution<double>(0, 1)(*generator); };
}

agent::GateOptions GateOf(const LlmOptions& llm) {
  agent::GateOptions options;
  options.start = static_cast<int>(llm.start_in_flight);
  options.ceiling = static_cast<int>(llm.max_in_flight);
  options.requests_per_minute = llm.requests_per_minute;
  options.tokens_per_minute = llm.tokens_per_minute;
  return options;
}

std::vector<agent::LanePool::Member> LanesOf(const LaneOptions& options, const agent::LanePool::StartFn& start) {
  std::vector<agent::LanePool::Member> members;
  for (int64_t i = 1; i <= options.processes; ++i) {
    members.push_back({options.device + ":" + std::to_string(options.threads) + "#" + std::to_string(i), start});
  }
  return members;
}

// The loop with its thread, and what lives on it.
class Machine {
 public:
  Machine(const DaemonOptions& options, const agent::BuildFacts& build, agent::LanePool::StartFn start_lane,
          std::unique_ptr<trajectories::Store> store)
      : options_(options),
        store_(std::move(store)),
        readers_(options.journal, kReaders),
        streams_(options.http.max_event_streams),
        pool_("pn-work", kWorkThreads, kWorkQueue),
        sleeper_(agent::LoopSleeper()),
        gates_(GateOf(options.llm), &Clock::System(), sleeper_.get()),
        lanes_(LanesOf(options.lane, start_lane)),
        journal_(store_.get(), &pool_, sleeper_.get(), &Clock::System()),
        manager_(loop_.get_executor(), CampaignPortsOf(), {options.journal, build, 64}),
        signals_(loop_, SIGTERM, SIGINT),
        build_(build) {}

  Status Run() {
    ASSIGN_OR_RETURN(GuardOptions guard_options, GuardOf(options_.http));
    const Guard guard(guard_options);
    const Router router = MakeRouter(ApiPortsOf());
    std::promise<int> signalled;
    signals_.async_wait([&signalled](const boost::system::error_code&, int signal) { signalled.set_value(signal); });
    auto work = asio::make_work_guard(loop_);
    std::thread loop([this] { loop_.run(); });
    pthread_setname_np(loop.native_handle(), "pn-loop");
    Status served = Serve(guard, router, &signalled);
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
    ports.store = store_.get();
    ports.readers = &readers_;
    ports.streams = &streams_;
    ports.build = build_;
    ports.options = options_;
    return ports;
  }

  // Resumes, answers requests until a signal comes, then stops answering.
  Status Serve(const Guard& guard, const Router& router, std::promise<int>* signalled) {
    Command<Status> resume = [this] { return manager_.Resume(); };
    RETURN_IF_ERROR(CallOnLoop(loop_, Deadline::Never(), std::move(resume)));
    ASSIGN_OR_RETURN(auto server, HttpServer::Start(options_.http, &guard, &router));
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
    Command<Status> stop = [this] { return StopManager(&manager_); };
    Status stopped = CallOnLoop(loop_, Deadline::After(kStopLimit), std::move(stop));
    if (!stopped) log::Err("daemon", "campaigns did not stop in time", {{"error", stopped.error().context}});
  }

  static Task<Status> StopManager(agent::CampaignManager* manager) {
    co_await manager->Stop();
    co_return OkStatus();
  }

  // In the order in which they are needed; destroyed the other way round: the store last, after every waiter is gone.
  const DaemonOptions options_;
  const std::unique_ptr<trajectories::Store> store_;
  trajectories::ReaderPool readers_;
  StreamSlots streams_;
  asio::io_context loop_;
  WorkPool pool_;
  const std::unique_ptr<agent::Sleeper> sleeper_;
  agent::GateRegistry gates_;
  agent::LanePool lanes_;
  agent::StoreJournal journal_;
  agent::CampaignManager manager_;
  asio::signal_set signals_;
  const agent::BuildFacts build_;
};

}  // namespace

Status RunDaemon(const DaemonOptions& options, const agent::BuildFacts& build,
                 agent::LanePool::StartFn start_lane) {
  std::signal(SIGPIPE, SIG_IGN);  // a follower that goes away is no reason to end
  std::filesystem::path journal(options.journal);
  std::error_code made;
  std::filesystem::create_directories(std::filesystem::absolute(journal).parent_path(), made);
  trajectories::StoreOptions store_options;
  store_options.path = options.journal;
  ASSIGN_OR_RETURN(auto store, trajectories::Store::Open(std::move(store_options)));
  Machine machine(options, build, std::move(start_lane), std::move(store));
  return machine.Run();
}

agent::LanePool::StartFn EvaluatorProcess(const DaemonOptions& options) {
  evaluator::LaneClientOptions lane;
  lane.evaluator_binary = options.lane.evaluator_binary;
  lane.cache_dir = options.lane.cache_dir;
  if (lane.cache_dir.empty()) {
    lane.cache_dir = (std::filesystem::absolute(options.journal).parent_path() / "cache").native();
  }
  lane.device = options.lane.device;
  lane.threads = static_cast<int>(options.lane.threads);
  lane.timing_core = static_cast<int>(options.lane.timing_core);
  return [lane](Deadline deadline) { return evaluator::StartLane(lane, deadline); };
}

}  // namespace passnet::daemon
