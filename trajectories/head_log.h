// A file of the user's choice that heads are appended to, one a line as `passnet verify` prints them: kept where the
// journal's writer cannot reach, it shows a journal that was cut or rewritten (verify --head-log).
// At most once a second, and at the end: each time the heads of the chains that moved since the last time, in one write
// and one fsync. A failure never holds up the journal; what was not written is written the next time. A line that was
// torn, because the disk was full or the machine stopped, is ended with kTornMark before anything else is written: the file
// may be one to which the system lets nobody do more than append.
// Threads: thread-compatible (pn-db only, after construction). Owns: the file's descriptor.
// Errors: those of open, read and write, as they come back from the system.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "trajectories/batch.h"
#include "trajectories/database.h"

namespace passnet::trajectories {

// Behind what is there of a torn line. No head ends so.
inline constexpr std::string_view kTornMark = " (torn)";

class HeadLog {
 public:
  // Opens for appending, creates when missing.
  static Result<HeadLog> Open(const std::string& path, Nanos interval);

  // These chains have moved.
  void Note(const Batch& batch);
  // When to write; nothing while no chain has moved.
  std::optional<SteadyTime> Due() const;
  Status Write(Database* database, SteadyTime now);

 private:
  HeadLog(std::string path, Nanos interval, UniqueFd file, bool torn)
      : path_(std::move(path)), interval_(interval), file_(std::move(file)), torn_(torn) {}
  Status WriteLines(const std::string& lines);

  std::string path_;
  Nanos interval_;
  UniqueFd file_;
  bool torn_;  // the file ends inside a line
  SteadyTime last_write_{};
  std::set<std::pair<std::string, std::string>> moved_;  // campaign, trajectory (empty: the campaign's own chain)
};

}  // namespace passnet::trajectories
