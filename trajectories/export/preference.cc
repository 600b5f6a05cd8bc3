#include "trajectories/export/preference.h"

#include <algorithm>
#include <utility>

#include "base/sha256.h"

namespace passnet::trajectories {
namespace {

// Chosen: beyond what two measurements of one pass differ by in the short profile (docs/measuring.md); a pair that the
// toss of a coin decided teaches nothing.
constexpr double kClearlyWorse = 0.9;

// Not by the request's bytes, which also hold the sample's seed.
std::string PromptKey(const std::string& campaign_id, const ModelCall& call) {
  Sha256 sha;
  sha.UpdateField(campaign_id);
  for (const dialects::StoredMessage& message : call.request) {
    sha.UpdateField(message.role).UpdateField(message.content.value_or(""));
  }
  return ToHex(sha.Finish());
}

bool IsBetter(const MeasuredAnswer& a, const MeasuredAnswer& b) {
  if (a.judgement.good != b.judgement.good) return a.judgement.good;
  return a.judgement.score.value_or(0) > b.judgement.score.value_or(0);
}

bool IsClearlyWorse(const Judgement& worse, const Judgement& better) {
  if (!better.good) return false;
  return !worse.good || worse.score.value_or(0) < kClearlyWorse * better.score.value_or(0);
}

}  // namespace

void PromptGroups::Add(const std::string& campaign_id, const ModelCall& call, MeasuredAnswer answer) {
  const auto at = group_of_.emplace(PromptKey(campaign_id, call), groups_.size()).first;
  if (at->second == groups_.size()) groups_.emplace_back();
  groups_[at->second].push_back(std::move(answer));
}

std::vector<PreferencePair> PromptGroups::Pairs() const {
  std::vector<PreferencePair> pairs;
  for (const auto& group : groups_) {
    const MeasuredAnswer* best = nullptr;
    const MeasuredAnswer* worst = nullptr;
    for (const MeasuredAnswer& answer : group) {
      if (answer.may_be_chosen && (best == nullptr || IsBetter(answer, *best))) best = &answer;
      if (worst == nullptr || IsBetter(*worst, answer)) worst = &answer;
    }
    if (best != nullptr && IsClearlyWorse(worst->judgement, best->judgement)) pairs.push_back({*best, *worst});
  }
  return pairs;
}

}  // namespace passnet::trajectories
