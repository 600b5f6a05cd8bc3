#include "evaluator/integrity/judge.h"

#include <signal.h>
#include <string.h>

#include <algorithm>
#include <cstdio>

#include "evaluator/integrity/allowed_operations.h"

namespace passnet::evaluator {

void CallTally::Add(OutputComparison comparison) {
  const int level = comparison.Level();
  if (Calls() == 0 || level > worst.Level()) worst = std::move(comparison);
  ++by_level[static_cast<size_t>(level)];
}

int CallTally::Calls() const {
  int calls = 0;
  for (int count : by_level) calls += count;
  return calls;
}

int CallTally::Beyond(int level) const {
  int calls = 0;
  for (int at = level + 1; at <= kLevels; ++at) calls += by_level[static_cast<size_t>(at)];
  return calls;
}

int CallTally::LevelOf(double share) const {
  const double most = (1 - share) * Calls() + 1e-9;  // 1 - 0.8 is a little less than 0.2
  int level = 0;
  while (level < kLevels && Beyond(level) > most) ++level;
  return level;
}

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

GraphStatus StatusOf(OutputMatch match) {
  switch (match) {
    case OutputMatch::kCompared: return GraphStatus::kCorrect;
    case OutputMatch::kShapeMismatch: return GraphStatus::kShapeMismatch;
    case OutputMatch::kTypeMismatch: return GraphStatus::kTypeMismatch;
    case OutputMatch::kNotATensor: return GraphStatus::kTypeMismatch;
    case OutputMatch::kLayoutMismatch: return GraphStatus::kShapeMismatch;
  }
  return GraphStatus::kRuntimeFail;
}

constexpr double kStrayedShare = 0.9;  // of strayed calls that must be near what the plain ones are

// The published set and most plain calls decide the level, and none may be far from it. On strayed inputs eager itself
// rounds differently here and there, so most of these only have to be near it, and none very far.
OutputComparison Overall(const Observations& seen) {
  OutputComparison overall = seen.published.value_or(OutputComparison{});
  if (seen.view_of_input && overall.match == OutputMatch::kCompared) {
    overall.match = OutputMatch::kLayoutMismatch;
    overall.reason = "output " + std::to_string(*seen.view_of_input) +
                     " lies in the memory of an input, the reference returns a tensor of its own";
  }
  const auto loosen = [&](const CallTally& tally, int level) {
    if (overall.match != OutputMatch::kCompared || level <= overall.tightest) return;
    const double diff = std::max(overall.max_abs_diff, tally.worst.max_abs_diff);
    // A mismatch of a few calls is told as values: it is not what most calls return.
    const bool mismatch = tally.worst.match != OutputMatch::kCompared && level == kLevels;
    if (mismatch) overall.match = tally.worst.match;
    overall.tightest = level;
    overall.max_abs_diff = diff;
    overall.reason = tally.worst.reason;
  };
  loosen(seen.plain, seen.plain.LevelOf(kLevelShare));
  // The share forgives rounding, not a call that computes something else.
  const int near = std::max(overall.tightest, kStandardLevel) + kNearLevels;
  if (seen.plain.Beyond(near) > 0) loosen(seen.plain, seen.plain.worst.Level());
  const int strayed = seen.strayed.LevelOf(kStrayedShare);
  const bool far = seen.strayed.Beyond(near + kNearLevels) > 0;
  if (strayed > near || far) {
    loosen(seen.strayed, far ? seen.strayed.worst.Level() : strayed);
    overall.reason = "on inputs with some values further from their mean: " + overall.reason;
  }
  return overall;
}

void JudgeValues(const OutputComparison& overall, GraphReport* report) {
  report->max_abs_diff = overall.max_abs_diff;
  report->tolerances_ok = TolerancesOk(overall);
  report->status = StatusOf(overall.match);
  report->verdict = Verdict::kOk;
  report->reason.clear();
  if (overall.match != OutputMatch::kCompared) {
    Fail(report->status, Verdict::kIncorrect, overall.reason, report);
  } else if (overall.tightest > kStandardLevel) {
    Fail(GraphStatus::kAccuracy, Verdict::kIncorrect, overall.reason, report);
    report->mismatches = overall.mismatches;
  }
}

// Right in the first call and far off in most others, which look alike: an answer that is remembered, by pointer, shape,
// object or content.
void JudgeMemory(const Observations& seen, GraphReport* report) {
  const int calls = seen.plain.Calls() + seen.strayed.Calls();
  const int far = seen.plain.Beyond(kStandardLevel + kNearLevels) + seen.strayed.Beyond(kStandardLevel + kNearLevels);
  if (seen.first_level && *seen.first_level <= kStandardLevel && 2 * far > calls) {
    Fail(report->status, Verdict::kState,
         "the first call was right, " + std::to_string(far) + " of " + std::to_string(calls) +
             " calls with other inputs were not: " + report->reason,
         report);
  }
  if (seen.shares_memory) {
    Fail(report->status, Verdict::kState,
         "outputs of different calls lie in the same memory: each call must return tensors of its own", report);
  }
}

// "aten::gelu (8 times), aten::add (8 times)": the first few.
std::string NamesOf(const std::vector<Counted>& counted) {
  constexpr size_t kShown = 4;
  std::string text;
  for (size_t i = 0; i < counted.size() && i < kShown; ++i) {
    text += (i > 0 ? ", " : "") + counted[i].name + " (" + std::to_string(counted[i].count) + " times)";
  }
  return counted.size() > kShown ? text + " and " + std::to_string(counted.size() - kShown) + " more" : text;
}

void JudgeWitness(const Witness& witness, bool trivial, GraphReport* report) {
  const auto dispatch = [&](const std::string& reason) { Fail(report->status, Verdict::kDispatch, reason, report); };
  const std::string calls = " in " + std::to_string(witness.calls) + " calls of the graph";
  if (witness.functions != static_cast<uint64_t>(witness.calls) * static_cast<uint64_t>(witness.functions_a_call)) {
    Fail(report->status, Verdict::kTamper,
         "the replacement function was called " + std::to_string(witness.functions) + " times" + calls + ", which call it " +
             std::to_string(witness.functions_a_call) + " times each",
         report);
  }
  if (witness.observer_lost) {
    Fail(report->status, Verdict::kTamper, "what observes the dispatched operations was switched off", report);
  }
  if (const std::vector<Counted> refused = Refused(witness.operations); !refused.empty()) {
    dispatch("the replacement function computes with torch: " + NamesOf(refused) + calls +
             "; allowed are views, empty tensors, copies, casts and fills");
  }
  if (witness.copied_bytes > MostCopied(witness)) {
    dispatch("torch's own copies and fills wrote " + std::to_string(witness.copied_bytes) + " bytes" + calls +
             ", more than " + std::to_string(kCopiedShare) + " times what the graph's tensors hold");
  }
  // Wrong answers are wrong, wherever they come from; of right ones somebody made each.
  if (report->status != GraphStatus::kCorrect) return;
  if (witness.unexplained > 0) {
    dispatch("the replacement function returned " + std::to_string(witness.unexplained) + " tensors" + calls +
             " that none of its kernels and no operation that could be seen has written");
  }
  if (!witness.kernels.empty() && witness.same_without_kernels && !trivial) {
    dispatch("its kernels do not feed the output: with " + NamesOf(witness.kernels) + " left out, the answers are the same");
  }
}

std::string Us(double us) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f us", us);
  return text;
}

