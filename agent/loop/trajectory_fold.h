// Where a trajectory stands: a fold of its events and nothing else. The running loop applies each event after it became
// durable; a resume applies the stored ones: both arrive at the same state, so both go on in the same way.
// Threads: thread-compatible. Owns: the conversation, the round's candidate and the best one.
// Errors: kDataCorrupt (an event that does not follow from the ones before it, content that does not parse).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/llm/retry_policy.h"
#include "agent/loop/options.h"
#include "base/json.h"
#include "base/result.h"
#include "dialects/chat.h"
#include "dialects/dialect.h"
#include "dialects/raw_reply.h"
#include "evaluator/api/evaluation.h"
#include "prompts/refine_prompts.h"
#include "trajectories/event.h"

namespace passnet::agent {

struct Candidate {
  int64_t round = 0;
  std::string hash;
  std::vector<evaluator::CandidateFile> files;
};

// The bytes of a content reference, by its name.
using ContentFn = std::function<Result<std::string>(const std::string& name)>;

enum class NextStep {
  kStart,     // trajectory_started
  kRender,    // the prompt of the next round
  kAsk,       // the model
  kParse,     // the settled reply
  kEvaluate,  // the round's candidate
  kFeedback,  // what the model is told about the round
  kFinal,     // the best candidate, with the scoring profile
  kBaseline,  // TorchInductor's figures of the task
  kFinish,    // trajectory_finished
  kDone,
};

class TrajectoryFold {
 public:
  // `read`: what the reply of an llm_outcome comes to, where it was read already; nullptr: it is read here.
  // `at_utc_us`: when the event was stored.
  Status Apply(const trajectories::EventDraft& event, const ContentFn& content,
               const dialects::AttemptOutcome* read = nullptr, int64_t at_utc_us = 0);

  NextStep Next(const RefineOptions& options) const;

  // ---- what the steps need
  int64_t round() const { return round_; }
  const std::vector<dialects::ChatMessage>& messages() const { return messages_; }

  struct OpenCall {
    std::string id;
    dialects::WireRequest request;          // as journaled: what every attempt sends
    AttemptCounts counts{0, 0, 0};
    int64_t failing_since_utc_us = 0;       // when its first attempt had failed; 0: none has
    bool in_flight = false;                // an attempt was sent and nothing is known of it
    std::optional<dialects::RawReply> raw;  // arrived, not yet interpreted
    int64_t reserved_tokens = 0;
    std::optional<int64_t> reserved_microusd;
  };
  const std::optional<OpenCall>& open_call() const { return open_call_; }
  int64_t calls() const { return calls_; }
  int64_t lost_in_round() const { return lost_in_round_; }

  const std::optional<dialects::AttemptOutcome>& reply() const { return reply_; }
  const std::string& reply_call_id() const { return reply_call_id_; }
  const std::string& format_problem() const { return format_problem_; }
  const std::optional<Candidate>& candidate() const { return candidate_; }
  const std::optional<evaluator::EvaluationReport>& report() const { return report_; }
  // Of the evaluation that is being asked for: intent written, lane failed so many times.
  const std::string& open_evaluation() const { return open_evaluation_; }
  int64_t evaluation_failures() const { return evaluation_failures_; }

  struct Best {
    Candidate candidate;
    evaluator::Verdict verdict = evaluator::Verdict::kInfra;
    double score = 0;
  };
  const std::optional<Best>& best() const { return best_; }
  const std::optional<evaluator::EvaluationReport>& final_report() const { return final_report_; }

  // Path of a graph to the speed-up that TorchInductor reached on it, once the baseline was measured.
  const std::map<std::string, double>& inductor_speedups() const { return inductor_speedups_; }

  const std::string& feedback() const { return feedback_; }
  // What its first prompt shows of an earlier sample.
  const std::optional<prompts::StartingPoint>& start() const { return start_; }
  // No further round is played; what is left is to measure the best candidate so far.
  bool ends() const { return stop_ != Stop::kNone; }
  // What its calls have cost or may have cost.
  const Amount& spent() const { return spent_; }

  // What trajectory_finished carries, once Next() is kFinish.
  std::string Outcome() const;
  std::string Reason(const RoundOptions& options) const;

 private:
  // Set by an event after which no further round is played.
  enum class Stop { kNone, kBudget, kContext, kCancelled, kInfra };
  bool Plateau(const RoundOptions& options) const;
  void BeginRound(int64_t round);
  Status ApplyStart(const trajectories::EventDraft& event, const ContentFn& content);
  Status ApplyPrompt(const trajectories::EventDraft& event, const ContentFn& content);
  Status ApplyIntent(const trajectories::EventDraft& event, const ContentFn& content);
  Status ApplyParsed(const trajectories::EventDraft& event);
  Status ApplyStop(const trajectories::EventDraft& event);
  Status ApplyCall(const trajectories::EventDraft& event, const ContentFn& content, int64_t at_utc_us);
  void AttemptFailed(const trajectories::EventDraft& event, const Json& payload, int64_t at_utc_us);
  Status ApplyOutcome(const trajectories::EventDraft& event, const dialects::AttemptOutcome* read);
  Status ApplyCandidate(const trajectories::EventDraft& event, const ContentFn& content);
  Status ApplyReport(const trajectories::EventDraft& event);
  void ApplyBaseline(const trajectories::EventDraft& event);
  void Consider(const evaluator::EvaluationReport& report);
  void StopFor(Stop stop, std::string text);

  bool started_ = false;
  bool finished_ = false;
  Stop stop_ = Stop::kNone;
  std::string stop_text_;

  Amount spent_{0, 0, 0};
  std::optional<prompts::StartingPoint> start_;
  std::vector<dialects::ChatMessage> messages_;
  int64_t calls_ = 0;
  std::vector<std::optional<double>> round_scores_;  // by round: the score of a correct candidate
  std::optional<Best> best_;
  std::optional<evaluator::EvaluationReport> final_report_;
  bool baseline_done_ = false;
  std::map<std::string, double> inductor_speedups_;
  bool said_done_ = false;  // by the model: no further round is played

  // Of the evaluation that is being asked for.
  std::string open_evaluation_;
  std::string open_purpose_;
  int64_t evaluation_failures_ = 0;
  bool may_measure_final_ = true;  // after a failure of ours: not when that measurement is what failed, or was cancelled

  // Of the round.
  int64_t round_ = 0;
  std::optional<OpenCall> open_call_;
  int64_t lost_in_round_ = 0;
  std::optional<dialects::AttemptOutcome> reply_;
  std::string reply_call_id_;
  bool parsed_ = false;
  std::string format_problem_;
  std::optional<Candidate> candidate_;
  std::optional<evaluator::EvaluationReport> report_;
  bool feedback_given_ = false;
  std::string feedback_;
};

}  // namespace passnet::agent
