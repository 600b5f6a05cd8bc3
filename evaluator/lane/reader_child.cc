#include "evaluator/lane/reader_child.h"

#include <csignal>
#include <utility>

#include "evaluator/lane/clean_end.h"
#include "evaluator/lane/worker_answer.h"

namespace passnet::evaluator {
namespace {

std::string Seconds(Nanos span) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(span).count()) + " s";
}

// One child, one frame.
Result<std::optional<NoAnswer>> AskOnce(const std::shared_ptr<ForkParent>& parent, const ReaderQuestion& question,
                                        const Json& first_frame, const ReadAnswerFn& read) {
  ForkSpec spec;
  spec.role = question.role;
  spec.plan = "reader";
  spec.first_frame = first_frame.Dump();
  const Deadline deadline = Deadline::After(question.limit);
  ASSIGN_OR_RETURN(auto process, WorkerProcess::Fork(parent, spec, deadline));
  auto frame = process->channel().ReceiveFrame(deadline, question.max_bytes);
  const Status taken = frame ? read(frame.value().json) : Status(frame.error());
  if (taken) {
    // An error that it tells may be for want of memory: another time it may answer.
    const auto answer = ParseAnswer(frame.value().json, question.role);
    const bool failed = !answer || answer.value().Has("error");
    if (question.kept != nullptr && !failed && !WrongAfterAnswer(*process, deadline)) {
      question.kept->Put(AnswerKey(question.role, spec.first_frame), {std::move(frame.value().json), ""});
    }
    return std::optional<NoAnswer>();
  }
  const std::string who = "the " + question.role + " child ";
  if (frame || frame.error().code == ErrorCode::kDataCorrupt) {
    return std::optional(NoAnswer{false, taken.error().context});
  }
  if (frame.error().code == ErrorCode::kDeadlineExceeded) {
    return std::optional(NoAnswer{true, who + "gave no answer in " + Seconds(question.limit)});
  }
  const WorkerEnd end = process->End();
  if (!end.known) return frame.error().Prefixed(who + end.Text());  // its parent has gone too
  return std::optional(NoAnswer{end.signal == SIGXCPU, who + end.Text()});
}

Status TakeAnything(std::string_view frame) {
  constexpr const char* kWho = "a child with a harmless question";
  ASSIGN_OR_RETURN(Json answer, ParseAnswer(frame, kWho));
  ASSIGN_OR_RETURN(std::optional<std::string> words, ErrorIn(answer, kWho));
  return words ? Status(Internal(std::string(kWho) + " failed: " + *words)) : OkStatus();
}

}  // namespace

Result<std::optional<NoAnswer>> AskReader(const std::shared_ptr<ForkParent>& parent, const ReaderQuestion& question,
                                          const ReadAnswerFn& read) {
  if (question.kept != nullptr) {
    const ChildAnswer* known = question.kept->Find(AnswerKey(question.role, question.first_frame.Dump()));
    if (known != nullptr && read(known->frame)) return std::optional<NoAnswer>();
  }
  ASSIGN_OR_RETURN(std::optional<NoAnswer> first, AskOnce(parent, question, question.first_frame, read));
  if (!first || !question.twice) return first;
  ASSIGN_OR_RETURN(std::optional<NoAnswer> second, AskOnce(parent, question, question.first_frame, read));
  if (!second) return second;
  ASSIGN_OR_RETURN(std::optional<NoAnswer> harmless, AskOnce(parent, question, question.harmless, TakeAnything));
  if (harmless) {
    return Error{ErrorCode::kUnavailable, second->how + "; nor does it answer a harmless question: " + harmless->how};
  }
  const std::string both = first->how == second->how ? first->how + ", twice" : first->how + "; then " + second->how;
  return std::optional(NoAnswer{second->timed_out, both + "; it answers a harmless question"});
}

}  // namespace passnet::evaluator
