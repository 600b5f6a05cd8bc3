#include "trajectories/head_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "trajectories/event_table.h"
#include "trajectories/verify.h"

namespace passnet::trajectories {
namespace {

// Of a regular file; a pipe or a device has no end to look at.
Result<bool> EndsInsideALine(const std::string& path, int file) {
  struct stat facts {};
  if (::fstat(file, &facts) != 0) return Error::FromErrno("stat head_log", path, errno);
  if (!S_ISREG(facts.st_mode) || facts.st_size == 0) return false;
  UniqueFd reading(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!reading.valid()) return Error::FromErrno("open head_log to read its last line", path, errno);
  char last = 0;
  if (::pread(reading.get(), &last, 1, facts.st_size - 1) < 0) return Error::FromErrno("read head_log", path, errno);
  return last != '\n';
}

}  // namespace

Result<HeadLog> HeadLog::Open(const std::string& path, Nanos interval) {
  UniqueFd file(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  if (!file.valid()) return Error::FromErrno("open head_log", path, errno);
  ASSIGN_OR_RETURN(const bool torn, EndsInsideALine(path, file.get()));
  return HeadLog(path, interval, std::move(file), torn);
}

void HeadLog::Note(const Batch& batch) {
  for (const PreparedEvent& event : batch.events()) {
    moved_.insert({event.draft.campaign_id, event.draft.trajectory_id});
    // The store may have added a head to the campaign's chain.
    const EventKind kind = event.draft.kind;
    const bool brings_head = kind == EventKind::kTrajectoryFinished || kind == EventKind::kCampaignState;
    if (brings_head) moved_.insert({event.draft.campaign_id, ""});
  }
}

std::optional<SteadyTime> HeadLog::Due() const {
  if (moved_.empty()) return std::nullopt;
  return last_write_ + interval_;
}

Status HeadLog::Write(Database* database, SteadyTime now) {
  last_write_ = now;  // also when it fails: not again at once
  std::string lines = torn_ ? std::string(kTornMark) + "\n" : "";
  for (const auto& [campaign, trajectory] : moved_) {
    ASSIGN_OR_RETURN(ChainEnd end, ReadChainEnd(database, campaign, trajectory));
    if (end.seq == 0) continue;  // its batch was refused
    lines += ToString(Head{trajectory.empty() ? campaign : trajectory, end.seq, end.hash}) + "\n";
  }
  RETURN_IF_ERROR(WriteLines(lines));
  if (::fdatasync(file_.get()) != 0 && errno != EINVAL) return Error::FromErrno("fsync head_log", path_, errno);
  moved_.clear();
  return OkStatus();
}

Status HeadLog::WriteLines(const std::string& lines) {
  for (size_t written = 0; written < lines.size();) {
    ssize_t count = ::write(file_.get(), lines.data() + written, lines.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Error::FromErrno("write head_log", path_, errno);
    written += static_cast<size_t>(count);
    torn_ = lines[written - 1] != '\n';
  }
  return OkStatus();
}

}  // namespace passnet::trajectories
