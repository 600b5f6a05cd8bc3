// Tasks that a trained model will be judged on, by their marks, so that nothing of them gets into a training file.
// Threads: pure functions and values. Errors: none: every text is a list, if only an empty one.
// Source: docs/formats.md, "Marks of a task".
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "trajectories/export/stored_task.h"

namespace passnet::trajectories {

struct EvaluationList {
  std::string source;           // for the manifest: the file, the folder, or "PassBench"
  std::set<std::string> marks;  // names, content hashes and op-sequence hashes, which cannot be taken for one another
};

// A mark a word, '#' starts a comment; of a path its last part, because that is a task's name.
EvaluationList ParseEvaluationList(std::string source, std::string_view text);

// PassBench's own 200 evaluation tasks, as far as this program knows them (trajectories/export/passbench_tasks.txt).
EvaluationList PassBenchEvaluationTasks();

// By which mark the task stands in one of the lists, as a reason of docs/formats.md; nullptr: in none.
const char* ContaminationOf(const StoredTask& task, const OpSequences& ops, const std::vector<EvaluationList>& lists);

// One task name a line; blank lines and what follows '#' are skipped.
std::set<std::string> ParseTaskList(std::string_view text);

}  // namespace passnet::trajectories
