#include "evaluator/lane/timing_core.h"

#include <fcntl.h>
#include <sys/file.h>
#include <time.h>

#include <cerrno>
#include <string>

#include "base/check.h"

namespace passnet::evaluator {
namespace {

constexpr timespec kTurn{0, 2'000'000};

}  // namespace

Result<TimingCore> TimingCore::Open(int core, const std::filesystem::path& folder) {
  const std::string path = folder / ("passnet-timing-core-" + std::to_string(core) + ".lock");
  UniqueFd file(::open(path.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  // A file of another user in a sticky folder may be opened, but not with O_CREAT (fs.protected_regular).
  if (!file.valid() && errno == EACCES) file.Reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file.valid()) return Error::FromErrno("open", path, errno);
  return TimingCore(core, std::move(file));
}

Result<TimingCore::Hold> TimingCore::Take(Deadline deadline, const std::function<bool()>& cancelled) {
  while (holds_ == 0 && ::flock(file_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return Error::FromErrno("flock", "the timing core's file", errno);
    if (cancelled && cancelled()) return Error{ErrorCode::kCancelled, "the request was cancelled"};
    if (deadline.Passed()) {
      return Error{ErrorCode::kDeadlineExceeded,
                   "timing core " + std::to_string(number_) + " is held by another process; `fuser -v /tmp/passnet-timing-core-" +
                       std::to_string(number_) + ".lock` names it"};
    }
    ::nanosleep(&kTurn, nullptr);
  }
  if (holds_++ == 0) since_ = Clock::System().Now();
  return Hold(this);
}

void TimingCore::Leave() {
  CHECK(holds_ > 0);
  if (--holds_ > 0) return;
  held_ += Clock::System().Now() - since_;
  ::flock(file_.get(), LOCK_UN);
}

std::chrono::nanoseconds TimingCore::Held() const {
  return holds_ > 0 ? held_ + (Clock::System().Now() - since_) : held_;
}

}  // namespace passnet::evaluator
