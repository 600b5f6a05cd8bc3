// The set of tasks that a campaign means, as it is written in a spec, and the task folders it stands for.
// Threads: immutable values; ResolveTasks and BundledTasks are blocking. Errors: see there.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/fields.h"
#include "base/result.h"

namespace passnet::agent {

// One of path, list, glob and bundled says where; the others which of the tasks there.
struct TaskSource {
  std::string path;                  // a task folder, or a folder of task folders; absolute once launched
  std::vector<std::string> include;  // only tasks of these names; empty: all
  std::string list = "";             // a file with such a folder a line, relative to it; # starts a comment
  std::string glob = "";             // a pattern of such folders, as a shell's (man 7 glob)
  bool bundled = false;              // the tasks that come with the program
  std::string shard = "";            // "2/8": the second of eight parts, every eighth task in order; empty: all
  int64_t limit = 0;                 // the first so many of what is left; 0: all
};

void VisitFields(FieldVisitor& fields, TaskSource& source);
std::vector<FieldProblem> Check(const TaskSource& source);

struct CampaignTask {
  std::string name;
  std::string path;
  std::string hash;  // of the files that a measurement depends on
  std::map<std::string, std::string> files = {};  // those, by their paths in the folder; empty once they are stored
};

// The tasks that `source` means: in the order of their paths, or of the list. kInvalidArgument: no task there, a
// malformed one (file and line), two of the same name, a name in `include` that does not exist.
Result<std::vector<CampaignTask>> ResolveTasks(const TaskSource& source);

// The folder of the bundled tasks, found from the place of the running program: lib/tasks beside bin/. kNotFound.
Result<std::filesystem::path> BundledTasks();

}  // namespace passnet::agent
