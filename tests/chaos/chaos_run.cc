#include "tests/chaos/chaos_run.h"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "base/file.h"
#include "base/json.h"
#include "cli/daemon_client.h"
#include "tests/chaos/chaos_plan.h"
#include "tests/chaos/journal_disk.h"
#include "tests/chaos/scripted_endpoint.h"
#include "tests/fakes/child_program.h"
#include "tests/fakes/paths.h"
#include "tests/fakes/temp_folder.h"
#include "trajectories/database.h"

namespace passnet::chaos {
namespace {

namespace fs = std::filesystem;
using trajectories::Database;
using trajectories::Reader;
using trajectories::Transaction;

// Waits are counted in looks: a process that was held up as a whole has not waited meanwhile.
constexpr int kLookMillis = 5;
constexpr int kLooksAMinute = 60'000 / kLookMillis;
constexpr int kRowsASample = 36;      // chosen: a little fewer than there will be, so that work is left for every life
constexpr int kLongestLifeLooks = 4000 / kLookMillis;  // of a life in which nothing comes forward
// docs/contracts.md, "Exit codes".
constexpr int kRefusesToStart = 3;
constexpr int kNotInOrder = 3;
constexpr double kStopLimitS = 20;  // llm.stop_grace_s, and 12 s
constexpr int kStartsInARow = 5;      // that may fail before the run gives up

void Rest(int millis = kLookMillis) { ::poll(nullptr, 0, millis); }

const std::vector<std::string> kTasks = {"attention_mask_build", "batchnorm_eval_act", "bias_gelu_layernorm",
                                         "inplace_act",          "masked_softmax",     "mean_pool_normalise",
                                         "residual_rmsnorm",     "rope",               "swiglu",
                                         "two_outputs"};

// What differs between the campaigns.
struct CampaignKind {
  const char* name;
  const char* dialect;
  bool stream;
};
constexpr CampaignKind kCampaigns[] = {
    {"chat, streamed", "openai-chat", true},
    {"chat, whole", "openai-chat", false},
    {"messages, streamed", "anthropic-messages", true},
    {"responses, streamed", "openai-responses", true}};

Json ParsedOrNull(const Result<std::string>& text) {
  auto json = text ? ParseJson(text.value()) : Result<Json>(text.error());
  return json ? std::move(json).value() : Json();
}

bool IsOver(const std::string& state) {
  return state == "finished" || state == "cancelled" || state == "failed" || state == "paused";
}

// A row that was committed when somebody looked.
struct SeenRow {
  int64_t row_id = 0;
  Sha256Digest hash{};
};

class Run {
 public:
  explicit Run(const ChaosOptions& options) : options_(options), random_("plan, seed " + std::to_string(options.seed)) {}

  Result<ChaosReport> Do() {
    RETURN_IF_ERROR(SetUp());
    const std::vector<Life> lives = PlanLives({options_.kills, options_.stops, options_.locks, options_.full_disks,
                                               options_.refusals, options_.outages},
                                              fakes::FailpointsOf("chaos_daemon"), random_);
    const int total = static_cast<int>(lives.size()) + 1;
    for (const Life& life : lives) {
      lives_left_ = total - static_cast<int>(lives_.size());
      RETURN_IF_ERROR(Live(life));
      options_.progress(static_cast<int>(lives_.size()), total);
    }
    RETURN_IF_ERROR(LiveToTheEnd());
    options_.progress(total, total);
    return Report();
  }

 private:
  // ---- what everything stands on

  Status SetUp() {
    const fs::path disk = folder_ / "disk";
    fs::create_directories(disk);
    fs::create_directories(lane_folder());
    const fs::path flag = folder_ / "disk.full";
    disk_ = PretendedDisk(disk, flag);
    environment_["PASSNET_DISK_FULL"] = flag.native();
    if (options_.mount_disk) {
      if (auto mounted = MountedDisk(disk)) {
        disk_ = std::move(mounted).value();
      } else {
        left_out_.push_back("a disk that is really full (" + mounted.error().context +
                            "): the daemon's database was told that it is");
      }
    } else {
      left_out_.push_back("a disk that is really full: the daemon's database was told that it is");
    }
    left_out_.push_back("answers after which asking again cannot help: 400, 401, 402, 403, bodies beyond the bound");
    environment_["XDG_RUNTIME_DIR"] = folder_.path().native();  // the token is published there, not for other daemons
    ScriptOptions script;
    script.seed = static_cast<uint64_t>(options_.seed);
    ASSIGN_OR_RETURN(endpoint_, ScriptedEndpoint::Start(script));
    return WriteFileAtomic(folder_ / "daemon.toml", Config());
  }

