#include "tests/chaos/claims.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "agent/campaign/launch.h"
#include "agent/replay/agent_replay.h"
#include "trajectories/verify.h"

namespace passnet::chaos {
namespace {

constexpr size_t kMostExamples = 5;
constexpr double kFailedScore = 0.1;  // b of the campaigns, which is PassBench's own

std::string Name(const AttemptRecord& attempt) { return attempt.call + ", attempt " + std::to_string(attempt.number); }

bool IsNeverSent(const AttemptRecord& attempt) { return attempt.received && !attempt.sent; }
bool IsInDoubt(const AttemptRecord& attempt) { return attempt.request_id.empty() && !IsNeverSent(attempt); }

// Requests that an attempt may stand for beside the one whose answer it holds.
int64_t UnansweredOf(const AttemptRecord& attempt) {
  // Without an end nobody knows whether it was being sent once more, on a fresh connection.
  if (!attempt.received) return 2;
  return (IsInDoubt(attempt) ? 1 : 0) + (attempt.asked_on_fresh ? 1 : 0);
}

class Judgement {
 public:
  explicit Judgement(const Evidence& evidence) : evidence_(evidence) {
    for (const LedgerEntry& entry : evidence.requests) entries_[RequestId(entry.number)] = &entry;
    for (const AttemptRecord& attempt : evidence.journal.attempts) {
      if (Entry(attempt) != nullptr) answered_.insert(attempt.request_id);
    }
  }

  const LedgerEntry* Entry(const AttemptRecord& attempt) const { return EntryOf(attempt.request_id); }
  const LedgerEntry* EntryOf(const std::string& request_id) const {
    auto found = entries_.find(request_id);
    return found == entries_.end() ? nullptr : found->second;
  }
  bool IsAnswered(const LedgerEntry& entry) const { return answered_.count(RequestId(entry.number)) > 0; }

  Claim RequestsHaveAttempts() const {
    Claim claim{"requests_without_attempt", "every request at the endpoint is an attempt of the journal"};
    std::map<Sha256Digest, int64_t> unanswered, allowed;
    for (const LedgerEntry& entry : evidence_.requests) {
      if (entry.kind.starts_with("not understood")) claim.Against(RequestId(entry.number) + ": " + entry.kind);
      if (!IsAnswered(entry)) ++unanswered[entry.request];
    }
    for (const AttemptRecord& attempt : evidence_.journal.attempts) allowed[attempt.request] += UnansweredOf(attempt);
    for (const auto& [request, count] : unanswered) {
      for (int64_t i = allowed[request]; i < count; ++i) claim.Against("a request " + ToHex(request));
    }
    return claim;
  }

  Claim AnswersHaveRequests() const {
    Claim claim{"answers_without_request", "every answer in the journal is one of the endpoint's, to that request, once"};
    std::set<std::string> seen;
    for (const AttemptRecord& attempt : evidence_.journal.attempts) {
      if (attempt.request_id.empty()) continue;
      const LedgerEntry* entry = Entry(attempt);
      if (entry == nullptr) {
        claim.Against(Name(attempt) + ": the endpoint knows no " + attempt.request_id);
      } else if (entry->request != attempt.request) {
        claim.Against(Name(attempt) + ": " + attempt.request_id + " was another request");
      } else if (!seen.insert(attempt.request_id).second) {
        claim.Against(Name(attempt) + ": " + attempt.request_id + " answers another attempt too");
      }
    }
    return claim;
  }

  Claim AllHasOneEnd() const {
    Claim claim{"ends_missing_or_doubled", "every call ends once, every attempt is settled once"};
    for (const auto& [id, call] : evidence_.journal.calls) {
      if (call.ends != 1) claim.Against(id + " has " + std::to_string(call.ends) + " ends");
    }
    for (const AttemptRecord& attempt : evidence_.journal.attempts) {
      if (attempt.settled != 1) claim.Against(Name(attempt) + " is settled " + std::to_string(attempt.settled) + " times");
    }
    return claim;
  }

  Claim BillIsTheEndpoints() const {
    Claim claim{"bill_differences", "what was told is billed exactly, what is in doubt at the most it may have cost"};
    int64_t sum = 0;
    for (const AttemptRecord& attempt : evidence_.journal.attempts) {
      sum += attempt.microusd;
      if (std::string wrong = WrongBill(attempt); !wrong.empty()) claim.Against(Name(attempt) + ": " + wrong);
    }
    if (sum != evidence_.journal.microusd) {
      claim.Against("attempts come to " + std::to_string(sum) + " micro-dollars, all events to " +
                    std::to_string(evidence_.journal.microusd));
    }
    JudgeUnanswered(&claim);
    return claim;
  }

