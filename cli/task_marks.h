// By what a task is known again, whatever its folder is called: the hash of its files and those of its op sequences; and
// lists of such marks, for exports that must not hold an evaluation's tasks.
// Threads: thread-safe, blocking.
// Errors: those of passbench/task.h; kInvalidArgument for a list without a mark, kNotFound for one that is not there.
// Source: docs/formats.md, "Marks of a task".
#pragma once

#include <filesystem>
#include <set>
#include <string>

#include "base/result.h"
#include "trajectories/export/evaluation_list.h"
#include "trajectories/export/stored_task.h"

namespace passnet::cli {

struct TaskMarks {
  std::string name;
  std::string content;        // as a campaign's launch pins it
  std::set<std::string> ops;  // of each of its graphs; real tasks have one in all their variants
};

Result<TaskMarks> MarksOfFolder(const std::filesystem::path& folder);

// What a stored task's files say, as long as they are those of the launch.
trajectories::OpSequences OpSequencesOfStored(const trajectories::StoredTask& task);

// A file of marks, or a folder with task folders at or below it.
Result<trajectories::EvaluationList> EvaluationListAt(const std::string& path);

}  // namespace passnet::cli
