// Prints the descriptors it was born with, one line: anything beyond the given ones is a leak (close_range(2)).
#include <dirent.h>

#include <set>
#include <string>

#include "tests/sandbox/testcases/verdict.h"

int main() {
  DIR* folder = opendir("/proc/self/fd");
  if (folder == nullptr) return kTwinFailed;
  std::set<int> numbers;
  while (const dirent* entry = readdir(folder)) {
    if (entry->d_name[0] != '.') numbers.insert(std::stoi(entry->d_name));
  }
  numbers.erase(dirfd(folder));
  for (int number : numbers) printf("%d ", number);
  return 0;
}
