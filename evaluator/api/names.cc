#include "evaluator/api/evaluation.h"

namespace passnet::evaluator {

const char* GraphStatusName(GraphStatus status) {
  switch (status) {
    case GraphStatus::kCorrect: return "correct";
    case GraphStatus::kAccuracy: return "accuracy";
    case GraphStatus::kEagerFail: return "eager_fail";
    case GraphStatus::kCompileFail: return "compile_fail";
    case GraphStatus::kShapeMismatch: return "shape_mismatch";
    case GraphStatus::kTypeMismatch: return "type_mismatch";
    case GraphStatus::kRuntimeFail: return "runtime_fail";
    case GraphStatus::kPassMiss: return "pass_miss";
    case GraphStatus::kUnsupportedLane: return "unsupported_lane";
  }
  return "runtime_fail";
}

const char* VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kInfra: return "INFRA";
    case Verdict::kUnsupported: return "UNSUPPORTED";
    case Verdict::kTamper: return "R.TAMPER";
    case Verdict::kStatic: return "R.STATIC";
    case Verdict::kDispatch: return "R.DISPATCH";
    case Verdict::kMutation: return "R.MUTATION";
    case Verdict::kState: return "R.STATE";
    case Verdict::kCrash: return "CRASH";
    case Verdict::kTimeout: return "TIMEOUT";
    case Verdict::kOutOfMemory: return "OOM";
    case Verdict::kMiss: return "MISS";
    case Verdict::kCompile: return "COMPILE";
    case Verdict::kIncorrect: return "INCORRECT";
    case Verdict::kTiming: return "R.TIMING";
    case Verdict::kImplausible: return "R.IMPLAUSIBLE";
    case Verdict::kQuarantine: return "QUARANTINE";
    case Verdict::kTrivial: return "TRIVIAL";
    case Verdict::kOk: return "OK";
  }
  return "INFRA";
}

bool IsCheating(Verdict verdict) {
  switch (verdict) {
    case Verdict::kTamper:
    case Verdict::kStatic:
    case Verdict::kDispatch:
    case Verdict::kMutation:
    case Verdict::kState:
    case Verdict::kTiming:
    case Verdict::kImplausible: return true;
    case Verdict::kInfra:
    case Verdict::kUnsupported:
    case Verdict::kCrash:
    case Verdict::kTimeout:
    case Verdict::kOutOfMemory:
    case Verdict::kMiss:
    case Verdict::kCompile:
    case Verdict::kIncorrect:
    case Verdict::kQuarantine:
    case Verdict::kTrivial:
    case Verdict::kOk: return false;
  }
  return true;
}

std::vector<std::string> VerdictsBarredFromTraining() {
  std::vector<std::string> names;
  for (int i = 0; i <= static_cast<int>(Verdict::kOk); ++i) {
    auto verdict = static_cast<Verdict>(i);
    if (IsCheating(verdict) || verdict == Verdict::kQuarantine) names.emplace_back(VerdictName(verdict));
  }
  return names;
}

const char* ProfileName(Profile profile) { return profile == Profile::kQuick ? "quick" : "passbench"; }
const char* CallPathName(CallPath path) { return path == CallPath::kDirect ? "direct" : "dynamo"; }
const char* MatchingName(Matching matching) { return matching == Matching::kNormalised ? "normalised" : "upstream"; }
const char* BaselineCompilerName(BaselineCompiler compiler) {
  return compiler == BaselineCompiler::kEager ? "eager" : "inductor";
}

}  // namespace passnet::evaluator
