// Where a test finds the tree that it was built from and the folder that it was built in, from the place of its own
// program: no path is compiled in, so that a compiler cache serves every clone.
// Threads: thread-safe. Errors: none; a test program outside a build folder ends with a message.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace passnet::fakes {

// The build folder: the nearest one above the program that CMake configured.
inline std::string BinaryDir() {
  namespace fs = std::filesystem;
  const fs::path program = fs::read_symlink("/proc/self/exe");
  for (fs::path folder = program.parent_path(); folder != folder.root_path(); folder = folder.parent_path()) {
    if (fs::exists(folder / "CMakeCache.txt")) return folder.native();
  }
  std::fprintf(stderr, "%s does not lie in a build folder\n", program.c_str());
  std::abort();
}

// The source folder, as CMake noted it.
inline std::string SourceDir() {
  constexpr std::string_view kKey = "CMAKE_HOME_DIRECTORY:INTERNAL=";
  std::ifstream cache(BinaryDir() + "/CMakeCache.txt");
  for (std::string line; std::getline(cache, line);) {
    if (line.starts_with(kKey)) return line.substr(kKey.size());
  }
  std::fprintf(stderr, "%s/CMakeCache.txt names no source folder\n", BinaryDir().c_str());
  std::abort();
}

}  // namespace passnet::fakes
