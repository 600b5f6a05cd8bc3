#include "evaluator/lane/match.h"

#include <limits>
#include <utility>
#include <vector>

#include "base/sha256.h"
#include "evaluator/integrity/judge.h"
#include "evaluator/lane/worker_answer.h"

namespace passnet::evaluator {
namespace {

constexpr const char* kWho = "the match child";
constexpr std::chrono::seconds kMatchLimit{60};
constexpr uint32_t kMaxPlanBytes = 16u << 20;

// The pattern that came furthest: what a model can use.
Result<std::string> MissReason(const Json& plan) {
  const std::string text = "no pattern matched";
  const Json& mismatch = plan["first_mismatch"];
  if (mismatch.is_null()) return text;
  std::string pass, what;
  RETURN_IF_ERROR(ReadAnswer(plan, kWho, [&](FieldVisitor& fields) {
    fields.Enter("first_mismatch");
    fields.Required("pass");
    fields.Text("pass", &pass);
    fields.Text("what", &what);
    fields.Leave();
  }));
  const std::string& node = mismatch["pattern_node"].Text();  // null where no single node shows it
  return text + ": pass " + pass + ": " + (node.empty() ? "" : "pattern node " + node + " did not line up: ") + what;
}

Result<Match> ReadMatch(Json plan) {
  Match match;
  ASSIGN_OR_RETURN(std::optional<std::string> words, ErrorIn(plan, kWho));
  if (words) {
    match.miss = "matching failed: " + integrity::LastLine(*words);
    return match;
  }
  std::vector<std::string> refused;
  bool rewrites = false;
  RETURN_IF_ERROR(ReadAnswer(plan, kWho, [&](FieldVisitor& fields) {
    VisitInteger(fields, "matched_nodes", &match.matched_nodes, 0, std::numeric_limits<int>::max());
    fields.Number("coverage", &match.coverage, 0, 1);
    fields.Required("upstream_refuses");
    fields.Texts("upstream_refuses", &refused);
    fields.Required("rewrites");
    // Their content goes on to the candidate's process unread.
    fields.List("rewrites", 0, [&](size_t size) { rewrites = size > 0; }, [](size_t) {});
  }));
  match.upstream_refuses = !refused.empty();
  if (!rewrites) {
    ASSIGN_OR_RETURN(match.miss, MissReason(plan));
  }
  match.plan = std::move(plan);
  return match;
}

}  // namespace

Result<Match> MatchPatterns(std::shared_ptr<ForkParent> task, const Json& traced, Matching matching, KeptAnswers* kept) {
  ForkSpec spec;
  spec.role = "match";
  spec.plan = "reader";
  spec.first_frame = Json{{"traced", traced}, {"matching", MatchingName(matching)}}.Dump();
  const std::string key = Sha256Hex(spec.first_frame);
  if (const ChildAnswer* answer = kept != nullptr ? kept->Find(key) : nullptr) {
    ASSIGN_OR_RETURN(Json plan, ParseAnswer(answer->frame, kWho));
    return ReadMatch(std::move(plan));
  }
  const Deadline deadline = Deadline::After(kMatchLimit);
  ASSIGN_OR_RETURN(auto process, WorkerProcess::Fork(std::move(task), spec, deadline));
  ASSIGN_OR_RETURN(FrameWithFds frame, process->channel().ReceiveFrame(deadline, kMaxPlanBytes));
  ASSIGN_OR_RETURN(Json plan, ParseAnswer(frame.json, kWho));
  const bool failed = plan.Has("error");  // may be for want of memory: another time it may match
  ASSIGN_OR_RETURN(Match match, ReadMatch(std::move(plan)));
  if (kept != nullptr && !failed && EndedCleanly(*process)) kept->Put(key, {std::move(frame.json), ""});
  return match;
}

Result<Match> MatchPatterns(const std::shared_ptr<TaskChild>& task, const Json& traced, Matching matching) {
  return MatchPatterns(task, traced, matching, &task->plans());
}

}  // namespace passnet::evaluator
