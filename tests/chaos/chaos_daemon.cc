// passnetd, but for its disk: while the file named by PASSNET_DISK_FULL is there, the journal's disk is full.
#include <cstdio>
#include <cstdlib>

#include "base/log.h"
#include "configs/files.h"
#include "daemon/daemon.h"
#include "tests/trajectories/fault_vfs.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  auto options = passnet::configs::ReadDaemonFile(argv[1]);
  if (!options) {
    std::fprintf(stderr, "%s\n", options.error().context.c_str());
    return 2;
  }
  if (const char* flag = std::getenv("PASSNET_DISK_FULL")) passnet::trajectories::FaultVfs::Get().FullWhile(flag);
  passnet::log::SetLevelByName(options.value().log_level);
  passnet::Status ended = passnet::daemon::RunDaemon(options.value(), {"chaos", "chaos"},
                                                     passnet::daemon::EvaluatorProcess(options.value()));
  if (ended) return 0;
  std::fprintf(stderr, "%s\n", ended.error().context.c_str());
  return 3;
}
