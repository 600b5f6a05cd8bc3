// Which part of a split a task belongs to: tasks that share an op sequence are never in two parts, and the same tasks
// always come to the same parts, by hash.
// Threads: thread-compatible. Errors: kInvalidArgument from ParseSplit, naming what is wrong and an example.
// Source: docs/formats.md, "Split".
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "trajectories/export/stored_task.h"

namespace passnet::trajectories {

struct SplitPart {
  std::string name;
  double share = 0;
};

// "train=0.9,validation=0.1"
Result<std::vector<SplitPart>> ParseSplit(std::string_view text);

class SplitPlan {
 public:
  // `parts` as ParseSplit gives them; none: everything belongs to part 0.
  explicit SplitPlan(std::vector<SplitPart> parts) : parts_(std::move(parts)) {}

  // All tasks are added before any is asked for.
  void Add(const StoredTask& task, const OpSequences& ops);
  size_t PartOf(const StoredTask& task, const OpSequences& ops);

 private:
  const std::string& GroupOf(const std::string& mark);

  const std::vector<SplitPart> parts_;
  std::map<std::string, std::string> group_;  // of a mark: a mark of the same group, itself where it is the first
};

}  // namespace passnet::trajectories
