// passnetd with a lane that measures nothing: everything else is the product. For tests of the daemon alone.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/log.h"
#include "configs/files.h"
#include "daemon/daemon.h"
#include "tests/fakes/fake_lane.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  auto options = passnet::configs::ReadDaemonFile(argv[1]);
  if (!options) {
    std::fprintf(stderr, "%s\n", options.error().context.c_str());
    return 2;
  }
  passnet::log::SetLevelByName(options.value().log_level);
  auto log = std::make_shared<passnet::fakes::FakeLane::Log>();
  // "hang-start", "hang-restart" (after an evaluation that lost its lane), "hang-evaluation", "deaf" (to every stop).
  const char* variable = std::getenv("PASSNET_FAKE_LANE");
  const std::string faults = variable == nullptr ? "" : variable;
  const auto has = [&faults](const char* fault) { return faults.find(fault) != std::string::npos; };
  if (has("hang-start")) log->hang_starts_from = 1;
  if (has("hang-restart")) {
    log->hang_starts_from = 2;
    log->fail_evaluations = {passnet::Error{passnet::ErrorCode::kIo, "a full disk"}};
  }
  log->hang_evaluations = has("hang-evaluation");
  log->deaf = has("deaf");
  auto start = [log](int64_t) -> passnet::agent::StartLaneFn {
    return [log](passnet::Deadline, std::stop_token stop) { return passnet::fakes::StartFakeLane(log, stop); };
  };
  passnet::Status ended = passnet::daemon::RunDaemon(options.value(), {"test", "test"}, start);
  if (ended) return 0;
  std::fprintf(stderr, "%s\n", ended.error().context.c_str());
  return 3;
}
