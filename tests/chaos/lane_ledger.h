// What scripted evaluators (chaos_evaluator.cc) did, in a file that each appends to before it goes on: which life of the
// daemon they belonged to, what they began to evaluate and how they died. Both sides of the file are here.
// Threads: the functions are thread-safe; several processes may write. Errors: none when writing (a line that cannot be
// written ends the process); Read: those of ReadFile.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace passnet::chaos {

struct LaneLine {
  int64_t life = 0;   // of the daemon, from 0
  std::string what;   // "start", "evaluate", "killed"
  std::string which;  // the evaluation's id; where it was killed
};

inline std::filesystem::path LaneLedgerIn(const std::filesystem::path& folder) { return folder / "lane.ledger"; }
// What an evaluator goes by: {"seed", "life", "down"}; "down" is looked at again before each evaluation.
inline std::filesystem::path LaneScriptIn(const std::filesystem::path& folder) { return folder / "lane.script"; }

// The position behind the line: no two lines have the same.
inline int64_t AppendLaneLine(const std::filesystem::path& folder, const LaneLine& line) {
  const std::string text = std::to_string(line.life) + " " + line.what + " " + line.which + "\n";
  const UniqueFd file(::open(LaneLedgerIn(folder).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  // One write: lines of several processes do not mix.
  if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) std::abort();
  return ::lseek(file.get(), 0, SEEK_CUR);
}

inline Result<std::vector<LaneLine>> ReadLaneLedger(const std::filesystem::path& folder) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(LaneLedgerIn(folder), size_t{64} << 20));
  std::vector<LaneLine> lines;
  std::istringstream all(text);
  for (std::string one; std::getline(all, one);) {
    std::istringstream words(one);
    LaneLine line;
    words >> line.life >> line.what;
    std::getline(words >> std::ws, line.which);
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace passnet::chaos