  std::string Config() const {
    return "journal = '" + journal() + "'\nhead_log = '" + head_log() + "'\nlog_level = 'info'\n[http]\nport = 0\nport_file = '" +
           (folder_ / "daemon.port").native() + "'\ntoken_file = '" + token_file() + "'\n[lane]\nevaluator_binary = '" +
           fakes::BinaryDir() + "/bin/chaos_evaluator'\ncache_dir = '" + lane_folder().native() + "'\n";
  }

  std::string journal() const { return (disk_->folder() / "journal.db").native(); }
  std::string head_log() const { return (folder_ / "heads").native(); }
  std::string token_file() const { return (folder_ / "token").native(); }
  fs::path lane_folder() const { return folder_ / "lane"; }
  size_t tasks() const { return options_.samples >= 100 ? kTasks.size() : kTasks.size() / 2; }

  // Of each task: a share each, the first campaign has what is left over.
  int SamplesOf(size_t campaign) const {
    const int share = SamplesOfATask() / static_cast<int>(std::size(kCampaigns));
    return campaign == 0 ? SamplesOfATask() - share * static_cast<int>(std::size(kCampaigns) - 1) : share;
  }
  int SamplesOfATask() const {
    return std::max(static_cast<int>(std::size(kCampaigns)), options_.samples / static_cast<int>(tasks()));
  }
  int64_t Planned() const { return SamplesOfATask() * static_cast<int64_t>(tasks()); }

  std::string Spec(size_t campaign) const {
    const CampaignKind& kind = kCampaigns[campaign];
    Json sampling = {{"model", "scripted"}, {"stream", kind.stream}};
    // With a seed of its own each sample's requests are its own; the other dialects have no place for one.
    if (std::string(kind.dialect) == "openai-chat") sampling.Set("seed", options_.seed);
    const std::vector<std::string> include(kTasks.begin(), kTasks.begin() + static_cast<std::ptrdiff_t>(tasks()));
    Json spec = {{"name", kind.name},
                 {"samples", SamplesOf(campaign)},
                 {"concurrency", 8},
                 {"tasks", {{"path", fakes::SourceDir() + "/tasks"}, {"include", include}}},
                 {"endpoint", {{"base_url", endpoint_->base_url()}, {"api_key_env", ""}, {"dialect", kind.dialect}}},
                 {"rounds", {{"limit", 3}}},
                 {"prices",
                  {{"prompt_usd_per_million", kPromptUsdPerMillion},
                   {"completion_usd_per_million", kCompletionUsdPerMillion}}}};
    spec.Set("sampling", std::move(sampling));
    // No call and no measurement ends for having met with more than a usual life of a daemon holds: what is tried here is
    // what becomes of it, not how much of it is too much.
    spec.Set("retry", {{"first_backoff_s", 0.01},
                       {"idle_limit_s", 1.5},
                       {"max_attempts", 100},
                       {"max_lost", 100},
                       {"lost_calls_a_round", 100},
                       {"infra_attempts", 100}});
    return spec.Dump();
  }

  // ---- a life

  // Ends what was caused.
  using Fault = std::function<Status()>;

  Status Live(const Life& life) {
    Fault fault;
    // A launch waits for as long as the journal does, and so for us.
    const bool disturbed = life.begins_disturbed && accepted_.size() == std::size(kCampaigns);
    if (disturbed) {
      ASSIGN_OR_RETURN(fault, Cause(life.disturbance));
    }
    RETURN_IF_ERROR(Begin(life.failpoint, &fault));
    if (daemon_ == nullptr) return fault ? fault() : OkStatus();
    const int64_t begin = NewestRow();
    const int64_t share = (Planned() * kRowsASample - begin) / std::max(1, lives_left_);
    const int64_t rows = std::max<int64_t>(6, share * life.rows_percent / 100);
    if (!disturbed) {
      AwaitRow(begin + rows / 2);
      ASSIGN_OR_RETURN(fault, Cause(life.disturbance));
    }
    if (fault) {
      Observe(life.disturbance);
      if (life.ends_disturbed) End(life);
      RETURN_IF_ERROR(fault());
    }
    if (daemon_ == nullptr) return OkStatus();
    AwaitRow(begin + rows);
    End(life);
    return OkStatus();
  }