  Claim NothingGradedTwice() const {
    Claim claim{"graded_twice", "no reply and no candidate is taken twice, none is measured once its report is stored"};
    std::set<std::string> evaluations, replies;
    std::map<std::string, int64_t> life_of_report;
    for (const ReportRecord& report : evidence_.journal.reports) {
      if (!evaluations.insert(report.evaluation).second) claim.Against("evaluation " + report.evaluation);
      const std::string round = report.trajectory + ", round " + std::to_string(report.round) + ", " + report.purpose;
      if (!evaluations.insert(round).second) claim.Against(round);
      life_of_report[report.evaluation] = LifeOf(report.row_id);
    }
    for (const auto& [id, call] : evidence_.journal.calls) {
      if (!call.accepted.empty() && !replies.insert(call.accepted).second) claim.Against(id + ": " + call.accepted);
    }
    for (const LaneLine& line : evidence_.lane) {
      auto report = life_of_report.find(line.which);
      const bool late = line.what == "evaluate" && report != life_of_report.end() && line.life > report->second;
      if (late) claim.Against("evaluation " + line.which + " was measured again in life " + std::to_string(line.life));
    }
    return claim;
  }

  // What the endpoint handed over and the journal accepted is graded, as its candidate says.
  Claim AcceptedIsGraded() const {
    Claim claim{"accepted_lost", "every accepted candidate has its report, with the grade that belongs to it"};
    std::map<std::string, const ReportRecord*> refined;  // by trajectory and round
    const auto key = [](const std::string& trajectory, int64_t round) { return trajectory + "#" + std::to_string(round); };
    for (const ReportRecord& report : evidence_.journal.reports) {
      if (report.purpose == "refine") refined[key(report.trajectory, report.round)] = &report;
    }
    for (const auto& [id, call] : evidence_.journal.calls) {
      const LedgerEntry* entry = call.accepted.empty() ? nullptr : EntryOf(call.accepted);
      if (entry == nullptr || !entry->grade) continue;
      auto report = refined.find(key(call.trajectory, call.round));
      const double score = entry->grade->verdict == "OK" ? entry->grade->speedup : kFailedScore;
      if (report == refined.end()) {
        claim.Against(id + ": no report of what it gave");
      } else if (report->second->grade.verdict != entry->grade->verdict || report->second->grade.speedup != score) {
        claim.Against(id + ": graded " + report->second->grade.verdict + " instead of " + entry->grade->verdict);
      }
    }
    for (const ReportRecord& report : evidence_.journal.reports) {
      if (report.purpose == "refine") continue;
      auto round = refined.find(key(report.trajectory, report.round));
      const bool same = round != refined.end() && round->second->grade.verdict == report.grade.verdict &&
                        round->second->grade.speedup == report.grade.speedup;
      if (!same) claim.Against(report.trajectory + ": the last measurement is of no round's candidate");
    }
    return claim;
  }

 private:
  // Empty when the journal has it as the endpoint counts.
  std::string WrongBill(const AttemptRecord& attempt) const {
    const LedgerEntry* entry = Entry(attempt);
    if (attempt.usage_source == "provider") {
      if (entry == nullptr || !entry->told) return "usage that nobody told";
      if (*entry->told == attempt.tokens && entry->told->microusd() == attempt.microusd) return "";
      return "\"" + entry->kind + "\", " + attempt.outcome + ": told " + std::to_string(entry->told->microusd()) +
             " micro-dollars, stored " + std::to_string(attempt.microusd);
    }
    if (attempt.usage_source == "none" && attempt.microusd != 0) return "a cost without a source";
    if (attempt.usage_source == "none" && IsInDoubt(attempt)) return "perhaps billed, and nothing is set aside";
    if (entry == nullptr || entry->billed.microusd() <= attempt.microusd) return "";
    return "\"" + entry->kind + "\", " + attempt.outcome + ": billed at " + std::to_string(entry->billed.microusd()) +
           ", set aside " + std::to_string(attempt.microusd);
  }

  void JudgeUnanswered(Claim* claim) const {
    std::map<Sha256Digest, int64_t> billed, reserved;
    for (const LedgerEntry& entry : evidence_.requests) {
      if (!IsAnswered(entry)) billed[entry.request] += entry.billed.microusd();
    }
    for (const AttemptRecord& attempt : evidence_.journal.attempts) {
      if (IsInDoubt(attempt)) reserved[attempt.request] += attempt.microusd;
    }
    for (const auto& [request, microusd] : billed) {
      if (microusd <= reserved[request]) continue;
      claim->Against("requests " + ToHex(request) + " were billed at " + std::to_string(microusd) + ", " +
                     std::to_string(reserved[request]) + " are set aside");
    }
  }

