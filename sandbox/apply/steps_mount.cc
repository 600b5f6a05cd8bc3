#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/apply/plan_format.h"
#include "sandbox/apply/steps.h"

namespace passnet::sandbox {
namespace {

// struct mount_attr of linux/mount.h, which cannot be included next to sys/mount.h (both define MS_RDONLY).
struct MountAttributes {
  uint64_t set;
  uint64_t clear;
  uint64_t propagation;
  uint64_t user_namespace;
};
constexpr int kRecursive = 0x8000;  // AT_RECURSIVE

bool SetMountAttributes(const char* path, uint64_t attributes, int flags) {
  MountAttributes wanted{attributes, 0, 0, 0};
  // Not mount(MS_REMOUNT|MS_BIND): that would also have to repeat every flag a host's mount is locked to (man 2
  // mount_setattr, from Linux 5.12).
  return syscall(SYS_mount_setattr, AT_FDCWD, path, flags, &wanted, sizeof wanted) == 0;
}

// mkdir -p of everything above the last component.
bool MakeParents(const char* path) {
  char prefix[PATH_MAX];
  for (size_t i = 0; path[i] != '\0'; ++i) {
    if (i + 1 >= sizeof prefix) {
      errno = ENAMETOOLONG;
      return false;
    }
    if (path[i] == '/' && i > 0) {
      prefix[i] = '\0';
      if (mkdir(prefix, 0755) != 0 && errno != EEXIST) return false;
    }
    prefix[i] = path[i];
  }
  return true;
}

bool MakeFolder(const char* path, mode_t mode) {
  if (!MakeParents(path)) return false;
  if (mkdir(path, mode) == 0) return chmod(path, mode) == 0;
  struct stat there;
  const int err = errno;
  if (err == EEXIST && stat(path, &there) == 0 && S_ISDIR(there.st_mode)) return true;
  errno = err;
  return false;
}

bool MakeMountPoint(const char* source, const char* target) {
  struct stat from;
  struct stat to;
  if (stat(source, &from) != 0) return false;
  if (stat(target, &to) == 0) return true;
  if (S_ISDIR(from.st_mode)) return MakeFolder(target, 0755);
  if (!MakeParents(target)) return false;
  const int fd = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
  return fd >= 0 && close(fd) == 0;
}

}  // namespace

bool ApplyMount(StepContext& c) {
  const uint64_t flags = c.payload.U64();
  const char* source = c.payload.String();
  const char* target = c.payload.String();
  const char* type = c.payload.String();
  const char* data = c.payload.String();
  if (!c.payload.ok()) return Malformed();
  c.what = target;
  return mount(source, target, *type ? type : nullptr, flags, *data ? data : nullptr) == 0;
}

bool ApplyBind(StepContext& c) {
  const uint64_t attributes = c.payload.U64();
  const char* source = c.payload.String();
  const char* target = c.payload.String();
  if (!c.payload.ok()) return Malformed();
  c.what = source;
  struct stat there;
  if ((c.flags & kBindOptional) && stat(source, &there) != 0 && errno == ENOENT) return true;
  if (!MakeMountPoint(source, target)) return false;
  // Recursive: a plain bind of a tree with mounts below is refused in a user namespace, because it would uncover what
  // they hide (mount_namespaces(7)).
  if (mount(source, target, nullptr, MS_BIND | MS_REC, nullptr) != 0) return false;
  return attributes == 0 || SetMountAttributes(target, attributes, kRecursive);
}

bool ApplyMountAttributes(StepContext& c) {
  const uint64_t attributes = c.payload.U64();
  const char* path = c.payload.String();
  if (!c.payload.ok()) return Malformed();
  c.what = path;
  return SetMountAttributes(path, attributes, 0);
}

bool ApplyMakeFolder(StepContext& c) {
  const uint32_t mode = c.payload.U32();
  const char* path = c.payload.String();
  if (!c.payload.ok()) return Malformed();
  c.what = path;
  return MakeFolder(path, mode);
}

bool ApplySymlink(StepContext& c) {
  const char* target = c.payload.String();
  const char* path = c.payload.String();
  if (!c.payload.ok()) return Malformed();
  c.what = path;
  if (!MakeParents(path)) return false;
  if (symlink(target, path) == 0) return true;
  // A folder bound earlier may already show this very link.
  if (errno != EEXIST && errno != EROFS) return false;
  char there[PATH_MAX];
  const ssize_t size = readlink(path, there, sizeof there - 1);
  if (size < 0) return false;
  there[size] = '\0';
  errno = EEXIST;
  return strcmp(there, target) == 0;
}

bool ApplyPivot(StepContext& c) {
  const char* new_root = c.payload.String();
  const char* keep = (c.flags & kPivotKeepOld) ? c.payload.String() : nullptr;
  if (!c.payload.ok()) return Malformed();
  c.what = new_root;
  if (keep != nullptr) return syscall(SYS_pivot_root, new_root, keep) == 0 && chdir("/") == 0;
  // The old root stacks under the new one and is detached there (pivot_root(2), "pivot_root(".", ".")").
  return chdir(new_root) == 0 && syscall(SYS_pivot_root, ".", ".") == 0 && umount2(".", MNT_DETACH) == 0 &&
         chdir("/") == 0;
}

bool ApplyChangeFolder(StepContext& c) {
  const char* path = c.payload.String();
  if (!c.payload.ok()) return Malformed();
  c.what = path;
  return chdir(path) == 0;
}

}  // namespace passnet::sandbox