  // A daemon that answers and has its campaigns; none where a failpoint has ended it already. `fault`: what is caused now,
  // or nothing.
  Status Begin(const std::string& failpoint, Fault* fault) {
    for (int i = 0; i < kStartsInARow; ++i) {
      lives_.push_back(std::max(NewestRow(), lives_.empty() ? 0 : lives_.back()));
      RETURN_IF_ERROR(WriteLaneScript());
      if (Start(failpoint)) {
        Launch();
        return OkStatus();
      }
      daemon_->Signal(SIGKILL);  // it may be up and not answer
      const int code = daemon_->Wait();
      daemon_.reset();
      if (!failpoint.empty() && code == -SIGKILL) {
        ++done_["daemon killed (-9)"];
        ++done_["daemon killed (-9), at a failpoint"];
        return OkStatus();
      }
      if (disk_full_ && code == kRefusesToStart) {
        // It can make nothing of a journal that it cannot open, and says so; with room it starts.
        ++done_["disk filled, and the daemon did not start on it"];
        RETURN_IF_ERROR((*fault)());
        *fault = {};
        continue;
      }
      starts_.Against(ThisLife() + " ended at its start with " + std::to_string(code));
    }
    return Error{ErrorCode::kUnavailable, "the daemon does not start: " + LogTail()};
  }

  std::string ThisLife() const { return "life " + std::to_string(lives_.size() - 1); }

  Status WriteLaneScript() const {
    const Json script = {{"seed", options_.seed},
                         {"life", static_cast<int64_t>(lives_.size()) - 1},
                         {"down", lanes_down_}};
    return WriteFileAtomic(LaneScriptIn(lane_folder()), script.Dump());
  }

  bool Start(const std::string& failpoint) {
    const fs::path port_file = folder_ / "daemon.port";
    fs::remove(port_file);
    std::map<std::string, std::string> environment = environment_;
    environment["PASSNET_FAILPOINT"] = failpoint;
    const std::vector<std::string> arguments = {(folder_ / "daemon.toml").native()};
    daemon_ = std::make_unique<fakes::ChildProgram>("chaos_daemon", arguments, environment, log_file());
    for (int i = 0; i < kLooksAMinute; ++i) {
      auto port = ReadFile(port_file, 100);
      if (port && port.value().ends_with("\n")) {
        auto client = cli::DaemonClient::Open("http://127.0.0.1:" + port.value().substr(0, port.value().size() - 1),
                                              token_file());
        if (client) client_ = std::move(client).value();
        return bool(client);
      }
      if (daemon_->Ended()) return false;
      Rest();
    }
    return false;
  }

  // What is not known to the daemon is launched (again); what it accepted it must know.
  void Launch() {
    const Json list = ParsedOrNull(client_->Get("/v1/campaigns"));
    if (!list.is_object()) return;
    std::map<std::string, int> names;
    std::set<std::string> ids;
    for (const Json& campaign : list["campaigns"].Items()) {
      ++names[campaign["name"].Text()];
      ids.insert(campaign["campaign_id"].Text());
    }
    for (const std::string& id : accepted_) {
      if (ids.count(id) == 0) seen_.Against("campaign " + id);
    }
    for (size_t i = 0; i < std::size(kCampaigns); ++i) {
      if (names[kCampaigns[i].name] > 1) seen_.Against(std::string("campaign ") + kCampaigns[i].name + ": there twice");
      if (names[kCampaigns[i].name] > 0) continue;
      const Json launched = ParsedOrNull(client_->Post("/v1/campaigns", Spec(i)));
      if (launched.is_object()) accepted_.insert(launched["campaign_id"].Text());
    }
  }

  int64_t NewestRow() const {
    auto reader = Reader::Open(journal());
    auto row = reader ? reader.value()->LastRowId() : Result<int64_t>(reader.error());
    return row ? row.value() : 0;
  }

