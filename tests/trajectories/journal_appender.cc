// journal_appender STORE FIRST: appends the life of trajectories t-FIRST, t-FIRST+1, … for ever, and writes a line
// "row <id> <subject>" to standard output for each event once it is acknowledged. To be killed at any moment.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/failpoint.h"
#include "trajectories/reader.h"
#include "trajectories/store.h"

namespace passnet::trajectories {
namespace {

// write(2): what stdio had buffered would die with the process although it was acknowledged.
void Say(const std::string& line) {
  if (::write(STDOUT_FILENO, line.data(), line.size()) != static_cast<ssize_t>(line.size())) std::exit(1);
}

class Appender {
 public:
  explicit Appender(Store* store) : store_(store) {}

  void Append(const Batch& batch) {
    auto appended = store_->Append(batch);
    if (!appended) {
      std::fprintf(stderr, "journal_appender: %s\n", ToString(appended.error()).c_str());
      std::exit(1);
    }
    int64_t row = appended.value().first_row_id;
    for (const PreparedEvent& event : batch.events()) {
      Say("row " + std::to_string(row++) + " " + event.draft.subject + "\n");
    }
  }

  void AppendOne(EventDraft draft, const std::string& content = "") {
    Batch batch;
    if (!content.empty()) draft.refs.push_back({"content", batch.AddRequest(content).value()});
    if (!batch.Add(std::move(draft))) std::exit(1);
    Append(batch);
  }

 private:
  Store* store_;
};

EventDraft Draft(const std::string& trajectory_id, EventKind kind, std::string subject, std::string label = "") {
  EventDraft draft;
  draft.campaign_id = "c-1";
  draft.trajectory_id = trajectory_id;
  draft.kind = kind;
  draft.subject = std::move(subject);
  draft.label = std::move(label);
  return draft;
}

void RunTrajectory(const std::string& id, Appender* appender) {
  appender->AppendOne(Draft(id, EventKind::kTrajectoryStarted, "task-" + id));
  std::string call = id + "-call";
  std::string message = R"({"role":"user","content":")" + std::string(5000, 'x') + id + "\"}";
  appender->AppendOne(Draft(id, EventKind::kLlmIntent, call), R"({"messages":[)" + message + "]}");
  PASSNET_FAILPOINT("appender.after_intent");
  appender->AppendOne(Draft(id, EventKind::kLlmOutcome, call, "accepted"), std::string(20'000, 'r') + id);
  PASSNET_FAILPOINT("appender.after_outcome");
  appender->AppendOne(Draft(id, EventKind::kTrajectoryFinished, id + "-end", "solved"));
}

int Main(const std::string& path, int first) {
  StoreOptions options;
  options.path = path;
  auto store = Store::Open(options);
  if (!store) {
    std::fprintf(stderr, "journal_appender: %s\n", ToString(store.error()).c_str());
    return 1;
  }
  Appender appender(store.value().get());
  if (store.value()->LastRowId() == 0) appender.AppendOne(Draft("", EventKind::kCampaignLaunched, "demo"));
  for (int n = first;; ++n) RunTrajectory("t-" + std::to_string(n), &appender);
}

}  // namespace
}  // namespace passnet::trajectories

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  return passnet::trajectories::Main(argv[1], std::atoi(argv[2]));
}