  int64_t LifeOf(int64_t row_id) const {
    const auto& lives = evidence_.lives;
    return std::lower_bound(lives.begin(), lives.end(), row_id) - lives.begin() - 1;
  }

  const Evidence& evidence_;
  std::map<std::string, const LedgerEntry*> entries_;
  std::set<std::string> answered_;  // request ids that the journal knows
};

}  // namespace

void Claim::Against(std::string example) {
  ++against;
  if (examples.size() < kMostExamples) examples.push_back(std::move(example));
}

Balance BalanceOf(const Evidence& evidence) {
  const Judgement judgement(evidence);
  Balance balance;
  balance.requests = static_cast<int64_t>(evidence.requests.size());
  balance.attempts = static_cast<int64_t>(evidence.journal.attempts.size());
  for (const LedgerEntry& entry : evidence.requests) {
    if (judgement.IsAnswered(entry)) {
      ++balance.answered;
    } else {
      ++balance.unanswered;
      balance.billed_for_reserved_microusd += entry.billed.microusd();
    }
  }
  for (const AttemptRecord& attempt : evidence.journal.attempts) {
    balance.never_sent += IsNeverSent(attempt);
    balance.in_doubt += IsInDoubt(attempt);
    balance.asked_on_fresh += attempt.asked_on_fresh;
    balance.lost_calls += attempt.outcome == "lost";
    const LedgerEntry* entry = judgement.Entry(attempt);
    if (attempt.usage_source == "provider") {
      balance.believed_microusd += attempt.microusd;
      if (entry != nullptr && entry->told) balance.told_microusd += entry->told->microusd();
    } else {
      balance.reserved_microusd += attempt.microusd;
      if (entry != nullptr) balance.billed_for_reserved_microusd += entry->billed.microusd();
    }
  }
  return balance;
}

std::vector<Claim> Judge(const Evidence& evidence) {
  const Judgement judgement(evidence);
  return {judgement.RequestsHaveAttempts(), judgement.AnswersHaveRequests(), judgement.AllHasOneEnd(),
          judgement.BillIsTheEndpoints(),   judgement.AcceptedIsGraded(),    judgement.NothingGradedTwice()};
}

Result<Claim> JudgeReplies(const Evidence& evidence, trajectories::Reader& reader) {
  const Judgement judgement(evidence);
  Claim claim{"replies_changed", "what is stored of a reply is what the endpoint sent, from its first byte on"};
  for (const AttemptRecord& attempt : evidence.journal.attempts) {
    const LedgerEntry* entry = judgement.Entry(attempt);
    if (entry == nullptr || !attempt.reply) continue;
    ASSIGN_OR_RETURN(const std::string stored, reader.Content(*attempt.reply));
    if (!entry->reply.starts_with(stored)) claim.Against(Name(attempt) + ": \"" + entry->kind + "\"");
  }
  return claim;
}

Result<Claim> JudgeReplay(trajectories::Reader& reader) {
  Claim claim{"replayed_differently", "every decision is made again from what is stored, with the same bytes"};
  ASSIGN_OR_RETURN(const auto campaigns, agent::AllCampaigns(reader));
  for (const auto& campaign : campaigns) {
    ASSIGN_OR_RETURN(const auto launch, agent::LoadLaunch(reader, campaign.campaign_id));
    ASSIGN_OR_RETURN(const auto trajectories, agent::AllTrajectories(reader, campaign.campaign_id));
    for (const auto& state : trajectories) {
      ASSIGN_OR_RETURN(const auto replay, agent::ReplayTrajectory(reader, launch, state));
      if (!replay.finished) claim.Against(state.trajectory_id + " has no end");
      if (replay.difference) {
        claim.Against(state.trajectory_id + ", seq " + std::to_string(replay.difference->seq) + " " +
                      replay.difference->kind + " " + replay.difference->field + ": " + replay.difference->stored + " / " +
                      replay.difference->replayed);
      }
    }
  }
  return claim;
}

Result<Claim> JudgeVerify(const std::string& journal, const std::string& head_log) {
  Claim claim{"verify_findings", "the journal is what was written, with every head that was told meanwhile"};
  ASSIGN_OR_RETURN(auto log, trajectories::ReadHeadLog(head_log));
  ASSIGN_OR_RETURN(const auto report, trajectories::Verify({journal, "", std::move(log.heads)}));
  if (report.first) claim.Against(report.first->where + ": " + report.first->detail);
  if (report.orphans > 0) claim.Against(std::to_string(report.orphans) + " contents that no event names");
  return claim;
}

}  // namespace passnet::chaos