  // Until so many rows are there, or nothing comes forward, or the daemon has ended.
  void AwaitRow(int64_t wanted) {
    auto reader = Reader::Open(journal());
    if (!reader) return;
    for (int i = 0; i < kLongestLifeLooks && !daemon_->Ended(); ++i) {
      auto row = reader.value()->LastRowId();
      if (row && row.value() >= wanted) return;
      if (i % 100 == 99 && AllOver(*reader.value())) return;
      Rest();
    }
  }

  static bool AllOver(Reader& reader) {
    auto campaigns = reader.Campaigns(0, 10);
    if (!campaigns || campaigns.value().size() < std::size(kCampaigns)) return false;
    return std::all_of(campaigns.value().begin(), campaigns.value().end(),
                       [](const auto& campaign) { return IsOver(campaign.state); });
  }

  // ---- what is done to it

  Result<Fault> Cause(Disturbance disturbance) {
    switch (disturbance) {
      case Disturbance::kNone: return Fault();
      case Disturbance::kLock: return Lock();
      case Disturbance::kFullDisk: return FillDisk();
      case Disturbance::kRefusal: return Refuse();
      case Disturbance::kNoLane: return TakeLanesDown();
    }
    return Fault();
  }

  Result<Fault> Lock() {
    struct Held {
      std::unique_ptr<Database> database;
      std::optional<Transaction> transaction;
    };
    auto database = Database::Open({.path = journal(), .read_only = false, .vfs = ""});
    if (!database) return Fault();
    auto held = std::make_shared<Held>();
    held->database = std::move(database).value();
    auto transaction = Transaction::Begin(held->database.get());
    if (!transaction) return Fault();  // the daemon itself held it for all of five seconds
    held->transaction.emplace(std::move(transaction).value());
    locked_ = true;
    ++done_["journal locked by another process"];
    return Fault([this, held] {
      locked_ = false;
      held->transaction.reset();
      held->database.reset();
      return OkStatus();
    });
  }

  Result<Fault> FillDisk() {
    RETURN_IF_ERROR(disk_->Fill());
    disk_full_ = true;
    ++done_["disk filled"];
    return Fault([this] {
      disk_full_ = false;
      return disk_->Free();
    });
  }

  Result<Fault> Refuse() {
    endpoint_->Refuse();
    ++done_["endpoint refused connections for a while"];
    return Fault([this] { return endpoint_->Serve(); });
  }

  Result<Fault> TakeLanesDown() {
    lanes_down_ = true;
    ++done_["no evaluator came up for a while"];
    RETURN_IF_ERROR(WriteLaneScript());
    return Fault([this] {
      lanes_down_ = false;
      return WriteLaneScript();
    });
  }

  // Until the daemon tells that its journal waits; of other faults, for a while.
  void Observe(Disturbance disturbance) {
    switch (disturbance) {
      case Disturbance::kNone: return;
      case Disturbance::kLock:
        if (AwaitTrouble(options_.longest_lock)) ++done_["journal locked by another process, and /health told"];
        return;
      case Disturbance::kFullDisk:
        if (AwaitTrouble(Millis(4000))) ++done_["disk filled, and /health told"];
        return;
      case Disturbance::kRefusal:
      case Disturbance::kNoLane:
        Rest(static_cast<int>(300 + random_.Below(1200)));
        return;
    }
  }

  // Whether the daemon says that its journal waits.
  bool AwaitTrouble(Millis longest) {
    constexpr int kTurnMillis = 50;
    for (int64_t i = 0; i < longest.count() / kTurnMillis && !daemon_->Ended(); ++i) {
      const Json health = ParsedOrNull(client_->Get("/health"));
      if (health["journal"].is_text() && health["journal"].Text() != "ok") return true;
      Rest(kTurnMillis);
    }
    return false;
  }

  // ---- how it ends

  void End(const Life& life) {
    Remember();
    if (daemon_->Ended()) {
      const int code = daemon_->Wait();
      const bool by_us = life.end == LifeEnd::kFailpoint && code == -SIGKILL;
      if (!by_us) died_.Against(ThisLife() + " ended by itself with " + std::to_string(code));
      done_["daemon killed (-9)"] += by_us;
      done_["daemon killed (-9), at a failpoint"] += by_us;
    } else if (life.end == LifeEnd::kKill || life.end == LifeEnd::kFailpoint) {
      daemon_->Signal(SIGKILL);
      daemon_->Wait();
      ++done_["daemon killed (-9)"];
    } else {
      Stop(life.end == LifeEnd::kStopTwice);
    }
    client_.reset();
    daemon_.reset();
  }

