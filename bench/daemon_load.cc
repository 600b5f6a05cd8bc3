#include "bench/daemon_load.h"

#include <poll.h>

#include <algorithm>
#include <csignal>
#include <memory>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "bench/bench_report.h"
#include "bench/bundled.h"
#include "bench/samples.h"
#include "bench/synthetic_task.h"
#include "bench/varied_recordings.h"
#include "cli/daemon_client.h"
#include "tests/fakes/child.h"
#include "tests/fakes/paths.h"

namespace passnet::bench {
namespace {

namespace fs = std::filesystem;

constexpr int kStartTries = 3000;  // times kLook: a minute on busy cores
constexpr int kLookMs = 20;
constexpr int kWatchMs = 200;  // between two questions to the daemon, which are part of what is measured
constexpr size_t kShownLogBytes = 2000;

Result<std::string> WaitForPort(const fs::path& file, fakes::Child* child) {
  for (int i = 0; i < kStartTries && child->Running(); ++i) {
    auto text = ReadFile(file, 100);
    if (text && !text.value().empty()) return text.value().substr(0, text.value().find('\n'));
    ::poll(nullptr, 0, kLookMs);
  }
  return Error{ErrorCode::kUnavailable, "no port came up in " + file.native()};
}

class Load {
 public:
  Load(const LoadPlan& plan, const fs::path& folder) : plan_(plan), folder_(folder) {}

  Result<LoadRun> Run() {
    RETURN_IF_ERROR(StartEndpoint());
    RETURN_IF_ERROR(StartDaemon());
    ASSIGN_OR_RETURN(const ProcessUse before, UseOf(daemon_->pid()));
    LoadRun run;
    Lap lap;
    ASSIGN_OR_RETURN(const std::string launched, client_->Post("/v1/campaigns", Spec()));
    ASSIGN_OR_RETURN(const Json launch, ParseJsonObject(launched, "launch"));
    run.campaign_id = launch["campaign_id"].Text();
    ASSIGN_OR_RETURN(const Json campaign, WaitForEnd(run.campaign_id));
    run.wall_s = lap.Ms() / 1000;
    ASSIGN_OR_RETURN(const ProcessUse after, UseOf(daemon_->pid()));
    run.daemon = Between(before, after);
    run.trajectories = campaign["trajectories_finished"].Integer();
    run.turns = campaign["usage"]["calls"].Integer();
    ASSIGN_OR_RETURN(const std::string reported, client_->Get("/v1/campaigns/" + run.campaign_id + "/report"));
    ASSIGN_OR_RETURN(const Json report, ParseJsonObject(reported, "report"));
    for (const auto& [outcome, count] : report["outcomes"].Members()) run.outcomes[outcome] = count.Integer();
    daemon_->Signal(SIGTERM);
    if (daemon_->Wait().exit_code != 0) return WithLog("the daemon did not end in order");
    ASSIGN_OR_RETURN(run.journal_mib, JournalMib());
    return run;
  }

 private:
  std::string At(const char* name) const { return (folder_ / name).native(); }

  Status StartEndpoint() {
    ASSIGN_OR_RETURN(const auto bundled, BundledTasks());
    const fs::path triton = fs::path(fakes::SourceDir()) / "tests/fixtures/passes_triton";
    const bool on_gpu = plan_.real_lane && plan_.lane.OnGpu();
    for (const BundledTask& task : bundled) {
      if (on_gpu && !fs::exists(triton / task.name)) continue;
      if (tasks_.size() < static_cast<size_t>(plan_.tasks)) tasks_.push_back(task.name);
    }
    const fs::path conversations = folder_ / "conversations";
    if (on_gpu) {
      RETURN_IF_ERROR(WritePassRecordings(conversations, triton, tasks_, plan_.turns));
    } else {
      const auto write = plan_.real_lane ? WriteDemoRecordings : WriteVariedRecordings;
      RETURN_IF_ERROR(write(conversations, tasks_, plan_.turns));
    }
    fakes::ChildPlan endpoint{.program = "passnet-recorded-llm",
                              .arguments = {"--conversations", At("conversations"), "--port-file", At("endpoint.port")},
                              .log = At("endpoint.log")};
    ASSIGN_OR_RETURN(endpoint_, fakes::Child::Start(endpoint));
    ASSIGN_OR_RETURN(endpoint_port_, WaitForPort(folder_ / "endpoint.port", endpoint_.get()));
    return OkStatus();
  }

  // The daemon's configuration names no stand-in for a driver: a program in the evaluator's place does, beside the same lib.
  Result<std::string> EvaluatorOnStandIn() const {
    const fs::path program = folder_ / "stand-in/bin/passnet-evaluator";
    std::error_code failed;
    fs::create_directories(program.parent_path(), failed);
    fs::create_directory_symlink(fakes::BinaryDir() + "/lib", folder_ / "stand-in/lib", failed);
    if (failed) return Error::FromErrno("link", "stand-in/lib", failed.value());
    std::string words = "#!/bin/sh\nexec '" + fakes::BinaryDir() + "/bin/passnet-evaluator' \"$@\"";
    for (const std::string& word : plan_.lane.Further()) words += " '" + word + "'";
    RETURN_IF_ERROR(WriteFileAtomic(program, words + "\n"));
    fs::permissions(program, fs::perms::owner_all, failed);
    if (failed) return Error::FromErrno("chmod", program.native(), failed.value());
    return program.native();
  }

