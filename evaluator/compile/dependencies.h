// Which files a compilation read, from the rules that g++ -MD writes, and which of them a kernel may not read. The compiler
// itself says so: no way of writing #include hides a file.
// Threads: pure functions. Errors: none.
// Source: GCC's manual, "Options Controlling the Preprocessor"; GNU make's manual, "Rule Syntax" (quoting).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace passnet::evaluator {

// The prerequisites of the first rule.
std::vector<std::string> ReadDependencies(std::string_view rules);

// Those that lie in none of the folders (absolute, as the compiler searches them). A relative name is a file of the
// candidate's own, unless it climbs.
std::vector<std::string> ForeignFiles(const std::vector<std::string>& files, const std::vector<std::string>& folders);

// The folders that `g++ -v` says it searches for <…>.
std::vector<std::string> SearchFolders(std::string_view compiler_version);

}  // namespace passnet::evaluator
