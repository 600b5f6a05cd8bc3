// One graph of a task: a process that captured it and never ran it, from which match, reference and candidate children
// are forked. Kept between evaluations by the graph's cache key, because capturing costs more than everything else.
// Threads: thread-compatible. Owns: the process. Borrows nothing: children hold it alive.
// Errors: kInvalidArgument (Dynamo cannot capture the graph: the text says why), else infrastructure.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "evaluator/api/evaluation.h"
#include "evaluator/lane/kept_answers.h"
#include "evaluator/lane/worker_process.h"
#include "passbench/task.h"

namespace passnet::evaluator {

struct GraphFacts;

class TaskChild : public ForkParent {
 public:
  static Result<std::shared_ptr<TaskChild>> Start(std::shared_ptr<ForkParent> zygote, const passbench::Graph& graph,
                                                  Deadline deadline);

  pid_t pid() const { return process_->pid(); }
  WorkerChannel& channel() override { return process_->channel(); }
  std::shared_ptr<const WorkerRules> rules() const override { return process_->rules(); }
  int seccomp_filters() const override { return process_->seccomp_filters(); }
  const std::vector<OpRecord>& ops() const { return ops_; }
  const Json& asked() const { return asked_; }  // source, module and inputs, as its first frame told them
  bool random() const { return random_; }  // an output may depend on the generator: seed before every call
  KeptAnswers& plans() { return plans_; }  // what match children said about this graph

  // What was found out about the graph by running eager once (reference.h), kept as long as this; null before.
  std::shared_ptr<GraphFacts> facts;

 private:
  Status TakeDescription(std::string_view text, const std::string& graph);

  std::unique_ptr<WorkerProcess> process_;
  Json asked_;
  std::vector<OpRecord> ops_;
  bool random_ = false;
  KeptAnswers plans_{1u << 20, 64};  // chosen: a plan has some KB; 24 task children then hold 24 MiB at most
};

// Least recently used task children, by CaptureCacheKey.
class TaskChildCache {
 public:
  explicit TaskChildCache(size_t capacity) : capacity_(capacity) {}

  std::shared_ptr<TaskChild> Find(const std::string& key);  // null for one that is lost, too
  void Put(const std::string& key, std::shared_ptr<TaskChild> child);

 private:
  size_t capacity_;
  std::list<std::pair<std::string, std::shared_ptr<TaskChild>>> entries_;  // most recent first
};

}  // namespace passnet::evaluator