  Status StartDaemon() {
    const std::string in_flight = std::to_string(plan_.concurrency);
    std::string config = "journal = 'journal.db'\nlog_level = 'warning'\n[http]\nport = 0\nport_file = 'daemon.port'\n"
                         "[llm]\nstart_in_flight = " + in_flight + "\nmax_in_flight = " + in_flight + "\n";
    if (plan_.real_lane) config += "[lane]\ncache_dir = '" + CacheDir() + "'\ndevice = '" + plan_.lane.device + "'\n";
    if (!plan_.lane.stand_in.empty()) {
      ASSIGN_OR_RETURN(const std::string evaluator, EvaluatorOnStandIn());
      config += "evaluator_binary = '" + evaluator + "'\n";
    }
    RETURN_IF_ERROR(WriteFileAtomic(folder_ / "daemon.toml", config));
    const auto arguments = plan_.real_lane ? std::vector<std::string>{"--config", At("daemon.toml")}
                                           : std::vector<std::string>{At("daemon.toml")};
    fakes::ChildPlan daemon{.program = plan_.real_lane ? "passnetd" : "fake_lane_daemon",
                            .arguments = arguments,
                            .environment = {{"XDG_RUNTIME_DIR", folder_.native()}},
                            .log = At("daemon.log")};
    ASSIGN_OR_RETURN(daemon_, fakes::Child::Start(daemon));
    auto port = WaitForPort(folder_ / "daemon.port", daemon_.get());
    if (!port) return WithLog(port.error().context);
    ASSIGN_OR_RETURN(client_, cli::DaemonClient::Open("http://127.0.0.1:" + port.value(), At("journal.db.token")));
    return OkStatus();
  }

  std::string Spec() const {
    const int samples = (plan_.trajectories + static_cast<int>(tasks_.size()) - 1) / static_cast<int>(tasks_.size());
    Json spec = {
        {"name", "load"},
        {"samples", samples},
        {"concurrency", plan_.concurrency},
        {"tasks", {{"path", fakes::SourceDir() + "/tasks"}, {"include", tasks_}}},
        {"endpoint", {{"base_url", "http://127.0.0.1:" + endpoint_port_ + "/v1"}, {"api_key_env", ""}}},
        {"sampling", {{"model", "recorded"}, {"seed", 1}}},
        {"rounds", {{"limit", plan_.turns}, {"plateau_rounds", plan_.plateau_rounds}}}};
    // What is asked is whether all of them come to an end, and what the daemon costs, not how close a figure is.
    if (plan_.real_lane) {
      spec.Set("scoring", {{"device", plan_.lane.device}, {"refine_time_cap_ms", 100}, {"final_time_cap_ms", 200}});
    }
    return spec.Dump();
  }

  Result<Json> WaitForEnd(const std::string& campaign_id) {
    int64_t told = 0;
    while (daemon_->Running()) {
      ASSIGN_OR_RETURN(const std::string shown, client_->Get("/v1/campaigns/" + campaign_id));
      ASSIGN_OR_RETURN(Json campaign, ParseJsonObject(shown, "campaign"));
      const std::string& state = campaign["state"].Text();
      if (state == "finished") return campaign;
      if (state == "paused" || state == "failed") return WithLog("the campaign is " + state);
      const int64_t done = campaign["trajectories_finished"].Integer();
      if (done >= told + plan_.trajectories / 10) {
        Progress("trajectories", static_cast<int>(done), plan_.trajectories);
        told = done;
      }
      ::poll(nullptr, 0, kWatchMs);
    }
    return WithLog("the daemon ended inside the campaign");
  }

  Error WithLog(const std::string& what) const {
    auto log = ReadFile(folder_ / "daemon.log", size_t{1} << 30);
    const std::string text = log ? log.value() : "";
    return Internal(what + "; its log ends: " + text.substr(text.size() - std::min(text.size(), kShownLogBytes)));
  }

  Result<double> JournalMib() const {
    double bytes = 0;
    for (const char* name : {"journal.db", "journal.db-wal"}) {
      std::error_code missing;
      const auto size = fs::file_size(folder_ / name, missing);
      if (!missing) bytes += static_cast<double>(size);
    }
    return bytes / (1 << 20);
  }

  const LoadPlan plan_;
  const fs::path folder_;
  std::vector<std::string> tasks_;
  std::unique_ptr<fakes::Child> endpoint_;
  std::string endpoint_port_;
  std::unique_ptr<fakes::Child> daemon_;
  std::unique_ptr<cli::DaemonClient> client_;
};

}  // namespace

Result<LoadRun> RunLoad(const LoadPlan& plan, const fs::path& folder) { return Load(plan, folder).Run(); }

}  // namespace passnet::bench
