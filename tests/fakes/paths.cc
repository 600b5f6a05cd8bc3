#include "tests/fakes/paths.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace passnet::fakes {

std::string BinaryDir() {
  namespace fs = std::filesystem;
  const fs::path program = fs::read_symlink("/proc/self/exe");
  for (fs::path folder = program.parent_path(); folder != folder.root_path(); folder = folder.parent_path()) {
    if (fs::exists(folder / "CMakeCache.txt")) return folder.native();
  }
  std::fprintf(stderr, "%s does not lie in a build folder\n", program.c_str());
  std::abort();
}

std::string SourceDir() {
  constexpr std::string_view kKey = "CMAKE_HOME_DIRECTORY:INTERNAL=";
  std::ifstream cache(BinaryDir() + "/CMakeCache.txt");
  for (std::string line; std::getline(cache, line);) {
    if (line.starts_with(kKey)) return line.substr(kKey.size());
  }
  std::fprintf(stderr, "%s/CMakeCache.txt names no source folder\n", BinaryDir().c_str());
  std::abort();
}

}  // namespace passnet::fakes
