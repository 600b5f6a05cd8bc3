#include "evaluator/integrity/judge.h"

#include <signal.h>
#include <string.h>

#include <algorithm>

namespace passnet::evaluator {

std::string WorkerEnd::Text() const {
  if (!known) return "ended in a way nobody saw";
  if (out_of_memory) return "was killed because it reached its memory limit";
  if (signal != 0) {
    const char* name = ::sigabbrev_np(signal);
    return "was killed by SIG" + std::string(name != nullptr ? name : std::to_string(signal));
  }
  return "exited with " + std::to_string(exit_code);
}

namespace integrity {
namespace {

constexpr size_t kMaxReasonBytes = 2000;  // of one line of a candidate's words: they go into every graph's report

// The worst of the exact sets: a mismatch before values, looser values before closer ones.
const OutputComparison& Worst(const std::vector<OutputComparison>& sets) {
  const OutputComparison* worst = &sets.front();
  for (const OutputComparison& set : sets) {
    if (worst->match != OutputMatch::kCompared) break;
    if (set.match != OutputMatch::kCompared || set.tightest > worst->tightest) worst = &set;
  }
  return *worst;
}

GraphStatus StatusOf(OutputMatch match) {
  switch (match) {
    case OutputMatch::kCompared: return GraphStatus::kCorrect;
    case OutputMatch::kShapeMismatch: return GraphStatus::kShapeMismatch;
    case OutputMatch::kTypeMismatch: return GraphStatus::kTypeMismatch;
    case OutputMatch::kNotATensor: return GraphStatus::kTypeMismatch;
  }
  return GraphStatus::kRuntimeFail;
}

void JudgeValues(const OutputComparison& worst, GraphReport* report) {
  report->max_abs_diff = worst.max_abs_diff;
  report->tolerances_ok = TolerancesOk(worst);
  report->status = StatusOf(worst.match);
  report->verdict = Verdict::kOk;
  report->reason.clear();
  if (worst.match != OutputMatch::kCompared) {
    Fail(report->status, Verdict::kIncorrect, worst.reason, report);
  } else if (worst.tightest > kStandardLevel) {
    Fail(GraphStatus::kAccuracy, Verdict::kIncorrect, worst.reason, report);
  }
}

// The timed calls against the checked ones.
void JudgeTimed(const OutputComparison& worst, const OutputComparison& timed, GraphReport* report) {
  bool checked_fine = worst.match == OutputMatch::kCompared;
  // Rounding may leave a thousand calls less close than three sets that were equal bit for bit; not beyond t = -5.
  int expected = std::max(worst.tightest, kStandardLevel);
  bool other = timed.match != OutputMatch::kCompared || timed.tightest > expected + kTimedLevelsLooser;
  if (checked_fine && other) {
    Fail(report->status, Verdict::kState,
         "timed calls gave other results than checked ones on fresh inputs: " + timed.reason, report);
  }
}

// Right at first and wrong ever after, on inputs of one distribution: an answer remembered by pointer, shape or object.
void JudgeMemory(const Observations& seen, GraphReport* report) {
  if (!seen.first_level || *seen.first_level > kStandardLevel) return;
  if (2 * seen.far_calls > seen.calls) {
    Fail(report->status, Verdict::kState,
         "the first call was right, " + std::to_string(seen.far_calls) + " of " + std::to_string(seen.calls) +
             " calls with other input bytes were not: " + report->reason,
         report);
  }
}

void JudgeClock(const Observations& seen, const Facts& facts, GraphReport* report) {
  if (seen.frozen_cpu_us > kFrozenCpuUs || seen.cpu_over_wall > kCpuOverWall * facts.cores) {
    Fail(report->status, Verdict::kTiming, "the candidate used CPU time outside its own timed calls", report);
  }
  double floor = facts.write_bytes_per_us > 0 ? seen.output_bytes / facts.write_bytes_per_us : 0;
  if (floor > kFloorMattersUs && seen.candidate_us && *seen.candidate_us < kImplausibleShare * floor) {
    Fail(report->status, Verdict::kImplausible,
         "a call takes " + std::to_string(*seen.candidate_us) + " us, writing its outputs alone takes " +
             std::to_string(floor) + " us",
         report);
  }
}

}  // namespace

std::string LastLine(const std::string& text) {
  size_t end = text.find_last_not_of(" \n\r\t");
  if (end == std::string::npos) return "";
  size_t begin = text.rfind('\n', end);
  begin = begin == std::string::npos ? 0 : begin + 1;
  return text.substr(begin, std::min(end - begin + 1, kMaxReasonBytes));
}

std::vector<int> TolerancesOk(const OutputComparison& comparison) {
  std::vector<int> levels;
  if (comparison.match != OutputMatch::kCompared) return levels;
  for (int i = comparison.tightest; i < kLevels; ++i) levels.push_back(kTightestT + i);
  return levels;
}

void Fail(GraphStatus status, Verdict verdict, std::string reason, GraphReport* report) {
  bool first = report->verdict == Verdict::kOk || report->reason.empty() || verdict < report->verdict;
  if (!first) return;
  report->status = status;
  report->verdict = verdict;
  report->reason = std::move(reason);
}

void JudgeFailure(const CallFailure& failure, GraphReport* report) {
  switch (failure.kind) {
    case CallFailureKind::kException:
      Fail(GraphStatus::kRuntimeFail, Verdict::kCrash, LastLine(failure.text), report);
      return;
    case CallFailureKind::kTimeout:
      Fail(GraphStatus::kRuntimeFail, Verdict::kTimeout, "the candidate did not answer in time and was stopped", report);
      return;
    case CallFailureKind::kProtocol:
      Fail(GraphStatus::kRuntimeFail, Verdict::kTamper, failure.text, report);
      return;
    case CallFailureKind::kGraphNotCalled:
      Fail(GraphStatus::kRuntimeFail, Verdict::kInfra, failure.text, report);
      return;
    case CallFailureKind::kDied:
      break;
  }
  std::string text = "the candidate's process " + failure.end.Text();
  if (!failure.end.known) {
    Fail(GraphStatus::kRuntimeFail, Verdict::kInfra, text, report);
  } else if (failure.end.out_of_memory) {
    Fail(GraphStatus::kRuntimeFail, Verdict::kOutOfMemory, text, report);
  } else if (failure.end.signal == SIGSYS) {
    Fail(GraphStatus::kRuntimeFail, Verdict::kTamper, text + ": it made a forbidden system call", report);
  } else if (failure.end.signal == SIGXCPU) {
    Fail(GraphStatus::kRuntimeFail, Verdict::kTimeout, text, report);
  } else {
    Fail(GraphStatus::kRuntimeFail, Verdict::kCrash, text, report);
  }
}

bool JudgeOutput(uint64_t output_bytes, GraphReport* report) {
  if (output_bytes <= kMaxOutputBytes) return false;
  report->verdict = Verdict::kOk;
  Fail(GraphStatus::kRuntimeFail, Verdict::kCrash,
       "the candidate printed " + std::to_string(output_bytes) + " bytes, the limit is " + std::to_string(kMaxOutputBytes),
       report);
  return true;
}

void Judge(const Observations& seen, const Facts& facts, GraphReport* report) {
  if (seen.failure) {
    report->verdict = Verdict::kOk;
    report->reason.clear();
    JudgeFailure(*seen.failure, report);
    return;
  }
  const OutputComparison& worst = Worst(seen.sets);
  JudgeValues(worst, report);
  JudgeTimed(worst, seen.timed, report);
  JudgeMemory(seen, report);
  for (const OutputComparison& set : seen.sets) {
    if (set.changed_input) Fail(report->status, Verdict::kMutation, set.reason, report);
  }
  if (seen.timed.changed_input) Fail(report->status, Verdict::kMutation, seen.timed.reason, report);
  JudgeClock(seen, facts, report);
}

}  // namespace integrity
}  // namespace passnet::evaluator