void JudgeClock(const Observations& seen, const Facts& facts, GraphReport* report) {
  if (seen.idle_cpu_us > kIdleCpuUs || seen.cpu_over_wall > kCpuOverWall * facts.cores) {
    Fail(report->status, Verdict::kTiming,
         "the candidate used CPU time outside its own calls (" + Us(seen.idle_cpu_us) + " between two runs, " +
             std::to_string(seen.cpu_over_wall) + " cores in one)",
         report);
  }
  if (seen.worked_beside) {
    Fail(report->status, Verdict::kTiming,
         "while its process was stopped, work that it had left on the device slowed what was measured beside it: in round after "
         "round the evaluator's own work there was late, and once its processes were gone it was not",
         report);
  }
  if (IsBelowFloor(seen, facts.floor_us)) {
    Fail(report->status, Verdict::kImplausible,
         "a call takes " + Us(*seen.candidate_us) + "; reaching the graph and writing its outputs alone takes " +
             Us(facts.floor_us),
         report);
  }
}

}  // namespace

bool IsBelowFloor(const Observations& seen, double floor_us) {
  return seen.candidate_us && *seen.candidate_us < kImplausibleShare * floor_us;
}

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
      Fail(GraphStatus::kRuntimeFail, Verdict::kTamper, failure.text, report);
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

void JudgeReplay(const GraphReport& replay, GraphReport* report) {
  if (replay.verdict != Verdict::kOk && replay.verdict != Verdict::kTrivial) {
    const Verdict verdict = replay.verdict == Verdict::kInfra ? Verdict::kInfra : Verdict::kQuarantine;
    Fail(report->status, verdict,
         "its launches alone, made again without its Python, end as " + std::string(VerdictName(replay.verdict)) + ": " +
             replay.reason,
         report);
    return;
  }
  const double apart = report->speedup_call.value_or(0) / replay.speedup_call.value_or(1);
  if (apart <= kReplayAgreement * (1 + report->noise.value_or(0) + replay.noise.value_or(0))) return;
  Fail(report->status, Verdict::kQuarantine,
       "a call takes " + Us(report->candidate_us.value_or(0)) + " beside eager's " + Us(report->eager_us.value_or(0)) +
           "; its launches alone, made again without its Python, take " + Us(replay.candidate_us.value_or(0)) + " beside " +
           Us(replay.eager_us.value_or(0)),
       report);
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
  const std::optional<CallFailure> failure = seen.failure || !seen.witness ? seen.failure : seen.witness->failure;
  if (failure) {
    report->verdict = Verdict::kOk;
    report->reason.clear();
    JudgeFailure(*failure, report);
    return;
  }
  JudgeValues(Overall(seen), report);
  JudgeMemory(seen, report);
  if (!seen.changed_input.empty()) {
    Fail(report->status, Verdict::kMutation, "input " + seen.changed_input + " was changed by the call", report);
  }
  JudgeClock(seen, facts, report);
  // One pair that happens to be alike is no property of the graph.
  const bool trivial = seen.answers_compared >= 2 && seen.answers_alike == seen.answers_compared;
  if (seen.witness) JudgeWitness(*seen.witness, trivial, report);
  if (trivial) {
    Fail(report->status, Verdict::kTrivial,
         "eager's answers pass for one another at t = -5 whatever the inputs: a constant would do", report);
  }
}

}  // namespace integrity
}  // namespace passnet::evaluator
