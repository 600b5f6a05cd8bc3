#include "sandbox/memory_watch.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>

#include "sandbox/limits.h"

namespace passnet::sandbox {
namespace {

// The number after "\nName:" in the text of a status file.
uint64_t NumberBehind(std::string_view status, std::string_view name) {
  const size_t at = status.find(name);
  if (at == std::string_view::npos) return 0;
  const size_t digits = status.find_first_not_of(" \t", at + name.size());
  if (digits == std::string_view::npos) return 0;
  uint64_t value = 0;
  std::from_chars(status.data() + digits, status.data() + status.size(), value);
  return value;
}

void Pin(const std::vector<int>& cores) {
  if (cores.empty()) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  for (int core : cores) CPU_SET(static_cast<size_t>(core), &set);
  // A core that went away leaves the thread where its maker runs, which is the next best place.
  (void)sched_setaffinity(0, sizeof set, &set);
}

}  // namespace

uint64_t HeldMemory(std::string_view status) {
  // Not VmRSS: it has the pages of mapped files, which the kernel takes back when it needs them.
  uint64_t kilobytes = 0;
  for (const char* name : {"\nRssAnon:", "\nRssShmem:", "\nVmSwap:", "\nVmPTE:"}) kilobytes += NumberBehind(status, name);
  return kilobytes * 1024;
}

Result<std::shared_ptr<WatchedMemory>> WatchedMemory::Of(pid_t pid, int pidfd, uint64_t limit_bytes) {
  const std::string path = "/proc/" + std::to_string(pid) + "/status";
  UniqueFd status(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!status.valid()) return Error::FromErrno("open", path, errno);
  UniqueFd copy(fcntl(pidfd, F_DUPFD_CLOEXEC, 0));
  if (!copy.valid()) return Error::FromErrno("fcntl", "pidfd", errno);
  std::shared_ptr<WatchedMemory> watched(new WatchedMemory(std::move(status), std::move(copy)));
  watched->born_with_ = HeldMemory(watched->ReadStatus());
  watched->limit_ = limit_bytes;
  return watched;
}

bool LostItsFirstThread(std::string_view status) {
  return status.find("\nState:\tZ") != std::string_view::npos && NumberBehind(status, "\nThreads:") > 1;
}

std::string WatchedMemory::ReadStatus() const {
  std::string text(4096, '\0');  // some 1500 bytes today
  const ssize_t got = pread(status_.get(), text.data(), text.size(), 0);
  text.resize(got > 0 ? static_cast<size_t>(got) : 0);
  return text;
}

void WatchedMemory::Look() {
  if (killed_) return;
  const std::string status = ReadStatus();
  if (LostItsFirstThread(status)) {
    // What the others hold is told nowhere. A process that is ending anyway ends no other way by this.
    syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
    return;
  }
  if (HeldMemory(status) <= born_with_ + limit_) return;
  // Noted first: whoever sees it end must also see why.
  killed_ = true;
  syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
}

std::shared_ptr<MemoryWatch> MemoryWatch::Start(const std::vector<int>& cores) {
  std::shared_ptr<MemoryWatch> watch(new MemoryWatch);
  // No signal of the process is delivered to this thread.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  watch->thread_ = std::thread([w = watch.get(), cores] { w->Run(cores); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return watch;
}

MemoryWatch::~MemoryWatch() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void MemoryWatch::Add(std::weak_ptr<WatchedMemory> watched) {
  {
    const std::lock_guard lock(mutex_);
    watched_.push_back(std::move(watched));
  }
  changed_.notify_one();
}

void MemoryWatch::Run(const std::vector<int>& cores) {
  pthread_setname_np(pthread_self(), "pn-memory");
  Pin(cores);
  std::unique_lock lock(mutex_);
  while (!ending_) {
    if (watched_.empty()) {
      changed_.wait(lock);
      continue;
    }
    std::erase_if(watched_, [](const std::weak_ptr<WatchedMemory>& each) {
      const std::shared_ptr<WatchedMemory> process = each.lock();
      if (process) process->Look();
      return !process;
    });
    changed_.wait_for(lock, kMemoryLookPeriod, [this] { return ending_; });
  }
}

}  // namespace passnet::sandbox
