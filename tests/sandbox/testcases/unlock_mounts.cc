// As a jail maker (CAP_SYS_ADMIN in its own user namespace): tries to make the bind at argv[1] writable or to take it
// away, then to write below it. Kernel: mounts that came from a more privileged mount namespace are locked
// (mount_namespaces(7)): EPERM for remounting, EINVAL for umount2. Twin: mounts and unmounts a tmpfs of its own.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>

#include "tests/sandbox/testcases/verdict.h"

int main(int argc, char** argv) {
  if (argc < 2) return kTwinFailed;
  if (IsTwin(argc, argv)) {
    return TwinVerdict(mount("tmpfs", "/tmp", "tmpfs", 0, nullptr) == 0 && umount2("/tmp", 0) == 0, "own mount");
  }
  const char* path = argv[1];
  const unsigned long clear_read_only[4] = {0, 1, 0, 0};  // struct mount_attr: set, clear, propagation, namespace
  int worst = Verdict(umount2(path, MNT_DETACH), "umount");
  worst |= Verdict(mount("none", path, nullptr, MS_REMOUNT | MS_BIND, nullptr), "remount");
  worst |= Verdict(syscall(SYS_mount_setattr, AT_FDCWD, path, 0, clear_read_only, sizeof clear_read_only), "setattr");
  worst |= Verdict(open((std::string(path) + "/x").c_str(), O_WRONLY | O_CREAT, 0666), "write");
  return worst;
}
