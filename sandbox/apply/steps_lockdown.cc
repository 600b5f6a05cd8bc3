#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/apply/plan_format.h"
#include "sandbox/apply/steps.h"

namespace passnet::sandbox {
namespace {

// struct landlock_ruleset_attr as of ABI 6; the system's header may be older. Larger than an older kernel's is fine as
// long as the surplus is zero (landlock_create_ruleset(2)).
struct LandlockRuleset {
  uint64_t handled_fs;
  uint64_t handled_net;
  uint64_t scoped;
};
struct __attribute__((packed)) LandlockPathBeneath {
  uint64_t allowed;
  int32_t parent_fd;
};
constexpr uint32_t kRulePathBeneath = 1;
// Execute, write_file, read_file, truncate (ABI 3), ioctl_dev (ABI 5): the rights that a file, not a folder, can have.
constexpr uint64_t kFileRights = 1u << 0 | 1u << 1 | 1u << 2 | 1u << 14 | 1u << 15;

bool AddLandlockRule(int ruleset, uint64_t access, const char* path) {
  const int fd = open(path, O_PATH | O_CLOEXEC);
  if (fd < 0) return false;
  struct stat there;
  bool added = fstat(fd, &there) == 0;
  if (added) {
    const LandlockPathBeneath rule{S_ISDIR(there.st_mode) ? access : access & kFileRights, fd};
    added = syscall(SYS_landlock_add_rule, ruleset, kRulePathBeneath, &rule, 0) == 0;
  }
  const int err = errno;
  close(fd);
  errno = err;
  return added;
}

// A ruleset that a missing path or an odd kernel left without effect would look like success: so try what it forbids.
bool LandlockRefuses(const char* path) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd >= 0) {
    close(fd);
    errno = ENOTSUP;
    return false;
  }
  return errno == EACCES;
}

}  // namespace

bool ApplyNoNewPrivileges(StepContext& c) {
  if (!c.payload.ok()) return Malformed();
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

bool ApplyCapabilities(StepContext& c) {
  const uint64_t keep = c.payload.U64();
  if (!c.payload.ok()) return Malformed();
  c.what = "ambient";
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) return false;
  c.what = "bounding";
  for (unsigned cap = 0; cap < 64; ++cap) {
    if (keep >> cap & 1) continue;
    if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) != 1) continue;  // beyond the kernel's last, or gone already
    if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0) return false;
  }
  c.what = "permitted";
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  if (syscall(SYS_capget, &header, data) != 0) return false;
  for (int i = 0; i < 2; ++i) {
    data[i].permitted &= static_cast<uint32_t>(keep >> (32 * i));
    data[i].effective = data[i].permitted;
    data[i].inheritable = 0;
  }
  return syscall(SYS_capset, &header, data) == 0;
}

bool ApplyLandlock(StepContext& c) {
  LandlockRuleset attributes{};
  attributes.handled_fs = c.payload.U64();
  attributes.handled_net = c.payload.U64();
  attributes.scoped = c.payload.U64();
  const char* forbidden = c.payload.String();
  const uint32_t rules = c.payload.U32();
  if (!c.payload.ok()) return Malformed();
  c.what = "ruleset";
  const int ruleset = static_cast<int>(syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0));
  if (ruleset < 0) return false;
  bool done = true;
  for (uint32_t i = 0; i < rules && done; ++i) {
    const uint64_t access = c.payload.U64();
    c.what = c.payload.String();
    done = c.payload.ok() ? AddLandlockRule(ruleset, access, c.what) : Malformed();
  }
  if (done) {
    c.what = "restrict_self";
    done = syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
  }
  const int err = errno;
  close(ruleset);
  errno = err;
  if (!done || *forbidden == '\0') return done;
  c.step = "landlock_enforced";
  c.what = forbidden;
  return LandlockRefuses(forbidden);
}

bool ApplySeccomp(StepContext& c) {
  uint32_t size = 0;
  const void* code = c.payload.Bytes(&size);
  if (!c.payload.ok() || size == 0 || size % sizeof(sock_filter) != 0) return Malformed();
  const sock_fprog program{static_cast<unsigned short>(size / sizeof(sock_filter)),
                           const_cast<sock_filter*>(static_cast<const sock_filter*>(code))};
  const bool listener = (c.flags & kSeccompListener) != 0;
  if (listener && !c.listener_wanted) {
    errno = EINVAL;  // nobody would answer, and the process would hang at its first violation
    return false;
  }
  const long made =
      syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, listener ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0, &program);
  if (made < 0) return false;
  if (listener) c.listener = static_cast<int>(made);
  return true;
}

}  // namespace passnet::sandbox
