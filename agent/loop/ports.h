// What the loop needs from below, as interfaces that it owns: a place where entries become durable, and the evaluation
// port.
// Threads: loop-only.
#pragma once

#include <cstdint>
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
  // disk is waited out. `stop`: the end of the daemon's patience and nothing else, since the journal waits for no disk
  // after it.
  virtual Task<Status> Append(JournalEntries entries, std::stop_token stop) = 0;
};

// Who asks the evaluation port: lanes are shared fairly between campaigns.
struct Asker {
  std::string campaign_id;
  std::string trajectory_id;
  std::stop_token patience = {};  // ends the wait for a lane, not the work of one
};

// What became of everybody's requests since the port exists, as one task sees it. Whoever failed compares two of them:
// what others got in between tells a failure of one's own from one that everybody has. Samples of one task are no
// others: what the task does to an evaluator it does to all of them.
struct PortTally {
  int64_t succeeded = 0;  // measurements, of any task: a description may come from a cache
  // Of any kind, as infrastructure, for other tasks; what was refused, cancelled or waits is not in it.
  int64_t failed_elsewhere = 0;
  int64_t failed_of_measured = 0;  // of those, for tasks that had been measured before
};

// Where candidates are measured, as seen from the loop. While no lane can serve, requests wait: an error tells of
// something that happened to this request. Every error is infrastructure. A cancelled request ends with kCancelled, at
// once, and so does one that waits when its asker's patience ends.
class EvaluationPort {
 public:
  virtual ~EvaluationPort() = default;
  virtual Task<Result<evaluator::EvaluationReport>> Evaluate(Asker asker, evaluator::EvaluateRequest request,
                                                             std::stop_token cancel) = 0;
  virtual Task<Result<evaluator::BaselineReport>> Baseline(Asker asker, evaluator::BaselineRequest request,
                                                           std::stop_token cancel) = 0;
  virtual Task<Result<evaluator::TaskDescription>> DescribeTask(Asker asker, evaluator::DescribeTaskRequest request,
                                                                std::stop_token cancel) = 0;
  // What two comparable scores must share. The one request that does not wait while no lane can serve: kUnavailable says
  // why none can.
  virtual Task<Result<std::map<std::string, std::string>>> Environment(std::stop_token cancel) = 0;
  // `task`: its folder, as in requests.
  virtual PortTally tally(const std::string& task) const = 0;
};

}  // namespace passnet::agent