  void Stop(bool twice) {
    const SteadyTime begin = Clock::System().Now();
    daemon_->Signal(SIGTERM);
    if (twice) daemon_->Signal(SIGTERM);
    for (int i = 0; i < kLooksAMinute && !daemon_->Ended(); ++i) Rest();
    const bool ended = daemon_->Ended();
    if (!ended) daemon_->Signal(SIGKILL);
    const int code = daemon_->Wait();
    const double took_s = std::chrono::duration<double>(Clock::System().Now() - begin).count();
    // A daemon that was held up, with the whole machine say, ends as it is after its own limit.
    const bool out_of_time = code == kNotInOrder && took_s >= kStopLimitS;
    const bool clean = ended && (code == 0 || (twice && code == -SIGTERM) || out_of_time);
    const std::string how = ended ? "ended with " + std::to_string(code) : "did not end within a minute";
    if (!clean) stops_.Against(ThisLife() + ": " + how);
    double& longest = locked_ || disk_full_ ? longest_blocked_stop_s_ : longest_stop_s_;
    longest = std::max(longest, took_s);
    ++done_["daemon stopped (SIGTERM)"];
    if (twice) ++done_["daemon stopped (SIGTERM), by two of them"];
  }

  // What a reader sees is committed, and must be there for good.
  void Remember() {
    auto reader = Reader::Open(journal());
    auto newest = reader ? reader.value()->LastRowId() : Result<int64_t>(reader.error());
    if (!newest || newest.value() == 0) return;
    if (auto row = RowAt(*reader.value(), newest.value())) remembered_.push_back(*row);
  }

  static std::optional<SeenRow> RowAt(Reader& reader, int64_t row_id) {
    trajectories::EventQuery query;
    query.after_row_id = row_id - 1;
    query.limit = 1;
    query.with_payload = false;
    auto events = reader.Events(query);
    if (!events || events.value().empty() || events.value().front().row_id != row_id) return std::nullopt;
    return SeenRow{row_id, events.value().front().hash};
  }

  // ---- the last life

  Status LiveToTheEnd() {
    for (int i = 0; i < kStartsInARow; ++i) {
      Fault none;
      RETURN_IF_ERROR(Begin("", &none));
      if (AwaitTheEnd()) {
        TakeReports();
        Stop(false);
        daemon_.reset();
        return OkStatus();
      }
      if (!daemon_->Ended()) break;
      died_.Against("the last life ended by itself with " + std::to_string(daemon_->Wait()));
    }
    // What is not over is counted as not scored.
    TakeReports();
    Stop(false);
    daemon_.reset();
    return OkStatus();
  }

  bool AwaitTheEnd() {
    auto reader = Reader::Open(journal());
    if (!reader) return false;
    for (int i = 0; i < 15 * kLooksAMinute && !daemon_->Ended(); ++i) {
      if (i % 10 == 0 && AllOver(*reader.value())) return true;
      Rest();
    }
    return false;
  }

  void TakeReports() {
    const Json list = ParsedOrNull(client_->Get("/v1/campaigns"));
    for (const Json& campaign : list["campaigns"].Items()) {
      const Json report = ParsedOrNull(client_->Get("/v1/campaigns/" + campaign["campaign_id"].Text() + "/report"));
      scored_count_ += report["n_scored"].Integer();
      reported_microusd_ += report["usage"]["cost_microusd"].Integer();
      const bool well = report["state"].Text() == "finished" && report["n_infra"].Integer(1) == 0;
      if (!well) {
        scored_.Against(campaign["name"].Text() + " is " + report["state"].Text() + ": " + report["state_reason"].Text() +
                        report["reasons"].Dump());
      }
    }
    for (int64_t i = scored_count_; i < Planned(); ++i) scored_.Against("a sample without a score");
  }

  // ---- what came of it

