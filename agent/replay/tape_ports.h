// What a loop that is replayed sees of the world: replies, measurements and failures as they are stored, and a journal
// that compares what the loop appends with what is stored instead of writing it.
// Where nothing stored answers, the answer is "cancelled": the loop then ends, as it would in a daemon that stops.
// Threads: loop-only. Borrows: the tape.
// Errors: as the ports'; a tape that fails is told by TapeJournal::failure().
#pragma once

#include <map>
#include <optional>
#include <stop_token>
#include <string>

#include "agent/llm/client.h"
#include "agent/llm/gate.h"
#include "agent/llm/sleeper.h"
#include "agent/loop/ports.h"
#include "agent/replay/tape.h"

namespace passnet::agent {

// Where what was made again is not what is stored.
struct ReplayDifference {
  int64_t seq = 0;     // of the stored event
  std::string kind;    // its kind
  std::string field;   // "payload", "content user", "label", …
  size_t at = 0;       // the first byte that differs
  std::string stored;  // the text around it, bounded
  std::string replayed;
};

// Of two texts that differ.
ReplayDifference DifferenceAt(const trajectories::Event& stored, std::string field, std::string_view stored_text,
                              std::string_view replayed_text);

class TapeJournal : public Journal {
 public:
  explicit TapeJournal(Tape* tape) : tape_(*tape) {}
  // All entries are what is stored next, and the tape advances; or kCancelled.
  Task<Status> Append(JournalEntries entries, std::stop_token stop) override;

  // Of the last append that was refused.
  const std::optional<ReplayDifference>& difference() const { return difference_; }
  void Forget() { difference_.reset(); }
  const Status& failure() const { return failure_; }
  int64_t requests() const { return requests_; }

 private:
  Result<std::optional<ReplayDifference>> Compare(const JournalEntry& entry, const trajectories::Event& stored) const;
  Result<std::optional<ReplayDifference>> CompareAll(const std::vector<JournalEntry>& entries) const;

  Tape& tape_;
  std::optional<ReplayDifference> difference_;
  Status failure_ = OkStatus();
  int64_t requests_ = 0;
};

class TapePort : public EvaluationPort {
 public:
  explicit TapePort(const Tape* tape) : tape_(*tape) {}
  Task<Result<evaluator::EvaluationReport>> Evaluate(Asker asker, evaluator::EvaluateRequest request,
                                                     std::stop_token cancel) override;
  Task<Result<evaluator::BaselineReport>> Baseline(Asker asker, evaluator::BaselineRequest request,
                                                   std::stop_token cancel) override;
  Task<Result<evaluator::TaskDescription>> DescribeTask(Asker asker, evaluator::DescribeTaskRequest request,
                                                        std::stop_token cancel) override;
  Task<Result<std::map<std::string, std::string>>> Environment(std::stop_token cancel) override;
  // Others always get something, so that a failure that ended the stored asking ends it here too, and soon.
  PortTally tally(const std::string&) const override { return {++tallies_, 0, 0}; }

 private:
  const Tape& tape_;
  mutable int64_t tallies_ = 0;
};

class TapeClient : public LlmClient {
 public:
  TapeClient(const Tape* tape, const dialects::Dialect* dialect) : tape_(*tape), dialect_(*dialect) {}
  const dialects::Dialect& dialect() const override { return dialect_; }
  Task<dialects::RawReply> Send(dialects::WireRequest request, AttemptLimits limits, std::stop_token cancel) override;

 private:
  const Tape& tape_;
  const dialects::Dialect& dialect_;
};

// The gate's own time, which passes when it waits: what it waited for is not stored, and no decision goes by it.
class GateTime : public Clock, public Sleeper {
 public:
  SteadyTime Now() const override { return now_; }
  int64_t UtcMicros() const override;
  Task<bool> SleepUntil(Deadline until, std::stop_token cancel) override;

 private:
  SteadyTime now_{};
};

// Whose a failure was depends on what other calls met with at the time: it is taken as it is stored.
class TapeGate : public Gate {
 public:
  TapeGate(const std::string& endpoint, GateTime* time, const Tape* tape)
      : Gate(endpoint, GateOptions{}, time, time), tape_(*tape) {}

 private:
  bool IsOwnFailure(const Grant& grant, dialects::OutcomeClass outcome) const override;

  const Tape& tape_;
};

// No time passes.
class NoSleep : public Sleeper {
 public:
  Task<bool> SleepUntil(Deadline until, std::stop_token cancel) override;
};

}  // namespace passnet::agent
