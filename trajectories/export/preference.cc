#include "trajectories/export/preference.h"

#include <utility>

namespace passnet::trajectories {
namespace {

// Chosen: beyond what two measurements of one pass differ by in the short profile (docs/measuring.md); a pair that the
// toss of a coin decided teaches nothing.
constexpr double kClearlyWorse = 0.9;

bool IsBetter(const MeasuredAnswer& a, const MeasuredAnswer& b) {
  if (a.judgement.good != b.judgement.good) return a.judgement.good;
  return a.judgement.score.value_or(0) > b.judgement.score.value_or(0);
}

bool IsClearlyWorse(const Judgement& worse, const Judgement& better) {
  if (!better.good) return false;
  return !worse.good || worse.score.value_or(0) < kClearlyWorse * better.score.value_or(0);
}

}  // namespace

Status PromptGroups::Add(const std::string& campaign_id, const SettledCall& call, MeasuredAnswer answer) {
  ASSIGN_OR_RETURN(std::string key, PromptKey(campaign_id, call));
  const auto at = group_of_.emplace(std::move(key), groups_.size()).first;
  if (at->second == groups_.size()) groups_.emplace_back();
  groups_[at->second].push_back(std::move(answer));
  return OkStatus();
}

std::optional<PreferencePair> PromptGroups::PairOf(size_t group) const {
  const MeasuredAnswer* best = nullptr;
  const MeasuredAnswer* worst = nullptr;
  for (const MeasuredAnswer& answer : groups_[group]) {
    if (answer.may_be_chosen && (best == nullptr || IsBetter(answer, *best))) best = &answer;
    if (worst == nullptr || IsBetter(*worst, answer)) worst = &answer;
  }
  if (best == nullptr || !IsClearlyWorse(worst->judgement, best->judgement)) return std::nullopt;
  return PreferencePair{*best, *worst};
}

void PromptGroups::Drop(size_t group, const std::string& call_id) {
  std::erase_if(groups_[group], [&](const MeasuredAnswer& answer) { return answer.call_id == call_id; });
}

// Not by the request's bytes, which also hold the sample's seed: by the pieces with a message each, and by what the rest
// of the request says.
Result<std::string> PromptGroups::PromptKey(const std::string& campaign_id, const SettledCall& call) {
  ASSIGN_OR_RETURN(const Sha256Digest request, RefNamed(call.intent, "request"));
  ASSIGN_OR_RETURN(const std::vector<Sha256Digest> pieces, reader_.Pieces(request));
  Sha256 sha;
  sha.UpdateField(campaign_id);
  if (pieces.size() < 2) return ToHex(sha.UpdateField(ToHex(request)).Finish());
  ASSIGN_OR_RETURN(const std::string around, TextAround(call, pieces.front(), pieces.back()));
  sha.UpdateField(around);
  for (size_t i = 1; i + 1 < pieces.size(); ++i) sha.UpdateField(ToHex(pieces[i]));
  return ToHex(sha.Finish());
}

// What a request says beside its list of messages: the system prompt, in dialects that have a place of its own for it.
// The same few heads and tails are around all requests of a campaign.
Result<std::string> PromptGroups::TextAround(const SettledCall& call, const Sha256Digest& head,
                                             const Sha256Digest& tail) {
  const auto known = around_.find({head, tail});
  if (known != around_.end()) return known->second;
  ASSIGN_OR_RETURN(const std::string begin, reader_.Content(head));
  ASSIGN_OR_RETURN(const std::string end, reader_.Content(tail));
  ASSIGN_OR_RETURN(const dialects::Dialect* dialect, DialectOf(&reader_, *call.intent));
  ASSIGN_OR_RETURN(const auto messages, dialect->ReadMessages(begin + end));
  std::string text;
  for (const dialects::StoredMessage& message : messages) {
    text += message.role + " " + message.content.value_or("") + "\n";
  }
  return around_[{head, tail}] = std::move(text);
}

}  // namespace passnet::trajectories
