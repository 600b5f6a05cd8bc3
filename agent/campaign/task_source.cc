#include "agent/campaign/task_source.h"

#include <glob.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "base/file.h"
#include "base/text.h"
#include "passbench/task.h"

namespace passnet::agent {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxListBytes = 4 << 20;  // chosen: ten thousand long paths
constexpr int64_t kMaxShards = 100'000;    // chosen: above any number of tasks

struct Shard {
  int64_t part = 1;
  int64_t parts = 1;
};

std::optional<Shard> ParseShard(const std::string& text) {
  Shard shard;
  const char* end = text.data() + text.size();
  auto part = std::from_chars(text.data(), end, shard.part);
  if (part.ec != std::errc() || part.ptr == end || *part.ptr != '/') return std::nullopt;
  auto parts = std::from_chars(part.ptr + 1, end, shard.parts);
  if (parts.ec != std::errc() || parts.ptr != end) return std::nullopt;
  if (shard.part < 1 || shard.part > shard.parts || shard.parts > kMaxShards) return std::nullopt;
  return shard;
}

using Folders = std::vector<fs::path>;

Result<Folders> FoldersOfList(const std::string& list) {
  ASSIGN_OR_RETURN(std::string text, ReadFile(list, kMaxListBytes));
  Folders folders;
  int number = 0;
  for (std::string_view rest = text; !rest.empty();) {
    ++number;
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    line = Trimmed(line.substr(0, line.find('#')));
    if (line.empty()) continue;
    const fs::path folder = fs::absolute(list).parent_path() / fs::path(line);
    auto found = passbench::FindTasks(folder.lexically_normal());
    const std::string where = list + ":" + std::to_string(number) + ": " + OneLine(line);
    if (!found) return found.error().Prefixed(where);
    if (found.value().empty()) return InvalidArgument(where + ": no task folder (one with graph_list.txt) is there");
    folders.insert(folders.end(), found.value().begin(), found.value().end());
  }
  return folders;
}

// glob(3) sorts what it finds. What is no folder, or has no tasks, was not meant.
Result<Folders> FoldersOfGlob(const std::string& pattern) {
  glob_t matches{};
  const int rc = ::glob(pattern.c_str(), GLOB_BRACE, nullptr, &matches);
  if (rc == GLOB_NOSPACE || rc == GLOB_ABORTED) {
    ::globfree(&matches);
    return Error{ErrorCode::kIo, pattern + ": the pattern's folders could not be read"};
  }
  Folders folders;
  for (size_t i = 0; i < matches.gl_pathc; ++i) {
    std::error_code failed;
    const fs::path match = fs::path(matches.gl_pathv[i]).lexically_normal();
    if (!fs::is_directory(match, failed)) continue;
    auto found = passbench::FindTasks(match);
    if (found) folders.insert(folders.end(), found.value().begin(), found.value().end());
  }
  ::globfree(&matches);
  return folders;
}

Result<Folders> FoldersOf(const TaskSource& source) {
  if (!source.list.empty()) return FoldersOfList(source.list);
  if (!source.glob.empty()) return FoldersOfGlob(source.glob);
  if (!source.bundled) return passbench::FindTasks(source.path);
  ASSIGN_OR_RETURN(fs::path bundled, BundledTasks());
  return passbench::FindTasks(bundled);
}

std::string NameOf(const TaskSource& source) {
  if (!source.list.empty()) return source.list;
  if (!source.glob.empty()) return source.glob;
  return source.bundled ? "the bundled tasks" : source.path;
}

// What `include` leaves of the folders, each name once.
Result<Folders> Included(const TaskSource& source, const Folders& folders) {
  Folders included;
  std::set<std::string> names;
  std::set<std::string> wanted(source.include.begin(), source.include.end());
  for (const fs::path& folder : folders) {
    std::string name = folder.filename().native();
    if (!source.include.empty() && wanted.erase(name) == 0 && !names.contains(name)) continue;
    if (!names.insert(name).second) return InvalidArgument(NameOf(source) + ": two tasks are called " + name);
    included.push_back(folder);
  }
  if (!wanted.empty()) return InvalidArgument(NameOf(source) + ": no task is called " + *wanted.begin());
  return included;
}

}  // namespace

void VisitFields(FieldVisitor& fields, TaskSource& source) {
  fields.Text("path", &source.path);
  fields.Text("list", &source.list);
  fields.Text("glob", &source.glob);
  fields.Flag("bundled", &source.bundled);
  fields.Texts("include", &source.include);
  fields.Text("shard", &source.shard);
  fields.Integer("limit", &source.limit, 0, 1'000'000);
}

std::vector<FieldProblem> Check(const TaskSource& source) {
  std::vector<FieldProblem> problems;
  const int places = !source.path.empty() + !source.list.empty() + !source.glob.empty() + source.bundled;
  if (places == 0) {
    problems.push_back({"tasks.path", "is required, or list, glob or bundled: where the task folders are"});
  }
  if (places > 1) problems.push_back({"tasks", "names several places: only one of path, list, glob and bundled"});
  if (!source.shard.empty() && !ParseShard(source.shard)) {
    problems.push_back({"tasks.shard", "is no part like 2/8 (the second of eight)"});
  }
  return problems;
}

Result<std::vector<CampaignTask>> ResolveTasks(const TaskSource& source) {
  ASSIGN_OR_RETURN(Folders all, FoldersOf(source));
  ASSIGN_OR_RETURN(Folders folders, Included(source, all));
  if (folders.empty()) {
    return InvalidArgument(NameOf(source) + ": no task folder (one with graph_list.txt) is there");
  }
  const Shard shard = ParseShard(source.shard).value_or(Shard{});
  std::vector<CampaignTask> tasks;
  for (size_t i = static_cast<size_t>(shard.part - 1); i < folders.size(); i += static_cast<size_t>(shard.parts)) {
    if (source.limit > 0 && tasks.size() == static_cast<size_t>(source.limit)) break;
    ASSIGN_OR_RETURN(passbench::Task task, passbench::LoadTask(folders[i]));
    tasks.push_back({folders[i].filename().native(), fs::absolute(folders[i]).lexically_normal().native(),
                     passbench::TaskHash(task), passbench::TaskFiles(task)});
  }
  if (tasks.empty()) {
    return InvalidArgument(NameOf(source) + ": shard " + source.shard + " is empty, there are " +
                           std::to_string(folders.size()) + " tasks");
  }
  return tasks;
}

Result<fs::path> BundledTasks() {
  std::error_code failed;
  const fs::path self = fs::read_symlink("/proc/self/exe", failed);
  const fs::path tasks = self.parent_path().parent_path() / "lib" / "tasks";
  const fs::path real = fs::canonical(tasks, failed);
  if (failed) return NotFound(tasks.native() + ": the bundled tasks are not installed; name a folder with tasks.path");
  return real;
}

}  // namespace passnet::agent