  Result<ChaosReport> Report() {
    ChaosReport report;
    Evidence evidence;
    evidence.requests = endpoint_->ledger().entries();
    evidence.lives = lives_;
    ASSIGN_OR_RETURN(evidence.lane, ReadLaneLedger(lane_folder()));
    ASSIGN_OR_RETURN(auto reader, Reader::Open(journal()));
    ASSIGN_OR_RETURN(evidence.journal, ReadAccount(*reader));
    for (const SeenRow& seen : remembered_) {
      const auto row = RowAt(*reader, seen.row_id);
      if (!row || row->hash != seen.hash) seen_.Against("row " + std::to_string(seen.row_id));
    }
    report.claims.push_back(scored_);
    for (Claim& claim : Judge(evidence)) report.claims.push_back(std::move(claim));
    Claim& bill = *std::find_if(report.claims.begin(), report.claims.end(),
                                [](const Claim& claim) { return claim.name == "bill_differences"; });
    if (reported_microusd_ != evidence.journal.microusd) {
      bill.Against("the reports say " + std::to_string(reported_microusd_) + " micro-dollars, the journal " +
                   std::to_string(evidence.journal.microusd));
    }
    ASSIGN_OR_RETURN(Claim replies, JudgeReplies(evidence, *reader));
    ASSIGN_OR_RETURN(Claim replay, JudgeReplay(*reader));
    ASSIGN_OR_RETURN(Claim verified, JudgeVerify(journal(), head_log()));
    for (Claim claim : {replies, seen_, replay, verified, died_, starts_, stops_}) report.claims.push_back(std::move(claim));
    report.balance = BalanceOf(evidence);
    report.samples = Planned();
    report.scored = scored_count_;
    report.longest_stop_s = longest_stop_s_;
    report.longest_blocked_stop_s = longest_blocked_stop_s_;
    report.left_out = left_out_;
    TellWhatWasDone(evidence, &report);
    const bool all_hold = std::all_of(report.claims.begin(), report.claims.end(),
                                      [](const Claim& claim) { return claim.against == 0; });
    if (!all_hold) report.log_file_tail = LogTail();
    return report;
  }

  void TellWhatWasDone(const Evidence& evidence, ChaosReport* report) {
    for (const auto& [what, count] : done_) report->done.emplace_back(what, count);
    std::map<std::string, int64_t> lane;
    for (const LaneLine& line : evidence.lane) ++lane[line.what == "evaluate" ? line.what : line.what + " " + line.which];
    for (const auto& [what, count] : lane) report->done.emplace_back("evaluators: " + what, count);
    std::map<std::string, int64_t> kinds;
    for (const LedgerEntry& entry : evidence.requests) ++kinds[entry.kind];
    for (const std::string& kind : AnswerKinds()) report->done.emplace_back("answers: " + kind, kinds[kind]);
    report->done.emplace_back("requests that broke off before their end", endpoint_->ledger().broken_off());
  }

  std::string log_file() const { return (folder_ / "daemon.log").native(); }
  std::string LogTail() const {
    constexpr size_t kTail = 4000;
    auto text = ReadFile(log_file(), size_t{1} << 30);
    if (!text) return "";
    return text.value().size() > kTail ? text.value().substr(text.value().size() - kTail) : text.value();
  }

  const ChaosOptions& options_;
  Random random_;
  const fakes::TempFolder folder_{"chaos"};
  std::unique_ptr<JournalDisk> disk_;
  std::map<std::string, std::string> environment_;  // of the daemon
  std::unique_ptr<ScriptedEndpoint> endpoint_;
  std::unique_ptr<fakes::ChildProgram> daemon_;
  std::unique_ptr<cli::DaemonClient> client_;

  std::vector<int64_t> lives_;  // the newest row when each began
  int lives_left_ = 0;
  bool lanes_down_ = false;
  bool disk_full_ = false;
  bool locked_ = false;
  std::set<std::string> accepted_;  // campaigns
  std::vector<SeenRow> remembered_;
  std::map<std::string, int64_t> done_;
  std::vector<std::string> left_out_;
  double longest_stop_s_ = 0;
  double longest_blocked_stop_s_ = 0;
  int64_t scored_count_ = 0;
  int64_t reported_microusd_ = 0;

  Claim scored_{"samples_not_scored", "every sample is scored"};
  Claim seen_{"acknowledged_lost", "campaigns that were accepted and rows that were committed are there"};
  Claim died_{"ended_by_itself", "the daemon ends when it is told to, and not otherwise"};
  Claim starts_{"starts_that_failed", "it starts again, whatever ended it"};
  Claim stops_{"stops_not_clean", "SIGTERM ends it in order"};
};

}  // namespace

Result<ChaosReport> RunChaos(const ChaosOptions& options) { return Run(options).Do(); }

}  // namespace passnet::chaos
