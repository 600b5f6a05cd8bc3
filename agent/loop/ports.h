// What the loop needs from below, as interfaces that it owns: a place where entries become durable, and the evaluation
// port.
// Threads: loop-only.
#pragma once

#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "dialects/chat.h"
#include "evaluator/api/evaluation.h"
#include "trajectories/event.h"

namespace passnet::agent {

// An event and the content it stands on, by the name of the reference. "request" is stored as a chat request (one blob
// a message), everything else as one blob.
struct JournalEntry {
  trajectories::EventDraft event;
  std::map<std::string, std::string> contents;
  // Of an llm_outcome: what its reply came to, which has been read by now. Not stored: a resume reads the reply again.
  std::shared_ptr<const dialects::AttemptOutcome> outcome;
};
using JournalEntries = std::shared_ptr<const std::vector<JournalEntry>>;

class Journal {
 public:
  virtual ~Journal() = default;
  // Returns once all entries are durable, or none is and the daemon stops (kCancelled) or the store is broken. A full
  // disk is waited out.
  virtual Task<Status> Append(JournalEntries entries, std::stop_token stop) = 0;
};

// Where candidates are measured, as seen from the loop. Every error is infrastructure. A cancelled request ends with
// kCancelled.
class EvaluationPort {
 public:
  virtual ~EvaluationPort() = default;
  virtual Task<Result<evaluator::EvaluationReport>> Evaluate(evaluator::EvaluateRequest request,
                                                             std::stop_token cancel) = 0;
  virtual Task<Result<evaluator::BaselineReport>> Baseline(evaluator::BaselineRequest request,
                                                           std::stop_token cancel) = 0;
  virtual Task<Result<evaluator::TaskDescription>> DescribeTask(evaluator::DescribeTaskRequest request,
                                                                std::stop_token cancel) = 0;
  virtual Task<Result<std::map<std::string, std::string>>> Environment(std::stop_token cancel) = 0;
};

}  // namespace passnet::agent
