#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/apply/plan_format.h"
#include "sandbox/apply/steps.h"

namespace passnet::sandbox {
namespace {

constexpr uint32_t kMaxDescriptors = 96;  // chosen: std streams, a socket and a few dozen buffers
constexpr int kParkFrom = 300;            // above kControlFd and every number a caller may ask for

bool CloseRange(unsigned first, unsigned last) { return syscall(SYS_close_range, first, last, 0) == 0; }

void SortAscending(int* values, uint32_t count) {
  for (uint32_t i = 1; i < count; ++i) {
    for (uint32_t j = i; j > 0 && values[j - 1] > values[j]; --j) {
      const int higher = values[j - 1];
      values[j - 1] = values[j];
      values[j] = higher;
    }
  }
}

bool CloseAllBut(int* kept, uint32_t count) {
  SortAscending(kept, count);
  unsigned next = 0;
  for (uint32_t i = 0; i < count; ++i) {
    const unsigned fd = static_cast<unsigned>(kept[i]);
    if (fd > next && !CloseRange(next, fd - 1)) return false;
    if (fd >= next) next = fd + 1;
  }
  return CloseRange(next, ~0u);
}

// `who`: "self" or a number.
bool WriteProcFile(const char* proc, const char* who, const char* name, const char* text) {
  char path[PATH_MAX];
  if (snprintf(path, sizeof path, "%s/%s/%s", proc, who, name) >= static_cast<int>(sizeof path)) {
    errno = ENAMETOOLONG;
    return false;
  }
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const ssize_t size = static_cast<ssize_t>(strlen(text));
  const bool written = write(fd, text, static_cast<size_t>(size)) == size;
  const int err = errno;
  close(fd);
  errno = err;
  return written;
}

bool WriteIdMap(const char* proc, const char* name, uint32_t inner, uint32_t outer) {
  char line[64];
  snprintf(line, sizeof line, "%u %u 1", inner, outer);
  return WriteProcFile(proc, "self", name, line);
}

constexpr uint32_t kMaxMapped = 8;
struct MappedIds {
  uint32_t count = 0;
  struct {
    uint32_t inner, outer;
  } ids[kMaxMapped];
};

bool ReadMappedIds(StepContext& c, MappedIds* mapped) {
  mapped->count = c.payload.U32();
  if (!c.payload.ok() || mapped->count == 0 || mapped->count > kMaxMapped) return false;
  for (uint32_t i = 0; i < mapped->count; ++i) {
    mapped->ids[i].inner = c.payload.U32();
    mapped->ids[i].outer = c.payload.U32();
  }
  return c.payload.ok();
}

bool MapFromOutside(const char* proc, const char* who, const MappedIds& mapped) {
  char text[kMaxMapped * 32];
  size_t size = 0;
  for (uint32_t i = 0; i < mapped.count; ++i) {
    size += static_cast<size_t>(snprintf(text + size, sizeof text - size, "%u %u 1\n", mapped.ids[i].inner, mapped.ids[i].outer));
  }
  return WriteProcFile(proc, who, "setgroups", "deny") && WriteProcFile(proc, who, "uid_map", text) &&
         WriteProcFile(proc, who, "gid_map", text);
}

// Waits for a byte and maps the ids of `target`; exits with the errno of what failed.
[[noreturn]] void BecomeMapper(int gate, const char* proc, pid_t target, const MappedIds& mapped) {
  char who[16];
  snprintf(who, sizeof who, "%d", target);
  char go = 0;
  ssize_t size;
  do {
    size = read(gate, &go, 1);
  } while (size < 0 && errno == EINTR);
  if (size != 1) _exit(ECANCELED);
  _exit(MapFromOutside(proc, who, mapped) ? 0 : errno);
}

}  // namespace

bool ApplyUnshare(StepContext& c) {
  const uint32_t flags = c.payload.U32();
  if (!c.payload.ok()) return Malformed();
  return unshare(static_cast<int>(flags)) == 0;
}

bool ApplyMapIds(StepContext& c) {
  const char* proc = c.payload.String();
  const uint32_t inner_uid = c.payload.U32();
  const uint32_t outer_uid = c.payload.U32();
  const uint32_t inner_gid = c.payload.U32();
  const uint32_t outer_gid = c.payload.U32();
  if (!c.payload.ok()) return Malformed();
  // Unprivileged maps need setgroups denied first (user_namespaces(7)).
  return (c.what = "setgroups", WriteProcFile(proc, "self", "setgroups", "deny")) &&
         (c.what = "uid_map", WriteIdMap(proc, "uid_map", inner_uid, outer_uid)) &&
         (c.what = "gid_map", WriteIdMap(proc, "gid_map", inner_gid, outer_gid));
}

// More than one id is mapped only by a process outside of the namespace that has the right to them (user_namespaces(7)): a
// child, made before this one leaves.
bool ApplyUnshareMapped(StepContext& c) {
  const uint32_t flags = c.payload.U32();
  const char* proc = c.payload.String();
  MappedIds mapped;
  if (!ReadMappedIds(c, &mapped)) return Malformed();
  int gate[2];
  if (c.what = "pipe", pipe2(gate, O_CLOEXEC) != 0) return false;
  const pid_t self = getpid();
  const auto mapper = static_cast<pid_t>(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
  if (mapper == 0) {
    close(gate[1]);
    BecomeMapper(gate[0], proc, self, mapped);
  }
  int err = mapper < 0 ? errno : 0;
  c.what = mapper < 0 ? "clone" : "unshare";
  close(gate[0]);
  if (err == 0 && unshare(static_cast<int>(flags)) != 0) err = errno;
  const char go = 1;
  if (err == 0 && (c.what = "id maps", write(gate[1], &go, 1) != 1)) err = errno;
  close(gate[1]);
  int status = 0;
  while (mapper > 0 && waitpid(mapper, &status, 0) < 0) {
    if (errno != EINTR) return false;
  }
  if (err == 0) err = WIFEXITED(status) ? WEXITSTATUS(status) : EPROTO;
  errno = err;
  return err == 0;
}

bool ApplySetIds(StepContext& c) {
  const uint32_t uid = c.payload.U32();
  const uint32_t gid = c.payload.U32();
  if (!c.payload.ok()) return Malformed();
  // Raw calls: the C library would forward each to threads that this forked child no longer has. Without the fix-up bit
  // the change of uid would take away the capability to make a user namespace where unprivileged users may not.
  return (c.what = "securebits", prctl(PR_SET_SECUREBITS, 1u << 2 /* SECBIT_NO_SETUID_FIXUP */, 0, 0, 0) == 0) &&
         (c.what = "setgroups", (c.flags & kSetIdsGroupsDenied) != 0 || syscall(SYS_setgroups, 0, nullptr) == 0) &&
         (c.what = "setresgid", syscall(SYS_setresgid, gid, gid, gid) == 0) &&
         (c.what = "setresuid", syscall(SYS_setresuid, uid, uid, uid) == 0);
}

bool ApplySetsid(StepContext& c) {
  if (!c.payload.ok()) return Malformed();
  // EPERM only says that we lead a process group already, as a namespace's init may.
  return setsid() >= 0 || (errno == EPERM && getsid(0) == getpid());
}

bool ApplyParentDeathSignal(StepContext& c) {
  const uint32_t signal = c.payload.U32();
  const uint32_t channel = c.payload.U32();
  if (!c.payload.ok()) return Malformed();
  if (prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0) != 0) return false;
  if (channel == 0) return true;
  // The parent may have died before the call; getppid() is 0 in a new pid namespace and cannot tell.
  pollfd parent{static_cast<int>(channel) - 1, 0, 0};
  if (poll(&parent, 1, 0) < 0) return false;
  errno = ESRCH;
  return (parent.revents & (POLLERR | POLLHUP | POLLNVAL)) == 0;
}

bool ApplyResourceLimit(StepContext& c) {
  const uint32_t resource = c.payload.U32();
  const uint64_t value = c.payload.U64();
  if (!c.payload.ok()) return Malformed();
  static const char* const kNames[] = {"cpu",    "fsize", "data",  "stack",      "core",     "rss",  "nproc", "nofile",
                                       "memlock", "as",    "locks", "sigpending", "msgqueue", "nice", "rtprio", "rttime"};
  if (resource < sizeof kNames / sizeof kNames[0]) c.what = kNames[resource];
  const rlimit limit{value, (c.flags & kLimitSoftMargin) ? value + 1 : value};
  return syscall(SYS_prlimit64, 0, resource, &limit, nullptr) == 0;
}

bool ApplyAffinity(StepContext& c) {
  const uint32_t count = c.payload.U32();
  cpu_set_t set;
  CPU_ZERO(&set);
  for (uint32_t i = 0; i < count && c.payload.ok(); ++i) {
    const uint32_t core = c.payload.U32();
    if (core < CPU_SETSIZE) CPU_SET(core, &set);
  }
  if (!c.payload.ok()) return Malformed();
  return sched_setaffinity(0, sizeof set, &set) == 0;
}

bool ApplyDescriptors(StepContext& c) {
  int kept[kMaxDescriptors];
  int parked[kMaxDescriptors];
  int targets[kMaxDescriptors];
  const uint32_t pairs = c.payload.U32();
  if (!c.payload.ok() || pairs > kMaxDescriptors / 2) return Malformed();
  // First all sources out of the way, so that no target overwrites a source that is still needed.
  for (uint32_t i = 0; i < pairs; ++i) {
    const int source = static_cast<int>(c.payload.U32());
    targets[i] = static_cast<int>(c.payload.U32());
    if (!c.payload.ok()) return Malformed();
    parked[i] = fcntl(source, F_DUPFD_CLOEXEC, kParkFrom);
    if (parked[i] < 0) return false;
  }
  for (uint32_t i = 0; i < pairs; ++i) {
    if (dup2(parked[i], targets[i]) < 0) return false;
    kept[i] = targets[i];
  }
  const uint32_t keep = c.payload.U32();
  if (!c.payload.ok() || keep > kMaxDescriptors - pairs) return Malformed();
  for (uint32_t i = 0; i < keep; ++i) kept[pairs + i] = static_cast<int>(c.payload.U32());
  if (!c.payload.ok()) return Malformed();
  return CloseAllBut(kept, pairs + keep);
}

bool ApplyDumpable(StepContext& c) {
  const uint32_t value = c.payload.U32();
  if (!c.payload.ok()) return Malformed();
  return prctl(PR_SET_DUMPABLE, value, 0, 0, 0) == 0;
}

bool ApplyHostname(StepContext& c) {
  const char* name = c.payload.String();
  if (!c.payload.ok()) return Malformed();
  c.what = name;
  return sethostname(name, strlen(name)) == 0;
}

bool ApplyFileMask(StepContext& c) {
  const uint32_t mask = c.payload.U32();
  if (!c.payload.ok()) return Malformed();
  umask(mask);
  return true;
}

bool ApplyResetSignals(StepContext& c) {
  if (!c.payload.ok()) return Malformed();
  for (int number = 1; number < NSIG; ++number) {
    if (number == SIGKILL || number == SIGSTOP) continue;
    struct sigaction action = {};
    action.sa_handler = SIG_DFL;
    // The C library keeps two numbers for itself and answers EINVAL for them.
    if (sigaction(number, &action, nullptr) != 0 && errno != EINVAL) return false;
  }
  sigset_t none;
  sigemptyset(&none);
  return sigprocmask(SIG_SETMASK, &none, nullptr) == 0;
}

bool ApplyOomScore(StepContext& c) {
  const uint32_t value = c.payload.U32();
  if (!c.payload.ok() || value > 1000) return Malformed();
  c.what = "/proc/self/oom_score_adj";
  const int fd = open(c.what, O_RDWR | O_CLOEXEC);
  if (fd < 0) return false;
  char text[16] = {};
  bool done = read(fd, text, sizeof text - 1) > 0;
  // Raising it needs no privilege; lowering what a service manager set would.
  if (done && atoi(text) < static_cast<int>(value)) {
    const int size = snprintf(text, sizeof text, "%u", value);
    done = pwrite(fd, text, static_cast<size_t>(size), 0) == size;
  }
  const int err = errno;
  close(fd);
  errno = err;
  return done;
}

}  // namespace passnet::sandbox
