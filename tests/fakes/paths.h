// Where a test finds the tree that it was built from and the folder that it was built in, from the place of its own
// program: no path is compiled in, so that a compiler cache serves every clone.
// Threads: thread-safe. Errors: none; a test program outside a build folder ends with a message.
#pragma once

#include <string>

namespace passnet::fakes {

// The build folder: the nearest one above the program that CMake configured.
std::string BinaryDir();

// The source folder, as CMake noted it.
std::string SourceDir();

}  // namespace passnet::fakes
