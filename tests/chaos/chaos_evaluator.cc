// An evaluator that measures nothing (tests/fakes/fake_lane.h) and is killed by its script, behind the product's own
// protocol and in a process of its own: started by passnetd's evaluator client as passnet-evaluator is.
// It dies in its start, or at an evaluation: before the work, inside the report, or when the report has gone and nobody
// asks it anything. Never at the first one that it is asked for: two evaluators that end at the same candidate are held
// against the candidate (docs/integrity.md, section 5), and here the candidate has no part in it.
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>
#include <unistd.h>
#include <variant>

#include "base/file.h"
#include "base/json.h"
#include "evaluator/api/json.h"
#include "evaluator/api/lane_protocol.h"
#include "tests/chaos/lane_ledger.h"
#include "tests/chaos/random.h"
#include "tests/fakes/fake_lane.h"

namespace passnet::chaos {
namespace {

using evaluator::kLaneControlFd;

Result<Json> ReadScript(const std::string& folder) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(LaneScriptIn(folder), 1000));
  return ParseJson(text);
}

class ScriptedEvaluator {
 public:
  ScriptedEvaluator(std::string folder, int64_t life, Random random)
      : folder_(std::move(folder)), life_(life), random_(random), dies_at_(2 + random_.Below(12)), how_(random_.Below(3)) {}

  Status Serve() {
    if (IsDown() || random_.Percent(4)) Die("in its start");
    RETURN_IF_ERROR(evaluator::SendGreeting(kLaneControlFd, {"chaos", log_->environment}, Deadline::Never()));
    for (;;) {
      ASSIGN_OR_RETURN(auto request, evaluator::ReceiveRequest(kLaneControlFd, Deadline::Never()));
      RETURN_IF_ERROR(std::visit([this](const auto& asked) { return Answer(asked); }, request));
    }
  }

 private:
  Status Answer(const evaluator::CancelRequest&) { return OkStatus(); }

  Status Answer(const evaluator::EvaluateRequest& request) {
    const bool dies = ++evaluations_ == dies_at_;
    Note("evaluate", request.evaluation_id);
    if ((dies && how_ == 0) || (evaluations_ > 1 && IsDown())) Die("before the work");
    const auto report = lane_.Evaluate(request, Deadline::Never(), {});
    if (dies && how_ == 1) {
      // The length of a frame of 255 bytes, and three of them.
      const std::string begun("\xFF\x00\x00\x00{\"t", 7);
      (void)!::write(kLaneControlFd, begun.data(), begun.size());
      Die("inside a report");
    }
    RETURN_IF_ERROR(Send(report));
    if (dies) Die("while idle");
    return OkStatus();
  }
  Status Answer(const evaluator::BaselineRequest& request) {
    return Send(lane_.Baseline(request, Deadline::Never(), {}));
  }
  Status Answer(const evaluator::DescribeTaskRequest& request) {
    return Send(lane_.DescribeTask(request, Deadline::Never()));
  }

  template <typename Report>
  Status Send(const Result<Report>& report) {
    if (!report) return evaluator::SendFailure(kLaneControlFd, report.error(), Deadline::Never());
    return evaluator::SendReport(kLaneControlFd, evaluator::ToJsonValue(report.value()), Deadline::Never());
  }

  bool IsDown() const {
    auto script = ReadScript(folder_);
    return script && script.value()["down"].Flag();
  }

  void Note(const std::string& what, const std::string& which) { AppendLaneLine(folder_, {life_, what, which}); }

  [[noreturn]] void Die(const std::string& where) {
    Note("killed", where);
    ::kill(::getpid(), SIGKILL);
    ::_exit(137);  // 128 + SIGKILL, should the signal be late
  }

  const std::string folder_;
  const int64_t life_;
  Random random_;
  const int64_t dies_at_;  // this evaluation, from 1
  const int64_t how_;
  const std::shared_ptr<fakes::FakeLane::Log> log_ = std::make_shared<fakes::FakeLane::Log>();
  fakes::FakeLane lane_{log_};
  int64_t evaluations_ = 0;
};

int Run(const std::string& folder) {
  std::signal(SIGPIPE, SIG_IGN);
  const auto script = ReadScript(folder);
  if (!script) return 3;
  const int64_t life = script.value()["life"].Integer();
  const int64_t start = AppendLaneLine(folder, {life, "start", "evaluator"});
  Random random("lane, seed " + std::to_string(script.value()["seed"].Integer()) + ", start " + std::to_string(start));
  Status served = ScriptedEvaluator(folder, life, random).Serve();
  // The client has gone: so do we.
  return served || served.error().code == ErrorCode::kUnavailable ? 0 : 3;
}

}  // namespace
}  // namespace passnet::chaos

int main(int argc, char** argv) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::string(argv[i]) == "--cache-dir") return passnet::chaos::Run(argv[i + 1]);
  }
  std::fprintf(stderr, "usage: %s … --cache-dir DIR, as passnetd starts an evaluator\n", argv[0]);
  return 2;
}
