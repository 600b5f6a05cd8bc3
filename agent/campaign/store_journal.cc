#include "agent/campaign/store_journal.h"

#include <stop_token>
#include <utility>

#include "base/log.h"
#include "trajectories/append_task.h"

namespace passnet::agent {
namespace {

using trajectories::Batch;

// Chosen: hashing and compressing more than this would hold up the loop, so it runs on a worker.
constexpr size_t kInlineBytes = 64 << 10;
constexpr Nanos kQueueWait = std::chrono::milliseconds(20);  // chosen: some group commits

// Nothing was written, and the same batch will be once the disk is free, writable or unlocked.
bool PassesByWaiting(ErrorCode code) {
  return code == ErrorCode::kResourceExhausted || code == ErrorCode::kPermissionDenied ||
         code == ErrorCode::kUnavailable;
}

size_t BytesOf(const std::vector<JournalEntry>& entries) {
  size_t bytes = 0;
  for (const JournalEntry& entry : entries) {
    bytes += entry.event.payload.size();
    for (const auto& [name, content] : entry.contents) bytes += content.size();
  }
  return bytes;
}

Result<std::shared_ptr<const Batch>> MakeBatch(const std::vector<JournalEntry>& entries,
                                               trajectories::KnownBlobs* known) {
  auto batch = std::make_shared<Batch>(known);
  for (const JournalEntry& entry : entries) {
    trajectories::EventDraft event = entry.event;
    event.refs.clear();
    for (const auto& [name, bytes] : entry.contents) {
      ASSIGN_OR_RETURN(Sha256Digest digest, name == "request" ? batch->AddRequest(bytes) : batch->AddBlob(bytes));
      event.refs.push_back({name, digest});
    }
    RETURN_IF_ERROR(batch->Add(std::move(event)));
  }
  return std::shared_ptr<const Batch>(std::move(batch));
}

}  // namespace

// On a worker where it is large. While all of them have more than enough to do, it waits: that is no failure of the
// journal.
Task<Result<std::shared_ptr<const Batch>>> StoreJournal::Make(JournalEntries entries, std::stop_token stop) {
  if (BytesOf(*entries) <= kInlineBytes) co_return MakeBatch(*entries, known_.get());
  for (;;) {
    auto make = [entries, known = known_] { return MakeBatch(*entries, known.get()); };
    Result<std::shared_ptr<const Batch>> batch = co_await RunBlocking(pool_, std::move(make));
    if (batch || batch.error().code != ErrorCode::kOverloaded) co_return batch;
    Deadline until = Deadline::After(kQueueWait, *clock_);
    bool rested = co_await sleeper_->SleepUntil(until, stop);
    if (!rested) co_return Error{ErrorCode::kCancelled, "the daemon stops while its workers are busy"};
  }
}

Task<Status> StoreJournal::Append(JournalEntries entries, std::stop_token stop) {
  Result<std::shared_ptr<const Batch>> batch = co_await Make(entries, stop);
  if (!batch) co_return batch.error();
  std::shared_ptr<const Batch> made = std::move(batch).value();
  Status appended = co_await AppendBatch(made, stop);
  if (appended) known_->Learn(*made);
  co_return appended;
}

Task<Status> StoreJournal::AppendBatch(std::shared_ptr<const Batch> batch, std::stop_token stop) {
  std::stop_callback give_up(stop, [store = store_] { store->GiveUpWaiting(); });
  bool waits = false;
  Status result = OkStatus();
  for (;;) {
    Result<trajectories::Appended> appended = co_await trajectories::AppendTask(store_, batch);
    result = appended ? OkStatus() : Status(appended.error());
    if (appended) break;
    if (stop.stop_requested()) {
      result = Error{ErrorCode::kCancelled, "the daemon stops while the journal fails: " + appended.error().context};
      break;
    }
    const bool disk = PassesByWaiting(appended.error().code);
    if (!disk && appended.error().code != ErrorCode::kOverloaded) break;
    if (disk) {
      reason_ = appended.error().context;
      if (!waits) BeginToWait(appended.error());
      waits = true;
    }
    Deadline until = Deadline::After(disk ? disk_wait_ : kQueueWait, *clock_);
    bool rested = co_await sleeper_->SleepUntil(until, stop);
    if (!rested) {
      result = Error{ErrorCode::kCancelled, "the daemon stops while the journal takes nothing"};
      break;
    }
  }
  if (waits) EndToWait(result);
  const bool for_good = !result && result.error().code != ErrorCode::kCancelled;
  if (for_good && broken_.empty()) broken_ = result.error().context;
  co_return result;
}

void StoreJournal::BeginToWait(const Error& error) {
  if (++waiting_ > 1) return;
  log::Err("agent", "the journal takes nothing: campaigns wait until it does", {{"error", ToString(error)}});
}

void StoreJournal::EndToWait(const Status& result) {
  if (--waiting_ > 0 || !result) return;
  log::Info("agent", "the journal goes on", {});
}

std::string StoreJournal::Trouble() const {
  if (std::string trouble = store_->Trouble(); !trouble.empty()) return trouble;
  return waiting_ > 0 ? reason_ : broken_;
}

}  // namespace passnet::agent
