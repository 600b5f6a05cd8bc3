// A connection that follows a script under a fake clock: pieces after pauses, an end, a reset, a cancel.
// Threads: loop-only.
#pragma once

#include <deque>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "agent/llm/transport/byte_stream.h"
#include "tests/fakes/fake_clock.h"

namespace passnet {

struct Step {
  enum class Kind { kBytes, kEnd, kReset, kCancel };
  Kind kind = Kind::kBytes;
  std::string bytes;
  Nanos after{0};

  static Step Bytes(std::string bytes, Nanos after = Nanos(0)) { return {Kind::kBytes, std::move(bytes), after}; }
  static Step End(Nanos after = Nanos(0)) { return {Kind::kEnd, {}, after}; }
  static Step Reset() { return {Kind::kReset, {}, Nanos(0)}; }
  // The caller cancels after the pause.
  static Step Cancel(Nanos after) { return {Kind::kCancel, {}, after}; }
};

class ScriptedStream : public agent::ByteStream {
 public:
  ScriptedStream(fakes::FakeClock* clock, std::deque<Step> steps) : clock_(clock), steps_(std::move(steps)) {}

  Task<Status> Write(std::string_view bytes, Deadline, std::stop_token) override {
    written_.append(bytes);
    if (broken_for_writing_) co_return Error{ErrorCode::kUnavailable, "write: Broken pipe"};
    co_return OkStatus();
  }

  Task<Result<std::string>> ReadSome(Deadline deadline, std::stop_token) override {
    // A stream that says nothing more.
    Step step = Step::End(std::chrono::hours(24 * 365));
    if (!steps_.empty()) {
      step = std::move(steps_.front());
      steps_.pop_front();
    }
    SteadyTime at = clock_->Now() + step.after;
    if (at > deadline.at()) {
      clock_->Advance(deadline.at() - clock_->Now());
      co_return Error{ErrorCode::kDeadlineExceeded, "read: no answer within the limit"};
    }
    clock_->Advance(step.after);
    switch (step.kind) {
      case Step::Kind::kBytes: co_return step.bytes;
      case Step::Kind::kEnd: co_return std::string();
      case Step::Kind::kReset: co_return Error{ErrorCode::kUnavailable, "read: Connection reset by peer"};
      case Step::Kind::kCancel: co_return Error{ErrorCode::kCancelled, "read: cancelled"};
    }
    co_return std::string();
  }

  bool SeemsIdle() override { return seems_idle_; }

  const std::string& written() const { return written_; }
  void BreakWriting() { broken_for_writing_ = true; }
  void SetSeemsIdle(bool idle) { seems_idle_ = idle; }

 private:
  fakes::FakeClock* clock_;
  std::deque<Step> steps_;
  std::string written_;
  bool broken_for_writing_ = false;
  bool seems_idle_ = true;
};

}  // namespace passnet
