// Opens every file of its own process below /proc for writing, and prints those that let it. Kernel: they belong to the
// root of its user namespace, which is the process itself, so that Landlock's list is what decides (proc(5), landlock(7)).
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <string>

#include "tests/sandbox/testcases/verdict.h"

namespace {

int tried = 0;

void Try(const std::string& folder, int depth) {
  DIR* open_folder = opendir(folder.c_str());
  if (open_folder == nullptr) return;
  while (const dirent* entry = readdir(open_folder)) {
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    const std::string path = folder + "/" + name;
    if (entry->d_type == DT_DIR && depth > 0) Try(path, depth - 1);
    if (entry->d_type != DT_REG) continue;
    ++tried;
    const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0) continue;
    printf("%s opened\n", path.c_str());
    close(fd);
  }
  closedir(open_folder);
}

}  // namespace

int main(int, char**) {
  Try("/proc/1", 3);
  printf("%s\n", tried > 20 ? "tried all" : "found too few files");
  return tried > 20 ? 0 : kTwinFailed;
}
