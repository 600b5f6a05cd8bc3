#include "tests/hostile/specimen.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include "tests/fakes/paths.h"

namespace passnet::hostile {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void Stop(const fs::path& file, const std::string& what) {
  std::fprintf(stderr, "%s: %s\n", file.c_str(), what.c_str());
  std::exit(1);
}

std::string Trimmed(const std::string& text) {
  const size_t begin = text.find_first_not_of(" \n");
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(" \n") - begin + 1);
}

// The file of the first pass in the rule list: ["Name", …].
fs::path MainFile(const fs::path& folder) {
  const fs::path list = folder / "sorted_output_pass_rule_names.json";
  std::ifstream in(list);
  std::stringstream text;
  text << in.rdbuf();
  const std::string names = text.str();
  const size_t begin = names.find('"'), end = names.find('"', begin + 1);
  if (begin == std::string::npos || end == std::string::npos) Stop(list, "names no pass");
  return folder / (names.substr(begin + 1, end - begin - 1) + ".py");
}

std::map<std::string, std::string> HeadOf(const fs::path& file) {
  std::ifstream in(file);
  if (!in) Stop(file, "is missing");
  std::map<std::string, std::string> head;
  for (std::string line; std::getline(in, line) && line.rfind("# ", 0) == 0;) {
    const size_t colon = line.find(": ");
    if (colon == std::string::npos) Stop(file, "no `# key: value`: " + line);
    if (!head.emplace(line.substr(2, colon - 2), Trimmed(line.substr(colon + 2))).second) Stop(file, "twice: " + line);
  }
  return head;
}

// Takes a value out of the head; "" where it is not there.
std::string Take(std::map<std::string, std::string>& head, const std::string& key) {
  auto node = head.extract(key);
  return node.empty() ? "" : node.mapped();
}

std::vector<std::string> Verdicts(const std::string& text) {
  std::vector<std::string> names;
  std::stringstream in(text);
  for (std::string name; std::getline(in, name, '|');) names.push_back(Trimmed(name));
  return names;
}

fs::path TaskFolder(const fs::path& file, const std::string& name) {
  const std::string bundled = "bundled:";
  const fs::path source = fakes::SourceDir();
  const fs::path folder = name.rfind(bundled, 0) == 0 ? source / "tasks" / name.substr(bundled.size())
                                                      : source / "tests/hostile/tasks" / name;
  if (!fs::exists(folder / "graph_list.txt")) Stop(file, "no task " + folder.native());
  return folder;
}

Specimen Read(const fs::path& folder) {
  const fs::path file = MainFile(folder);
  auto head = HeadOf(file);
  Specimen specimen;
  specimen.name = folder.filename();
  specimen.folder = folder;
  specimen.row = Take(head, "row");
  specimen.task = TaskFolder(file, Take(head, "task"));
  specimen.tries = Take(head, "tries");
  specimen.stopped_by = Take(head, "stopped by");
  specimen.open = Take(head, "open");
  specimen.expect = Verdicts(Take(head, "expect"));
  specimen.unscreened = Verdicts(Take(head, "unscreened"));
  if (specimen.unscreened.empty()) specimen.unscreened = specimen.expect;
  if (const std::string twin = Take(head, "twin"); !twin.empty()) {
    specimen.twin = fs::path(fakes::SourceDir()) / "tests/hostile/honest" / twin;
    if (!fs::is_directory(specimen.twin)) Stop(file, "no twin " + specimen.twin.native());
  }
  if (const std::string earns = Take(head, "earns"); !earns.empty()) specimen.earns = std::stod(earns);
  if (const std::string runs = Take(head, "runs"); !runs.empty()) specimen.runs = std::stoi(runs);
  specimen.slow = !Take(head, "slow").empty();
  if (specimen.row.empty() || specimen.tries.empty() || specimen.expect.empty()) Stop(file, "row, tries or expect is missing");
  if (!head.empty()) Stop(file, "unknown key in its head: " + head.begin()->first);
  return specimen;
}

}  // namespace

std::vector<Specimen> Specimens(const std::string& kind) {
  std::vector<Specimen> found;
  for (const auto& entry : fs::directory_iterator(fs::path(fakes::SourceDir()) / "tests/hostile" / kind)) {
    if (entry.is_directory()) found.push_back(Read(entry.path()));
  }
  std::sort(found.begin(), found.end(), [](const Specimen& a, const Specimen& b) { return a.name < b.name; });
  return found;
}

}  // namespace passnet::hostile
