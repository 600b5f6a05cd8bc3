// A journal in a folder of its own, and short ways to say the events of a campaign.
// Threads: thread-compatible.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/fakes/fake_clock.h"
#include "tests/fakes/temp_folder.h"
#include "trajectories/batch.h"
#include "trajectories/database.h"
#include "trajectories/reader.h"
#include "trajectories/store.h"
#include "trajectories/verify.h"

namespace passnet::trajectories {

inline EventDraft Draft(EventKind kind, std::string subject = "", std::string label = "") {
  EventDraft draft;
  draft.campaign_id = "c-1";
  if (!IsCampaignKind(kind)) draft.trajectory_id = "t-1";
  draft.kind = kind;
  draft.subject = std::move(subject);
  draft.label = std::move(label);
  draft.payload = "{}";
  return draft;
}

inline EventDraft Of(std::string trajectory_id, EventDraft draft) {
  draft.trajectory_id = std::move(trajectory_id);
  return draft;
}

inline EventDraft Scored(EventDraft draft, double score, int64_t round) {
  draft.score = score;
  draft.round = round;
  return draft;
}

inline std::string ChatRequest(const std::vector<std::pair<std::string, std::string>>& messages) {
  std::string json = R"({"model":"m","messages":[)";
  for (const auto& [role, content] : messages) {
    if (json.back() != '[') json += ',';
    json += R"({"role":")" + role + R"(","content":")" + content + R"("})";
  }
  return json + R"(],"max_completion_tokens":4096})";
}

// Holds pn-db inside an append until the test lets it go, so that a queue can be filled without any timing.
class GateClock : public Clock {
 public:
  SteadyTime Now() const override { return SteadyTime{}; }
  int64_t UtcMicros() const override {
    if (!closed_.exchange(false)) return 1;
    reached_.set_value();
    open_.get_future().wait();
    return 1;
  }
  void Close() { closed_ = true; }
  void WaitUntilReached() { reached_.get_future().wait(); }
  void Open() { open_.set_value(); }

 private:
  mutable std::atomic<bool> closed_{false};
  mutable std::promise<void> reached_;
  mutable std::promise<void> open_;
};

class JournalTest : public testing::Test {
 protected:
  void SetUp() override { path_ = (folder_ / "journal.db").string(); }
  void TearDown() override { store_.reset(); }

  StoreOptions Options() {
    StoreOptions options;
    options.path = path_;
    options.clock = &clock_;
    return options;
  }
  void OpenStore() { OpenStore(Options()); }
  void OpenStore(StoreOptions options) {
    auto opened = Store::Open(std::move(options));
    ASSERT_TRUE(opened) << ToString(opened.error());
    store_ = std::move(opened).value();
  }

  Result<Appended> Append(std::vector<EventDraft> drafts) {
    Batch batch;
    for (EventDraft& draft : drafts) RETURN_IF_ERROR(batch.Add(std::move(draft)));
    clock_.Advance(std::chrono::milliseconds(1));
    return store_->Append(batch);
  }
  void MustAppend(std::vector<EventDraft> drafts) {
    auto appended = Append(std::move(drafts));
    ASSERT_TRUE(appended) << ToString(appended.error());
  }

  // Campaign c-1 with trajectory t-1 on task "gelu".
  void Launch() {
    MustAppend({Draft(EventKind::kCampaignLaunched, "demo")});
    MustAppend({Draft(EventKind::kTrajectoryStarted, "gelu")});
  }

  // The events of one model call; its request and reply are stored content.
  void Call(const std::string& call_id, const std::string& request, const std::string& reply,
            const std::string& trajectory_id = "t-1") {
    Batch intent;
    EventDraft asked = Of(trajectory_id, Draft(EventKind::kLlmIntent, call_id));
    asked.refs.push_back({"request", intent.AddRequest(request).value()});
    asked.round = 1;
    ASSERT_TRUE(intent.Add(std::move(asked)));
    ASSERT_TRUE(store_->Append(intent));
    Batch outcome;
    EventDraft told = Of(trajectory_id, Draft(EventKind::kLlmOutcome, call_id, "accepted"));
    told.refs.push_back({"reply", outcome.AddBlob(reply).value()});
    told.round = 1;
    told.prompt_tokens = 100;
    told.completion_tokens = 20;
    told.cost_microusd = 7;
    ASSERT_TRUE(outcome.Add(std::move(told)));
    ASSERT_TRUE(store_->Append(outcome));
  }

  std::shared_ptr<const Batch> OneEvent(EventDraft draft) {
    auto batch = std::make_shared<Batch>();
    EXPECT_TRUE(batch->Add(std::move(draft)));
    return batch;
  }

  std::unique_ptr<Reader> OpenReader() {
    auto opened = Reader::Open(path_);
    EXPECT_TRUE(opened) << ToString(opened.error());
    return opened ? std::move(opened).value() : nullptr;
  }

  // What a stranger with an SQLite shell could do to the file.
  void Tamper(const std::string& sql) {
    store_.reset();
    auto database = Database::Open({.path = path_, .read_only = false, .vfs = ""});
    ASSERT_TRUE(database) << ToString(database.error());
    auto done = database.value()->Execute("PRAGMA foreign_keys = OFF; " + sql);
    ASSERT_TRUE(done) << ToString(done.error());
  }

  VerifyReport VerifyAll(std::vector<Head> heads = {}) {
    auto report = Verify({.path = path_, .campaign_id = "", .heads = std::move(heads)});
    EXPECT_TRUE(report) << ToString(report.error());
    return report ? std::move(report).value() : VerifyReport{};
  }

  const fakes::TempFolder folder_{"journal"};
  std::string path_;
  fakes::FakeClock clock_;
  std::unique_ptr<Store> store_;
};

}  // namespace passnet::trajectories
